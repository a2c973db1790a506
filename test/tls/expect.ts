/** Compares an exchange over TLS with what the peers report. Each difference is reported as a sentence. */
import type { ExchangeJson } from '../../extension/engine/exchangeJson.ts';
import { assert, same } from '../kit/check.ts';
import { expectBody, field } from '../kit/truth.ts';
import type { Truth } from './counterpart.ts';
import type { Library } from './peers.ts';

export interface ExpectedTls {
  readonly side: 'client' | 'server';
  /** null: any. */
  readonly pids: readonly number[] | null;
  readonly library: Library;
  /** The connection was open before the trace began. */
  readonly late: boolean;
  /** Any version, unless it is given; null: the file does not contain it. */
  readonly libraryVersion?: string | null | undefined;
  /** `localhost` by default. */
  readonly host?: string;
}

export function findByPath(
  exchanges: readonly ExchangeJson[],
  path: string,
  side: 'client' | 'server' | null,
): ExchangeJson {
  const found = exchanges.filter(
    (one) => (side === null || one.side === side) && one.url !== null && one.url.endsWith(path),
  );
  const [one] = found;
  if (one === undefined || found.length > 1) {
    const secret = path.split('/').at(-1) ?? path;
    const about = exchanges
      .filter((other) => JSON.stringify([other.url, other.request?.headers]).includes(secret))
      .map((e) => `${e.side} ${e.method} ${e.url} ${e.status} ${e.completeness}`);
    // First those of the same side, and what was not decrypted: they may be what is looked for.
    const alike = (e: ExchangeJson): boolean => e.side === side || e.encrypted !== null;
    const near = [...exchanges.filter(alike), ...exchanges.filter((e) => !alike(e))]
      .map((e) => `${e.side} ${e.url ?? '?'} ${e.completeness} ${e.encrypted?.reason ?? ''}`.trim())
      .slice(0, 6);
    throw new Error(
      `${found.length} exchanges of the ${side} with ${path}; about it: ${about.join('; ')}; of ${exchanges.length}: ${near.join('; ')}`,
    );
  }
  return one;
}

/** The exchange is as the other end reports it. @throws with the first difference */
export function expectTruth(
  exchanges: readonly ExchangeJson[],
  truth: Truth,
  expected: ExpectedTls,
): ExchangeJson {
  const exchange = findByPath(exchanges, truth.path, expected.side);
  const about = (what: string): string => `${truth.path}: ${what}`;
  const { pids, late } = expected;
  const pid = exchange.process?.pid ?? null;
  assert(pids === null || (pid !== null && pids.includes(pid)), about(`pid ${pid} is not one of ${pids}`));
  same(about('side'), exchange.side, expected.side);
  same(about('method'), exchange.method, truth.method);
  const url = new URL(exchange.url ?? 'http://none');
  same(about('scheme'), url.protocol, 'https:');
  same(about('host'), url.hostname, expected.host ?? 'localhost');
  same(about('path'), url.pathname + url.search, truth.path);
  same(about('status'), exchange.status, truth.status);
  same(about('id'), field(exchange.request, 'X-Trace-Id'), [truth.id]);
  same(about('answer'), field(exchange.response, 'X-Answer'), [truth.answer]);
  same(about('violations'), exchange.violations, []);
  same(about('transport'), exchange.connection.transport, 'tcp');
  same(about('local'), exchange.connection.local, truth.local);
  same(about('remote'), exchange.connection.remote, truth.remote);
  same(about('joined late'), exchange.connection.joinedLate, late);
  expectBody(about('request body'), exchange.request, truth.requestSize, truth.requestSha, 'whole');
  expectBody(about('response body'), exchange.response, truth.responseSize, truth.responseSha, 'whole');
  const marks = exchange.completeness.filter((mark) => mark !== 'joined-late' || !late);
  same(about('completeness'), marks, ['complete']);
  const { tls } = exchange;
  assert(tls !== null, about('nothing is reported about TLS'));
  same(about('library'), tls.library, expected.library);
  const { libraryVersion } = expected;
  if (libraryVersion === undefined) assert(tls.libraryVersion !== null, about('no version of the library'));
  else same(about('version of the library'), tls.libraryVersion, libraryVersion);
  if (late) return exchange;
  same(about('version'), tls.version, `TLSv${truth.version}`);
  // In TLS 1.3 the selected protocol is encrypted. It is known if the program asks its library for it.
  if (truth.version !== '1.3' || tls.alpn !== null) same(about('ALPN'), tls.alpn, truth.alpn);
  if (truth.serverName !== null) same(about('server name'), tls.serverName, truth.serverName);
  const { tlsMs } = exchange.timings;
  assert(tlsMs === null || tlsMs >= 0, about(`handshake of ${tlsMs} ms`));
  return exchange;
}

/** An exchange that began before the trace is not reported as complete, nor paired wrongly. */
export function expectNotWhole(exchanges: readonly ExchangeJson[], truth: Truth): void {
  for (const exchange of exchanges) {
    const request = exchange.url?.endsWith(truth.path) === true;
    const response = field(exchange.response, 'X-Answer').includes(truth.answer);
    if (!request && !response) continue;
    const what = `${truth.path}, which began before`;
    assert(!exchange.completeness.includes('complete'), `${what}, is called complete`);
    assert(!request || exchange.response === null, `${what}, has a response`);
    assert(!response || exchange.request === null, `${what}: its response has a request`);
  }
}
