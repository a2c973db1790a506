import { describe, expect, it } from 'vitest';
import { Engine } from './engine.ts';
import type { ExchangeJson } from './exchangeJson.ts';
import { Direction, FLAG_PROCESS_ENDED } from './record.ts';
import { dnsQuery, dnsResponse } from './testing/dns.ts';
import {
  type ConnectFailedSpec,
  conversation,
  type RecordSpec,
  recordBatch,
  START,
} from './testing/records.ts';

const MS = 1_000_000n;
const ECONNREFUSED = 111;
const GET = 'GET /a HTTP/1.1\r\nHost: h\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';

function failed(change: Partial<ConnectFailedSpec> = {}): ConnectFailedSpec {
  const time = change.time ?? START + 2n * MS;
  return {
    type: 'connectFailed',
    connection: 90n,
    started: time - MS,
    error: ECONNREFUSED,
    remote: '127.0.0.1:5432',
    ...change,
    time,
  };
}

function traced(records: readonly RecordSpec[]): ExchangeJson[] {
  const engine = new Engine();
  engine.setClock({ offset: 0n, bootTime: START });
  for (const record of records) {
    engine.push(recordBatch([record]));
    engine.advance(record.time ?? START);
  }
  engine.finish();
  const all: ExchangeJson[] = [];
  for (const id of engine.takeChanges().changed) all.push(engine.json(id) as ExchangeJson);
  expect(engine.stats().exchanges).toBe(all.length);
  return all;
}

/** An answer to A or AAAA with these addresses, each of both families if it has such. */
function lookup(name: string, addresses: readonly string[], ms = 0): RecordSpec[] {
  return (['A', 'AAAA'] as const).flatMap((type, i): RecordSpec[] => {
    const message = { id: i + 1, name, type };
    const answers = addresses
      .filter((address) => address.includes(':') === (type === 'AAAA'))
      .map((address) => (type === 'A' ? { a: address } : { aaaa: address }));
    const time = START + BigInt(ms) * MS;
    return [
      { type: 'name', direction: Direction.Out, time, bytes: dnsQuery(message) },
      { type: 'name', direction: Direction.In, time: time + MS, bytes: dnsResponse(message, { answers }) },
    ];
  });
}

/** Of each row: where to, how often tried (undefined: a call), and the other addresses. */
const shown = (rows: readonly ExchangeJson[]): unknown[] =>
  rows.map(({ connection, failure }) => [
    connection.remote,
    failure?.attempts,
    connection.attempts.map(({ remote }) => remote),
  ]);

const success = (connectStarted: bigint): RecordSpec[] =>
  conversation([{ out: GET }, { in: OK }, { close: true }], {
    start: connectStarted + MS,
    connectStarted,
    established: connectStarted + MS,
    remote: '127.0.0.1:8080',
  });

describe('a connection that failed', () => {
  it.each([
    [111, 0, 'refused', 'server', 'ECONNREFUSED'],
    [110, 0, 'timed-out', null, 'ETIMEDOUT'],
    [113, 0, 'unreachable', null, 'EHOSTUNREACH'],
    [101, 0, 'unreachable', null, 'ENETUNREACH'],
    [99, 0, 'failed', null, 'EADDRNOTAVAIL'],
    [0, 0, 'cancelled', 'client', null],
    [0, FLAG_PROCESS_ENDED, 'process-ended', 'client', null],
  ])('with error %i is a row', (error, flags, how, by, name) => {
    const [row, ...more] = traced([failed({ error, flags })]);
    expect(more).toEqual([]);
    expect(row).toMatchObject({
      method: null,
      url: null,
      status: null,
      protocol: '',
      durationMs: 1,
      side: 'client',
      completeness: ['connect-failed'],
      connection: { remote: '127.0.0.1:5432', local: null },
      failure: { phase: 'connect', attempts: 1 },
      ending: { how, by, error: name },
    });
  });

  it('of a Unix socket has its path', () => {
    const [row] = traced([failed({ remote: '/run/app.sock', error: 2 })]);
    expect(row).toMatchObject({
      connection: { transport: 'unix', remote: '/run/app.sock' },
      ending: { how: 'failed', error: 'ENOENT' },
    });
  });

  it('is not a row if the C library tried a service that need not exist', () => {
    expect(traced([failed({ remote: '/var/run/nscd/socket', error: 2 })])).toEqual([]);
  });

  it('is counted when it is retried at once, and shown while the retries go on', () => {
    const every = (ms: bigint, count: number): RecordSpec[] =>
      Array.from({ length: count }, (_, i) =>
        failed({ connection: 90n + BigInt(i), time: START + BigInt(i + 1) * ms * MS }),
      );
    expect(traced(every(100n, 20)).map((row) => row.failure?.attempts)).toEqual([20]);
    expect(traced(every(100n, 80)).map((row) => row.failure?.attempts)).toEqual([31, 31, 18]);
    expect(traced(every(2_000n, 3)).map((row) => row.failure?.attempts)).toEqual([1, 1, 1]);
  });

  it('belongs to the connection to the next address of the same port', () => {
    const v6 = failed({ remote: '[::1]:8080' });
    const rows = traced([v6, ...success(START + 3n * MS)]);
    expect(rows.map((row) => [row.method, row.connection.attempts])).toEqual([
      ['GET', [{ remote: '[::1]:8080', ending: expect.objectContaining({ how: 'refused' }), durationMs: 1 }]],
    ]);
  });

  it('belongs to the connection that won against it', () => {
    // Given up after the other was established.
    const loser = failed({ remote: '[::1]:8080', error: 0, started: START, time: START + 9n * MS });
    const rows = traced(
      [...success(START + 5n * MS), loser].sort((a, b) => Number((a.time ?? 0n) - (b.time ?? 0n))),
    );
    expect(rows.map((row) => [row.method, row.connection.attempts.length])).toEqual([['GET', 1]]);
  });

  it.each([
    ['refused', ECONNREFUSED],
    ['given up', 0],
  ])('belongs to one of two connections that were tried at once: %s', (_, error) => {
    const call = (connection: bigint, at: bigint): RecordSpec[] =>
      conversation([{ out: GET }, { in: OK }, { close: true }], {
        ...{ connection, remote: '127.0.0.1:8080', start: at + MS, connectStarted: at, established: at + MS },
      });
    const end = error === 0 ? 9n : 2n;
    const records = [
      failed({ remote: '[::1]:8080', error, started: START, time: START + end * MS }),
      failed({ remote: '[::1]:8080', error, started: START, time: START + end * MS, connection: 91n }),
      ...call(1n, START + 3n * MS),
      ...call(2n, START + 4n * MS),
    ].sort((a, b) => Number((a.time ?? 0n) - (b.time ?? 0n)));
    expect(shown(traced(records))).toEqual([
      ['127.0.0.1:8080', undefined, ['[::1]:8080']],
      ['127.0.0.1:8080', undefined, ['[::1]:8080']],
    ]);
  });

  it('is one row for several tries at once of all addresses of a name', () => {
    const at = (ms: number, remote: string): RecordSpec =>
      failed({ remote, time: START + BigInt(ms) * MS, connection: BigInt(90 + ms) });
    const [v6, v4] = ['[::1]:8080', '127.0.0.1:8080'] as const;
    const records = [at(2, v6), at(3, v6), at(4, v6), at(5, v4), at(6, v4), at(7, v4)];
    expect(shown(traced(records))).toEqual([[v4, 3, [v6]]]);
  });

  it('has the lookup that came before it, not the retry that succeeds', () => {
    const retry = success(START + 150n * MS);
    const refused = failed({ remote: '127.0.0.1:8080', time: START + 11n * MS });
    const first = lookup('h', ['127.0.0.1']);
    for (const again of [[], lookup('h', ['127.0.0.1'], 140)]) {
      const rows = traced([...first, refused, ...again, ...retry]);
      expect(rows.map((row) => [row.method, row.lookup?.name, row.timings.lookupMs])).toEqual([
        ['GET', again.length === 0 ? undefined : 'h', again.length === 0 ? null : 1],
        [null, 'h', 1],
      ]);
    }
  });

  it('leaves the lookup to the call that it becomes a part of', () => {
    const call = (connection: bigint, at: bigint, remote: string): RecordSpec[] =>
      conversation([{ out: GET }, { in: OK }, { close: true }], {
        ...{ connection, remote, start: at + MS, connectStarted: at, established: at + MS },
      });
    const rows = traced([
      ...lookup('h', ['::1', '127.0.0.1']),
      failed({ remote: '[::1]:8080', time: START + 11n * MS }),
      ...call(1n, START + 12n * MS, '[::1]:8080'),
      ...call(2n, START + 13n * MS, '127.0.0.1:8080'),
    ]);
    expect(rows.map((row) => [row.lookup?.name, row.connection.attempts.length])).toEqual([
      [undefined, 0],
      ['h', 1],
    ]);
  });

  it('is one row for both addresses of a name that were tried', () => {
    const rows = traced([
      failed({ remote: '[::1]:8080', time: START + 2n * MS }),
      failed({ remote: '127.0.0.1:8080', time: START + 4n * MS, connection: 91n }),
    ]);
    expect(shown(rows)).toEqual([['127.0.0.1:8080', 1, ['[::1]:8080']]]);
  });

  it('is one row for all addresses that one lookup found, however many', () => {
    const rows = traced([
      ...lookup('web.example', ['192.0.2.1', '192.0.2.2', '192.0.2.3']),
      failed({ remote: '192.0.2.1:80', time: START + 12n * MS }),
      failed({ remote: '192.0.2.2:80', time: START + 14n * MS, connection: 91n }),
      failed({ remote: '192.0.2.3:80', time: START + 16n * MS, connection: 92n }),
    ]);
    expect(shown(rows)).toEqual([['192.0.2.3:80', 1, ['192.0.2.1:80', '192.0.2.2:80']]]);
    expect(rows[0]?.lookup?.name).toBe('web.example');
  });

  it.each([
    ['that were not looked up', [], '192.0.2.1', '192.0.2.2'],
    ['of this machine and of another', [], '[2001:db8::1]', '127.0.0.1'],
    ['of this machine that are alike', [], '127.0.0.1', '127.0.0.2'],
    [
      'of two names',
      [...lookup('a.example', ['192.0.2.1'], 0), ...lookup('b.example', ['192.0.2.2'], 2)],
      '192.0.2.1',
      '192.0.2.2',
    ],
    [
      'of two names, one of each family',
      [...lookup('a.example', ['2001:db8::1'], 0), ...lookup('b.example', ['192.0.2.2'], 2)],
      '[2001:db8::1]',
      '192.0.2.2',
    ],
    ['of which one was looked up', lookup('a.example', ['192.0.2.2']), '[2001:db8::1]', '192.0.2.2'],
  ])(
    'is a row for each of two addresses %s, though they were tried one after the other',
    (_, found, a, b) => {
      const rows = traced([
        ...found,
        failed({ remote: `${a}:80`, time: START + 12n * MS }),
        failed({ remote: `${b}:80`, time: START + 14n * MS, connection: 91n }),
      ]);
      expect(shown(rows)).toEqual([
        [`${a}:80`, 1, []],
        [`${b}:80`, 1, []],
      ]);
    },
  );

  it('is a row beside the call to another host that follows at once', () => {
    const rows = traced([failed({ remote: '192.0.2.9:8080' }), ...success(START + 3n * MS)]);
    expect(shown(rows)).toEqual([
      ['127.0.0.1:8080', undefined, []],
      ['192.0.2.9:8080', 1, []],
    ]);
  });

  it.each([
    ['at once', 4n],
    ['after a while', 150n],
  ])('is one row that counts how often a name with several addresses was tried again: %s', (_, every) => {
    const rounds = Array.from({ length: 5 }, (_, round) => {
      const at = START + BigInt(round + 1) * every * MS;
      return [
        failed({ remote: '[::1]:8080', time: at, started: at - MS / 2n, connection: 100n }),
        failed({ remote: '127.0.0.1:8080', time: at + MS, started: at + MS / 2n, connection: 101n }),
      ];
    }).flat();
    expect(shown(traced(rounds))).toEqual([['127.0.0.1:8080', 5, ['[::1]:8080']]]);
  });

  it('is one row if both addresses are tried at once, in whichever order they fail', () => {
    const round = (at: bigint, [first, second]: readonly [string, string]): RecordSpec[] => [
      failed({ remote: first, started: at, time: at + MS, connection: 100n }),
      failed({ remote: second, started: at, time: at + 2n * MS, connection: 101n }),
    ];
    const [v6, v4] = ['[::1]:8080', '127.0.0.1:8080'] as const;
    const at = (ms: bigint): bigint => START + ms * MS;
    const records = [...round(at(1n), [v6, v4]), ...round(at(200n), [v4, v6]), ...round(at(400n), [v6, v4])];
    expect(shown(traced(records))).toEqual([[v4, 3, [v6]]]);
  });

  it('becomes part of the call when a retry succeeds', () => {
    const rows = traced([
      failed({ remote: '[::1]:8080', time: START + 2n * MS }),
      failed({ remote: '127.0.0.1:8080', time: START + 4n * MS, connection: 91n }),
      failed({ remote: '[::1]:8080', time: START + 204n * MS, connection: 92n }),
      ...success(START + 205n * MS),
    ]);
    expect(shown(rows)).toEqual([
      ['127.0.0.1:8080', undefined, ['[::1]:8080']],
      ['127.0.0.1:8080', 1, ['[::1]:8080']],
    ]);
  });

  it.each([
    ['another port', { remote: '[::1]:9090' }],
    ['the same address', { remote: '127.0.0.1:8080' }],
    ['another process', { remote: '[::1]:8080', pid: 7 }],
    ['long before', { remote: '[::1]:8080', time: START - 500n * MS }],
  ])('is a row of its own: %s', (_, change) => {
    const rows = traced([failed(change), ...success(START + 3n * MS)]);
    expect(rows.map((row) => [row.method, row.connection.attempts.length])).toEqual([
      ['GET', 0],
      [null, 0],
    ]);
  });
});
