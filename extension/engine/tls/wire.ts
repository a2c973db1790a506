/**
 * The unencrypted part of TLS, read from the socket's bytes: the hellos, when the handshake began and ended, and
 * the alert that ended it.
 *
 * When the handshake ends:
 * - Up to TLS 1.2 both sides send ChangeCipherSpec and then Finished, the first encrypted record: it ends
 *   with the later of the two, in full and in resumed handshakes alike (RFC 5246 section 7.3).
 * - In TLS 1.3 the client's Finished is in its first encrypted record after the ServerHello (RFC 8446 section
 *   2), unless it offered early data, which may follow the ServerHello: then the end is unknown.
 */
import { Direction } from '../record.ts';
import { cipherSuiteName } from './cipherSuites.ts';
import { HandshakeReader, HandshakeType } from './handshakeReader.ts';
import { readClientHello, readServerHello } from './hello.ts';
import { ContentType, type RecordHandler, RecordReader } from './recordReader.ts';
import { alertName, versionName } from './versionAndAlertNames.ts';

export interface TlsAlert {
  /** By the IANA registry; null for an encrypted alert and for an unknown number. */
  readonly name: string | null;
  /** AlertDescription; null where it is encrypted. */
  readonly code: number | null;
  readonly direction: Direction;
}

/** Times in milliseconds since the trace's start. */
export interface WireFacts {
  /** null until the ServerHello. */
  readonly version: string | null;
  readonly cipher: string | null;
  readonly serverName: string | null;
  readonly alpnOffered: readonly string[];
  /** As selected in the ServerHello; null where that is encrypted (TLS 1.3). */
  readonly alpn: string | null;
  /** The session was resumed, without certificates; null when not known. */
  readonly resumed: boolean | null;
  /** First byte of the ClientHello. */
  readonly started: number | null;
  readonly ended: number | null;
  /** The handshake has ended, though its time may be unknown. */
  readonly established: boolean;
  /** The alert that ended the handshake. */
  readonly alert: TlsAlert | null;
  /** The client's direction; null until a hello was seen. */
  readonly clientDirection: Direction | null;
  /** The other side's first bytes, which are not TLS, as printable text; null: they are TLS, or were not seen. */
  readonly notTls: string | null;
  /** The server asked for a certificate (TLS 1.3), and the client sent an empty list of them. */
  readonly certificateDeclined: boolean;
  /** The side that was first to send an alert after the handshake (in TLS 1.3, a record as short as one) and nothing after it. */
  readonly closingAlert: Direction | null;
  /** The client sent data after the handshake, as far as record boundaries are known. */
  readonly dataSeen: boolean;
}

const TLS_1_3 = 0x0304;
const ALERT_SIZE = 2;
const ALERT_FATAL = 2;
/** Bytes kept of an answer that is not TLS: enough for the first line of HTTP, SMTP or SSH. */
const MAX_BEGINNING = 64;
const CLOSE_NOTIFY = 0;
const USER_CANCELED = 90;
/** Bytes that encryption adds in TLS 1.3: the content type and the AEAD's tag, which is shorter in CCM_8. */
const ENCRYPTION = 1 + 16;
const ENCRYPTION_CCM_8 = 1 + 8;
/** Bytes of a Certificate message with an empty list (RFC 8446 section 4.4.2): header, context length, list length. */
const EMPTY_CERTIFICATE = 4 + 1 + 3;
/** Bytes of padding that the JDK adds to handshake records and alerts (RFC 8446 section 5.4). */
const JDK_PADDING = 16;
/** Possible lengths of a Finished message: a header and a hash. */
const FINISHED: readonly number[] = [4 + 32, 4 + 48];
/** Limit on a client's last handshake records: Certificate, CertificateVerify and Finished. */
const MAX_CLIENT_RECORDS = 3;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

export class TlsWire {
  /** Updated as more is seen; may outlive its reader. */
  readonly facts: WireFacts;

  readonly #facts: Writable<WireFacts> = {
    version: null,
    cipher: null,
    serverName: null,
    alpnOffered: [],
    alpn: null,
    resumed: null,
    started: null,
    ended: null,
    established: false,
    alert: null,
    clientDirection: null,
    notTls: null,
    certificateDeclined: false,
    closingAlert: null,
    dataSeen: false,
  };
  readonly #lanes: readonly [Lane, Lane] = [new Lane(this, Direction.Out), new Lane(this, Direction.In)];
  #versionNumber = 0;
  #earlyData = false;
  /** Encrypted records of the client that may still belong to a handshake in which it was asked for a certificate. */
  #handshakeLeft = 0;

  constructor() {
    this.facts = this.#facts;
  }

  /** Record boundaries are known in both directions. */
  get inStep(): boolean {
    return !this.#lanes[0].records.lost && !this.#lanes[1].records.lost;
  }

  /** @param time in milliseconds, of these bytes. */
  feed(direction: Direction, bytes: Uint8Array, time: number): void {
    const lane = this.#lanes[direction];
    lane.feed(bytes, time);
    const { clientDirection, notTls } = this.#facts;
    if (lane.isForeign && clientDirection !== null && clientDirection !== direction && notTls === null)
      this.#facts.notTls = lane.beginning;
  }

  /** Bytes that were not copied. */
  gap(direction: Direction, length: number, time: number): void {
    this.#lanes[direction].records.gap(length, time);
  }

  /** @internal */
  hello(direction: Direction, type: HandshakeType, body: Uint8Array, began: number): void {
    if (this.#facts.established) return;
    if (type === HandshakeType.ClientHello) this.#clientHello(direction, body, began);
    else if (direction !== this.#facts.clientDirection) this.#serverHello(direction, body);
  }

  /** @internal */
  recordEnded(lane: Lane, type: ContentType, length: number, time: number): void {
    switch (type) {
      case ContentType.ChangeCipherSpec:
        // In TLS 1.3 it means nothing (RFC 8446 appendix D.4).
        if (this.#versionNumber !== 0 && !this.#is13) lane.encrypted = true;
        return;
      case ContentType.Handshake:
        if (lane.encrypted && lane.finished === null) this.#finished(lane, time);
        return;
      case ContentType.Alert:
        this.#alert(lane, length);
        return;
      case ContentType.ApplicationData:
        this.#applicationData(lane, length, time);
        return;
      default:
        return;
    }
  }

  get #is13(): boolean {
    return this.#versionNumber >= TLS_1_3;
  }

  #clientHello(direction: Direction, body: Uint8Array, began: number): void {
    if (this.#facts.clientDirection !== null && this.#facts.clientDirection !== direction) return;
    const hello = readClientHello(body);
    this.#facts.clientDirection = direction;
    this.#facts.started ??= began;
    if (hello === null) return;
    this.#facts.serverName = hello.serverName;
    this.#facts.alpnOffered = hello.alpn;
    this.#earlyData = hello.earlyData;
  }

  #serverHello(direction: Direction, body: Uint8Array): void {
    const hello = readServerHello(body);
    if (hello === null) return;
    this.#facts.clientDirection ??= direction === Direction.Out ? Direction.In : Direction.Out;
    this.#versionNumber = hello.version;
    this.#facts.version = versionName(hello.version);
    this.#facts.cipher = cipherSuiteName(hello.cipherSuite);
    // `helloSeen` remains false: until the second ClientHello, encrypted records can only be rejected early data.
    if (hello.retry) return;
    this.#lanes[direction].helloSeen = true;
    this.#facts.alpn = hello.alpn;
    if (this.#is13) this.#facts.resumed = hello.preSharedKey;
  }

  #finished(lane: Lane, time: number): void {
    lane.finished = time;
    const other = this.#other(lane);
    // The side that sends the last Finished in a full handshake sends the first in a resumed one.
    if (other.finished === null) this.#facts.resumed = lane.direction !== this.#facts.clientDirection;
    else this.#endHandshake(Math.max(time, other.finished));
  }

  #endHandshake(at: number | null): void {
    if (this.#facts.established) return;
    this.#facts.established = true;
    this.#facts.ended = at;
  }

  #applicationData(lane: Lane, length: number, time: number): void {
    const byClient = lane.direction === this.#facts.clientDirection;
    // Only in TLS 1.3 can it be an alert, by its length: earlier versions have a content type for alerts.
    const mayBeAlert = this.#is13 && length <= ALERT_SIZE + ENCRYPTION;
    if (this.#facts.established) this.#noteClosingAlert(lane, mayBeAlert);
    if (this.#facts.established && byClient && !mayBeAlert) this.#clientData(length, time);
    if (this.#facts.established || this.#versionNumber === 0 || this.#facts.alert !== null) return;
    if (!this.#is13) {
      // For a handshake whose end was missed. Wait for both sides: a client may send before the server's Finished (RFC 7918).
      if (this.#lanes[0].applicationData && this.#lanes[1].applicationData) this.#endHandshake(null);
      lane.applicationData = true;
      return;
    }
    const isClient = lane.direction === this.#facts.clientDirection;
    const server = isClient ? this.#other(lane) : lane;
    if (!server.helloSeen) return;
    // No other record of a handshake has this length.
    const added = this.#encryption;
    const isAlert = length === ALERT_SIZE + added || length === ALERT_SIZE + added + JDK_PADDING;
    if (isAlert && !(isClient && this.#earlyData)) {
      this.#facts.alert = { name: null, code: null, direction: lane.direction };
    } else if (isClient) {
      this.#endHandshake(this.#earlyData ? null : time);
      if (this.#earlyData || FINISHED.includes(length - added)) return;
      this.#facts.certificateDeclined = length - added === EMPTY_CERTIFICATE;
      this.#handshakeLeft = MAX_CLIENT_RECORDS - 1;
    }
  }

  /** A client's record after its first encrypted one. A Finished shows that the earlier ones belonged to the handshake. */
  #clientData(length: number, time: number): void {
    const added = this.#encryption;
    if (this.#handshakeLeft > 0 && FINISHED.includes(length - added)) {
      this.#handshakeLeft = 0;
      this.#facts.dataSeen = false;
      this.#facts.ended = time;
      return;
    }
    this.#handshakeLeft--;
    this.#facts.dataSeen = true;
  }

  get #encryption(): number {
    return this.#facts.cipher?.endsWith('_CCM_8_SHA256') === true ? ENCRYPTION_CCM_8 : ENCRYPTION;
  }

  /** After the handshake: remembers the direction whose last record was an alert. */
  #noteClosingAlert({ direction }: Lane, isAlert: boolean): void {
    if (isAlert) this.#facts.closingAlert ??= direction;
    else if (this.#facts.closingAlert === direction) this.#facts.closingAlert = null;
  }

  #alert(lane: Lane, length: number): void {
    if (this.#facts.established) this.#noteClosingAlert(lane, true);
    if (this.#facts.established || this.#facts.alert !== null) return;
    if (lane.encrypted) {
      this.#facts.alert = { name: null, code: null, direction: lane.direction };
      return;
    }
    if (length !== ALERT_SIZE) return;
    const [level, code] = lane.alert;
    // TLS 1.3 ignores the level: all but two end the connection (RFC 8446 section 6).
    const ends = this.#is13 ? code !== CLOSE_NOTIFY && code !== USER_CANCELED : level === ALERT_FATAL;
    if (ends) this.#facts.alert = { name: alertName(code), code, direction: lane.direction };
  }

  #other(lane: Lane): Lane {
    return this.#lanes[lane.direction === Direction.Out ? Direction.In : Direction.Out];
  }
}

class Lane implements RecordHandler {
  readonly direction: Direction;
  readonly records = new RecordReader(this);
  /** After ChangeCipherSpec, up to TLS 1.2. */
  encrypted = false;
  finished: number | null = null;
  /** A ServerHello that is not a retry request. */
  helloSeen = false;
  applicationData = false;
  /** At least one record was whole. */
  #sawRecord = false;
  #beginning = '';
  readonly alert: [level: number, code: number] = [0, 0];

  readonly #wire: TlsWire;
  readonly #handshake: HandshakeReader;
  #alertLength = 0;
  /** When the first byte of this direction was sent or received. */
  #first: number | null = null;

  constructor(wire: TlsWire, direction: Direction) {
    this.#wire = wire;
    this.direction = direction;
    this.#handshake = new HandshakeReader((type, body) => {
      wire.hello(direction, type, body, this.#first ?? 0);
    });
  }

  feed(bytes: Uint8Array, time: number): void {
    this.#first ??= time;
    if (!this.#sawRecord && this.#beginning.length < MAX_BEGINNING) {
      const piece = bytes.subarray(0, MAX_BEGINNING - this.#beginning.length);
      this.#beginning += Buffer.from(piece.buffer, piece.byteOffset, piece.length).toString('latin1');
    }
    this.records.feed(bytes, time);
  }

  /** Its first bytes are not TLS. */
  get isForeign(): boolean {
    return this.records.lost && !this.#sawRecord && this.#beginning !== '';
  }

  /** Its first line as far as it is printable; may be empty. */
  get beginning(): string {
    return /^[\x20-\x7e]*/.exec(this.#beginning)?.[0].trim() ?? '';
  }

  fragment(type: ContentType, bytes: Uint8Array): void {
    if (this.encrypted) return;
    if (type === ContentType.Handshake) this.#handshake.feed(bytes);
    else if (type === ContentType.Alert) {
      for (const byte of bytes) {
        if (this.#alertLength < ALERT_SIZE) this.alert[this.#alertLength++] = byte;
      }
    }
  }

  recordEnded(type: ContentType, length: number, time: number): void {
    this.#sawRecord = true;
    this.#beginning = '';
    this.#wire.recordEnded(this, type, length, time);
    if (type === ContentType.Alert) this.#alertLength = 0;
  }
}
