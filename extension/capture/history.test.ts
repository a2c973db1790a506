import { describe, expect, it } from 'vitest';
import { Engine } from '../engine/engine.ts';
import { Direction } from '../engine/record.ts';
import { recordBatch } from '../engine/testing/records.ts';
import { History } from './history.ts';

const SECOND = 1_000_000_000n;

/** One call in a trace that begins at this boot time. */
function trace(history: History, start: bigint, path: string): void {
  const engine = history.begin(start);
  engine.setClock({ offset: 0n, bootTime: start });
  const request = `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`;
  const response = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
  engine.push(
    recordBatch([
      { type: 'opened', connection: 1n, time: start, side: 'client' },
      { type: 'data', connection: 1n, time: start, direction: Direction.Out, position: 0, bytes: request },
      {
        type: 'data',
        connection: 1n,
        time: start + SECOND,
        direction: Direction.In,
        position: 0,
        bytes: response,
      },
    ]),
  );
  engine.advance(start + 2n * SECOND);
}

describe('several traces', () => {
  it('are one list: ids go on, times count from the first start', () => {
    const history = new History(() => new Engine(), 1000);
    trace(history, 100n * SECOND, '/first');
    const [first] = history.takeChanges().rows;
    expect(first).toMatchObject({ id: 1, path: '/first', start: 0, duration: 1000 });
    trace(history, 160n * SECOND, '/second');
    const [second] = history.takeChanges().rows;
    expect(second).toMatchObject({ id: 2, path: '/second', start: 60_000, duration: 1000 });
    expect(history.json(1, false)).toMatchObject({ id: 1, url: 'http://h/first' });
    expect(history.json(2, false)).toMatchObject({ id: 2, url: 'http://h/second' });
    expect(history.json(3, false)).toBeNull();
    expect(history.stats()).toMatchObject({ exchanges: 2, running: 0 });
  });

  it('drops whole traces, the oldest first, beyond its limit, and says which calls are gone', () => {
    const history = new History(() => new Engine(), 2);
    for (const [i, path] of ['/a', '/b', '/c'].entries()) {
      trace(history, BigInt(100 + i * 10) * SECOND, path);
      const { removed } = history.takeChanges();
      expect(removed).toEqual(path === '/c' ? [1] : []);
    }
    expect(history.json(1, false)).toBeNull();
    expect(history.json(3, false)?.url).toBe('http://h/c');
  });

  it('forgets what is over in all of them', () => {
    const history = new History(() => new Engine(), 1000);
    trace(history, 100n * SECOND, '/a');
    trace(history, 110n * SECOND, '/b');
    history.takeChanges();
    history.clear();
    expect(history.takeChanges()).toEqual({ rows: [], removed: [1, 2] });
  });
});
