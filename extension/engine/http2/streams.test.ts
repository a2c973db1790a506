/** Random conversations of many streams: whole, with bytes lost, and joined late. What is shown is true. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../test/kit/runs.ts';
import { Engine } from '../engine.ts';
import type { Field, SeenField } from '../exchange.ts';
import type { BodyJson, ExchangeJson } from '../exchangeJson.ts';
import { WireProtocol } from '../record.ts';
import {
  continuation,
  data,
  END_HEADERS,
  END_STREAM,
  FieldEncoder,
  frame,
  headers,
  PADDED,
  PREFACE,
  ping,
  requestFields,
  responseFields,
  settings,
  settingsAck,
  windowUpdate,
} from '../testing/http2.ts';
import { conversation, recordBatch, START, type Step } from '../testing/records.ts';

/** What was said on a stream. */
interface Truth {
  readonly request: { readonly fields: Field[]; readonly trailers: Field[]; body: string };
  readonly response: { readonly fields: Field[]; readonly trailers: Field[]; body: string };
  readonly interim: Field[][];
}

interface Conversation {
  readonly pieces: readonly { readonly out: boolean; readonly bytes: Buffer }[];
  readonly streams: ReadonlyMap<number, Truth>;
}

type Random = (below: number) => number;

/** mulberry32 */
function randomOf(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

const METHODS = ['GET', 'POST', 'PUT', 'DELETE'];
const STATUSES = [200, 201, 204, 302, 404, 418, 500];

/** @param count of streams. */
function converse(random: Random, count: number): Conversation {
  const client = new FieldEncoder();
  const server = new FieldEncoder();
  const pieces: { out: boolean; bytes: Buffer }[] = [];
  const streams = new Map<number, Truth>();
  const say = (out: boolean, ...frames: Buffer[]): void => {
    pieces.push({ out, bytes: Buffer.concat(frames) });
  };
  const way = (): number => random(4);

  /** One field block in one frame or several. */
  const block = (stream: number, bytes: Buffer, ends: boolean): Buffer => {
    const flags = ends ? END_STREAM : 0;
    if (random(4) > 0 || bytes.length < 2) return headers(stream, bytes, flags | END_HEADERS);
    const cut = 1 + random(bytes.length - 1);
    return Buffer.concat([
      headers(stream, bytes.subarray(0, cut), flags),
      continuation(stream, bytes.subarray(cut)),
    ]);
  };
  const content = (stream: number, text: string, ends: boolean): Buffer => {
    const flags = ends ? END_STREAM : 0;
    if (random(4) > 0) return data(stream, text, flags);
    const pad = random(20);
    return frame(
      0,
      flags | PADDED,
      stream,
      Buffer.concat([Buffer.from([pad]), Buffer.from(text), Buffer.alloc(pad)]),
    );
  };
  const word = (): string => 'abcdefgh'.slice(random(8)).repeat(1 + random(random(10) === 0 ? 200 : 3));

  /** What is still to be said of each stream, in order. */
  const waiting: { readonly id: number; steps: (() => void)[] }[] = [];
  say(true, PREFACE, settings([3, 100]));
  say(false, settings([3, 100], [1, 4_096]), settingsAck());

  const open = (id: number): void => {
    const method = METHODS[random(METHODS.length)] as string;
    const truth: Truth = {
      request: {
        fields: requestFields(`/${id}`, method, [
          ['x-id', String(id)],
          ['accept', ['*/*', 'text/plain', word()][random(3)] as string],
        ]),
        trailers: [],
        body: '',
      },
      response: { fields: [], trailers: [], body: '' },
      interim: [],
    };
    streams.set(id, truth);
    const { request, response } = truth;
    const steps: (() => void)[] = [];
    const parts = random(3);
    const requestTrailers = parts > 0 && random(5) === 0;
    say(true, block(id, client.block(request.fields, way), parts === 0));
    for (let i = 0; i < parts; i++) {
      steps.push(() => {
        const text = word();
        request.body += text;
        say(true, content(id, text, i === parts - 1 && !requestTrailers));
      });
    }
    if (requestTrailers) {
      steps.push(() => {
        request.trailers.push(['x-request-sum', word()]);
        say(true, block(id, client.block(request.trailers, way), true));
      });
    }
    if (random(6) === 0) {
      steps.push(() => {
        const fields = responseFields(103, [['link', word()]]);
        truth.interim.push(fields);
        say(false, block(id, server.block(fields, way), false));
      });
    }
    const answers = random(3);
    const responseTrailers = random(4) === 0;
    steps.push(() => {
      response.fields.push(
        ...responseFields(STATUSES[random(STATUSES.length)] as number, [
          ['x-id', String(id)],
          ['content-type', ['text/plain', 'text/html'][random(2)] as string],
          ['x-word', word()],
        ]),
      );
      say(false, block(id, server.block(response.fields, way), answers === 0 && !responseTrailers));
    });
    for (let i = 0; i < answers; i++) {
      steps.push(() => {
        const text = word();
        response.body += text;
        say(false, content(id, text, i === answers - 1 && !responseTrailers));
      });
    }
    if (responseTrailers) {
      steps.push(() => {
        response.trailers.push(['x-sum', word()]);
        say(false, block(id, server.block(response.trailers, way), true));
      });
    }
    waiting.push({ id, steps });
  };

  let opened = 0;
  while (opened < count || waiting.length > 0) {
    if (opened < count && (waiting.length === 0 || random(3) === 0)) open(1 + 2 * opened++);
    else {
      const index = random(waiting.length);
      const next = waiting[index] as (typeof waiting)[number];
      next.steps.shift()?.();
      if (next.steps.length === 0) waiting.splice(index, 1);
    }
    if (random(8) === 0) say(random(2) === 0, windowUpdate(0, 1 + random(1_000)));
    if (random(20) === 0) say(random(2) === 0, ping());
  }
  return { pieces, streams };
}

/** Pieces of one direction that follow each other are joined, or cut, at random. */
function recut(random: Random, { pieces }: Conversation): { out: boolean; bytes: Buffer }[] {
  const cut: { out: boolean; bytes: Buffer }[] = [];
  for (const { out, bytes } of pieces) {
    const last = cut.at(-1);
    if (last?.out === out && random(2) === 0) last.bytes = Buffer.concat([last.bytes, bytes]);
    else cut.push({ out, bytes });
    if (random(4) === 0) {
      const piece = cut.pop() as { out: boolean; bytes: Buffer };
      const at = random(piece.bytes.length);
      cut.push({ out, bytes: piece.bytes.subarray(0, at) }, { out, bytes: piece.bytes.subarray(at) });
    }
  }
  return cut.filter(({ bytes }) => bytes.length > 0);
}

function read(steps: readonly Step[], options: Parameters<typeof conversation>[1] = {}): ExchangeJson[] {
  const engine = new Engine();
  engine.setClock({ offset: 0n, bootTime: START });
  engine.push(recordBatch(conversation(steps, { protocol: WireProtocol.Http2, ...options })));
  engine.finish();
  expect(engine.stats().running).toBe(0);
  return engine.takeChanges().changed.map((id) => engine.json(id, { reveal: true }) as ExchangeJson);
}

const step = ({ out, bytes }: { out: boolean; bytes: Buffer }): Step =>
  out ? { out: bytes } : { in: bytes };

const regular = (fields: readonly Field[]): Field[] => fields.filter(([name]) => !name.startsWith(':'));
const pick = (fields: readonly Field[], name: string): string => fields.find(([n]) => n === name)?.[1] ?? '';

function textOf(body: BodyJson | null): string {
  if (body === null) return '';
  return 'text' in body ? body.text : Buffer.from(body.base64, 'base64').toString('latin1');
}

/** Nothing that is shown differs from what was said. @returns fields that are known. */
function expectTrue(jsons: readonly ExchangeJson[], streams: ReadonlyMap<number, Truth>): number {
  let known = 0;
  const seen = new Set<number>();
  const among = (shown: readonly SeenField[], said: readonly Field[]): void => {
    let from = 0;
    for (const [name, value] of shown) {
      // In order: what is shown is a part of what was said.
      const at = said.findIndex(
        ([n, v], i) => i >= from && (name === null || name === n) && (value === null || value === v),
      );
      if (at < 0) expect({ shown }).toEqual({ shown: said });
      from = at + 1;
      if (name !== null && value !== null) known++;
    }
  };
  for (const json of jsons) {
    const id = json.http2?.stream ?? 0;
    const truth = streams.get(id);
    expect(seen.has(id)).toBe(false);
    seen.add(id);
    if (truth === undefined) throw new Error(`nothing was said on stream ${id}`);
    const { request, response } = truth;
    if (json.method !== null) expect(json.method).toBe(pick(request.fields, ':method'));
    if (json.url !== null) expect(new URL(json.url).pathname).toBe(`/${id}`);
    if (json.status !== null) expect(String(json.status)).toBe(pick(response.fields, ':status'));
    for (const [message, said] of [
      [json.request, request],
      [json.response, response],
    ] as const) {
      if (message === null) continue;
      // An unknown field may be a pseudo-header field.
      among(
        message.headers,
        message.headers.some(([name]) => name === null) ? said.fields : regular(said.fields),
      );
      among(message.trailers, said.trailers);
      const text = textOf(message.body);
      expect(said.body.startsWith(text)).toBe(true);
      if (message.bodySize !== null) expect(message.bodySize).toBe(said.body.length);
      if (json.completeness.includes('complete')) {
        expect(message.headers).toEqual(regular(said.fields));
        expect(message.trailers).toEqual(said.trailers);
        expect(text).toBe(said.body);
      }
    }
    for (const [i, { headers: fields }] of json.interim.entries()) {
      if (json.completeness.includes('complete')) expect(fields).toEqual(regular(truth.interim[i] ?? []));
      else among(fields, truth.interim[0] ?? response.fields);
    }
    // Nothing here breaks a rule, but where bytes are lost a length may seem wrong to nobody.
    expect(json.violations).toEqual([]);
  }
  return known;
}

const seeds = fc.nat({ max: 2 ** 31 - 1 });
/** Shares of them are asserted. */
const RUNS = { numRuns: runs(500) };
const TIMEOUT = 60_000 + 60 * RUNS.numRuns;

describe('a conversation of many streams', () => {
  it(
    'is read as it was, in pieces of any size',
    () => {
      fc.assert(
        fc.property(seeds, fc.integer({ min: 1, max: 25 }), (seed, count) => {
          const random = randomOf(seed);
          const talk = converse(random, count);
          const jsons = read(recut(random, talk).map(step));
          expect(jsons).toHaveLength(talk.streams.size);
          for (const { completeness } of jsons) expect(completeness).toEqual(['complete']);
          expectTrue(jsons, talk.streams);
        }),
        RUNS,
      );
    },
    TIMEOUT,
  );

  it(
    'is the same when a response is recorded before its request',
    () => {
      fc.assert(
        fc.property(seeds, fc.integer({ min: 1, max: 12 }), (seed, count) => {
          const random = randomOf(seed);
          const talk = converse(random, count);
          const pieces = [...talk.pieces];
          for (let i = 1; i < pieces.length; i++) {
            const [before, after] = [pieces[i - 1], pieces[i]];
            if (before === undefined || after === undefined || before.out === after.out || random(3) > 0)
              continue;
            pieces.splice(i - 1, 2, after, before);
          }
          const jsons = read(pieces.map(step));
          expect(jsons.map(({ http2 }) => http2?.stream).sort()).toEqual([...talk.streams.keys()].sort());
          for (const { completeness } of jsons) expect(completeness).toEqual(['complete']);
          expectTrue(jsons, talk.streams);
        }),
        RUNS,
      );
    },
    TIMEOUT,
  );

  it(
    'shows nothing that was not said when bytes are lost',
    () => {
      let known = 0;
      let found = 0;
      fc.assert(
        fc.property(
          seeds,
          fc.integer({ min: 2, max: 25 }),
          fc.integer({ min: 1, max: 4 }),
          (seed, count, holes) => {
            const random = randomOf(seed);
            const talk = converse(random, count);
            const pieces = recut(random, talk);
            const steps: Step[] = pieces.map(step);
            for (let i = 0; i < holes; i++) {
              const at = random(pieces.length);
              const { out, bytes } = pieces[at] as (typeof pieces)[number];
              steps[at] = { lose: out ? 'out' : 'in', size: bytes.length };
            }
            const jsons = read([...steps, { close: true }]);
            known += expectTrue(jsons, talk.streams);
            found += jsons.length / talk.streams.size;
          },
        ),
        RUNS,
      );
      // Holes do not make it give up.
      expect(known / RUNS.numRuns).toBeGreaterThan(5);
      expect(found / RUNS.numRuns).toBeGreaterThan(0.7);
    },
    TIMEOUT,
  );

  it(
    'shows nothing that was not said when it is joined late, anywhere',
    () => {
      let known = 0;
      fc.assert(
        fc.property(seeds, fc.integer({ min: 2, max: 25 }), fc.boolean(), (seed, count, sided) => {
          const random = randomOf(seed);
          const talk = converse(random, count);
          const whole = recut(random, talk);
          const pieces = whole.slice(1 + random(whole.length - 1));
          const [first] = pieces;
          if (first !== undefined) first.bytes = first.bytes.subarray(random(first.bytes.length));
          const jsons = read([...pieces.map(step), { close: true }], {
            joinedLate: true,
            ...(sided ? {} : { side: null }),
          });
          known += expectTrue(jsons, talk.streams);
        }),
        RUNS,
      );
      expect(known / RUNS.numRuns).toBeGreaterThan(5);
    },
    TIMEOUT,
  );
});
