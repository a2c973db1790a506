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

  it('count time from the first that saw a call', () => {
    const history = new History(() => new Engine(), 1000);
    history.begin(10n * SECOND).setClock({ offset: 0n, bootTime: 10n * SECOND });
    trace(history, 100n * SECOND, '/first');
    expect(history.takeChanges().rows).toMatchObject([{ id: 1, path: '/first', start: 0 }]);
    expect(history.zero).toBe(100n * SECOND);
    trace(history, 160n * SECOND, '/second');
    expect(history.takeChanges().rows).toMatchObject([{ id: 2, start: 60_000 }]);
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

  it('forgets what has ended in all of them', () => {
    const history = new History(() => new Engine(), 1000);
    trace(history, 100n * SECOND, '/a');
    trace(history, 110n * SECOND, '/b');
    history.takeChanges();
    expect(history.clear(null)).toEqual([1, 2]);
    expect(history.takeChanges()).toEqual({ rows: [], removed: [] });
    expect(history.zero).toBeNull();
    expect(history.stats()).toEqual({
      exchanges: 0,
      errors: 0,
      running: 0,
      evicted: 0,
      pairs: 0,
      failedPairs: 0,
    });
    trace(history, 120n * SECOND, '/c');
    expect(history.takeChanges().rows).toMatchObject([{ id: 1, path: '/c', start: 0 }]);
  });

  it('starts the list again with what is under way: numbers, times, counts', () => {
    const history = new History(() => new Engine(), 1000);
    const start = 100n * SECOND;
    trace(history, start, '/a');
    const engine = history.begin(start + 10n * SECOND);
    engine.setClock({ offset: 0n, bootTime: start + 10n * SECOND });
    const exchange = (connection: bigint, at: bigint, answered: boolean) =>
      engine.push(
        recordBatch([
          { type: 'opened', connection, time: at, side: 'client' },
          {
            type: 'data',
            connection,
            time: at,
            direction: Direction.Out,
            position: 0,
            bytes: `GET /${connection} HTTP/1.1\r\nHost: h\r\n\r\n`,
          },
          ...(answered ? [answerOf(connection, at + SECOND)] : []),
        ]),
      );
    const answerOf = (connection: bigint, time: bigint) => ({
      type: 'data' as const,
      connection,
      time,
      direction: Direction.In,
      position: 0,
      bytes: 'HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n',
    });
    exchange(1n, start + 11n * SECOND, true);
    exchange(2n, start + 12n * SECOND, false);
    history.takeChanges();
    expect(history.stats()).toMatchObject({ exchanges: 3, errors: 1, running: 1 });

    expect(history.clear(start + 20n * SECOND).sort()).toEqual([1, 2, 3]);
    expect(history.zero).toBe(start + 12n * SECOND);
    expect(history.stats()).toMatchObject({ exchanges: 1, errors: 0, running: 1 });
    expect(history.newestCalls).toBe(1);
    expect(history.takeChanges()).toMatchObject({ rows: [{ id: 1, path: '/2', start: 0 }], removed: [] });
    exchange(3n, start + 21n * SECOND, true);
    engine.push(recordBatch([answerOf(2n, start + 22n * SECOND)]));
    expect(history.takeChanges().rows).toMatchObject([
      { id: 1, path: '/2', status: 404, start: 0, duration: 10_000 },
      { id: 2, path: '/3', status: 404, start: 9_000 },
    ]);
    expect(history.json(1, false)).toMatchObject({ id: 1, url: 'http://h/2' });
    expect(history.json(2, false)).toMatchObject({ id: 2, url: 'http://h/3' });
    expect(history.stats()).toMatchObject({ exchanges: 2, errors: 2, running: 0 });

    // And once more, with nothing under way.
    expect(history.clear(start + 30n * SECOND).sort()).toEqual([1, 2]);
    exchange(4n, start + 31n * SECOND, true);
    expect(history.takeChanges().rows).toMatchObject([{ id: 1, path: '/4', start: 1_000 }]);
    expect(history.json(1, false)?.url).toBe('http://h/4');
    trace(history, start + 60n * SECOND, '/next');
    expect(history.takeChanges().rows).toMatchObject([{ id: 2, path: '/next', start: 30_000 }]);
  });

  it('names the other side of a call by its number in the list, as long as it is in it', () => {
    const history = new History(() => new Engine(), 1000);
    trace(history, SECOND, '/before');
    const start = 10n * SECOND;
    const engine = history.begin(start);
    engine.setClock({ offset: 0n, bootTime: start });
    const [near, far] = ['127.0.0.1:40000', '127.0.0.1:8080'];
    const request = 'GET /both HTTP/1.1\r\nHost: h\r\n\r\n';
    const response = 'HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n';
    const data = { type: 'data', position: 0 } as const;
    const { In, Out } = Direction;
    const at = (ms: bigint): bigint => start + ms * 1_000_000n;
    engine.push(
      recordBatch([
        {
          type: 'opened',
          connection: 1n,
          time: at(0n),
          side: 'client',
          local: near,
          remote: far,
          connectStarted: start,
        },
        { ...data, connection: 1n, time: at(1n), direction: Out, bytes: request },
        {
          type: 'opened',
          connection: 2n,
          time: at(2n),
          side: 'server',
          local: far,
          remote: near,
          established: at(1n),
        },
        { ...data, connection: 2n, time: at(3n), direction: In, bytes: request },
        { ...data, connection: 2n, time: at(4n), direction: Out, bytes: response },
      ]),
    );
    const rows = history.takeChanges().rows.map(({ id, peer, path }) => ({ id, peer, path }));
    expect(rows).toEqual([
      { id: 1, peer: null, path: '/before' },
      { id: 2, peer: 3, path: '/both' },
      { id: 3, peer: 2, path: '/both' },
    ]);
    expect(history.json(3, false)?.peer).toBe(2);
    expect(history.stats()).toMatchObject({ exchanges: 3, errors: 1, pairs: 1, failedPairs: 0 });

    // The server's side is over: it is cleared, and number 2 will be another call's.
    history.clear(start + 2n * SECOND);
    expect(history.takeChanges().rows).toMatchObject([{ id: 1, peer: null, side: 'client' }]);
    expect(history.json(1, false)?.peer).toBeNull();
    engine.push(recordBatch([{ ...data, connection: 1n, time: at(5n), direction: In, bytes: response }]));
    expect(history.takeChanges().rows).toMatchObject([{ id: 1, peer: null, status: 500 }]);
    expect(history.stats()).toMatchObject({ exchanges: 1, errors: 1, pairs: 0, failedPairs: 0 });
  });

  it('finds a body by the number that its call has after the list was cleared', () => {
    const history = new History(() => new Engine(), 1000);
    const engine = history.begin(SECOND);
    engine.setClock({ offset: 0n, bootTime: SECOND });
    for (const connection of [1n, 2n]) {
      const request = `PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n${connection}`;
      const response = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
      const data = { type: 'data', connection, time: SECOND, position: 0 } as const;
      engine.push(
        recordBatch([
          { type: 'opened', connection, time: SECOND, side: 'client' },
          { ...data, direction: Direction.Out, bytes: request },
          // The first one is still under way.
          ...(connection === 1n ? [] : [{ ...data, direction: Direction.In, bytes: response }]),
        ]),
      );
    }
    const body = (id: number) => String(Buffer.from(history.body(id, 'request') ?? []));
    history.takeChanges();
    expect([1, 2].map(body)).toEqual(['1', '2']);
    history.clear(2n * SECOND);
    expect(history.takeChanges().rows).toMatchObject([{ id: 1, method: 'PUT', state: 'running' }]);
    expect(body(1)).toBe('1');
  });
});

describe('a file in the list', () => {
  /** A source of calls with these paths. */
  function source(...paths: string[]): Engine {
    const engine = new Engine();
    engine.setClock({ offset: 0n, bootTime: SECOND });
    paths.forEach((path, i) => {
      call(engine, BigInt(i + 1), SECOND * BigInt(i + 1), path);
    });
    return engine;
  }
  function call(engine: Pick<Engine, 'push'>, connection: bigint, time: bigint, path: string): void {
    const request = `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`;
    engine.push(
      recordBatch([
        { type: 'opened', connection, time, side: 'client' },
        { type: 'data', connection, time, direction: Direction.Out, position: 0, bytes: request },
      ]),
    );
  }
  const FILE = { name: 'a.har', note: null, kept: false };

  it('has its calls between those of a trace that goes on', () => {
    const history = new History(() => new Engine(), 1000);
    const engine = history.begin(100n * SECOND);
    engine.setClock({ offset: 0n, bootTime: 100n * SECOND });
    call(engine, 1n, 100n * SECOND, '/one');
    expect(history.add(source('/a', '/b'), 200n * SECOND, FILE)).toBe(false);
    call(engine, 2n, 101n * SECOND, '/two');
    expect(history.takeChanges().rows.map(({ id, path, file, start }) => [id, path, file, start])).toEqual(
      [
        [1, '/one', null, 0],
        [4, '/two', null, 1_000],
        [2, '/a', 'a.har', 100_000],
        [3, '/b', 'a.har', 101_000],
      ].sort((a, b) => [1, 2, 3, 4].indexOf(a[0] as number) - [1, 2, 3, 4].indexOf(b[0] as number)),
    );
    expect([1, 2, 3, 4].map((id) => history.json(id, false)?.url)).toEqual([
      'http://h/one',
      'http://h/a',
      'http://h/b',
      'http://h/two',
    ]);
    expect(history.json(5, false)).toBeNull();
    expect(history.files).toEqual([FILE]);
    history.clear(102n * SECOND);
    expect(history.files).toEqual([]);
    expect(history.takeChanges().rows).toMatchObject([
      { id: 1, path: '/one', start: 0 },
      { id: 2, path: '/two', start: 1_000 },
    ]);
    call(engine, 3n, 103n * SECOND, '/three');
    expect(history.takeChanges().rows).toMatchObject([{ id: 3, path: '/three', start: 3_000 }]);
    expect([1, 2, 3].map((id) => history.json(id, false)?.url?.slice(8))).toEqual(['/one', '/two', '/three']);
  });

  it('that is older than the list moves where its time begins', () => {
    const history = new History(() => new Engine(), 1000);
    trace(history, 100n * SECOND, '/one');
    history.takeChanges();
    expect(history.add(source('/a'), 40n * SECOND, FILE)).toBe(true);
    expect(history.zero).toBe(40n * SECOND);
    expect(history.takeChanges().rows.map(({ id, start }) => [id, start])).toEqual([
      [1, 60_000],
      [2, 0],
    ]);
    expect(history.sinceStart(100n * SECOND)).toBe(60_000);
  });

  it('is dropped when there is no room, except the newest, and a trace that may continue', () => {
    const history = new History(() => new Engine(), 2);
    trace(history, 100n * SECOND, '/one');
    for (const name of ['a.har', 'b.har'])
      history.add(source('/a', '/b'), 200n * SECOND, { name, note: null, kept: false });
    expect(history.takeChanges().removed).toEqual([2, 3]);
    expect(history.files).toMatchObject([{ name: 'b.har' }]);
    expect(history.json(1, false)?.url).toBe('http://h/one');
    expect(history.json(2, false)).toBeNull();
    expect(history.json(4, false)?.url).toBe('http://h/a');
  });
});

describe('pinned calls', () => {
  const small = () => new Engine({ maxExchanges: 2 });
  const calls = (engine: ReturnType<typeof small>, from: number, count: number): void => {
    for (let n = from; n < from + count; n++) {
      const connection = BigInt(n + 100);
      const time = BigInt(n) * SECOND;
      const data = (direction: Direction, bytes: string) =>
        ({ type: 'data', connection, time, direction, position: 0, bytes }) as const;
      engine.push(
        recordBatch([
          { type: 'opened', connection, time, side: 'client' },
          data(Direction.Out, `GET /${n} HTTP/1.1\r\nHost: h\r\n\r\n`),
          data(Direction.In, 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'),
        ]),
      );
    }
  };
  const held = (history: History, known: Map<number, string>): string[] => {
    const { rows, removed } = history.takeChanges();
    for (const row of rows) known.set(row.id, `${row.path}${row.pinned ? ' pinned' : ''}`);
    for (const id of removed) known.delete(id);
    return [...known.values()];
  };

  it('stay when older ones are dropped, and are dropped once they are unpinned', () => {
    const history = new History(small, 1000);
    const known = new Map<number, string>();
    const engine = history.begin(0n) as Engine;
    engine.setClock({ offset: 0n, bootTime: 0n });
    calls(engine, 1, 1);
    held(history, known);
    expect(history.pin(1, true)).toBe(true);
    calls(engine, 2, 4);
    expect(held(history, known)).toEqual(['/1 pinned', '/5']);
    expect(history.pin(1, false)).toBe(true);
    expect(held(history, known)).toEqual(['/1', '/5']);
    calls(engine, 6, 3);
    expect(held(history, known).some((path) => path.startsWith('/1'))).toBe(false);
    expect(history.pin(1, true)).toBe(false);
  });

  it('stay when their trace is dropped, are counted, and are removed by Clear', () => {
    const history = new History(() => new Engine(), 2);
    const known = new Map<number, string>();
    for (const [i, path] of ['/a', '/b', '/c', '/d'].entries()) {
      trace(history, BigInt(100 + i * 10) * SECOND, path);
      held(history, known);
      if (path === '/a') history.pin(1, true);
    }
    expect([...known.values()]).toEqual(['/a pinned', '/d']);
    expect(history.json(1, false)?.url).toBe('http://h/a');
    expect(history.stats().exchanges).toBe(2);
    expect(history.clear(null).sort()).toEqual([1, 4]);
    expect(history.json(1, false)).toBeNull();
  });
});
