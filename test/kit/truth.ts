/** Compares what was traced with what the peers report. Every difference is an Error with a sentence. */
import type { ExchangeJson, MessageJson, SummaryJson } from '../../extension/engine/exchangeJson.ts';
import { assert, same } from './check.ts';
import { type PeerReport, sha } from './peers.ts';

/** The body as far as it was captured; empty when nothing was. */
export function bodyOf(message: MessageJson | null): Buffer {
  const body = message?.body ?? null;
  if (body === null) return Buffer.alloc(0);
  return 'text' in body ? Buffer.from(body.text) : Buffer.from(body.base64, 'base64');
}

/** Values of a field, by its case-insensitive name. */
export function field(message: MessageJson | null, name: string): string[] {
  const found = message?.headers.filter(([n]) => n?.toLowerCase() === name.toLowerCase()) ?? [];
  return found.map(([, value]) => value ?? '');
}

/** Longer texts are random bodies of the peers, without an id. */
const SEARCHED = 10_000;
const texts = new WeakMap<ExchangeJson, string>();

/** The exchanges that contain the id anywhere, in whichever message. */
export function mentioning(exchanges: readonly ExchangeJson[], id: string): ExchangeJson[] {
  return exchanges.filter((exchange) => {
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

/** Exchanges that an error message lists. */
const LISTED = 20;

const byIds = new WeakMap<readonly ExchangeJson[], ReadonlyMap<string, readonly ExchangeJson[]>>();

/** The exchanges of one side whose request carries this id. Indexed: thousands of ids are looked up. */
function withId(
  exchanges: readonly ExchangeJson[],
  id: string,
  side: 'client' | 'server',
): readonly ExchangeJson[] {
  let byId = byIds.get(exchanges);
  if (byId === undefined) {
    const all = new Map<string, ExchangeJson[]>();
    for (const exchange of exchanges) {
      for (const name of new Set(field(exchange.request, 'X-Trace-Id'))) {
        const key = `${exchange.side} ${name}`;
        const others = all.get(key);
        if (others === undefined) all.set(key, [exchange]);
        else others.push(exchange);
      }
    }
    byId = all;
    byIds.set(exchanges, byId);
  }
  return byId.get(`${side} ${id}`) ?? [];
}

/** The exchange whose request carries this id, seen from this side. @throws unless there is exactly one */
export function findExchange(
  exchanges: readonly ExchangeJson[],
  id: string,
  side: 'client' | 'server',
): ExchangeJson {
  const found = withId(exchanges, id, side);
  const [exchange] = found;
  if (exchange === undefined || found.length > 1) {
    const list = (some: readonly ExchangeJson[]): string =>
      some
        .slice(0, LISTED)
        .map((e) => `${e.side} ${e.method} ${e.url} ${e.status} ${e.completeness}`)
        .join('; ');
    throw new Error(
      `${found.length} exchanges of the ${side} have the id ${id}; it is in: ${list(mentioning(exchanges, id))}; of all ${exchanges.length}: ${list(exchanges)}`,
    );
  }
  return exchange;
}

/**
 * How much of a body must be there: all of it; only its size, with a note why the bytes are not there; `any`: the test
 * checks it itself.
 */
export type Extent = 'whole' | 'counted' | 'any';

export interface Expected {
  readonly request?: Extent;
  readonly response?: Extent;
  /** Whether the connection was open before the trace; null: either is right. */
  readonly joinedLate?: boolean | null;
  /** Milliseconds by which a duration may exceed the peer's own measure. */
  readonly slack?: number;
}

/** Timers of a busy machine. */
const SLACK_MS = 50;

/** The exchange is what the peer reports. @throws with the first difference */
export function expectReported(exchange: ExchangeJson, report: PeerReport, expected: Expected = {}): void {
  const about = (what: string): string => `${report.side} ${report.id.slice(0, 6)}: ${what}`;
  const { request = 'whole', response = 'whole', joinedLate = false, slack = SLACK_MS } = expected;
  assert(!('error' in report), about(`the peer reports an error: ${JSON.stringify(report)}`));
  same(about('side'), exchange.side, report.side);
  same(about('pid'), exchange.process?.pid, report.pid);
  same(about('method'), exchange.method, report.method);
  const { pathname, search } = new URL(exchange.url ?? 'http://none');
  same(about('path'), pathname + search, report.path);
  same(about('status'), exchange.status, report.status);
  same(about('id'), field(exchange.request, 'X-Trace-Id'), [report.id]);
  const { answer } = report;
  same(about('answer'), field(exchange.response, 'X-Answer'), answer === null ? [] : [answer]);
  same(about('violations'), exchange.violations, []);
  const late = joinedLate ?? exchange.connection.joinedLate;
  same(about('joined late'), exchange.connection.joinedLate, late);
  const { localPort = null } = report;
  if (localPort !== null) {
    const { local } = exchange.connection;
    assert(local?.endsWith(`:${localPort}`) === true, about(`local ${local}, not port ${localPort}`));
  }
  expectBody(about('request body'), exchange.request, report.requestSize, report.requestSha, request);
  expectBody(about('response body'), exchange.response, report.responseSize, report.responseSha, response);
  const marks = exchange.completeness.filter((mark) => mark !== 'joined-late' || !late);
  if (request === 'whole' && response === 'whole') same(about('completeness'), marks, ['complete']);
  if (request === 'counted' || response === 'counted') {
    assert(!marks.includes('complete'), about('called complete, though bytes are not there'));
  }
  const { durationMs } = exchange;
  assert(durationMs !== null && durationMs >= 0, about(`duration ${durationMs}`));
  if (report.side === 'client') {
    assert(durationMs <= report.ms + slack, about(`took ${durationMs} ms, by its own clock ${report.ms}`));
  }
}

/** @param size null: unknown */
export function expectBody(
  what: string,
  message: MessageJson | null,
  size: number | null,
  hash: string,
  extent: Extent,
): void {
  if (extent === 'any') return;
  assert(message !== null, `${what}: there is no message`);
  if (size !== null) same(`${what} size`, message.bodySize, size);
  const expected = size ?? message.bodySize;
  if (extent === 'counted') {
    assert(
      expected === null || message.bodyCaptured < expected,
      `${what}: ${message.bodyCaptured} bytes are there`,
    );
    assert(message.bodyNote !== null, `${what}: nothing says why it is not there`);
    return;
  }
  same(`${what} note`, message.bodyNote, null);
  same(`${what} captured`, message.bodyCaptured, expected);
  if (expected === 0) same(`${what} bytes`, bodyOf(message).length, 0);
  else same(`${what} hash`, sha(bodyOf(message)), hash);
}

/** `produced = delivered + dropped` in records; `seen = copied + omitted + dropped + unseen` in bytes. */
export function expectBalance(
  summary: Pick<SummaryJson['summary'], 'produced' | 'delivered' | 'dropped' | 'bytes' | 'note'>,
): void {
  const { produced, delivered, dropped, bytes } = summary;
  assert(produced !== null && dropped !== null && bytes !== null, `no counts: ${summary.note}`);
  same('records', produced, delivered + dropped);
  same('bytes', bytes.seen, bytes.copied + bytes.omitted + bytes.dropped + bytes.unseen);
}
