/**
 * Random conversations with random losses. Each request and its response carry the same number: whatever is
 * lost, no exchange may pair two different ones, nothing may throw, and every byte must be accounted for.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../test/kit/runs.ts';
import { Engine } from './engine.ts';
import type { SeenField } from './exchange.ts';
import { Ending, Omission } from './record.ts';
import { conversation, type RecordSpec, recordBatch, START, type Step } from './testing/records.ts';

type Framing = 'none' | 'length' | 'chunked';

interface Call {
  readonly request: Framing;
  readonly response: Framing | 'head';
  readonly interim: boolean;
  readonly size: number;
}

const call: fc.Arbitrary<Call> = fc.record({
  request: fc.constantFrom<Framing>('none', 'length', 'chunked'),
  response: fc.constantFrom<Framing | 'head'>('none', 'length', 'chunked', 'head'),
  interim: fc.boolean(),
  size: fc.integer({ min: 1, max: 200 }),
});

function body(framing: Framing | 'head', size: number): string {
  const bytes = 'x'.repeat(size);
  switch (framing) {
    case 'none':
    case 'head':
      return '\r\n';
    case 'length':
      return `Content-Length: ${size}\r\n\r\n${bytes}`;
    case 'chunked': {
      const half = bytes.slice(0, size >> 1);
      const rest = bytes.slice(size >> 1);
      const chunk = (text: string): string =>
        text === '' ? '' : `${text.length.toString(16)}\r\n${text}\r\n`;
      return `Transfer-Encoding: chunked\r\n\r\n${chunk(half)}${chunk(rest)}0\r\n\r\n`;
    }
  }
}

function requestOf(id: number, { request, response, size }: Call): string {
  const method = response === 'head' ? 'HEAD' : 'POST';
  return `${method} /${id} HTTP/1.1\r\nHost: a\r\n${body(request, size)}`;
}

function responseOf(id: number, { response, interim, size }: Call): string {
  const early = interim ? `HTTP/1.1 103 Early Hints\r\nX-Id: ${id}\r\n\r\n` : '';
  const head = `HTTP/1.1 200 OK\r\nX-Id: ${id}\r\n`;
  if (response === 'head') return `${early}${head}Content-Length: ${size}\r\n\r\n`;
  if (response === 'none') return `${early}HTTP/1.1 204 No Content\r\nX-Id: ${id}\r\n\r\n`;
  return early + head + body(response, size);
}

/** Requests of each batch are sent before their responses; the next batch follows when all have come. */
function stepsOf(batches: readonly (readonly Call[])[], pieceSize: number): Step[] {
  const steps: Step[] = [];
  let id = 0;
  for (const batch of batches) {
    const first = id;
    for (const [i, one] of batch.entries())
      for (const out of cut(requestOf(first + i, one), pieceSize)) steps.push({ out });
    const text = batch.map((one, i) => responseOf(first + i, one)).join('');
    for (const piece of cut(text, pieceSize)) steps.push({ in: piece });
    id += batch.length;
  }
  steps.push({ end: 'in', ending: Ending.ReadEof }, { close: true });
  return steps;
}

function cut(text: string, size: number): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < text.length; at += size) pieces.push(text.slice(at, at + size));
  return pieces;
}

interface Outcome {
  engine: Engine;
  jsons: NonNullable<ReturnType<Engine['json']>>[];
}

function read(specs: readonly RecordSpec[]): Outcome {
  const engine = new Engine();
  engine.setClock({ offset: 0n, bootTime: START });
  engine.push(recordBatch(specs));
  engine.finish();
  const { changed } = engine.takeChanges();
  return { engine, jsons: changed.map((id) => engine.json(id)).filter((json) => json !== undefined) };
}

function idOf(headers: readonly SeenField[]): string | undefined {
  return headers.find(([name]) => name === 'X-Id')?.[1] ?? undefined;
}

function expectNoWrongPair(jsons: Outcome['jsons']): number {
  let pairs = 0;
  for (const json of jsons) {
    if (json.request === null || json.response === null) continue;
    const id = idOf(json.response.headers);
    // The number itself may have been lost with a part of the head.
    if (id !== undefined) {
      expect(`/${id}`).toBe(new URL(json.url ?? '', 'http://a').pathname);
      pairs++;
    }
    for (const interim of json.interim) expect(idOf(interim.headers)).toBe(id ?? idOf(interim.headers));
  }
  return pairs;
}

const single = fc.array(call, { minLength: 1, maxLength: 8 }).map((calls) => calls.map((one) => [one]));
const pipelined = fc.array(fc.array(call, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 });
const RUNS = runs(400);

describe('a conversation without losses', () => {
  it('is paired as it was, in pieces of any size, pipelined or not', () => {
    fc.assert(
      fc.property(fc.oneof(single, pipelined), fc.integer({ min: 1, max: 300 }), (batches, size) => {
        const { jsons } = read(conversation(stepsOf(batches, size)));
        expect(expectNoWrongPair(jsons)).toBe(batches.flat().length);
        for (const json of jsons) expect(json.completeness).toEqual(['complete']);
      }),
      { numRuns: RUNS },
    );
  });

  it('is paired as it was when responses are recorded before their requests', () => {
    fc.assert(
      fc.property(single, (batches) => {
        const specs = conversation(stepsOf(batches, 10_000));
        const late = specs.map((spec, i) => ({
          spec,
          at: spec.type === 'data' && spec.direction === 0 ? i + 1.5 : i,
        }));
        const { jsons } = read(late.sort((a, b) => a.at - b.at).map(({ spec }) => spec));
        expect(expectNoWrongPair(jsons)).toBe(batches.length);
      }),
      { numRuns: RUNS },
    );
  });
});

/** What happens to a record: nothing, lost, its bytes lost, or only its beginning copied. */
const fate = fc.constantFrom<'whole' | 'lost' | 'fault' | 'limit'>(
  'whole',
  'whole',
  'whole',
  'lost',
  'fault',
);

describe('a conversation with losses', () => {
  for (const [name, batches] of [
    ['one call at a time', single],
    ['pipelined', pipelined],
  ] as const) {
    it(`is never paired wrongly: ${name}`, () => {
      let pairs = 0;
      fc.assert(
        fc.property(
          batches,
          fc.integer({ min: 20, max: 400 }),
          fc.array(fate, { minLength: 100, maxLength: 100 }),
          (calls, size, fates) => {
            const all = conversation(stepsOf(calls, size));
            let bytes = 0;
            let lost = 0;
            const specs = all.flatMap((spec, i): RecordSpec[] => {
              if (spec.type !== 'data') return [spec];
              bytes += spec.bytes.length;
              const what = fates[i % fates.length];
              if (what === 'lost') {
                lost += spec.bytes.length;
                return [];
              }
              if (what === 'fault')
                return [{ ...spec, bytes: '', size: spec.bytes.length, omission: Omission.Fault }];
              return [spec];
            });
            const { engine, jsons } = read(specs);
            pairs += expectNoWrongPair(jsons);
            const stats = engine.stats();
            expect(stats.lostBytes).toBe(lost);
            expect(stats.copiedBytes + stats.omittedBytes + stats.lostBytes + stats.unseenBytes).toBe(bytes);
            expect(stats.running).toBe(0);
            for (const json of jsons) {
              expect(json.completeness.length).toBeGreaterThan(0);
              if (json.completeness.includes('complete')) {
                expect(json.completeness).toEqual(['complete']);
                expect(json.request).not.toBeNull();
                expect(json.response?.bodyCaptured).toBe(json.response?.bodySize);
              }
            }
          },
        ),
        { numRuns: 3 * RUNS },
      );
      // Caution must not go so far that nothing is paired.
      expect(pairs).toBeGreaterThan(RUNS);
    });
  }

  it('pairs with certainty again when calls follow one another after a loss', () => {
    const calls = Array.from({ length: 6 }, (): Call[] => [
      { request: 'none', response: 'length', interim: false, size: 3 },
    ]);
    const all = conversation(stepsOf(calls, 1_000));
    for (let gone = 1; gone < all.length - 2; gone++) {
      const { jsons } = read(all.filter((_, i) => i !== gone));
      expect(expectNoWrongPair(jsons)).toBeGreaterThanOrEqual(5);
    }
  });
});

describe('anything at all', () => {
  it('never throws', () => {
    const text = fc.constantFrom(
      ...[
        'GET / HTTP/1.1\r\n',
        'HTTP/1.1 200 OK\r\n',
        '\r\n',
        '\n',
        '\r',
        '0\r\n',
        '5\r\nabc',
        'Content-Length: 3\r\n',
      ],
      ...[
        'Transfer-Encoding: chunked\r\n',
        'Connection: close\r\n',
        'Upgrade: x\r\n',
        'HTTP/1.1 101 x\r\n',
        ' ',
        ':',
        'abc',
      ],
      ...[
        'CONNECT a:1 HTTP/1.1\r\n',
        'HEAD / HTTP/1.0\r\n',
        'HTTP/1.1 100 Continue\r\n\r\n',
        '\0',
        '\xff',
        'ffffffffffffff\r\n',
      ],
    );
    const bytes = fc.oneof(
      { weight: 4, arbitrary: fc.array(text, { maxLength: 12 }).map((parts) => parts.join('')) },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }) },
    );
    const step: fc.Arbitrary<Step> = fc.oneof(
      bytes.map((out): Step => ({ out })),
      bytes.map((piece): Step => ({ in: piece })),
      fc.record({
        omit: fc.constantFrom('out' as const, 'in' as const),
        size: fc.nat(50),
        omission: fc.constantFrom(1, 2, 3, 4, 5, 6),
      }),
      fc.record({ lose: fc.constantFrom('out' as const, 'in' as const), size: fc.nat(50) }),
      fc.record({ unseen: fc.constantFrom('out' as const, 'in' as const), size: fc.nat(50) }),
      fc.record({
        end: fc.constantFrom('out' as const, 'in' as const),
        ending: fc.constantFrom(1, 2, 3, 4, 5, 6),
      }),
    );
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 25 }),
        fc.record({
          side: fc.constantFrom('client' as const, 'server' as const, null),
          joinedLate: fc.boolean(),
          anonymous: fc.boolean(),
        }),
        fc.boolean(),
        (steps, options, close) => {
          const specs = conversation(close ? [...steps, { close: true }] : steps, options);
          const { engine, jsons } = read(specs);
          expect(engine.stats().running).toBe(0);
          for (const json of jsons) {
            expect(json.durationMs).toBeGreaterThanOrEqual(0);
            for (const phase of Object.values(json.timings)) expect(phase ?? 0).toBeGreaterThanOrEqual(0);
            expect(engine.row(json.id)?.state).toBe('ended');
          }
        },
      ),
      { numRuns: runs(3_000) },
    );
  });
});
