/** GOAWAY (RFC 9113 section 6.8): what is shown of streams that will not be answered. */
import { expect, it } from 'vitest';
import { Engine } from '../engine.ts';
import type { ExchangeJson } from '../exchangeJson.ts';
import { WireProtocol } from '../record.ts';
import {
  data,
  END_HEADERS,
  END_STREAM,
  FieldEncoder,
  goAway,
  headers,
  PREFACE,
  push,
  requestFields,
  reset,
  responseFields,
  settings,
} from '../testing/http2.ts';
import { conversation, recordBatch, START, type Step } from '../testing/records.ts';

const E = END_STREAM | END_HEADERS;
const HELLO = Buffer.concat([PREFACE, settings()]);
const ENHANCE_YOUR_CALM = 11;

/** Each before the trace ends: [path, labels, goAway]; without a label it is running. */
function rows(steps: readonly Step[]): unknown[] {
  const engine = new Engine();
  engine.setClock({ offset: 0n, bootTime: START });
  engine.push(recordBatch(conversation(steps, { protocol: WireProtocol.Http2 })));
  engine.advance(START + 60_000_000_000n);
  return engine
    .takeChanges()
    .changed.map((id) => engine.json(id) as ExchangeJson)
    .map(({ url, completeness, http2 }) => [
      url?.replace(/.*\//, ''),
      completeness.join(),
      http2?.goAway ?? null,
    ]);
}

function peers() {
  const client = new FieldEncoder();
  const server = new FieldEncoder();
  return {
    get: (id: number) => headers(id, client.block(requestFields(`/${id}`)), E),
    post: (id: number) => headers(id, client.block(requestFields(`/${id}`, 'POST')), END_HEADERS),
    ok: (id: number, flags = E) => headers(id, server.block(responseFields(200)), flags),
    push: (id: number, promised: number) => push(id, promised, server.block(requestFields(`/${promised}`))),
  };
}

const refused = { code: 0, name: 'NO_ERROR', by: 'server', processed: false, text: null };

it('ends the streams that are not processed, at once, and leaves the others', () => {
  const { get, post, ok } = peers();
  expect(
    rows([
      { out: Buffer.concat([HELLO, get(1), get(3), post(5), data(5, 'half', 0), get(7)]) },
      { in: Buffer.concat([settings(), goAway(3), ok(1)]) },
    ]),
  ).toEqual([
    ['1', 'complete', null],
    ['3', '', null],
    ['5', 'aborted', refused],
    ['7', 'unanswered', refused],
  ]);
});

it('ends those that the client opens before it has read it', () => {
  const { get, post } = peers();
  expect(
    rows([
      { out: Buffer.concat([HELLO, get(1)]) },
      { in: Buffer.concat([settings(), goAway(1)]) },
      { out: Buffer.concat([get(3), post(5), data(5, 'all')]) },
    ]),
  ).toEqual([
    ['1', '', null],
    ['3', 'unanswered', refused],
    ['5', 'unanswered', refused],
  ]);
});

it('may be announced before it is meant, and meant later', () => {
  const { get, ok } = peers();
  expect(
    rows([
      { out: Buffer.concat([HELLO, get(1)]) },
      { in: Buffer.concat([settings(), goAway(2 ** 31 - 1)]) },
      { out: Buffer.concat([get(3), get(5)]) },
      { in: Buffer.concat([ok(3), goAway(3)]) },
    ]),
  ).toEqual([
    ['1', '', null],
    ['3', 'complete', null],
    ['5', 'unanswered', refused],
  ]);
});

it('shows an error while streams run, with the debug data of the peer', () => {
  const { get } = peers();
  const calm = { code: ENHANCE_YOUR_CALM, name: 'ENHANCE_YOUR_CALM', by: 'server', text: 'too_many_pings' };
  expect(
    rows([
      { out: Buffer.concat([HELLO, get(1), get(3)]) },
      { in: Buffer.concat([settings(), goAway(1, ENHANCE_YOUR_CALM, 'too_many_pings')]) },
      { close: true },
    ]),
  ).toEqual([
    ['1', 'unanswered', { ...calm, processed: true }],
    ['3', 'unanswered', { ...calm, processed: false }],
  ]);
});

it('of the client is about what the server promises, and not about its own streams', () => {
  const { get, ok, push: promise } = peers();
  expect(
    rows([
      { out: Buffer.concat([HELLO, get(1)]) },
      { in: Buffer.concat([settings(), promise(1, 2), promise(1, 4)]) },
      { out: goAway(2) },
      { in: Buffer.concat([ok(1), ok(2)]) },
    ]),
  ).toEqual([
    ['1', 'complete', null],
    ['2', 'complete', null],
    ['4', 'unanswered', { ...refused, by: 'client' }],
  ]);
});

it('is forgotten for a stream that comes to an end of its own before', () => {
  const { get, ok } = peers();
  expect(
    rows([
      { out: Buffer.concat([HELLO, get(1), get(3)]) },
      { in: Buffer.concat([settings(), ok(1), reset(3, 8), goAway(0), goAway(0)]) },
    ]),
  ).toEqual([
    ['1', 'complete', null],
    ['3', 'aborted', null],
  ]);
});
