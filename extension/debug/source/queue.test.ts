import fc from 'fast-check';
import { expect, it } from 'vitest';
import { runs } from '../../../test/kit/runs.ts';
import { Queue } from './queue.ts';

it('behaves like an array that is shifted', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat(9)), { maxLength: 200 }), (steps) => {
      const queue = new Queue<number>();
      const array: number[] = [];
      for (const step of steps) {
        if (step === null) {
          queue.shift();
          array.shift();
        } else {
          queue.push(step);
          array.push(step);
        }
        expect([queue.length, queue.oldest]).toEqual([array.length, array[0]]);
        expect(queue.findLast((member) => member > 5)).toBe(array.findLast((member) => member > 5));
        expect(queue.findLast(() => false)).toBeUndefined();
      }
    }),
    { numRuns: runs(500) },
  );
});
