import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SortedIds } from './sortedIds.ts';

test('holds what a sorted set holds, whatever is added and removed', () => {
  const operation = fc.record({ add: fc.boolean(), id: fc.integer({ min: 1, max: 30 }) });
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 80 }), (operations) => {
      const ids = new SortedIds();
      const model = new Set<number>();
      for (const { add, id } of operations) {
        if (add) {
          ids.add(id);
          model.add(id);
        } else {
          ids.delete(id);
          model.delete(id);
        }
        const expected = [...model].sort((a, b) => b - a);
        expect(ids.size).toBe(expected.length);
        expect(Array.from({ length: expected.length + 1 }, (_, i) => ids.newest(i))).toEqual([
          ...expected,
          undefined,
        ]);
        const position = expected.indexOf(id);
        expect(ids.positionOf(id)).toBe(position < 0 ? null : position);
      }
    }),
  );
});
