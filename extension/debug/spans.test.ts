import { expect, it } from 'vitest';
import { common, joined, within } from './spans.ts';

const span = (from: number, to: number) => ({ from, to });

it('joins, intersects and measures spans', () => {
  expect(joined([span(5, 7), span(1, 3), span(2, 4)])).toEqual([span(1, 4), span(5, 7)]);
  expect(common([span(0, 10), span(20, 30)], [span(5, 25), span(29, 99)])).toEqual([
    span(5, 10),
    span(20, 25),
    span(29, 30),
  ]);
  const forever = span(8, Number.POSITIVE_INFINITY);
  expect(within([span(1, 3), forever], 2, 10)).toBe(3);
  expect(within([], 2, 10)).toBe(0);
});
