import { array, assert, boolean, nat, property, tuple } from 'fast-check';
import { expect, test } from 'vitest';
import { LinkedList, type Place } from './linkedList.ts';

test('a linked list has its values in the order in which they were added or moved to the end', () => {
  assert(
    property(array(tuple(nat(2), nat(50), boolean())), (steps) => {
      const list = new LinkedList<number>();
      const places: Place<number>[] = [];
      let model: number[] = [];
      for (const [step, which, again] of steps) {
        const place = places[which % Math.max(1, places.length)];
        if (step === 0 || place === undefined) {
          places.push(list.add(places.length));
          model.push(places.length - 1);
        } else if (step === 1) {
          list.remove(place);
          // Taken out once, nothing more comes of it.
          if (again) list.remove(place);
          model = model.filter((value) => value !== place.value);
        } else if (place.held) {
          list.moveToEnd(place);
          model = [...model.filter((value) => value !== place.value), place.value];
        }
        expect([...list]).toEqual(model);
        expect([list.first, list.last, list.isEmpty]).toEqual([model[0], model.at(-1), model.length === 0]);
      }
      list.clear();
      expect([...list]).toEqual([]);
      for (const place of places) list.remove(place);
      expect(list.isEmpty).toBe(true);
    }),
  );
});

test('a value may be removed during iteration', () => {
  const list = new LinkedList<number>();
  const places = [1, 2, 3].map((value) => list.add(value));
  const seen: number[] = [];
  for (const value of list) {
    seen.push(value);
    list.remove(places[value - 1] as Place<number>);
  }
  expect(seen).toEqual([1, 2, 3]);
  expect(list.isEmpty).toBe(true);
});
