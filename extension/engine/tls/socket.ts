/**
 * A connection that carries TLS. Reads its unencrypted part, and creates an exchange without messages if nothing
 * else shows the connection: when the handshake fails, hangs or is cut off, and when its plaintext is not seen.
 * Plaintext that is seen arrives as a session of its own (connections.ts), bound to this connection.
 */
import type { MissingReason, PieceContext } from '../byteStream.ts';
import type { ConnectionHost, TlsDissector } from '../dissector.ts';
import type { Side } from '../exchange.ts';
import { ENCRYPTED_PATIENCE, REASON_PATIENCE, SESSION_PATIENCE } from '../limits.ts';
import { Direction } from '../record.ts';
import type { StoredConnection, StoredExchange } from '../storedExchange.ts';
import { StoredTls } from '../storedTls.ts';
import {
  alertText,
  cutText,
  foreignText,
  NOTHING_SENT,
  nothingSentText,
  type TlsEnd,
  withLibraryReason,
} from './failure.ts';
import { TlsWire } from './wire.ts';

/** The server's alert is encrypted, and the program has not read it. */
const DECLINED =
  'TLS handshake failed: the server asked the client for a certificate, got none, and ended the connection';

export class TlsSocket implements TlsDissector {
  readonly #info: StoredConnection;
  readonly #host: ConnectionHost;
  readonly #relayed: boolean;
  readonly #wire = new TlsWire();
  readonly #bytes: [number, number] = [0, 0];
  /** The exchange that represents the connection; null while none is needed. */
  #exchange: StoredExchange | null = null;
  /** The sessions bound to it, and whether one of them has had plaintext. */
  #sessions = 0;
  #plaintext = false;
  #ended = false;
  #pid = 0;
  #firstTime: number | null = null;
  /** Boot time (ns) since which plaintext is awaited. */
  #waitingSince: number | null = null;
  #firstEnd: TlsEnd | null = null;
  /** The error that its sessions' library reports. */
  #failure: string | null = null;
  #verdict: string | null = null;
  /** The connection has ended, and the helper may be about to report the libraries of its process. */
  #ending: { readonly at: number; readonly since: number } | null = null;
  /** The handshake has failed, and the library may be about to report why. */
  #failing: { readonly text: string; readonly at: number; readonly since: number } | null = null;
  #time = 0;

  /** @param relayed the process may be a proxy that only passes the bytes on, unless it has a session for them. */
  constructor(info: StoredConnection, host: ConnectionHost, relayed = false) {
    this.#info = info;
    this.#host = host;
    this.#relayed = relayed;
    info.tls = new StoredTls();
    info.tls.socket = info.id;
    info.tls.wire = this.#wire.facts;
    info.wire = this.#wire.facts;
  }

  get waiting(): boolean {
    if (this.#ending !== null) return true;
    if (this.#isForeign) return false;
    return !this.#ended && !this.#plaintext && (this.#exchange === null || this.#failing !== null);
  }

  get #isForeign(): boolean {
    return this.#relayed && this.#sessions === 0;
  }

  get ending(): boolean {
    return this.#ending !== null;
  }

  opened(): void {
    this.#changed();
  }

  bytes(direction: Direction, bytes: Buffer, context: PieceContext): void {
    this.#moved(direction, bytes.length, context);
    const { established } = this.#wire.facts;
    this.#wire.feed(direction, bytes, context.time);
    this.#look(established, context);
  }

  missing(direction: Direction, length: number, _reason: MissingReason, context: PieceContext): void {
    this.#moved(direction, length, context);
    const { established } = this.#wire.facts;
    this.#wire.gap(direction, length, context.time);
    this.#look(established, context);
  }

  ended(direction: Direction, orderly: boolean, context: PieceContext): void {
    this.#time = Math.max(this.#time, context.time);
    this.#firstEnd ??= { direction, reset: !orderly };
  }

  advance(upTo: number): void {
    if (this.#failing !== null && this.#failing.since + SESSION_PATIENCE <= upTo) this.#failNow();
    if (this.#ending !== null && this.#ending.since + REASON_PATIENCE <= upTo) this.#endNow();
    if (this.#ended || !this.waiting || this.#waitingSince === null) return;
    if (this.#waitingSince + ENCRYPTED_PATIENCE > upTo) return;
    const { started, established } = this.#wire.facts;
    if (established || started === null || !this.#wire.inStep) this.#showEncrypted();
    else this.#show('the TLS handshake is not finished yet', false);
  }

  closed(context: PieceContext): void {
    this.#time = Math.max(this.#time, context.time);
    const { started, established, clientDirection } = this.#wire.facts;
    if (this.#failing !== null) this.#failNow();
    // Only a stream that was read from its first to its last byte can show that the handshake was cut off.
    const cut = started !== null && !established && this.#wire.inStep && !this.#info.joinedLate;
    if (!this.#ended && !this.#plaintext && !this.#isForeign) {
      if (cut) this.#fail(cutText(this.#firstEnd, clientDirection));
      else if (this.#failure !== null && this.#exchange === null) this.#fail('');
      else if (this.#isDeclined) this.#fail(DECLINED);
      else {
        if (this.#exchange === null) {
          const [reason, explained] = this.#withoutPlaintext();
          const exchange = this.#show(reason, explained);
          // The program closed because of the certificate, or at least after the verdict on it.
          if (!explained && this.#verdict !== null && this.#firstEnd?.direction === Direction.Out)
            exchange.relabel(['handshake-failed']);
        }
        // Wait for the helper to inspect the program for the reason, and for any session that may still decrypt
        // received data, which would remove the row.
        const reasonIsFinal = this.#exchange?.encrypted?.explained !== true;
        if (this.#sessions === 0 && (reasonIsFinal || this.#host.librariesKnown(this.#pid))) this.#end();
        else this.#ending = { at: this.#time, since: context.emitted };
      }
    }
    this.#ended = true;
  }

  #endNow(): void {
    if (this.#ending === null) return;
    this.#time = this.#ending.at;
    this.#ending = null;
    this.#end();
  }

  finish(at: number): void {
    this.#time = Math.max(this.#time, at);
    if (this.#failing !== null) this.#failNow();
    this.#endNow();
    if (this.#ended) return;
    // Creates no row: a connection that has just begun might still have shown plaintext.
    this.#end();
    this.#ended = true;
  }

  // ── sessions ───────────────────────────────────────────────────────────────────────────────────────────

  bound(change: 1 | -1): void {
    this.#sessions += change;
  }

  sessionFailed(reason: string | null, verdict: string | null): void {
    this.#verdict = verdict;
    if (reason === null) return;
    this.#failure = reason;
    if (this.#info.tls !== null) this.#info.tls.failure = reason;
  }

  plaintextSeen(): void {
    if (this.#plaintext) return;
    this.#plaintext = true;
    if (this.#exchange === null || this.#exchange.completeness.has('handshake-failed')) return;
    this.#host.withdraw(this.#exchange);
    this.#exchange = null;
  }

  explain(pid: number): void {
    const { encrypted, state } = this.#exchange ?? { encrypted: null, state: 'ended' };
    if (pid !== this.#pid || state === 'ended' || encrypted?.explained !== true) return;
    encrypted.reason = this.#reason();
    this.#changed();
    if (this.#sessions === 0 && this.#host.librariesKnown(pid)) this.#endNow();
  }

  // ── the exchange ───────────────────────────────────────────────────────────────────────────────────────

  #moved(direction: Direction, length: number, context: PieceContext): void {
    this.#bytes[direction] += length;
    this.#pid = context.pid;
    // In a tunnel, bytes that one side sent early are read only after the other side's response.
    this.#firstTime = Math.min(this.#firstTime ?? context.time, context.time);
    this.#time = Math.max(this.#time, context.time);
    this.#waitingSince ??= context.emitted;
  }

  #look(wasEstablished: boolean, context: PieceContext): void {
    const { alert, established, clientDirection, notTls } = this.#wire.facts;
    if (established && !wasEstablished) {
      this.#waitingSince = context.emitted;
      // A row that was shown because the handshake took long stays, with a new reason.
      if (this.#exchange !== null && this.#exchange.encrypted?.explained === false && this.#sessions === 0) {
        this.#exchange.encrypted.explained = true;
        this.#exchange.encrypted.reason = this.#reason();
      }
    }
    if (notTls !== null) this.#failSoon(foreignText(notTls, clientDirection), context);
    else if (alert !== null) this.#failSoon(alertText(alert, clientDirection), context);
    this.#changed();
  }

  #showEncrypted(): void {
    // If there is a session, its library is probed and will show any plaintext.
    if (this.#sessions === 0) this.#show(this.#reason(), true);
  }

  #show(reason: string, explained: boolean): StoredExchange {
    const exchange = this.#host.createEncrypted(this.#host.process(this.#pid), this.#info, {
      reason,
      explained,
      firstByte: this.#firstTime ?? 0,
      sent: 0,
      received: 0,
    });
    this.#exchange = exchange;
    exchange.label(this.#info.joinedLate ? ['encrypted', 'joined-late'] : ['encrypted']);
    this.#changed();
    return exchange;
  }

  /** The reason at the connection's end, when sessions without plaintext are reported, too. */
  #withoutPlaintext(): [reason: string, explained: boolean] {
    const { established, dataSeen } = this.#wire.facts;
    if (this.#sessions > 0 && established && !dataSeen && this.#wire.inStep) {
      return [this.#verdict === null ? this.#nothingSent() : `${NOTHING_SENT}; ${this.#verdict}`, false];
    }
    return [this.#reason(), true];
  }

  #nothingSent(): string {
    const { closingAlert, clientDirection } = this.#wire.facts;
    const sideOf = (direction: Direction): Side => (direction === clientDirection ? 'client' : 'server');
    const end = this.#firstEnd;
    if (end === null || clientDirection === null) return nothingSentText(null, false, null);
    const { localClose, error } = this.#info.ends;
    // If a program closes with unread bytes, the kernel sends a RST: that still counts as a close.
    const closed = localClose !== null && (error === null || localClose <= error);
    const reset = end.reset && !closed;
    const by = end.reset ? (closed ? Direction.Out : Direction.In) : end.direction;
    return nothingSentText(sideOf(by), reset, closingAlert === null ? null : sideOf(closingAlert));
  }

  /** The client sent no certificate, and the server was the first to end the connection, before any data. */
  get #isDeclined(): boolean {
    const { certificateDeclined, dataSeen, clientDirection } = this.#wire.facts;
    if (!certificateDeclined || dataSeen || !this.#wire.inStep || this.#firstEnd === null) return false;
    const { direction, reset } = this.#firstEnd;
    return clientDirection === Direction.Out
      ? reset || direction === Direction.In
      : direction === Direction.Out;
  }

  /** Fails after a delay in which the sessions' library may report more. */
  #failSoon(text: string, context: PieceContext): void {
    if (this.#ended || this.#failing !== null || this.#isForeign) return;
    this.#failing = { text, at: this.#time, since: context.emitted };
    if (this.#sessions === 0) this.#failNow();
  }

  #failNow(): void {
    const { text = '', at = this.#time } = this.#failing ?? {};
    this.#failing = null;
    if (this.#ended) return;
    this.#time = at;
    this.#fail(text);
  }

  #fail(text: string): void {
    this.#ended = true;
    if (this.#plaintext) return;
    const { alert, notTls } = this.#wire.facts;
    // For an answer that is not TLS, libraries report only "wrong version number".
    const reason = notTls === null ? withLibraryReason(text, this.#failure ?? this.#verdict, alert) : text;
    const exchange = this.#exchange ?? this.#show(reason, false);
    if (exchange.encrypted !== null) {
      exchange.encrypted.reason = reason;
      exchange.encrypted.explained = false;
    }
    exchange.relabel(['handshake-failed']);
    this.#end();
  }

  #end(): void {
    const exchange = this.#exchange;
    if (exchange === null || exchange.state === 'ended') return;
    this.#changed();
    if (!this.#info.known) exchange.label(['socket-unknown']);
    exchange.endedAt = this.#time;
    exchange.state = 'ended';
    this.#host.ended(exchange);
  }

  #changed(): void {
    const { encrypted, state } = this.#exchange ?? { encrypted: null, state: 'ended' };
    if (this.#exchange === null || encrypted === null || state === 'ended') return;
    encrypted.sent = this.#bytes[Direction.Out];
    encrypted.received = this.#bytes[Direction.In];
    this.#host.changed(this.#exchange);
  }

  #reason(): string {
    return this.#host.whyEncrypted(this.#pid, {
      late: this.#info.joinedLate,
      first: this.#firstTime,
      hasSession: this.#sessions > 0,
    });
  }
}
