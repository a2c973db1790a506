/** A message that is whole by its Content-Length although the end of its stream was not seen. */
import { describe, expect, it } from 'vitest';
import { Engine } from '../engine.ts';
import type { ExchangeJson } from '../exchangeJson.ts';
import { Ending, WireProtocol } from '../record.ts';
import {
  data,
  END_HEADERS,
  END_STREAM,
  FieldEncoder,
  headers,
  PREFACE,
  requestFields,
  reset,
  responseFields,
  settings,
} from '../testing/http2.ts';
import { conversation, recordBatch, START, type Step } from '../testing/records.ts';

const NO_ERROR = 0;
const INTERNAL_ERROR = 2;
const CANCEL = 8;
const ALL = 'hello';
const HELLO = Buffer.concat([PREFACE, settings()]);

function rows(steps: readonly Step[]): ExchangeJson[] {
  const engine = new Engine();
  engine.setClock({ offset: 0n, bootTime: START });
  engine.push(recordBatch(conversation(steps, { protocol: WireProtocol.Http2 })));
  engine.finish();
  return engine.takeChanges().changed.map((id) => engine.json(id) as ExchangeJson);
}

/** A GET, or a POST of which a part has been sent. */
function ask(method: 'GET' | 'POST'): Step {
  const client = new FieldEncoder();
  const flags = method === 'GET' ? END_STREAM | END_HEADERS : END_HEADERS;
  const head = headers(1, client.block(requestFields('/1', method)), flags);
  return { out: Buffer.concat(method === 'GET' ? [HELLO, head] : [HELLO, head, data(1, 'part', 0)]) };
}

function answer(length: number | null, body: string): Step {
  const server = new FieldEncoder();
  const more: [string, string][] = length === null ? [] : [['content-length', String(length)]];
  const head = headers(1, server.block(responseFields(200, more)), END_HEADERS);
  return { in: Buffer.concat([settings(), head, data(1, body, 0)]) };
}

const closes: Step[] = [{ end: 'out', ending: Ending.Fin }, { close: true }];

describe('an answer without END_STREAM', () => {
  it.each<[string, Step[], string[], number | null]>([
    ['the client closes', [answer(5, ALL), ...closes], ['complete'], 5],
    ['the trace ends', [answer(5, ALL)], ['complete'], 5],
    ['the server closes', [answer(5, ALL), { end: 'in', ending: Ending.ReadEof }], ['complete'], 5],
    ['the connection is reset', [answer(5, ALL), { end: 'in', ending: Ending.Reset }], ['complete'], 5],
    ['the client cancels the stream', [answer(5, ALL), { out: reset(1, CANCEL) }], ['complete'], 5],
    ['the server resets it with NO_ERROR', [answer(5, ALL), { in: reset(1, NO_ERROR) }], ['complete'], 5],
    [
      'the server resets it with an error',
      [answer(5, ALL), { in: reset(1, INTERNAL_ERROR) }],
      ['aborted'],
      5,
    ],
    ['an empty one, the client closes', [answer(0, ''), ...closes], ['complete'], 0],
    ['a byte is missing', [answer(6, ALL), { end: 'in', ending: Ending.ReadEof }], ['aborted'], null],
    ['a byte is missing, NO_ERROR', [answer(6, ALL), { in: reset(1, NO_ERROR) }], ['aborted'], null],
    ['no length is given', [answer(null, ALL), { end: 'in', ending: Ending.ReadEof }], ['aborted'], null],
    ['no length is given, NO_ERROR', [answer(null, ALL), { in: reset(1, NO_ERROR) }], ['aborted'], null],
  ])('%s', (_, steps, labels, size) => {
    const [row] = rows([ask('GET'), ...steps]);
    expect(row?.completeness).toEqual(labels);
    expect(row?.response?.bodySize).toBe(size);
  });
});

it('an answer that has ended is whole although the server then resets the stream: it needs no more of the request', () => {
  const server = new FieldEncoder();
  const head = headers(1, server.block(responseFields(200)), END_HEADERS);
  const whole = Buffer.concat([settings(), head, data(1, 'x', END_STREAM), reset(1, NO_ERROR)]);
  for (const method of ['GET', 'POST'] as const) {
    const [row] = rows([ask(method), { in: whole }]);
    expect(row?.completeness).toEqual(['complete']);
    expect(row?.response?.bodySize).toBe(1);
  }
});

describe('an answer to a request that is still being sent', () => {
  it.each<[string, Step, string[]]>([
    ['NO_ERROR of the server: it needs no more', { in: reset(1, NO_ERROR) }, ['complete']],
    ['the client gives up its upload', { out: reset(1, CANCEL) }, ['aborted']],
  ])('%s', (_, end, labels) => {
    const [row] = rows([ask('POST'), answer(5, ALL), end]);
    expect(row?.completeness).toEqual(labels);
    expect(row?.request?.bodyCaptured).toBe(4);
    expect(row?.response?.bodySize).toBe(5);
  });
});
