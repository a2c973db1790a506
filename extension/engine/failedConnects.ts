/**
 * Connections that were not established. Each is held for a moment. If the program then tries another address of the
 * same name (sameName.ts), the failed attempt is listed with that connection; if it retries the same address, the
 * attempts are counted. Otherwise it becomes a row.
 */
import { formatAddress } from './address.ts';
import type { ConnectionHost } from './dissector.ts';
import { connectEnding } from './ending.ts';
import type { CallEnding, FailedConnect, Process } from './exchange.ts';
import {
  CONNECT_PATIENCE,
  MAX_ATTEMPTS,
  MAX_HELD_CONNECTS,
  MAX_RECENT_CONNECTS,
  REPEAT_TIME,
} from './limits.ts';
import type { Lookups } from './names/lookups.ts';
import { type FoundAddress, mayBeOneName } from './names/sameName.ts';
import { type ConnectFailedRecord, FLAG_PROCESS_ENDED, type OpenedRecord } from './record.ts';
import { StoredConnection } from './storedExchange.ts';

/** Milliseconds within which a program that tries addresses one by one goes on to the next after a failure. */
const NEXT_ADDRESS = 50;

/** Attempts at one address whose times are kept; more are counted. */
const MAX_SPANS = 16;

/** Services that the C library tries on its own and can do without. The program did not call them. */
const NAME_SERVICES = ['nscd/', '.nscd_socket', 'systemd/resolve/', 'systemd/userdb/', 'avahi-daemon/'];

/** A further failed attempt, or a connection that was established. */
interface Tried {
  readonly pid: number;
  readonly info: StoredConnection;
  readonly port: number;
  /** null: a Unix socket. */
  readonly address: FoundAddress | null;
  readonly from: number;
  readonly to: number;
}

/** When one attempt began (null: not known) and ended. */
interface Span {
  readonly started: number | null;
  readonly ended: number;
}

interface Held {
  readonly pid: number;
  readonly process: Process | null;
  readonly info: StoredConnection;
  readonly port: number;
  /** null: a Unix socket. */
  readonly address: FoundAddress | null;
  readonly ending: CallEnding;
  /** Of the first attempt and the latest ones, in the order of their ends. */
  readonly spans: Span[];
  ended: number;
  /** Attempts to connect to `info.remote`. */
  attempts: number;
  /** Attempts for each address in `info.attempts` that was tried repeatedly. */
  readonly again: Map<string, number>;
  /** Boot times (ns) of emission. */
  readonly since: number;
  last: number;
}

export class FailedConnects {
  readonly #host: ConnectionHost;
  readonly #lookups: Pick<Lookups, 'claim' | 'whichFound'>;
  /** Oldest first. */
  #held: Held[] = [];
  #recent: Tried[] = [];

  constructor(host: ConnectionHost, lookups: Pick<Lookups, 'claim' | 'whichFound'>) {
    this.#host = host;
    this.#lookups = lookups;
  }

  take(record: ConnectFailedRecord): void {
    const { family, remoteAddress, remotePort, remotePath, transport, pid, emitted } = record;
    const remote = remotePath ?? formatAddress(family, remoteAddress, remotePort);
    if (transport === 'unix' && isNameService(remote)) return;
    const ended = this.#host.milliseconds(record.time);
    const started = record.started === 0n ? null : this.#host.milliseconds(record.started);
    const ending = connectEnding(record.error, (record.flags & FLAG_PROCESS_ENDED) !== 0);
    const port = transport === 'tcp' ? remotePort : 0;
    const same = this.#held.find(
      (held) =>
        held.pid === pid &&
        held.info.remote === remote &&
        isSameEnding(held.ending, ending) &&
        (started ?? ended) - held.ended < REPEAT_TIME,
    );
    if (same !== undefined) {
      same.attempts++;
      same.spans.push({ started, ended });
      if (same.spans.length > MAX_SPANS) same.spans.splice(1, 1);
      same.ended = Math.max(same.ended, ended);
      same.last = emitted;
      this.#closeRound(same);
      return;
    }
    const info = new StoredConnection(record.connection.toString());
    info.transport = transport;
    info.remote = remote;
    info.side = 'client';
    info.known = true;
    const process = this.#host.process(pid);
    const held = {
      pid,
      address: this.#addressOf(record, started ?? ended),
      process,
      info,
      port,
      ending,
      spans: [{ started, ended }],
      ended,
      attempts: 1,
      again: new Map(),
      since: emitted,
      last: emitted,
    };
    // Of several at once, each has one attempt at an address.
    const lacksIt = ({ info: { attempts } }: Tried): boolean =>
      !attempts.some((one) => one.remote === remote);
    const candidates = [...this.#recent.filter(lacksIt), ...this.#recent];
    if (candidates.some((connection) => this.#takes(connection, held))) return;
    if (this.#held.some((earlier) => earlier.pid === pid && joinsRound(earlier, held))) return;
    // If no address of a name answers, all of them are one row.
    const tried = { pid, info, port, address: held.address, from: started ?? ended, to: ended };
    this.#held = this.#held.filter((earlier) => !this.#takes(tried, earlier));
    this.#held.push(held);
    if (this.#held.length > MAX_HELD_CONNECTS) this.#show(this.#held.shift() as Held);
  }

  /**
   * A client's connection has carried bytes, so it was established. Must be called before the connection claims its
   * lookup.
   */
  opened(record: OpenedRecord, info: StoredConnection): void {
    if (record.side !== 'client' || record.transport !== 'tcp' || record.connectStarted === 0n) return;
    const from = this.#host.milliseconds(record.connectStarted);
    const to = record.established === 0n ? from : this.#host.milliseconds(record.established);
    const { pid, remotePort: port } = record;
    const connection = { pid, info, port, address: this.#addressOf(record, from), from, to };
    this.#held = this.#held.filter((held) => !this.#takes(connection, held));
    // What failed is a row of its own if the same address was tried again. Its lookup is not the retry's.
    for (const held of this.#held)
      if (held.pid === pid && held.info.remote === info.remote) this.#claim(held);
    this.#recent.push(connection);
    if (this.#recent.length > MAX_RECENT_CONNECTS) this.#recent.shift();
  }

  /** All records emitted up to this boot time (ns) have been taken. */
  advance(upTo: number): void {
    if (this.#held.length === 0) return;
    const due = (held: Held): boolean =>
      held.last + CONNECT_PATIENCE <= upTo || held.since + 3 * CONNECT_PATIENCE <= upTo;
    for (const held of this.#held) if (due(held)) this.#show(held);
    this.#held = this.#held.filter((held) => !due(held));
  }

  finish(): void {
    for (const held of this.#held) this.#show(held);
    this.#held = [];
    this.#recent = [];
  }

  /**
   * Adds a failed attempt to the connection if the same process tried both addresses of one name: at the same time, or
   * the connection right after it. Where there are more attempts at that address, as for several calls at once, the
   * others remain.
   * @returns whether nothing remains of `held`
   */
  #takes(connection: Tried, held: Held): boolean {
    if (held.pid !== connection.pid || held.port !== connection.port) return false;
    const { attempts, remote } = connection.info;
    if (held.info.remote === remote) return false;
    // A new round: all addresses were tried, and now the first one again.
    if (held.info.attempts.some((attempt) => attempt.remote === remote)) return false;
    // Rounds that are counted already remain a row, and so does a loop of which few attempts are remembered.
    if (held.attempts > 1 && (held.info.attempts.length > 0 || held.spans.length === 1)) return false;
    const at = held.spans.findLastIndex(
      ({ started, ended }) => connection.from <= ended + NEXT_ADDRESS && connection.to >= (started ?? ended),
    );
    const span = held.spans[at];
    if (span === undefined || held.address === null || connection.address === null) return false;
    if (!mayBeOneName(held.address, connection.address)) return false;
    for (const attempt of [...held.info.attempts, attemptOf(held, span)]) {
      if (attempts.length < MAX_ATTEMPTS) attempts.push(attempt);
    }
    held.attempts--;
    if (held.attempts === 0) {
      connection.info.lookup ??= held.info.lookup;
      return true;
    }
    held.spans.splice(at, 1);
    held.ended = Math.max(...held.spans.map(({ ended }) => ended));
    return false;
  }

  /** A row's own address, the last of its name, was retried: merges the retries of the others just before it. */
  #closeRound(row: Held): void {
    this.#held = this.#held.filter((held) => held === row || held.pid !== row.pid || !joinsRound(row, held));
  }

  #addressOf(record: ConnectFailedRecord | OpenedRecord, before: number): FoundAddress | null {
    const { family, remoteAddress, remotePort, pid } = record;
    if (family === 'unix') return null;
    // A copy: the record is a view of its batch.
    const bytes = remoteAddress.slice(0, family === 'ipv4' ? 4 : 16);
    return { bytes, lookups: this.#lookups.whichFound(pid, bytes, remotePort, before) };
  }

  #claim({ pid, info, port, address, spans: [first] }: Held): void {
    if (address === null || first?.started == null) return;
    info.lookup ??= this.#lookups.claim(pid, address.bytes, port, first.started);
  }

  #show(held: Held): void {
    const { info, ending, attempts, ended } = held;
    // Not earlier: a connection to another address of the name could still claim the lookup.
    this.#claim(held);
    const started = startOf(held);
    const exchange = this.#host.createFailed(held.process, info, { attempts, ending, started });
    exchange.endedAt = ended;
    exchange.state = 'ended';
    this.#host.ended(exchange);
  }
}

function attemptOf({ info, ending }: Held, { started, ended }: Span): FailedConnect {
  return { remote: info.remote, ending, started, ended };
}

function startOf({ spans: [first] }: Held): number {
  return first?.started ?? first?.ended ?? 0;
}

/**
 * Whether `held`, an attempt at an address that the row lists already, belongs to a later round through the same
 * addresses. If so, it is counted on the row.
 */
function joinsRound(row: Held, held: Held): boolean {
  const { remote } = held.info;
  const earlier = row.info.attempts.find((attempt) => attempt.remote === remote);
  if (earlier === undefined || held.attempts >= row.attempts || !isSameEnding(earlier.ending, held.ending))
    return false;
  const count = (row.again.get(remote ?? '') ?? 1) + held.attempts;
  if (count > row.attempts) return false;
  row.again.set(remote ?? '', count);
  row.ended = Math.max(row.ended, held.ended);
  return true;
}

function isSameEnding(one: CallEnding, other: CallEnding): boolean {
  return one.how === other.how && one.error === other.error;
}

function isNameService(path: string | null): boolean {
  const rest = /^(?:\/var)?\/run\/(.*)$/.exec(path ?? '')?.[1];
  return rest !== undefined && NAME_SERVICES.some((name) => rest.startsWith(name));
}
