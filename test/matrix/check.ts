/** The comparison of what was traced with what the peers say. Every difference is a sentence. */
import { createHash } from 'node:crypto';
import type { ExchangeJson, MessageJson, SummaryJson } from '../../extension/engine/exchangeJson.ts';
import type { OpenedRecord } from '../../extension/engine/record.ts';

/** One line of a peer (peers/http.c). Sizes in bytes; hashes are SHA-256 of the bodies. */
export interface Said {
  readonly side: 'client' | 'server';
  readonly pid: number;
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly answer: string;
  readonly requestSize: number;
  readonly requestSha: string;
  readonly responseSize: number;
  readonly responseSha: string;
  readonly requestWire: number;
  readonly responseWire: number;
  /** The response came to its end and its bytes were read. */
  readonly whole: boolean;
  readonly ms: number;
  readonly local: string | null;
  readonly remote: string | null;
  readonly fd: number;
  readonly again: number;
  readonly shorts: number;
  readonly calls: number;
  readonly synData: boolean;
  readonly network: string;
}

export interface Trace {
  readonly exchanges: readonly ExchangeJson[];
  readonly summary: SummaryJson['summary'];
  readonly opened: ReadonlyMap<string, OpenedRecord>;
}

export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

export function same(what: string, seen: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(seen), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}: ${a} instead of ${b}`);
}

export function parseSaid(lines: readonly string[]): Said[] {
  return lines.filter((line) => line.startsWith('{"side"')).map((line) => JSON.parse(line) as Said);
}

export function bodyOf(message: MessageJson | null): Buffer {
  const body = message?.body ?? null;
  if (body === null) return Buffer.alloc(0);
  return 'text' in body ? Buffer.from(body.text) : Buffer.from(body.base64, 'base64');
}

export function sha(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function field(message: MessageJson | null, name: string): string[] {
  const found = message?.headers.filter(([n]) => n?.toLowerCase() === name.toLowerCase()) ?? [];
  return found.map(([, value]) => value ?? '');
}

/** Longer bodies are random bytes of the peers, without an id. */
const SEARCHED = 10_000;
const texts = new WeakMap<ExchangeJson, string>();

/** Everything of which the id is part, whichever message it is found in. */
export function mentioning(trace: Trace, id: string): ExchangeJson[] {
  return trace.exchanges.filter((exchange) => {
    let text = texts.get(exchange);
    if (text === undefined) {
      text = JSON.stringify(exchange, (_, value: unknown) =>
        typeof value === 'string' && value.length > SEARCHED ? '' : value,
      );
      texts.set(exchange, text);
    }
    return text.includes(id);
  });
}

/** The exchange with this id in its request, as this side saw it. @throws unless there is exactly one */
export function find(trace: Trace, id: string, side: 'client' | 'server'): ExchangeJson {
  const found = trace.exchanges.filter((e) => e.side === side && field(e.request, 'X-Trace-Id').includes(id));
  const [one] = found;
  if (one === undefined || found.length > 1) {
    const about = mentioning(trace, id).map((e) => `${e.side} ${e.method} ${e.status} ${e.completeness}`);
    throw new Error(
      `${found.length} exchanges of the ${side} with the id ${id}; about it: ${about.join('; ')}`,
    );
  }
  return one;
}

/**
 * How much of a body is to be there: all of it; only its number of bytes (they never were in user memory);
 * or nothing is asked (the scenario says itself).
 */
export type Extent = 'whole' | 'counted' | 'any';

export interface Expected {
  readonly request?: Extent;
  readonly response?: Extent;
  /** null: either is right. */
  readonly joinedLate?: boolean | null;
  /** Milliseconds by which a duration may be longer than the peer's own. */
  readonly slack: number;
}

/** The exchange says what the peer says. @throws with the first difference */
export function expectSame(trace: Trace, said: Said, expected: Expected): void {
  const exchange = find(trace, said.id, said.side);
  const about = (what: string): string => `${said.side} ${said.id.slice(0, 6)}: ${what}`;
  const { request = 'whole', response = 'whole', joinedLate = false, slack } = expected;
  same(about('pid'), exchange.process?.pid, said.pid);
  same(about('method'), exchange.method, said.method);
  same(about('path'), new URL(exchange.url ?? 'http://none').pathname, said.path);
  same(about('status'), exchange.status, said.status);
  same(about('answer'), field(exchange.response, 'X-Answer'), [said.answer]);
  same(about('violations'), exchange.violations, []);
  const late = joinedLate ?? exchange.connection.joinedLate;
  same(about('joined late'), exchange.connection.joinedLate, late);
  expectEnds(exchange, said, about);
  expectNamespace(trace, exchange, said, about);
  expectBody(about('request body'), exchange.request, said.requestSize, said.requestSha, request);
  expectBody(about('response body'), exchange.response, said.responseSize, said.responseSha, response);
  const marks = exchange.completeness.filter((mark) => mark !== 'joined-late' || !late);
  if (request === 'whole' && response === 'whole') same(about('completeness'), marks, ['complete']);
  if (request === 'counted' || response === 'counted') {
    assert(!marks.includes('complete'), about('called complete, though bytes are not there'));
  }
  const { durationMs } = exchange;
  assert(durationMs !== null && durationMs >= 0, about(`duration ${durationMs}`));
  if (said.side === 'client') {
    assert(durationMs <= said.ms + slack, about(`took ${durationMs} ms, its own clock says ${said.ms}`));
  }
}

function expectEnds(exchange: ExchangeJson, said: Said, about: (what: string) => string): void {
  const { local, remote, transport } = exchange.connection;
  same(about('transport'), transport, said.network === '' ? transport : transportOf(said));
  same(about('local'), local, said.local);
  same(about('remote'), remote, said.remote);
}

/** Of two TCP ends both have ports; of two Unix ends at least one has a path, or none a name. */
function transportOf(said: Said): 'tcp' | 'unix' {
  return /:\d+$/.test(said.local ?? '') ? 'tcp' : 'unix';
}

function expectNamespace(
  trace: Trace,
  exchange: ExchangeJson,
  said: Said,
  about: (what: string) => string,
): void {
  const opened = trace.opened.get(exchange.connection.id);
  assert(opened !== undefined, about('no record of its connection'));
  same(about('network namespace'), `net:[${opened.networkNamespace}]`, said.network);
}

export function expectBody(
  what: string,
  message: MessageJson | null,
  size: number,
  hash: string,
  extent: Extent,
): void {
  if (extent === 'any') return;
  assert(message !== null, `${what}: there is none`);
  same(`${what} size`, message.bodySize, size);
  if (extent === 'counted') {
    assert(message.bodyCaptured < size, `${what}: ${message.bodyCaptured} bytes are there`);
    assert(message.bodyNote !== null, `${what}: nothing says why it is not there`);
    return;
  }
  same(`${what} note`, message.bodyNote, null);
  same(`${what} captured`, message.bodyCaptured, size);
  if (size > 0) same(`${what} hash`, sha(bodyOf(message)), hash);
}

/** `produced = delivered + dropped` in records; `seen = copied + omitted + dropped + unseen` in bytes. */
export function expectBalance(summary: SummaryJson['summary']): void {
  const { produced, delivered, dropped, bytes } = summary;
  assert(produced !== null && dropped !== null && bytes !== null, `no counts: ${summary.note}`);
  same('records', produced, delivered + dropped);
  same('bytes', bytes.seen, bytes.copied + bytes.omitted + bytes.dropped + bytes.unseen);
}
