import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { call, calls } from '../../test/webview/harness/calls.ts';
import { isError } from '../engine/row.ts';
import { parseFilter } from '../filter/parser.ts';
import { COLUMNS, comparator, type Sort } from './columns.ts';
import { RowStore } from './rowStore.ts';

const ids = (store: RowStore): number[] =>
  Array.from({ length: store.length }, (_, index) => store.at(index)?.id ?? -1);

describe('RowStore', () => {
  it('lists in the order of numbers, and finds a row by its number', () => {
    const store = new RowStore();
    store.apply(calls(100), []);
    expect(store.length).toBe(0);
    expect(store.flush()).toBe(true);
    expect(store.flush()).toBe(false);
    expect(store.length).toBe(100);
    expect(store.indexOf(42)).toBe(41);
    expect(store.indexOf(101)).toBe(-1);
  });

  it('replaces and removes rows, and ignores an older revision', () => {
    const store = new RowStore();
    store.apply([call({ id: 1 }), call({ id: 2, revision: 5 }), call({ id: 3 })], []);
    store.flush();
    store.apply([call({ id: 2, revision: 4, status: 500 })], [1]);
    store.flush();
    expect(ids(store)).toEqual([2, 3]);
    expect(store.get(2)?.status).toBe(200);
    store.apply([call({ id: 2, revision: 6, status: 500 })], []);
    store.flush();
    expect(store.at(0)?.status).toBe(500);
  });

  it('lists what overlaps the range; a running call goes on without end', () => {
    const store = new RowStore();
    store.apply(
      [
        call({ id: 1, start: 0, duration: 10 }),
        call({ id: 2, start: 5, duration: null, state: 'running' }),
        call({ id: 3, start: 50, duration: 10 }),
      ],
      [],
    );
    store.setRange({ from: 20, to: 49 });
    store.flush();
    expect(ids(store)).toEqual([2]);
    store.setRange({ from: 10, to: 50 });
    store.flush();
    expect(ids(store)).toEqual([1, 2, 3]);
  });

  it('forgets everything', () => {
    const store = new RowStore();
    store.apply(calls(10), []);
    store.flush();
    store.reset();
    expect(store.flush()).toBe(true);
    expect(store.length).toBe(0);
    expect(store.size).toBe(0);
  });

  it('lists what details decide once they are known, and asks for them once', () => {
    const store = new RowStore();
    const rows = [1, 2, 3, 4].map((id) => call({ id, method: id === 4 ? 'PUT' : 'GET' }));
    store.apply(rows, []);
    store.setFilter(parseFilter('get body:tea'));
    store.flush();
    expect(ids(store)).toEqual([]);
    expect(store.takeWanted()).toEqual([1, 2, 3]);
    expect(store.takeWanted()).toEqual([]);
    store.setFound([
      [2, 1],
      [3, 0],
    ]);
    store.flush();
    expect(ids(store)).toEqual([2]);
    store.setFound([[1, 1]]);
    store.flush();
    expect(ids(store)).toEqual([1, 2]);
    // A running call that goes on stays, and is looked at again.
    store.apply([call({ id: 2, revision: 2 })], []);
    store.flush();
    expect(ids(store)).toEqual([1, 2]);
    expect(store.takeWanted()).toEqual([2]);
    store.setFound([[2, 0]]);
    store.flush();
    expect(ids(store)).toEqual([1]);
    expect(store.indexOf(2)).toBe(-1);
    store.setFilter(parseFilter('get'));
    store.flush();
    expect(ids(store)).toEqual([1, 2, 3]);
    expect(store.takeWanted()).toEqual([]);
  });

  it('is, after any changes, what filtering and sorting everything anew would give', () => {
    const sort = fc.record<Sort>({
      column: fc.constantFrom(...COLUMNS.map(({ id }) => id)),
      ascending: fc.boolean(),
    });
    const change = fc.record({
      id: fc.integer({ min: 1, max: 30 }),
      status: fc.constantFrom(null, 200, 404, 500),
      duration: fc.option(fc.integer({ min: 0, max: 5 })),
      removed: fc.boolean(),
    });
    fc.assert(
      fc.property(
        sort,
        fc.constantFrom('', 'status:4xx', 'api'),
        fc.constantFrom('all', 'errors'),
        fc.array(fc.array(change, { maxLength: 8 }), { maxLength: 8 }),
        (order, line, chip, batches) => {
          const store = new RowStore();
          store.setSort(order);
          store.setFilter(parseFilter(line));
          store.setChip(chip);
          const model = new Map<number, ReturnType<typeof call>>();
          let revision = 0;
          for (const batch of batches) {
            for (const { id, status, duration, removed } of batch) {
              revision++;
              const row = call({ id, revision, status, duration });
              if (removed) model.delete(id);
              else model.set(id, row);
              store.apply(removed ? [] : [row], removed ? [id] : []);
            }
            store.flush();
            const expected = [...model.values()]
              .filter((row) => chip === 'all' || isError(row))
              .filter((row) => line !== 'status:4xx' || row.status === 404)
              .sort(comparator(order));
            expect(ids(store)).toEqual(expected.map(({ id }) => id));
            expected.forEach(({ id }, index) => {
              expect(store.indexOf(id)).toBe(index);
            });
          }
        },
      ),
    );
  });
});
