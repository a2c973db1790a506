/** Which exchanges of both ends are one call: made-up connections whose truth is known, in every order of arrival. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../test/kit/runs.ts';
import { Engine } from '../engine.ts';
import { Ending, Omission } from '../record.ts';
import type { ExchangeRow } from '../row.ts';
import {
  type ConversationOptions,
  conversation,
  type RecordSpec,
  recordBytes,
  START,
  type Step,
} from '../testing/records.ts';

const MS = 1_000_000n;

interface Call {
  readonly path: string;
  /** Bytes of the request's body and of the response's. */
  readonly sent: number;
  readonly answered: number;
}

const request = ({ path, sent }: Call): string =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${sent}\r\n\r\n${'q'.repeat(sent)}`;
const response = ({ answered }: Call): string =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${answered}\r\n\r\n${'a'.repeat(answered)}`;

interface Talk {
  readonly client: RecordSpec[];
  readonly server: RecordSpec[];
}

interface TalkOptions extends Pick<ConversationOptions, 'start'> {
  readonly number: number;
  readonly port?: number;
  readonly pipelined?: boolean;
  /** So many calls were over before this end was joined; 0: it was seen from the start. */
  readonly clientMissed?: number;
  readonly serverMissed?: number;
  /** Of these calls the server's bytes are lost. */
  readonly lost?: ReadonlySet<number>;
  readonly serverHost?: string;
  readonly clientHost?: string;
}

/** What both ends show of a connection: the server 1 ms behind the client, and the answer 1 ms behind that. */
function talk(calls: readonly Call[], options: TalkOptions): Talk {
  const { number, pipelined = false, clientMissed = 0, serverMissed = 0, lost = new Set() } = options;
  const start = options.start ?? START;
  const port = options.port ?? 40_000 + number;
  const addresses = [
    `${options.clientHost ?? '127.0.0.1'}:${port}`,
    `${options.serverHost ?? '127.0.0.1'}:8080`,
  ] as const;
  const clientSteps: Step[] = [];
  const serverSteps: Step[] = [];
  const gap = (index: number, way: 'in' | 'out', text: string): Step =>
    lost.has(index) ? { lose: way, size: text.length } : way === 'in' ? { in: text } : { out: text };
  // Intervals are 2 ms; the server's clock runs 1 ms later.
  if (pipelined) {
    for (const call of calls) clientSteps.push({ out: request(call) });
    for (const [index, call] of calls.entries()) serverSteps.push(gap(index, 'in', request(call)));
    for (const call of calls) clientSteps.push({ in: response(call) });
    for (const [index, call] of calls.entries()) serverSteps.push(gap(index, 'out', response(call)));
  } else {
    for (const [index, call] of calls.entries()) {
      clientSteps.push(
        ...(index < clientMissed ? [] : [{ out: request(call) }, { wait: 4n * MS }, { in: response(call) }]),
        {
          wait: index < clientMissed ? 10n * MS : 0n,
        },
      );
      serverSteps.push(
        ...(index < serverMissed
          ? []
          : [gap(index, 'in', request(call)), gap(index, 'out', response(call)), { wait: 4n * MS }]),
        {
          wait: index < serverMissed ? 10n * MS : 0n,
        },
      );
    }
  }
  const end: Step[] = [{ end: 'out', ending: Ending.Close }, { close: true }];
  const common = { interval: 2n * MS, pid: 1 };
  return {
    client: conversation([...clientSteps, ...end], {
      ...common,
      connection: BigInt(2 * number + 1),
      side: clientMissed > 0 ? null : 'client',
      joinedLate: clientMissed > 0,
      start,
      local: addresses[0],
      remote: addresses[1],
      connectStarted: clientMissed > 0 ? 0n : start - MS / 2n,
      established: clientMissed > 0 ? 0n : start,
    }),
    server: conversation([...serverSteps, ...end], {
      ...common,
      connection: BigInt(2 * number + 2),
      side: serverMissed > 0 ? null : 'server',
      joinedLate: serverMissed > 0,
      start: start + MS,
      local: addresses[1],
      remote: addresses[0],
      established: serverMissed > 0 ? 0n : start,
    }),
  };
}

/** Each connection's records in their order, the connections in any: as the numbers say. */
function shuffled(lists: readonly RecordSpec[][], numbers: readonly number[]): RecordSpec[] {
  const left = lists.map((list) => [...list]);
  const out: RecordSpec[] = [];
  for (let at = 0; left.some((list) => list.length > 0); at++) {
    const some = left.filter((list) => list.length > 0);
    const next = some[(numbers[at % numbers.length] ?? 0) % some.length]?.shift();
    if (next !== undefined) out.push(next);
  }
  return out;
}

function rowsOf(specs: readonly RecordSpec[], finish = true): ExchangeRow[] {
  const engine = new Engine();
  for (const spec of specs) engine.push(recordBytes(spec));
  if (finish) engine.finish();
  return engine.takeChanges().changed.flatMap((id) => engine.row(id) ?? []);
}

/** Both rows of a pair name each other, and are the same call. @returns the paths of the pairs, in order. */
function pairedPaths(rows: readonly ExchangeRow[]): string[] {
  const byId = new Map(rows.map((row) => [row.id, row]));
  const paths: string[] = [];
  for (const row of rows) {
    if (row.peer === null) continue;
    const peer = byId.get(row.peer);
    expect(peer?.peer).toBe(row.id);
    expect(peer?.path).toBe(row.path);
    expect(peer?.side).not.toBe(row.side);
    if (row.side === 'client') paths.push(row.path ?? '');
  }
  return paths.sort();
}

/** Calls, each with a path of its own; sizes repeat, so that positions do. */
function callsOf(number: number, count: number): Call[] {
  return Array.from({ length: count }, (_, index) => ({
    path: `/connection-${number}/call-${index}`,
    sent: (index * 7) % 3,
    answered: (index * 5) % 4,
  }));
}

const order = fc.array(fc.nat(1_000), { minLength: 1, maxLength: 40 });

describe('both ends of a call', () => {
  it('are found on every connection, in whatever order their records come', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 6 }), fc.boolean()), { minLength: 1, maxLength: 5 }),
        order,
        (connections, numbers) => {
          const talks = connections.map(([count, pipelined], number) =>
            talk(callsOf(number, count), { number, pipelined }),
          );
          const rows = rowsOf(
            shuffled(
              talks.flatMap(({ client, server }) => [client, server]),
              numbers,
            ),
          );
          const paths = connections.flatMap(([count], number) =>
            callsOf(number, count).map(({ path }) => path),
          );
          expect(pairedPaths(rows)).toEqual(paths.sort());
        },
      ),
      { numRuns: runs(150) },
    );
  });

  it('of a port that is used again are those of the same connection, in whatever order', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 4 }), order, (times, numbers) => {
        const talks = Array.from({ length: times }, (_, number) =>
          talk(callsOf(number, 2), { number, port: 40_000, start: START + BigInt(number) * 1_000n * MS }),
        );
        const lists = talks.flatMap(({ client, server }) => [client, server]);
        const rows = rowsOf(shuffled(lists, numbers));
        // The paths are compared in there: what is paired is right.
        const paths = pairedPaths(rows);
        const inOrder = rowsOf(lists.flat());
        expect(pairedPaths(inOrder)).toHaveLength(2 * times);
        expect(paths.length).toBeLessThanOrEqual(2 * times);
      }),
      { numRuns: runs(100) },
    );
  });

  it('are found beyond a gap of one side, by the position: the order has no meaning there', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(5), { minLength: 1, maxLength: 3 }), order, (lost, numbers) => {
        const calls = callsOf(0, 6);
        const { client, server } = talk(calls, { number: 0, lost: new Set(lost) });
        const rows = rowsOf(shuffled([client, server], numbers));
        const seen = rows
          .filter(({ side, path }) => side === 'server' && path !== null)
          .map(({ path }) => path ?? '');
        expect(seen.length).toBeGreaterThan(0);
        expect(pairedPaths(rows)).toEqual(seen.sort());
      }),
      { numRuns: runs(60) },
    );
  });

  it('of a connection that was joined in its middle are found by time, and never wrongly', () => {
    fc.assert(
      fc.property(fc.nat(3), fc.nat(3), order, (clientMissed, serverMissed, numbers) => {
        const calls = callsOf(0, 6);
        const { client, server } = talk(calls, { number: 0, clientMissed, serverMissed });
        const rows = rowsOf(shuffled([client, server], numbers));
        const both = calls.slice(Math.max(clientMissed, serverMissed)).map(({ path }) => path);
        const found = pairedPaths(rows);
        expect(both).toEqual(expect.arrayContaining(found));
        // In the order of time all are found.
        const sorted = [...client, ...server].sort((a, b) => Number((a.time ?? 0n) - (b.time ?? 0n)));
        expect(pairedPaths(rowsOf(sorted))).toEqual(both);
      }),
      { numRuns: runs(100) },
    );
  });

  it('of pipelined calls on a connection that was joined in its middle are not guessed', () => {
    const calls = callsOf(0, 3);
    const talkOf = talk(calls, { number: 0, pipelined: true });
    const late = (specs: RecordSpec[]): RecordSpec[] =>
      specs.map((spec) => ({ ...spec, flags: 1 }) as RecordSpec);
    expect(pairedPaths(rowsOf([...late(talkOf.client), ...late(talkOf.server)]))).toEqual([]);
  });

  it('are one IPv4 and one IPv6 socket with a mapped address', () => {
    const calls = callsOf(0, 2);
    const { client } = talk(calls, { number: 0 });
    const { server } = talk(calls, {
      number: 0,
      clientHost: '[::ffff:7f00:1]',
      serverHost: '[::ffff:7f00:1]',
    });
    expect(pairedPaths(rowsOf([...client, ...server]))).toHaveLength(2);
  });

  it('are not 127.0.0.1 and ::1 with the same ports', () => {
    const calls = callsOf(0, 2);
    const { client } = talk(calls, { number: 0 });
    const { server } = talk(calls, { number: 0, clientHost: '[::1]', serverHost: '[::1]' });
    expect(pairedPaths(rowsOf([...client, ...server]))).toEqual([]);
  });

  it('do not pair where the requests differ: the positions alone are not enough', () => {
    const { client } = talk([{ path: '/one', sent: 0, answered: 0 }], { number: 0 });
    const { server } = talk([{ path: '/two', sent: 0, answered: 0 }], { number: 0 });
    expect(pairedPaths(rowsOf([...client, ...server]))).toEqual([]);
  });

  it('are known while the call runs, and count as two calls and one pair', () => {
    const { client, server } = talk(callsOf(0, 1), { number: 0 });
    const rows = rowsOf([...client.slice(0, 2), ...server.slice(0, 2)], false);
    expect(rows.map(({ peer, state }) => ({ peer, state }))).toEqual([
      { peer: 2, state: 'running' },
      { peer: 1, state: 'running' },
    ]);
    const engine = new Engine();
    for (const spec of [...client, ...server]) engine.push(recordBytes(spec));
    expect(engine.stats()).toMatchObject({ exchanges: 2, errors: 0, pairs: 1, failedPairs: 0 });
  });

  it('are two errors and one failed call where both see the error', () => {
    const failing = (steps: RecordSpec[]): RecordSpec[] =>
      steps.map((spec) =>
        spec.type === 'data' ? { ...spec, bytes: String(spec.bytes).replace('200 OK', '500 No') } : spec,
      );
    const { client, server } = talk(callsOf(0, 1), { number: 0 });
    const engine = new Engine();
    for (const spec of [...failing(client), ...failing(server)]) engine.push(recordBytes(spec));
    expect(engine.stats()).toMatchObject({ exchanges: 2, errors: 2, pairs: 1, failedPairs: 1 });
  });

  it('are none where one socket is connected to itself', () => {
    const { client } = talk(callsOf(0, 1), { number: 0, port: 8080 });
    expect(pairedPaths(rowsOf(client))).toEqual([]);
  });

  it('are forgotten when more wait than may: memory stays bounded, and new ones pair', () => {
    const engine = new Engine({ maxExchanges: 100 });
    for (let number = 0; number < 6_000; number++) {
      // Nobody traces the servers.
      const { client } = talk(callsOf(number, 1), { number, port: 1_000 + number });
      for (const spec of client) engine.push(recordBytes(spec));
    }
    engine.takeChanges();
    const { client, server } = talk(callsOf(6_000, 1), { number: 6_000, port: 999 });
    for (const spec of [...client, ...server]) engine.push(recordBytes(spec));
    const { changed } = engine.takeChanges();
    expect(pairedPaths(changed.flatMap((id) => engine.row(id) ?? []))).toEqual(['/connection-6000/call-0']);
  });

  it('pair where bytes were left out by a limit', () => {
    const head = 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n';
    const steps = (out: 'out' | 'in', back: 'out' | 'in'): Step[] => [
      out === 'out' ? { out: head } : { in: head },
      back === 'out'
        ? { out: 'HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n' }
        : { in: 'HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n' },
      { omit: back, size: 9_000, omission: Omission.Limit },
      out === 'out' ? { out: head.replace('/a', '/b') } : { in: head.replace('/a', '/b') },
      back === 'out' ? { out: 'HTTP/1.1 204 OK\r\n\r\n' } : { in: 'HTTP/1.1 204 OK\r\n\r\n' },
    ];
    const ends = { local: '127.0.0.1:40000', remote: '127.0.0.1:8080' };
    const client = conversation(steps('out', 'in'), {
      ...ends,
      connection: 1n,
      connectStarted: START,
      interval: 2n * MS,
    });
    const server = conversation(steps('in', 'out'), {
      local: ends.remote,
      remote: ends.local,
      connection: 2n,
      side: 'server',
      established: START,
      start: START + MS,
      interval: 2n * MS,
    });
    expect(pairedPaths(rowsOf([...client, ...server]))).toEqual(['/a', '/b']);
  });
});
