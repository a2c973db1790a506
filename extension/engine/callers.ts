/**
 * Which code made requests, as reported by the eBPF programs (RECORD_CALLER). Each caller is kept until its exchange
 * appears. Only an exact match counts: no line is better than a wrong one.
 */
import type { CallSite } from './callSite.ts';
import { MAX_CALLER_CONNECTIONS, MAX_CALLER_STACKS, MAX_CALLERS, MAX_PENDING_CALLERS } from './limits.ts';
import { type CallerRecord, FLAG_ANY_METHOD, FLAG_NAMED } from './record.ts';
import type { SourceLine } from './row.ts';
import type { StoredExchange } from './storedExchange.ts';

interface Caller {
  /** Milliseconds since the trace's start. */
  readonly at: number;
  /** Empty: GET; null: not known. */
  readonly method: string | null;
  /** null: not known, or outside of the program's own code. */
  readonly site: CallSite | null;
  /** HTTP/2 stream; 0: another protocol. */
  readonly stream: number;
}

export class Callers {
  /** By connection, least recently used first; the callers of each in order of time. */
  readonly #byConnection = new Map<string, Caller[]>();
  /** Callers of HTTP/2 requests that have no stream yet, by process and address of the request. */
  readonly #pending = new Map<string, CallSite | null>();
  /** Parsed stacks by their JSON: most calls come from the same few places. */
  readonly #sites = new Map<string, CallSite | null>();

  /** @param at milliseconds since the trace's start */
  take(record: CallerRecord, at: number): void {
    const { connection, stream } = record;
    // A stack without any known line is of no use, and the request may still have another record.
    if ((record.flags & (FLAG_ANY_METHOD | FLAG_NAMED)) === FLAG_ANY_METHOD) return;
    // For HTTP/2, native programs have one record, without the method.
    const method = (record.flags & FLAG_ANY_METHOD) === 0 ? record.method : null;
    const request = `${record.pid}:${record.request}`;
    if (connection === 0n) {
      this.#pending.delete(request);
      this.#pending.set(request, this.#siteOf(record));
      dropOldest(this.#pending, MAX_PENDING_CALLERS);
      return;
    }
    const whole = stream === 0 || method === null;
    const site = whole ? this.#siteOf(record) : (this.#pending.get(request) ?? null);
    if (stream !== 0) this.#pending.delete(request);
    const key = connection.toString();
    const callers = this.#byConnection.get(key) ?? [];
    this.#byConnection.delete(key);
    this.#byConnection.set(key, callers);
    callers.push({ at, method, site, stream });
    if (callers.length > MAX_CALLERS) callers.shift();
    dropOldest(this.#byConnection, MAX_CALLER_CONNECTIONS);
  }

  /** Finds the caller of this exchange and removes it, so that no other exchange gets it; null: not known. */
  of({
    side,
    connection,
    request,
    stream,
  }: Pick<StoredExchange, 'side' | 'connection' | 'request' | 'stream'>): CallSite | null {
    const began = request?.firstByte ?? null;
    if (side === 'server' || request === null || began === null) return null;
    const callers = this.#byConnection.get(connection.id);
    if (callers === undefined) return null;
    const index =
      stream === null
        ? callers.findLastIndex((caller) => caller.stream === 0 && caller.at <= began)
        : callers.findLastIndex((caller) => caller.stream === stream);
    const found = callers[index];
    if (found === undefined) return null;
    // In HTTP/1 the earlier callers sent no request, or one that was not seen.
    if (stream === null) callers.splice(0, index + 1);
    else callers.splice(index, 1);
    return found.method === null || (found.method || 'GET') === request.method ? found.site : null;
  }

  #siteOf({ flags, frames }: CallerRecord): CallSite | null {
    if ((flags & FLAG_NAMED) === 0) return null;
    const end = frames.indexOf(0);
    const text = Buffer.from(frames.buffer, frames.byteOffset, end < 0 ? frames.length : end).toString();
    const known = this.#sites.get(text);
    if (known !== undefined) return known;
    const site = readSite(text);
    this.#sites.set(text, site);
    dropOldest(this.#sites, MAX_CALLER_STACKS);
    return site;
  }
}

/** null: no frame is in the program's own code, or the text is not what `extension/capture/callers.ts` writes. */
function readSite(text: string): CallSite | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!Array.isArray(value)) return null;
  const [own, ...frames]: unknown[] = value;
  const stack = frames.flatMap(frameOf);
  const line = typeof own === 'number' ? stack[own] : undefined;
  return line === undefined || stack.length !== frames.length ? null : { line, stack };
}

function frameOf(frame: unknown): SourceLine[] {
  if (!Array.isArray(frame)) return [];
  const [path, line, name]: unknown[] = frame;
  if (typeof path !== 'string' || path === '' || typeof name !== 'string') return [];
  if (typeof line !== 'number' || !Number.isSafeInteger(line) || line <= 0) return [];
  return [{ path, line, column: null, function: name === '' ? null : name }];
}

function dropOldest(map: Map<string, unknown>, most: number): void {
  if (map.size <= most) return;
  for (const key of map.keys()) {
    map.delete(key);
    return;
  }
}
