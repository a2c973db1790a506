import { array, assert, nat, property, tuple } from 'fast-check';
import { expect, test } from 'vitest';
import { PagedMap } from './pagedMap.ts';

test('a paged map is a map', () => {
  assert(
    property(array(tuple(nat(2), nat(200))), (steps) => {
      const paged = new PagedMap<{ key: number }>();
      const model = new Map<number, { key: number }>();
      for (const [step, key] of steps) {
        if (step === 2) {
          paged.delete(key);
          model.delete(key);
        } else {
          const value = { key };
          paged.set(key, value);
          model.set(key, value);
        }
        expect(paged.size).toBe(model.size);
        for (const other of [key, key + 1, key + 64, Math.max(0, key - 64)])
          expect(paged.get(other)).toBe(model.get(other));
      }
    }),
  );
});

test('a key that was never set has no value', () => {
  const paged = new PagedMap<number>();
  paged.set(1, 7);
  for (const key of [0, -1, 1.5, 64, Number.NaN, Number.POSITIVE_INFINITY])
    expect(paged.get(key)).toBeUndefined();
});
