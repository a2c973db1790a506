import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { outOfOrder } from './elementOrder.ts';

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

describe('what has to move', () => {
  it.each([
    ['nothing of what is in order', [0, 1, 2, 3], []],
    ['nothing of nothing', [], []],
    ['what was scrolled in at the end', [4, 5, 0, 1, 2, 3], [4, 5]],
    ['what was scrolled in at the top', [1, 2, 3, 0], [0]],
  ])('is %s', (_, order, moving) => {
    expect([...outOfOrder(order)].sort()).toEqual(moving);
  });

  it('is, of any order, all but a rising sequence, than which none is longer', () => {
    const orders = fc
      .integer({ min: 0, max: 8 })
      .chain((count) => fc.shuffledSubarray(upTo(count), { minLength: count, maxLength: count }));
    fc.assert(
      fc.property(orders, (order) => {
        const moving = outOfOrder(order);
        const staying = order.filter((number) => !moving.has(number));
        expect(staying).toEqual([...staying].sort((a, b) => a - b));
        for (let chosen = 0; chosen < 1 << order.length; chosen++) {
          const some = order.filter((_, place) => (chosen >> place) & 1);
          const isRising = some.every((number, place) => place === 0 || some[place - 1]! < number);
          if (isRising) expect(some.length).toBeLessThanOrEqual(staying.length);
        }
      }),
    );
  });
});
