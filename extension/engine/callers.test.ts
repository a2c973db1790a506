import { expect, it } from 'vitest';
import { Callers } from './callers.ts';
import { type CallerRecord, FLAG_ANY_METHOD, FLAG_NAMED, RecordType } from './record.ts';
import type { StoredExchange } from './storedExchange.ts';

const RECORD = { type: RecordType.Caller, flags: FLAG_NAMED, time: 0n, emitted: 0, pid: 7, tid: 7 } as const;

function record(of: Partial<CallerRecord>, line: number | string = 1): CallerRecord {
  const text = typeof line === 'string' ? line : JSON.stringify([0, ['/shop/pay.go', line, 'main.pay']]);
  const frames = Buffer.concat([Buffer.from(text), Buffer.alloc(3)]);
  return { ...RECORD, connection: 1n, request: 0x10n, stream: 0, method: '', frames, ...of };
}

function exchange(of: { connection?: string; stream?: number; method?: string; at?: number; side?: string }) {
  const { connection = '1', stream = null, method = 'GET', at = 10, side = 'client' } = of;
  return {
    side,
    connection: { id: connection },
    stream,
    request: { method, firstByte: at },
  } as StoredExchange;
}

it('joins HTTP/1 by its connection, the moment and the method, once', () => {
  const callers = new Callers();
  const lineOf = (of: Parameters<typeof exchange>[0]) => callers.of(exchange(of))?.line.line ?? null;
  callers.take(record({}, 1), 5);
  callers.take(record({}, 2), 8);
  callers.take(record({}, 3), 20);
  expect(lineOf({ connection: '2' })).toBeNull();
  expect(lineOf({ side: 'server' })).toBeNull();
  // The first had no request that was seen.
  expect(lineOf({})).toBe(2);
  expect(lineOf({})).toBeNull();
  expect(lineOf({ at: 30, method: 'POST' })).toBeNull();
  callers.take(record({ method: 'POST' }, 4), 40);
  expect(lineOf({ at: 41, method: 'POST' })).toBe(4);
});

it('ignores a stack without a known line, in favour of another record', () => {
  const callers = new Callers();
  callers.take(record({}, 1), 5);
  callers.take(record({ flags: FLAG_ANY_METHOD, method: 'GET' }), 6);
  expect(callers.of(exchange({}))?.line.line).toBe(1);
});

it('joins HTTP/2 by the stream that a request got, whatever the order', () => {
  const callers = new Callers();
  const lineOf = (stream: number) => callers.of(exchange({ stream }))?.line.line ?? null;
  callers.take(record({ connection: 0n, request: 1n }, 1), 1);
  callers.take(record({ connection: 0n, request: 2n }, 2), 1);
  callers.take(record({ connection: 0n, request: 2n, pid: 8 }, 3), 1);
  callers.take(record({ stream: 3, request: 1n, frames: Buffer.alloc(0) }), 2);
  callers.take(record({ stream: 1, request: 2n, frames: Buffer.alloc(0) }), 2);
  callers.take(record({ stream: 5, request: 9n, frames: Buffer.alloc(0) }), 2);
  expect([lineOf(1), lineOf(3), lineOf(5), lineOf(7)]).toEqual([2, 1, null, null]);
});

it('takes nothing that is not named, and nothing malformed', () => {
  const malformed = [
    '',
    '{}',
    '[0]',
    '[1,["/a.go",1,"f"]]',
    '[0,["/a.go",0,"f"]]',
    '[0,["",1,"f"]]',
    '[null,["/a.go",1,"f"]]',
  ];
  for (const text of malformed) {
    const callers = new Callers();
    callers.take(record({}, text), 5);
    expect(callers.of(exchange({}))).toBeNull();
  }
  const callers = new Callers();
  callers.take(record({ flags: 0 }), 5);
  expect(callers.of(exchange({}))).toBeNull();
});
