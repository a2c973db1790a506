import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ExchangeRow } from '../engine/row.ts';
import { exampleRow } from '../engine/testing/exampleRow.ts';
import { type Branch, CallTree, MAX_BRANCHES, MAX_CALLS, type TreeNode } from './callTree.ts';

class Example {
  readonly rows = new Map<number, ExchangeRow>();
  readonly tree = new CallTree(this.rows);

  put(...rows: ExchangeRow[]) {
    for (const row of rows) this.rows.set(row.id, row);
    return this.tree.apply({ rows, removed: [] });
  }

  remove(...ids: number[]) {
    for (const id of ids) this.rows.delete(id);
    return this.tree.apply({ rows: [], removed: ids });
  }

  /** The whole tree in short: names, counts, ids. */
  outline(node?: TreeNode): unknown[] {
    return this.tree.children(node).map((child) => {
      if (child.kind === 'call')
        return child.end === null ? child.row.id : [child.row.id, ...this.outline(child)];
      if (child.kind === 'more') return `${child.count} more`;
      const name = child.kind === 'process' ? child.sample.pid : child.name;
      const { answered, failedAnswers, answering } = child;
      const answers = answered + answering === 0 ? '' : ` answered ${answered}/${failedAnswers}/${answering}`;
      return [`${name} ${child.calls}/${child.errors}/${child.running}${answers}`, ...this.outline(child)];
    });
  }
}

describe('a call that is selected', () => {
  const calls = (from: number, to: number): ExchangeRow[] =>
    Array.from({ length: to - from + 1 }, (_, i) => exampleRow({ id: from + i, path: '/a' }));
  const route = (example: Example): Branch => {
    const [process] = example.tree.children();
    const [host] = example.tree.children(process);
    return example.tree.children(host)[0] as Branch;
  };

  test('stays where it is in its list while others come, and until another one is selected', () => {
    const example = new Example();
    example.put(...calls(1, 3));
    const before = example.outline(route(example));
    expect(before).toEqual([3, 2, 1]);
    expect(example.tree.hold(example.tree.call(2))).toEqual([]);
    example.put(...calls(4, 100));
    expect(example.outline(route(example))).toEqual([...before, '97 more']);
    expect(example.tree.children(route(example)).at(-1)).toMatchObject({ kind: 'more', newer: 97 });
    expect(example.tree.isShown(example.tree.call(2)!)).toBe(true);
    expect(example.tree.isShown(example.tree.call(100)!)).toBe(false);
    expect(example.tree.hold(null)).toEqual([route(example).parent!.parent]);
    expect(example.outline(route(example)).slice(0, 2)).toEqual([100, 99]);
    expect(example.tree.isShown(example.tree.call(2)!)).toBe(false);
  });

  test('does not hold the list when what was on top is gone', () => {
    const example = new Example();
    example.put(...calls(1, 2));
    example.outline();
    example.tree.hold(example.tree.call(1));
    example.put(...calls(3, 4));
    example.remove(1, 2);
    expect(example.outline(route(example))).toEqual([4, 3]);
  });
});

describe('process, host, route, newest calls', () => {
  test('with counts of calls, errors and running ones', () => {
    const example = new Example();
    example.put(
      exampleRow({ id: 1, path: '/a?x=1' }),
      exampleRow({ id: 2, path: '/a', status: 404 }),
      exampleRow({ id: 3, path: '/b', host: 'other.test', state: 'running', status: null }),
      exampleRow({ id: 4, pid: 9 }),
    );
    expect(example.outline()).toEqual([
      ['4242 3/1/1', ['shop.test 2/1/0', ['/a 2/1/0', 2, 1]], ['other.test 1/0/1', ['/b 1/0/1', 3]]],
      ['9 1/0/0', ['shop.test 1/0/0', ['/products 1/0/0', 4]]],
    ]);
  });

  test('without connections that are encrypted, which are a branch of their own', () => {
    const example = new Example();
    const sealed = (change: Partial<ExchangeRow>): ExchangeRow =>
      exampleRow({
        path: null,
        method: null,
        status: null,
        completeness: ['encrypted'],
        encrypted: 'rustls is not supported',
        ...change,
      });
    example.put(
      exampleRow({ id: 1, path: '/a' }),
      sealed({ id: 2, state: 'running' }),
      sealed({ id: 3, host: 'other.test' }),
      sealed({ id: 4, completeness: ['handshake-failed'] }),
      exampleRow({ id: 5, path: null }),
    );
    expect(example.outline()).toEqual([
      [
        '4242 3/1/0',
        ['shop.test 3/1/0', ['/a 1/0/0', 1], ['null 1/1/0', 4, 2], ['null 1/0/0', 5]],
        ['other.test 0/0/0', ['null 0/0/0', 3]],
      ],
    ]);
    const [process] = example.tree.children() as Branch[];
    expect(process?.encrypted).toBe(2);
    // Its plaintext has come after all.
    example.remove(2, 3, 4);
    expect(example.outline()).toEqual([
      ['4242 2/0/0', ['shop.test 2/0/0', ['/a 1/0/0', 1], ['null 1/0/0', 5]]],
    ]);
    example.remove(1, 5);
    expect(example.outline()).toEqual([]);
  });

  test('a call that ends is counted once, one whose path becomes known moves', () => {
    const example = new Example();
    example.put(exampleRow({ id: 1, path: null, state: 'running', status: null }));
    expect(example.outline()).toEqual([['4242 1/0/1', ['shop.test 1/0/1', ['null 1/0/1', 1]]]]);
    example.put(exampleRow({ id: 1, path: '/a', state: 'running', status: null }));
    example.put(exampleRow({ id: 1, path: '/a', status: 500 }));
    expect(example.outline()).toEqual([['4242 1/1/0', ['shop.test 1/1/0', ['/a 1/1/0', 1]]]]);
  });

  test('an unknown host is not a host named null, nor ?', () => {
    const example = new Example();
    example.put(
      exampleRow({ id: 1, host: null }),
      exampleRow({ id: 2, host: 'null' }),
      exampleRow({ id: 3, host: '?' }),
    );
    const [process] = example.tree.children();
    expect(example.tree.children(process).map((host) => (host as Branch).name)).toEqual([null, 'null', '?']);
  });

  test('what falls out of the store leaves the tree', () => {
    const example = new Example();
    example.put(
      exampleRow({ id: 1, status: 500 }),
      exampleRow({ id: 2, path: '/b' }),
      exampleRow({ id: 3, pid: 9 }),
    );
    expect(example.remove(1).root).toBe(false);
    expect(example.outline()).toEqual([
      ['4242 1/0/0', ['shop.test 1/0/0', ['/b 1/0/0', 2]]],
      ['9 1/0/0', ['shop.test 1/0/0', ['/products 1/0/0', 3]]],
    ]);
    expect(example.remove(2, 3, 99).root).toBe(true);
    expect(example.outline()).toEqual([]);
  });
});

describe('a call that was seen at both ends', () => {
  const pair = (client: Partial<ExchangeRow>, server: Partial<ExchangeRow>): ExchangeRow[] => [
    exampleRow({ id: 1, path: '/a', side: 'client', peer: 2, ...client }),
    exampleRow({ id: 2, path: '/a', side: 'server', peer: 1, ...server }),
  ];

  test('of one process is one call, with the server’s end beneath it as soon as that is known', () => {
    const example = new Example();
    example.put(...pair({ peer: null }, { peer: null }));
    expect(example.outline()).toEqual([['4242 2/0/0', ['shop.test 2/0/0', ['/a 2/0/0', 2, 1]]]]);
    example.put(...pair({}, {}).reverse());
    expect(example.outline()).toEqual([['4242 1/0/0', ['shop.test 1/0/0', ['/a 1/0/0', [1, 2]]]]]);
    const end = example.tree.call(2)!;
    expect(end.parent).toMatchObject({ kind: 'call', row: { id: 1 } });
    expect(example.tree.isShown(end)).toBe(true);
    expect(example.tree.children(end)).toEqual([]);
    // The client's row goes first: what is left is a call by itself.
    example.remove(1);
    expect(example.outline()).toEqual([['4242 1/0/0', ['shop.test 1/0/0', ['/a 1/0/0', 2]]]]);
    example.remove(2);
    expect(example.outline()).toEqual([]);
  });

  test('of two processes is a call of the client’s; the server’s lists what it answered, and counts that apart', () => {
    const example = new Example();
    example.put(...pair({}, { pid: 9 }), exampleRow({ id: 3, pid: 9, path: '/a', side: 'server' }));
    expect(example.outline()).toEqual([
      ['4242 1/0/0', ['shop.test 1/0/0', ['/a 1/0/0', 1]]],
      ['9 1/0/0 answered 1/0/0', ['shop.test 1/0/0 answered 1/0/0', ['/a 1/0/0 answered 1/0/0', 3, 2]]],
    ]);
    example.remove(1, 3);
    expect(example.outline()).toEqual([['9 1/0/0', ['shop.test 1/0/0', ['/a 1/0/0', 2]]]]);
  });

  test('failed where either end did, and once; an answer under way has not failed', () => {
    const example = new Example();
    example.put(...pair({}, { status: 500, pid: 9 }));
    const [client, server] = example.tree.children() as Branch[];
    expect(client).toMatchObject({ calls: 1, errors: 1, answered: 0 });
    expect(server).toMatchObject({ calls: 0, errors: 0, answered: 1, failedAnswers: 1 });
    example.put(...pair({}, { status: null, state: 'running', pid: 9 }));
    expect(client).toMatchObject({ calls: 1, errors: 0, running: 0 });
    expect(server).toMatchObject({ calls: 0, running: 0, answered: 0, failedAnswers: 0, answering: 1 });
  });

  test('is two calls where somebody wants them apart, and in branches with the same ids', () => {
    const example = new Example();
    example.put(...pair({ status: 500 }, { status: 500 }));
    const ids = (): string[] => example.tree.children().map(({ id }) => id);
    const before = ids();
    example.tree.setJoins(false);
    expect(example.outline()).toEqual([['4242 2/2/0', ['shop.test 2/2/0', ['/a 2/2/0', 2, 1]]]]);
    example.tree.setJoins(true);
    expect(example.outline()).toEqual([['4242 1/1/0', ['shop.test 1/1/0', ['/a 1/1/0', [1, 2]]]]]);
    expect(ids()).toEqual(before);
  });

  test('is shown with its client’s call, however far down that is, and holds its list when it is selected', () => {
    const example = new Example();
    const more = (from: number): ExchangeRow[] =>
      Array.from({ length: MAX_CALLS }, (_, i) => exampleRow({ id: from + i, path: '/a' }));
    example.put(...pair({}, {}));
    example.outline();
    example.tree.hold(example.tree.call(2));
    example.put(...more(3));
    expect(example.tree.isShown(example.tree.call(2)!)).toBe(true);
    example.tree.hold(null);
    expect(example.tree.isShown(example.tree.call(2)!)).toBe(false);
    expect(example.tree.shownAncestor(example.tree.call(2)!)).toMatchObject({ kind: 'route', name: '/a' });
  });
});

describe('caps', () => {
  test('the newest calls of a route, then how many more', () => {
    const example = new Example();
    const many = MAX_CALLS + 12_340;
    example.put(...Array.from({ length: many }, (_, i) => exampleRow({ id: i + 1 })));
    const [process] = example.tree.children();
    const [host] = example.tree.children(process);
    const [route] = example.tree.children(host);
    const shown = example.tree.children(route);
    expect(shown).toHaveLength(MAX_CALLS + 1);
    expect(shown[0]).toMatchObject({ kind: 'call', row: { id: many } });
    expect(shown.at(-1)).toMatchObject({ kind: 'more', of: 'call', count: 12_340 });
    expect(example.tree.isShown(example.tree.call(many)!)).toBe(true);
    expect(example.tree.isShown(example.tree.call(1)!)).toBe(false);
    expect(example.tree.shownAncestor(example.tree.call(1)!)).toBe(route);
  });

  test('routes of a host', () => {
    const example = new Example();
    example.put(
      ...Array.from({ length: MAX_BRANCHES + 7 }, (_, i) => exampleRow({ id: i + 1, path: `/users/${i}` })),
    );
    const [process] = example.tree.children();
    const [host] = example.tree.children(process);
    expect(example.tree.children(host).at(-1)).toMatchObject({ kind: 'more', of: 'route', count: 7 });
    const hidden = example.tree.call(MAX_BRANCHES + 7)!;
    expect(example.tree.isShown(hidden)).toBe(false);
    expect(example.tree.shownAncestor(hidden)).toBe(host);
  });
});

test('only processes that changed are reported, the root only when the list of processes changed', () => {
  const example = new Example();
  example.put(exampleRow({ id: 1 }), exampleRow({ id: 2, pid: 9 }));
  const changes = example.put(exampleRow({ id: 3, pid: 9 }));
  expect(changes.root).toBe(false);
  expect([...changes.processes].map((process) => process.sample.pid)).toEqual([9]);
  expect(example.put(exampleRow({ id: 4, pid: 10 })).root).toBe(true);
});

test('ids are stable and unique, parents lead to the root', () => {
  const example = new Example();
  example.put(exampleRow({ id: 1, path: '/a' }), exampleRow({ id: 2, path: '/b' }));
  const collect = (node?: TreeNode): TreeNode[] =>
    example.tree.children(node).flatMap((child) => [child, ...collect(child)]);
  const before = collect().map((node) => node.id);
  expect(new Set(before).size).toBe(before.length);
  example.put(exampleRow({ id: 3, path: '/a' }));
  expect(collect().map((node) => node.id)).toEqual(expect.arrayContaining(before));
  const call = example.tree.call(3)!;
  expect(call.parent.parent?.parent).toBe(example.tree.children()[0]);
  expect(call.parent.parent?.parent?.parent).toBeNull();
});

/** Calls with even numbers were answered, those before them made. */
function ends(id: number, seen: 'both ends' | 'one end' | 'without a side'): Partial<ExchangeRow> {
  const answered = id % 2 === 0;
  const side = seen === 'without a side' ? null : answered ? 'server' : 'client';
  return { side, peer: seen === 'both ends' ? id + (answered ? -1 : 1) : null };
}

test('after any changes the tree is as if built anew from the rows', () => {
  const change = fc.record({
    id: fc.integer({ min: 1, max: 12 }),
    remove: fc.boolean(),
    pid: fc.constantFrom(1, 2, null),
    host: fc.constantFrom('a', 'b', null),
    path: fc.constantFrom('/x', '/x?y', '/z', null),
    status: fc.constantFrom(200, 500, null),
    state: fc.constantFrom('running' as const, 'ended' as const),
    seen: fc.constantFrom('both ends' as const, 'one end' as const, 'without a side' as const),
  });
  fc.assert(
    fc.property(fc.array(fc.array(change, { maxLength: 6 }), { maxLength: 12 }), (batches) => {
      const example = new Example();
      for (const batch of batches) {
        const rows = batch
          .filter((one) => !one.remove)
          .map(({ seen, ...one }) => exampleRow({ ...one, ...ends(one.id, seen) }));
        const kept = new Set(rows.map((row) => row.id));
        const removed = batch.filter((one) => one.remove && !kept.has(one.id)).map((one) => one.id);
        for (const id of removed) example.rows.delete(id);
        for (const row of rows) example.rows.set(row.id, row);
        example.tree.apply({ rows, removed });
      }
      const sorted = (outline: unknown[]): unknown[] =>
        outline
          .map((item) => (Array.isArray(item) ? [item[0], ...sorted(item.slice(1))] : item))
          .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
      const incremental = sorted(example.outline());
      for (const row of example.rows.values()) expect(example.tree.call(row.id)?.row).toBe(row);
      const anew = new Example();
      anew.put(...example.rows.values());
      expect(sorted(anew.outline())).toEqual(incremental);
    }),
  );
});

test('100,000 calls on one route, half of them evicted, take time in proportion', () => {
  const example = new Example();
  example.put(...Array.from({ length: 100_000 }, (_, i) => exampleRow({ id: i + 1 })));
  example.remove(...Array.from({ length: 50_000 }, (_, i) => i + 1));
  expect(example.tree.children()).toMatchObject([{ calls: 50_000 }]);
});
