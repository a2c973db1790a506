import { array, assert, nat, property, tuple } from 'fast-check';
import { expect, test } from 'vitest';
import { WaitingCalls } from './waitingCalls.ts';

test('waiting calls behave the same before and after the first lookup', () => {
  assert(
    property(array(tuple(nat(9), nat(30))), (steps) => {
      const calls = new WaitingCalls();
      const model = new Map<number, number>();
      let last = 0;
      for (const [i, [step, place]] of steps.entries()) {
        // Mostly in order, as requests stand on a connection.
        if (step < 6) {
          last = step < 5 ? last + 1 : place;
          expect(calls.set(last, i)).toBe(!model.has(last));
          model.set(last, i);
        } else if (step === 6) expect(calls.delete(place)).toBe(model.delete(place));
        else if (step === 7) expect(calls.get(place)).toBe(model.get(place));
        else if (step === 8) {
          const first = [...model.keys()].slice(0, 3);
          expect(calls.dropFirst(3)).toBe(first.length);
          for (const one of first) model.delete(one);
        } else expect([...calls]).toEqual([...model]);
        expect(calls.size).toBe(model.size);
      }
      calls.clear();
      expect([calls.size, ...calls]).toEqual([0]);
    }),
  );
});
