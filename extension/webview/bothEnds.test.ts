/** Rows of both ends as one row: whatever the order of changes, the list is the one that all of them make at once. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { runs } from '../../test/kit/runs.ts';
import type { ExchangeRow } from '../engine/row.ts';
import { exampleRow } from '../engine/testing/exampleRow.ts';
import { parseFilter } from '../filter/parser.ts';
import { RowStore } from './rowStore.ts';

const PAIRS = 5;

/** Ids of the rows listed, in their order. */
const listed = (store: RowStore): number[] =>
  Array.from({ length: store.length }, (_, index) => store.at(index)?.id ?? Number.NaN);

type Change =
  | {
      readonly what: 'row';
      readonly id: number;
      readonly peer: boolean;
      /** Of a client's row: the server's row that caused it. */
      readonly cause: number | null;
      readonly duration: number;
      readonly status: number;
    }
  | { readonly what: 'remove'; readonly id: number }
  | { readonly what: 'unfold'; readonly id: number; readonly on: boolean }
  | { readonly what: 'joins'; readonly on: boolean }
  | { readonly what: 'nests'; readonly on: boolean }
  | { readonly what: 'expand'; readonly id: number; readonly on: boolean }
  | { readonly what: 'filter'; readonly text: string }
  | { readonly what: 'sort'; readonly column: 'id' | 'time' | 'status'; readonly ascending: boolean }
  | { readonly what: 'flush' };

const id = fc.integer({ min: 1, max: 2 * PAIRS });
const changes: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      what: fc.constant('row' as const),
      id,
      peer: fc.boolean(),
      cause: fc.option(id),
      duration: fc.nat(5),
      status: fc.constantFrom(200, 404),
    }),
  },
  fc.record({ what: fc.constant('remove' as const), id }),
  { weight: 2, arbitrary: fc.record({ what: fc.constant('unfold' as const), id, on: fc.boolean() }) },
  fc.record({ what: fc.constant('joins' as const), on: fc.boolean() }),
  fc.record({ what: fc.constant('nests' as const), on: fc.boolean() }),
  { weight: 2, arbitrary: fc.record({ what: fc.constant('expand' as const), id, on: fc.boolean() }) },
  fc.record({ what: fc.constant('filter' as const), text: fc.constantFrom('', 'status:404', 'side:server') }),
  fc.record({
    what: fc.constant('sort' as const),
    column: fc.constantFrom('id' as const, 'time' as const, 'status' as const),
    ascending: fc.boolean(),
  }),
  { weight: 4, arbitrary: fc.record({ what: fc.constant('flush' as const) }) },
);

/** Odd numbers are clients, and the next number is the server's. */
function rowOf(change: Extract<Change, { what: 'row' }>, revision: number): ExchangeRow {
  const client = change.id % 2 === 1;
  return exampleRow({
    id: change.id,
    revision,
    side: client ? 'client' : 'server',
    peer: change.peer ? change.id + (client ? 1 : -1) : null,
    // Any at all, rings too: what a file says.
    cause: change.cause === null ? null : { id: change.cause, by: 'time', doubt: null },
    duration: change.duration,
    status: change.status,
  });
}

/** Calls that caused each other, as only a file can say; one of them has a server's row. */
const RING: Change[] = [
  { what: 'row', id: 3, peer: false, cause: 7, duration: 0, status: 200 },
  { what: 'row', id: 7, peer: true, cause: 3, duration: 0, status: 200 },
  { what: 'row', id: 8, peer: true, cause: null, duration: 0, status: 200 },
  { what: 'unfold', id: 7, on: true },
];
/** A server's row goes beneath its client's: what it was beneath has nothing left that matches. */
const GONE: Change[] = [
  { what: 'row', id: 2, peer: false, cause: null, duration: 0, status: 200 },
  { what: 'filter', text: 'status:404' },
  { what: 'row', id: 6, peer: true, cause: 2, duration: 0, status: 404 },
  { what: 'flush' },
  { what: 'row', id: 5, peer: true, cause: null, duration: 0, status: 200 },
];

/** A row with both a server's row and a call that it caused beneath it was listed with its server's row twice. */
const TWICE: Change[] = [
  { what: 'row', id: 6, peer: true, cause: null, duration: 0, status: 200 },
  { what: 'row', id: 1, peer: false, cause: 5, duration: 0, status: 200 },
  { what: 'row', id: 5, peer: true, cause: null, duration: 0, status: 200 },
  { what: 'unfold', id: 5, on: true },
  { what: 'flush' },
  { what: 'expand', id: 5, on: true },
];

/** A server's row leaves its client's, and stands beneath its cause from then on. */
const PARTED: Change[] = [
  { what: 'row', id: 3, peer: true, cause: null, duration: 0, status: 200 },
  { what: 'row', id: 4, peer: true, cause: 5, duration: 0, status: 200 },
  { what: 'filter', text: 'side:server' },
  { what: 'row', id: 5, peer: false, cause: null, duration: 0, status: 200 },
  { what: 'flush' },
  { what: 'row', id: 3, peer: false, cause: null, duration: 0, status: 200 },
];

it('lists the same after any changes as when all of them are made at once', () => {
  fc.assert(
    fc.property(fc.array(changes, { maxLength: 40 }), (list) => {
      const store = new RowStore();
      const held = new Map<number, ExchangeRow>();
      let [joins, nests, filter, revision] = [true, true, '', 0];
      for (const change of list) {
        switch (change.what) {
          case 'row': {
            const row = rowOf(change, ++revision);
            held.set(row.id, row);
            store.apply([row], []);
            break;
          }
          case 'remove':
            held.delete(change.id);
            store.apply([], [change.id]);
            break;
          case 'unfold':
            store.unfold(change.id, change.on);
            break;
          case 'joins':
            joins = change.on;
            store.setJoins(joins);
            break;
          case 'nests':
            nests = change.on;
            store.setNests(nests);
            break;
          case 'expand':
            store.expand(change.id, change.on);
            break;
          case 'filter':
            filter = change.text;
            store.setFilter(parseFilter(filter));
            break;
          case 'sort':
            store.setSort({ column: change.column, ascending: change.ascending });
            break;
          default:
            store.flush();
        }
      }
      store.flush();
      const unfolded = [...held.values()].filter((row) => store.foldOf(row)?.kind === 'unfolded');
      const again = new RowStore();
      again.setJoins(joins);
      again.setNests(nests);
      again.setFilter(parseFilter(filter));
      again.setSort(store.sort);
      again.apply([...held.values()], []);
      for (const row of unfolded) again.unfold(row.id);
      for (const row of held.values()) if (store.isCollapsed(row.id)) again.expand(row.id, false);
      again.flush();
      expect(listed(store)).toEqual(listed(again));
      expect(store.calls).toBe(again.calls);
      expect(store.listedCalls()).toHaveLength(store.calls);
      for (const [index, id] of listed(store).entries()) expect(store.indexOf(id)).toBe(index);
      // Rows stand beneath what they belong to, and only what something listed is beneath is there without a match.
      const levels = listed(store).map((id) => store.placeOf(held.get(id) as ExchangeRow).level);
      for (const [index, id] of listed(store).entries()) {
        const above = store.parentOf(id);
        if (above === null) expect(levels[index]).toBe(1);
        else {
          const parents = listed(store)
            .slice(0, index)
            .filter((_, at) => levels[at] === (levels[index] ?? 0) - 1);
          expect(parents.at(-1)).toBe(above.id);
        }
        if (nests && filter !== '')
          expect(store.placeOf(held.get(id) as ExchangeRow).dimmed).toBe(
            again.placeOf(held.get(id) as ExchangeRow).dimmed,
          );
      }
      // A server's row stands right beneath its client's.
      for (const [index, id] of listed(store).entries()) {
        const fold = store.foldOf(held.get(id) as ExchangeRow);
        if (fold?.kind === 'server') expect(listed(store)[index - 1]).toBe(fold.client.id);
      }
    }),
    { numRuns: runs(5_000), examples: [[RING], [GONE], [TWICE], [PARTED]] },
  );
});
