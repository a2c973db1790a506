/** A call is printed when it has ended, and names its other end if that is traced. */
import { expect, it } from 'vitest';
import { Engine } from '../engine/engine.ts';
import type { ExchangeJson } from '../engine/exchangeJson.ts';
import { PEER_PATIENCE } from '../engine/limits.ts';
import { conversation, type RecordSpec, recordBatch, START, type Step } from '../engine/testing/records.ts';
import { parseCommandLine, type ShowOptions } from './arguments.ts';
import { Printer } from './printer.ts';

const MS = 1_000_000n;
const REQUEST = 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n';
const RESPONSE = 'HTTP/1.1 204 No Content\r\n\r\n';
const ends = ['127.0.0.1:40000', '127.0.0.1:8080'] as const;

function options(): ShowOptions {
  const command = parseCommandLine(['replay', 'file', '--format', 'json']);
  if (command.kind !== 'replay') throw new Error('This is no replay.');
  return command.options;
}

function printing() {
  const engine = new Engine();
  engine.setClock({ offset: 0n, bootTime: START });
  const lines: string[] = [];
  const printer = new Printer(engine, options(), {
    columns: null,
    write: (text) => {
      lines.push(...text.trimEnd().split('\n'));
    },
    drained: () => Promise.resolve(),
    broken: new Promise(() => undefined),
    end: () => Promise.resolve(null),
    discard: () => undefined,
  });
  const shown = () =>
    lines.map((line): ExchangeJson => JSON.parse(line)).map(({ id, side, peer }) => ({ id, side, peer }));
  const push = (specs: readonly RecordSpec[]): void => {
    engine.push(recordBatch(specs));
    printer.flush();
  };
  return { engine, printer, shown, push };
}

function end(side: 'client' | 'server', joinedLate = false): RecordSpec[] {
  const steps: Step[] =
    side === 'client' ? [{ out: REQUEST }, { in: RESPONSE }] : [{ in: REQUEST }, { out: RESPONSE }];
  const [local, remote] = side === 'client' ? ends : ([...ends].reverse() as [string, string]);
  return conversation(steps, {
    connection: side === 'client' ? 1n : 2n,
    pid: side === 'client' ? 1 : 2,
    side,
    start: side === 'client' ? START : START + MS,
    interval: MS,
    local,
    remote,
    established: joinedLate ? 0n : START,
    joinedLate,
  });
}

/** The server has answered before the client's write returns, by which its request is recorded. */
const [opened, ...sent] = end('client') as [RecordSpec, ...RecordSpec[]];

it('a call that a server has answered waits for the other end, which is recorded later', () => {
  const { shown, push } = printing();
  push([opened, ...end('server')]);
  expect(shown()).toEqual([]);
  push(sent);
  expect(shown().sort((a, b) => a.id - b.id)).toEqual([
    { id: 1, side: 'server', peer: 2 },
    { id: 2, side: 'client', peer: 1 },
  ]);
});

it('it does not wait for long, nor beyond the end of the trace', () => {
  const { engine, printer, shown, push } = printing();
  push([opened, ...end('server')]);
  engine.advance(START + BigInt(PEER_PATIENCE / 2) * MS);
  printer.flush();
  expect(shown()).toEqual([]);
  engine.advance(START + BigInt(PEER_PATIENCE + 100) * MS);
  printer.flush();
  expect(shown()).toEqual([{ id: 1, side: 'server', peer: null }]);

  const ended = printing();
  ended.push([opened, ...end('server')]);
  ended.engine.finish();
  ended.printer.flush();
  expect(ended.shown()).toEqual([{ id: 1, side: 'server', peer: null }]);
});

it('does not wait where the other end is not traced, or was joined late', () => {
  const alone = printing();
  alone.push(end('server'));
  expect(alone.shown()).toEqual([{ id: 1, side: 'server', peer: null }]);
  const late = printing();
  late.push([opened, ...end('server', true)]);
  expect(late.shown()).toEqual([{ id: 1, side: 'server', peer: null }]);
});
