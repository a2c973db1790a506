/** One definition of an error: what the engine counts (status bar) is what the rows say (tree, panel, filter). */
import { describe, expect, it } from 'vitest';
import { Engine } from './engine.ts';
import { type ExchangeRow, isError } from './row.ts';
import { GOLDEN } from './testing/golden.ts';
import { GOLDEN_HTTP2 } from './testing/goldenHttp2.ts';
import { conversation, recordBytes, START, type Step } from './testing/records.ts';

function errorRows(engine: Engine): ExchangeRow[] {
  const { changed, removed } = engine.takeChanges();
  expect(removed.filter((id) => engine.get(id) !== undefined)).toEqual([]);
  return changed
    .map((id) => engine.row(id))
    .filter((row) => row !== undefined && isError(row)) as ExchangeRow[];
}

function run(steps: readonly Step[]): Engine {
  const engine = new Engine();
  engine.setClock({ offset: 0n, bootTime: START });
  for (const spec of conversation(steps)) engine.push(recordBytes(spec));
  engine.advance(START * 2n);
  return engine;
}

const GRPC = (status: string): Step[] => [
  {
    out: 'POST /shop.v1.Orders/Place HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc-web\r\nContent-Length: 0\r\n\r\n',
  },
  {
    in: `HTTP/1.1 200 OK\r\nContent-Type: application/grpc-web\r\nGrpc-Status: ${status}\r\nContent-Length: 0\r\n\r\n`,
  },
];

describe('errors', () => {
  it('count a gRPC status that is not OK, although HTTP says 200', () => {
    const failed = run(GRPC('5'));
    expect(failed.stats().errors).toBe(1);
    expect(errorRows(failed)).toHaveLength(1);
    const fine = run(GRPC('0'));
    expect(fine.stats().errors).toBe(0);
    expect(errorRows(fine)).toHaveLength(0);
  });

  it('count while the response is still coming', () => {
    const engine = run([
      { out: 'GET / HTTP/1.1\r\nHost: a\r\n\r\n' },
      { in: 'HTTP/1.1 500 Oh\r\nContent-Length: 9\r\n\r\nabc' },
    ]);
    expect(engine.row(1)?.state).toBe('running');
    expect(engine.stats().errors).toBe(1);
    expect(errorRows(engine)).toHaveLength(1);
  });

  it('count an answer that is not HTTP, at once and only once', () => {
    const ssh: Step[] = [
      { out: 'GET / HTTP/1.1\r\nHost: a\r\n\r\n' },
      { in: 'SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n' },
    ];
    for (const [rest, state] of [
      [[], 'running'],
      [[{ close: true }], 'ended'],
      [[{ in: 'Invalid SSH identification string.\r\n' }, { close: true }], 'ended'],
    ] satisfies [Step[], string][]) {
      const engine = run([...ssh, ...rest]);
      expect(engine.row(1)).toMatchObject({ state, status: null, ending: { how: 'not-http', by: 'server' } });
      expect(engine.stats().errors).toBe(1);
      expect(errorRows(engine)).toHaveLength(1);
      engine.finish();
      expect(engine.row(1)).toMatchObject({ state: 'ended', ending: { how: 'not-http' } });
      expect(engine.stats().errors).toBe(1);
    }
  });

  it.each([...GOLDEN, ...GOLDEN_HTTP2])('$name: as many as its rows', ({ steps, options }) => {
    const engine = new Engine();
    engine.setClock({ offset: 0n, bootTime: START });
    for (const spec of conversation(steps, options)) engine.push(recordBytes(spec));
    engine.advance(START * 2n);
    engine.finish();
    expect(engine.stats().errors).toBe(errorRows(engine).length);
  });
});
