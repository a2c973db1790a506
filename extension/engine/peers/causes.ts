/**
 * Finds which incoming call caused an outgoing one, so that calls through several services form a chain. The evidence,
 * strongest first:
 *
 * 1. `traceparent` (W3C Trace Context): the process was called in the same trace. If it was called several times, the
 *    call whose parent-id it passes on, else the only one that was in progress.
 * 2. Time: when the call began, the process was answering exactly one call; or the call lies inside exactly one. This is
 *    not used while the process answers a call of its own, and long streams never count as a cause. If the process has
 *    also made calls while it answered nothing, the cause is doubtful.
 * 3. For an incoming call whose client was not found by its connection (peers.ts), because a proxy lies in between: the
 *    only call with the same trace-id and parent-id.
 *
 * If several calls are possible, no cause is named. A cause that is not certain carries a doubt, which says why. Threads
 * are no evidence: the thread that reads a request is often not the one that acts on it (Go, libuv, virtual threads).
 */
import { readTraceparent, type TraceContext } from '../../http/traceContext.ts';
import type { CauseDoubt, CauseEvidence } from '../exchange.ts';
import { MAX_CAUSED, MAX_CAUSING_PROCESSES, MAX_RECENT_CALLS, MAX_TRACES, MAX_UNJOINED } from '../limits.ts';
import { durationOf, startOf } from '../phases.ts';
import type { StoredExchange } from '../storedExchange.ts';
import { CausingProcess } from './causingProcess.ts';

export interface CausesHost {
  /** undefined: no longer held. */
  get(id: number): StoredExchange | undefined;
  /** The exchange's cause has changed, or has become doubtful. */
  changed(exchange: StoredExchange): void;
}

export class Causes {
  readonly #host: CausesHost;
  readonly #processes = new Map<number, CausingProcess>();
  /** Incoming calls by process and trace-id; only for processes that also make calls. */
  readonly #byTrace = new Map<string, number[]>();
  /** Outgoing calls without a peer whose traceparent has not been read yet, as it was not needed. */
  #unread: number[] = [];
  /** Outgoing calls without a peer, by trace-id and parent-id. */
  readonly #sent = new Map<string, number[]>();

  constructor(host: CausesHost) {
    this.#host = host;
  }

  /** The request of an exchange, and the side that was traced, have become known. */
  begun(exchange: StoredExchange): void {
    const pid = exchange.process?.pid ?? null;
    if (pid === null || exchange.pushed) return;
    const process = this.#process(pid);
    if (exchange.side === 'server') {
      process.begun(exchange);
      if (process.isCaller) this.#index(pid, exchange);
      if (exchange.connection.joinedLate) this.#appearedLate(process, exchange);
      this.#findClient(exchange);
    } else {
      if (!process.isCaller) {
        process.isCaller = true;
        const calls = new Set(process.answered.flatMap((id) => this.#host.get(id) ?? []));
        for (const call of process.answering()) calls.add(call);
        for (const call of calls) this.#index(pid, call);
      }
      if (process.isIdle) process.hasOwnCalls = true;
      this.#findCause(process, exchange);
      process.called(exchange.id);
      if (exchange.peer === null) this.#unread.push(exchange.id);
      if (this.#unread.length > MAX_UNJOINED) this.#unread.splice(0, MAX_UNJOINED / 2);
    }
  }

  /** A connection without plaintext: there may be calls on it. */
  encrypted(exchange: StoredExchange): void {
    const pid = exchange.process?.pid ?? null;
    if (pid !== null && exchange.side === 'server') this.#process(pid).opaque.add(exchange.id);
  }

  /** The exchange has ended, or was withdrawn. */
  ended(exchange: StoredExchange): void {
    const pid = exchange.process?.pid ?? null;
    const process = pid === null ? undefined : this.#processes.get(pid);
    if (process === undefined) return;
    if (exchange.side === 'server') {
      process.ended(exchange);
      if (exchange.causeSought && exchange.peer === null && exchange.cause === null)
        this.#findClient(exchange);
      return;
    }
    if (!exchange.causeSought) return;
    const { cause } = exchange;
    if (cause === null) this.#findEnclosing(process, exchange);
    else if (cause.by === 'time' && cause.doubt === null && this.#outlived(exchange, cause.id)) {
      exchange.cause = { ...cause, doubt: 'outlived' };
    }
  }

  /** The client of an incoming call was found by the connection: nothing else can have caused it. */
  paired(exchange: StoredExchange): void {
    if (exchange.side !== 'server') return;
    if (this.#isOfItself(exchange)) this.#withdraw(exchange);
    if (exchange.cause === null) return;
    const before = this.#host.get(exchange.cause.id);
    if (before !== undefined) before.caused = before.caused.filter((id) => id !== exchange.id);
    exchange.cause = null;
  }

  /** True if the process that answers the call also made it. */
  #isOfItself({ peer, process, connection }: StoredExchange): boolean {
    // On a connection that was joined late, the peer is known only when both exchanges have ended, but the process at the
    // other end is known before.
    const far = peer ?? connection.end?.peer?.recent.at(-1) ?? null;
    return far !== null && this.#host.get(far)?.process?.pid === process?.pid;
  }

  /** Removes the causes that were found by time, because the process was only answering a call of its own. */
  #withdraw(answered: StoredExchange): void {
    const kept: number[] = [];
    for (const id of answered.caused) {
      const call = this.#host.get(id);
      if (call?.cause?.id !== answered.id || call.cause.by !== 'time') {
        kept.push(id);
        continue;
      }
      call.cause = null;
      call.wasAlone = false;
      this.#host.changed(call);
    }
    answered.caused = kept;
  }

  #process(pid: number): CausingProcess {
    const known = this.#processes.get(pid);
    if (known !== undefined) return known;
    const process = new CausingProcess();
    this.#processes.set(pid, process);
    if (this.#processes.size > MAX_CAUSING_PROCESSES) {
      for (const oldest of this.#processes.keys()) {
        this.#processes.delete(oldest);
        break;
      }
    }
    return process;
  }

  #findCause(process: CausingProcess, call: StoredExchange): void {
    if (process.isIdle && this.#byTrace.size === 0) return;
    const context = traceContextOf(call);
    if (context !== null && this.#byContext(call, context)) return;
    const [only, further] = this.#enclosing(process, call, context);
    call.wasAlone = further === undefined;
    if (only !== undefined && further === undefined) this.#set(call, only, 'time', doubtOf(process));
  }

  /** @returns true when the trace settles the question, so that time need not be considered. */
  #byContext(call: StoredExchange, { traceId, spanId }: TraceContext): boolean {
    const ids = this.#byTrace.get(traceKey(call, traceId));
    const calls = (ids ?? []).flatMap((id) => this.#host.get(id) ?? []);
    if (calls.length === 0) return false;
    const passed = calls.filter((one) => traceContextOf(one)?.spanId === spanId);
    const running = calls.filter(({ state }) => state === 'running');
    for (const candidates of [passed, calls, running]) {
      const [only] = candidates;
      if (only === undefined || candidates.length > 1) continue;
      this.#set(call, only, 'traceparent', null);
      return true;
    }
    call.wasAlone = false;
    return true;
  }

  /** For an ended call with several possible causes: perhaps only one of them lasted until its end. */
  #findEnclosing(process: CausingProcess, call: StoredExchange): void {
    // It was not ambiguous when it began, or no candidate is left.
    if (call.wasAlone || process.isIdle) return;
    const context = traceContextOf(call);
    const ids = context === null ? undefined : this.#byTrace.get(traceKey(call, context.traceId));
    if (ids !== undefined) {
      const running = ids.flatMap((id) => this.#host.get(id) ?? []).filter((one) => encloses(one, call));
      const [only] = running;
      if (only !== undefined && running.length === 1) this.#set(call, only, 'traceparent', 'others');
      return;
    }
    const [only, further] = this.#enclosing(process, call, context);
    if (only !== undefined && further === undefined) this.#set(call, only, 'time', 'others');
  }

  /** The first two calls from other processes that this one is answering and that began before `call`. */
  #enclosing(
    process: CausingProcess,
    call: StoredExchange,
    context: TraceContext | null,
  ): readonly (StoredExchange | undefined)[] {
    const found: StoredExchange[] = [];
    const start = startOf(call);
    let looked = 0;
    for (const one of process.answering()) {
      if (startOf(one) > start) break;
      // Too many to be certain. Two results mean that it is ambiguous.
      if (++looked > MAX_RECENT_CALLS) return [one, one];
      // A process may call itself for any of the calls that it answers: until that call ends, nothing is certain.
      if (this.#isOfItself(one)) return [one, one];
      // A call of another trace has not caused this one.
      if (context !== null && (traceContextOf(one)?.traceId ?? context.traceId) !== context.traceId) continue;
      found.push(one);
      if (found.length === 2) break;
    }
    return found;
  }

  /** Finds the client of an incoming call that has no peer, by trace-id and parent-id. */
  #findClient(answered: StoredExchange): void {
    if (answered.peer !== null || (this.#unread.length === 0 && this.#sent.size === 0)) return;
    const context = traceContextOf(answered);
    if (context === null) return;
    this.#readUnread();
    const calls = (this.#sent.get(contextKey(context)) ?? []).flatMap((id) => this.#host.get(id) ?? []);
    const possible = calls.filter(
      (call) =>
        call.peer === null &&
        call.process?.pid !== answered.process?.pid &&
        startOf(call) <= startOf(answered),
    );
    const [only] = possible;
    if (only !== undefined && possible.length === 1) this.#set(answered, only, 'traceparent', null);
  }

  #readUnread(): void {
    for (const id of this.#unread) {
      const call = this.#host.get(id);
      const context = call === undefined || call.peer !== null ? null : traceContextOf(call);
      if (context !== null) add(this.#sent, contextKey(context), id);
    }
    this.#unread = [];
  }

  /** On a connection joined late, a request is seen only with its response, after calls that it may have caused. */
  #appearedLate(process: CausingProcess, answered: StoredExchange): void {
    for (const id of process.recent) {
      const call = this.#host.get(id);
      if (call === undefined || startOf(call) < startOf(answered)) continue;
      const { cause } = call;
      // 'own-calls' was concluded before this request was seen, so it does not hold.
      const isOpen = cause?.doubt === null || cause?.doubt === 'own-calls';
      if (cause?.by === 'traceparent' || (cause !== null && !isOpen)) continue;
      if (cause !== null) call.cause = { ...cause, doubt: 'joined-late' };
      else if (call.wasAlone) this.#set(call, answered, 'time', 'joined-late');
      else continue;
      this.#host.changed(call);
    }
  }

  /** The call lasted longer than its cause. */
  #outlived(call: StoredExchange, cause: number): boolean {
    const causing = this.#host.get(cause);
    return causing?.endedAt != null && causing.endedAt < endOf(call);
  }

  #index(pid: number, exchange: StoredExchange): void {
    const context = traceContextOf(exchange);
    if (context !== null) add(this.#byTrace, `${pid} ${context.traceId}`, exchange.id);
  }

  #set(call: StoredExchange, cause: StoredExchange, by: CauseEvidence, doubt: CauseDoubt | null): void {
    call.cause = { id: cause.id, by, doubt };
    if (cause.caused.length >= MAX_CAUSED) return;
    if (cause.caused.length === 0) cause.caused = [];
    (cause.caused as number[]).push(call.id);
  }
}

/** The trace that the request belongs to; null: it names none. */
export function traceContextOf({ request }: StoredExchange): TraceContext | null {
  return request === null ? null : readTraceparent(request.field('traceparent'));
}

function doubtOf(process: CausingProcess): CauseDoubt | null {
  if (process.hasOwnCalls) return 'own-calls';
  if (process.hasStreams) return 'stream';
  return process.opaque.size > 0 ? 'encrypted' : null;
}

/** `one` began before `call` and is still being answered, or was until `call` had ended. */
function encloses(one: StoredExchange, call: StoredExchange): boolean {
  return startOf(one) <= startOf(call) && (one.endedAt === null || one.endedAt >= endOf(call));
}

function endOf(exchange: StoredExchange): number {
  return startOf(exchange) + (durationOf(exchange) ?? 0);
}

function traceKey({ process }: StoredExchange, traceId: string): string {
  return `${process?.pid} ${traceId}`;
}

function contextKey({ traceId, spanId }: TraceContext): string {
  return `${traceId} ${spanId}`;
}

/** Adds an id; beyond the limits the oldest are dropped. */
function add(map: Map<string, number[]>, key: string, id: number): void {
  const ids = map.get(key);
  if (ids !== undefined) {
    ids.push(id);
    if (ids.length > MAX_RECENT_CALLS) ids.shift();
    return;
  }
  map.set(key, [id]);
  if (map.size <= MAX_TRACES) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    break;
  }
}
