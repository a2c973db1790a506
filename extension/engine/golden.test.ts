import { describe, expect, it } from 'vitest';
import { WHOLE } from '../../test/kit/tier.mjs';
import { Engine } from './engine.ts';
import { GOLDEN, type Golden } from './testing/golden.ts';
import { GOLDEN_BEGINNINGS } from './testing/goldenBeginnings.ts';
import { GOLDEN_HTTP2 } from './testing/goldenHttp2.ts';
import { conversation, type RecordSpec, recordBatch, START, split, splitAt } from './testing/records.ts';
import { summary } from './testing/summary.ts';

/** Everything that the engine shows of these records, pushed in batches of `size` records. */
function read(
  specs: readonly RecordSpec[],
  size = Number.POSITIVE_INFINITY,
): { json: unknown[]; rows: unknown[] } {
  const engine = new Engine();
  engine.setClock({ offset: 1_700_000_000_000_000_000n, bootTime: START });
  if (size === Number.POSITIVE_INFINITY) engine.push(recordBatch(specs));
  else for (let at = 0; at < specs.length; at += size) engine.push(recordBatch(specs.slice(at, at + size)));
  engine.finish();
  const { changed } = engine.takeChanges();
  // How often a row was reported is not part of what it says.
  const rows = changed.map((id) => ({ ...engine.row(id), revision: 0 }));
  // Thousands of times: `expect` costs as much as the reading.
  const { running } = engine.stats();
  if (running !== 0) expect(running).toBe(0);
  return { json: changed.map((id) => engine.json(id)), rows };
}

function specsOf(golden: Golden): RecordSpec[] {
  return conversation(golden.steps, golden.options);
}

/** Positions that are passed over in the short run; each run begins at another one. */
const [SKIP, FIRST] = WHOLE ? [1, 0] : [8, Math.floor(Math.random() * 8)];

describe.each([...GOLDEN, ...GOLDEN_HTTP2, ...GOLDEN_BEGINNINGS])('$name', (golden) => {
  const stride = (golden.stride ?? 1) * SKIP;
  const specs = specsOf(golden);
  const whole = read(specs);
  const wholeText = JSON.stringify(whole);

  it('is read as expected', () => {
    expect(whole.json.map((json) => summary(json as Parameters<typeof summary>[0]))).toEqual(golden.expected);
  });

  // Such a message is recognised by where a call began: split differently, it is another conversation.
  if (!golden.byBoundary) {
    it('is read the same at every split point', () => {
      for (const [index, spec] of specs.entries()) {
        if (spec.type !== 'data') continue;
        for (let offset = 1 + FIRST; offset < spec.bytes.length; offset += stride) {
          const parts = read(splitAt(specs, index, offset));
          if (JSON.stringify(parts) !== wholeText) {
            expect({ index, offset, ...parts }).toEqual({ index, offset, ...whole });
          }
        }
      }
    });

    it('is read the same in pieces of one byte', () => {
      expect(read(split(specs, 1))).toEqual(whole);
    });
  }

  it('is read the same in batches of any size', () => {
    for (const size of [1, 2, 3]) expect(read(specs, size)).toEqual(whole);
  });

  it('is read the same with every record twice', () => {
    const twice = specs.flatMap((spec): RecordSpec[] => (spec.type === 'data' ? [spec, spec] : [spec]));
    expect(read(twice)).toEqual(whole);
  });

  it('is read the same with neighbouring records of one direction exchanged', () => {
    const cut = split(specs, 7);
    for (let i = FIRST; i + 1 < cut.length; i += stride) {
      const [first, second] = [cut[i], cut[i + 1]];
      if (first?.type !== 'data' || second?.type !== 'data' || first.direction !== second.direction) continue;
      const exchanged = [...cut];
      exchanged.splice(i, 2, second, first);
      if (JSON.stringify(read(exchanged)) !== wholeText) {
        expect({ i, ...read(exchanged) }).toEqual({ i, ...whole });
      }
    }
  });
});
