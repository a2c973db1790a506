/** Checks exchanges of which some may be incomplete. */
import type { ExchangeJson } from '../../extension/engine/exchangeJson.ts';
import { assert, same } from '../kit/check.ts';
import { type SocketReport, sha } from '../kit/peers.ts';
import { bodyOf, field } from '../kit/truth.ts';

/** Each exchange is right, or reported as incomplete; none has the response to another request. */
export function expectNoneWrong(
  trace: { readonly exchanges: readonly ExchangeJson[] },
  said: readonly SocketReport[],
): { delivered: number; labelled: number } {
  const known = new Map(said.map((line) => [`${line.side} ${line.id}`, line]));
  const answers = new Map(said.map((line) => [`${line.side} ${line.answer}`, line]));
  let [delivered, labelled] = [0, 0];
  const seen = new Set<string>();
  for (const exchange of trace.exchanges) {
    const [id] = field(exchange.request, 'X-Trace-Id');
    const [answer] = field(exchange.response, 'X-Answer');
    const asked = id === undefined ? undefined : known.get(`${exchange.side} ${id}`);
    const answered = answer === undefined ? undefined : answers.get(`${exchange.side} ${answer}`);
    const about = `${exchange.side} ${id} ${answer} (${exchange.completeness})`;
    assert(id === undefined || asked !== undefined, `an id that nobody used: ${about}`);
    assert(answer === undefined || answered !== undefined, `an answer that nobody gave: ${about}`);
    assert(
      asked === undefined || answered === undefined || asked === answered,
      `the response of ${answered?.id} beside the request ${asked?.id}: ${about}`,
    );
    if (!exchange.completeness.includes('complete')) {
      assert(exchange.completeness.length > 0, `incomplete without a reason: ${about}`);
      labelled++;
      continue;
    }
    assert(
      asked !== undefined && answered !== undefined,
      `reported as complete without both messages: ${about}`,
    );
    const key = `${exchange.side} ${id}`;
    assert(!seen.has(key), `shown twice: ${about}`);
    seen.add(key);
    same(`status, ${about}`, exchange.status, asked.status);
    same(`pid, ${about}`, exchange.process?.pid, asked.pid);
    same(`request size, ${about}`, exchange.request?.bodySize, asked.requestSize);
    same(`response size, ${about}`, exchange.response?.bodySize, asked.responseSize);
    if (asked.requestSize > 0) same(`request, ${about}`, sha(bodyOf(exchange.request)), asked.requestSha);
    if (asked.responseSize > 0) same(`response, ${about}`, sha(bodyOf(exchange.response)), asked.responseSha);
    delivered++;
  }
  return { delivered, labelled };
}
