import { expect, it } from 'vitest';
import { call, calls, encrypted } from '../../test/webview/harness/calls.ts';
import { density, lanes, Mark } from './lanes.ts';

const window = { from: 0, to: 100 };

it('puts calls that overlap into different lanes and others into the same', () => {
  const rows = [
    call({ id: 1, start: 0, duration: 30 }),
    call({ id: 2, start: 10, duration: 10 }),
    call({ id: 3, start: 60, duration: 10, status: 500 }),
  ];
  expect(lanes(rows, window, 100, 3, 100)).toEqual([
    { lane: 0, from: 0, to: 30, mark: Mark.Done },
    { lane: 0, from: 60, to: 70, mark: Mark.Error },
    { lane: 1, from: 10, to: 20, mark: Mark.Done },
  ]);
});

it('counts no connection without plaintext as a call, unless its handshake failed', () => {
  const rows = [
    call({ id: 1, start: 5 }),
    encrypted({ id: 2, start: 6 }),
    encrypted({ id: 3, start: 7, completeness: ['handshake-failed'] }),
    encrypted({ id: 4, start: 8, duration: null, state: 'running' }),
  ];
  expect(density(rows, window, 1)).toEqual([{ calls: 2, errors: 1, running: 0 }]);
  expect(lanes(rows.slice(1), window, 100, 1, 100)).toEqual([
    { lane: 0, from: 1, to: 100, mark: Mark.Error },
  ]);
});

it('shows errors above what they overlap, and running calls up to now', () => {
  const rows = [
    call({ id: 1, start: 0, duration: 50 }),
    call({ id: 2, start: 20, duration: 10, status: 404 }),
    call({ id: 3, start: 60, duration: null, status: null, state: 'running' }),
  ];
  expect(lanes(rows, window, 100, 1, 80)).toEqual([
    { lane: 0, from: 0, to: 20, mark: Mark.Done },
    { lane: 0, from: 20, to: 30, mark: Mark.Error },
    { lane: 0, from: 30, to: 50, mark: Mark.Done },
    { lane: 0, from: 60, to: 80, mark: Mark.Running },
  ]);
});

it('never makes more runs than pixels', () => {
  const rows = calls(20_000);
  const whole = { from: 0, to: (rows.at(-1)?.start ?? 0) + 100 };
  expect(lanes(rows, whole, 300, 6, whole.to).length).toBeLessThanOrEqual(300 * 6);
});

it('counts every call of the window once', () => {
  const rows = calls(20_000);
  const whole = { from: 0, to: (rows.at(-1)?.start ?? 0) + 1 };
  const columns = density(rows, whole, 100);
  expect(columns).toHaveLength(100);
  expect(columns.reduce((sum, column) => sum + column.calls, 0)).toBe(20_000);
  const failed = rows.filter((row) => (row.status ?? 0) >= 400 || row.completeness.includes('aborted'));
  expect(columns.reduce((sum, column) => sum + column.errors, 0)).toBe(failed.length);
});
