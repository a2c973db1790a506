import { expect, it } from 'vitest';
import { type ExchangeRow, NOT_DEBUGGED } from '../engine/row.ts';
import { exampleRow } from '../engine/testing/exampleRow.ts';
import { packed, unpacked } from './rowMessage.ts';

/** Every property another value, so that none can stand for another one. */
function marked<T extends object>(value: T, count = { last: 0 }): T {
  const mark = (one: unknown): unknown => {
    if (typeof one === 'string') return `value ${++count.last}`;
    if (typeof one === 'number') return ++count.last + 0.5;
    return one !== null && typeof one === 'object' && !Array.isArray(one) ? marked(one, count) : one;
  };
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, mark(one)])) as T;
}

/** A row that has everything. */
const FULL: ExchangeRow = {
  ...exampleRow({}),
  phases: { lookupMs: 1, connectMs: 2, tlsMs: 3, sendMs: 4, waitMs: 5, receiveMs: 6, overlapMs: 7 },
  ending: { how: 'reset', by: 'server', error: 'E', detail: 'by-proxy', signal: 'SIGTERM', exitCode: 1 },
  tlsFailure: 'x',
  stream: 1,
  messageFormat: 'grpc',
  grpcStatus: 2,
  encrypted: 'x',
  failure: { phase: 'lookup', reason: 'x' },
  proxy: 'x',
  file: 'x',
  operation: 'x',
  model: 'x',
  peer: 3,
  cause: { id: 4, by: 'time', doubt: 'stream' },
  pinned: true,
  debug: { ...NOT_DEBUGGED, source: { path: 'x', line: 1, column: null, function: 'x' } },
};

/** A row that has nothing but what each has. */
const BARE: ExchangeRow = {
  ...(Object.fromEntries(Object.keys(FULL).map((name) => [name, null])) as unknown as ExchangeRow),
  ...{ id: 5, revision: 1, start: 0, connectAttempts: 0, violations: 0, messages: 0 },
  ...{ protocol: '', state: 'running', connection: '', completeness: [], pinned: false },
  phases: {
    lookupMs: null,
    connectMs: null,
    tlsMs: null,
    sendMs: null,
    waitMs: null,
    receiveMs: null,
    overlapMs: null,
  },
};

it('rows arrive unchanged', () => {
  expect(Object.entries(FULL).filter(([, value]) => value === null)).toEqual([]);
  const rows = [exampleRow({}), marked(FULL), BARE, exampleRow({ id: 2 ** 40, start: 0.25, ending: null })];
  const message = { type: 'rows', rows, removed: [1, 2] } as const;
  expect(unpacked(structuredClone(packed(message)))).toEqual(message);
  const none = { type: 'rows', rows: [], removed: [] } as const;
  expect(unpacked(structuredClone(packed(none)))).toEqual(none);
});

it('equal parts of rows are sent once', () => {
  const rows = Array.from({ length: 100 }, (_, id) => ({ ...exampleRow({ id }), phases: FULL.phases }));
  const message = packed({ type: 'rows', rows, removed: [] });
  expect(message.type === 'rows' && message.texts.filter((text) => text === '/products')).toEqual([
    '/products',
  ]);
});

it('other messages are passed as they are', () => {
  const message = { type: 'done', request: 7 } as const;
  expect(unpacked(packed(message))).toBe(message);
});
