import { describe, expect, it } from 'vitest';
import { call } from '../../test/webview/harness/calls.ts';
import { AS_USUAL, type ColumnChoice, moved, ordered, withColumn } from './columnChoice.ts';
import { COLUMNS, comparator, layout } from './columns.ts';

/** Those that nobody has to choose. */
const USUAL = COLUMNS.filter(({ optional }) => optional !== true);

describe('layout', () => {
  it('leaves out columns as room becomes scarce, and never status and call', () => {
    let before = COLUMNS.length;
    for (let width = 1600; width > 0; width -= 20) {
      const { visible, template } = layout(width, {}, true);
      expect(visible.length).toBeLessThanOrEqual(before);
      before = visible.length;
      expect(visible.map(({ id }) => id)).toEqual(expect.arrayContaining(['status', 'call']));
      expect(template.split(/ (?![^(]*\))/)).toHaveLength(visible.length);
    }
    expect(layout(1500, {}, true).visible).toEqual(USUAL);
    expect(layout(400, {}, true).visible.map(({ id }) => id)).toEqual(['method', 'status', 'call', 'time']);
    // As wide as VS Code makes a panel that is moved to the side.
    expect(layout(289, {}, true).visible.map(({ id }) => id)).toEqual(['method', 'status', 'call']);
    expect(layout(100, {}, true).visible.map(({ id }) => id)).toEqual(['status', 'call']);
  });

  it('shows source lines, where some are known, in a panel beside the side bar', () => {
    const names = (sources: boolean) => layout(1_030, {}, sources).visible.map(({ id }) => id);
    expect(names(true)).toEqual(expect.arrayContaining(['id', 'process', 'source', 'waterfall']));
    expect(names(false)).toHaveLength(USUAL.length - 1);
  });

  it('keeps what was chosen before anything else, in the chosen order, and never shows what was hidden', () => {
    const choice: ColumnChoice = { order: [], shown: ['protocol', 'start'], hidden: ['time'] };
    const names = (width: number, chosen: ColumnChoice) =>
      layout(width, {}, false, chosen).visible.map(({ id }) => id);
    expect(names(420, choice)).toEqual(['status', 'call', 'protocol', 'start']);
    expect(names(1500, choice)).toContain('start');
    expect(names(1500, choice)).not.toContain('time');
    const first = moved(moved(choice, COLUMNS, 'waterfall', 'id'), COLUMNS, 'status', null);
    const order = names(1500, first);
    expect([order[0], order.at(-1)]).toEqual(['waterfall', 'status']);
    // The waterfall takes what is left, wherever it stands; without one the call does.
    expect(layout(1500, { call: 300 }, false, first).template).toMatch(/^minmax\(80px, 4fr\) .*300px/);
    const without = withColumn(first, 'waterfall', false);
    expect(layout(1500, { call: 300 }, false, without).template).toContain('minmax(80px, 5fr)');
    // Columns that a later version adds have their usual neighbour.
    expect(ordered({ ...AS_USUAL, order: ['call', 'id'] }, USUAL).map(({ id }) => id)).toEqual([
      'call',
      'protocol',
      'type',
      'size',
      'time',
      'process',
      'source',
      'waterfall',
      'id',
      'method',
      'status',
    ]);
  });

  it('keeps chosen widths, but not below what can be read', () => {
    expect(layout(1400, { method: 120, status: 1 }, false).template).toContain('120px 36px');
    const { template } = layout(1400, { call: 500 }, false);
    expect(template).toContain('500px');
    expect(template.endsWith('minmax(80px, 4fr)')).toBe(true);
  });
});

it('the protocol is named shortly', () => {
  const column = COLUMNS.find(({ id }) => id === 'protocol');
  const text = (protocol: string): string | undefined => column?.text(call({ id: 1, protocol }));
  expect(['HTTP/2', 'HTTP/1.1', 'TLSv1.3', ''].map(text)).toEqual(['h2', 'http/1.1', 'TLSv1.3', '']);
});

describe('comparator', () => {
  it('puts what is unknown last in either direction, and equals by number', () => {
    const rows = [
      call({ id: 1, duration: 5 }),
      call({ id: 2, duration: null }),
      call({ id: 3, duration: 1 }),
      call({ id: 4, duration: 5 }),
    ];
    const order = (ascending: boolean): number[] =>
      [...rows].sort(comparator({ column: 'time', ascending })).map(({ id }) => id);
    expect(order(true)).toEqual([3, 1, 4, 2]);
    expect(order(false)).toEqual([1, 4, 3, 2]);
  });
});
