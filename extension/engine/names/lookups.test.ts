import { describe, expect, it } from 'vitest';
import { Engine } from '../engine.ts';
import type { ExchangeJson } from '../exchangeJson.ts';
import { MAX_LOOKUPS } from '../limits.ts';
import { Direction, NameTransport } from '../record.ts';
import { LAYOUT } from '../recordLayout.ts';
import { cpuTime, QUADRATIC } from '../testing/cpuTime.ts';
import { type Answer, dnsQuery, dnsResponse, type Message, prefixed, type Response } from '../testing/dns.ts';
import { conversation, type NameSpec, type RecordSpec, recordBatch, START } from '../testing/records.ts';

const MS = 1_000_000n;
const at = (ms: number): bigint => START + BigInt(Math.round(ms * 1e6));

/** A query, and unless its answer is null the answer one millisecond later. */
function lookup(
  ms: number,
  message: Message,
  response: Response | null = null,
  change: Partial<NameSpec> = {},
): RecordSpec[] {
  const ask: RecordSpec = {
    type: 'name',
    direction: Direction.Out,
    time: at(ms),
    bytes: dnsQuery(message),
    ...change,
  };
  if (response === null) return [ask];
  const bytes = dnsResponse(message, response);
  return [ask, { type: 'name', direction: Direction.In, ...change, time: at(ms + 1), bytes }];
}

const answers = (...all: Answer[]): Response => ({ answers: all });
const NOT_FOUND: Response = { code: 3 };
const A = (name: string, id = 1): Message => ({ id, name, type: 'A' });
const AAAA = (name: string, id = 2): Message => ({ id, name, type: 'AAAA' });
const closed = (ms: number, change: Partial<NameSpec> = {}): RecordSpec => ({
  type: 'name',
  direction: Direction.Out,
  time: at(ms),
  closed: true,
  ...change,
});

interface CallOptions {
  readonly connection?: bigint;
  readonly remote?: string;
  readonly host?: string;
  readonly pid?: number;
}

/** A call on a connection of its own. */
function call(
  ms: number,
  { connection = 1n, remote = '192.0.2.1:80', host = 'web.example', pid = 4242 }: CallOptions = {},
) {
  return conversation(
    [
      { out: `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n` },
      { in: 'HTTP/1.1 204 No Content\r\n\r\n' },
      { close: true },
    ],
    {
      connection,
      local: remote.startsWith('[') ? '[::1]:40000' : '127.0.0.1:40000',
      remote,
      pid,
      start: at(ms + 1),
      connectStarted: at(ms),
      established: at(ms + 0.5),
    },
  );
}

/** What becomes of the records; `later` lets this many milliseconds pass without any. */
function shown(records: readonly RecordSpec[], later = 0): ExchangeJson[] {
  const engine = new Engine();
  engine.setClock({ offset: 0n, bootTime: START });
  engine.push(recordBatch(records));
  if (later > 0) engine.advance(START + BigInt(later) * MS);
  else engine.finish();
  return engine.takeChanges().changed.map((id) => engine.json(id)!);
}

const only = (records: readonly RecordSpec[], later = 0): ExchangeJson => {
  const all = shown(records, later);
  expect(all).toHaveLength(1);
  return all[0]!;
};

/** A connect(2) that failed after a millisecond. */
const refused = (ms: number, remote = '192.0.2.1:80', connection = 7n): RecordSpec => ({
  type: 'connectFailed',
  connection,
  remote,
  error: 111,
  started: at(ms),
  time: at(ms + 1),
});

describe('a lookup before a connection that failed', () => {
  it('is that of its row', () => {
    const records = [...lookup(0, A('web.example'), answers({ a: '192.0.2.1' })), refused(10)];
    expect(only(records)).toMatchObject({
      failure: { phase: 'connect', attempts: 1, reason: expect.stringContaining('ECONNREFUSED') },
      lookup: { name: 'web.example', addresses: ['192.0.2.1'] },
      timings: { lookupMs: 1 },
    });
    expect(only(records, 60_000)).toMatchObject({ lookup: { name: 'web.example' } });
  });

  it('is that of the call where another address of the name answers', () => {
    const records = [
      ...lookup(0, A('web.example'), answers({ a: '192.0.2.1' }, { a: '192.0.2.2' })),
      refused(10),
      ...call(12, { remote: '192.0.2.2:80' }),
    ];
    expect(only(records)).toMatchObject({
      failure: null,
      lookup: { name: 'web.example' },
      connection: { attempts: [{ remote: '192.0.2.1:80' }] },
    });
  });

  it('is not made up where the address was not looked up', () => {
    const records = [...lookup(0, A('web.example'), answers({ a: '192.0.2.9' })), refused(10)];
    expect(shown(records).map(({ lookup: found }) => found)).toEqual([null]);
  });
});

describe('a lookup that a connection follows from', () => {
  it('is a phase of its first call: A and AAAA are one', () => {
    const records = [
      ...lookup(0, A('web.example'), answers({ a: '192.0.2.1' }, { a: '192.0.2.2' })),
      ...lookup(0.25, AAAA('web.example'), answers()),
      ...call(10, { host: 'web.example:80' }),
    ];
    expect(only(records)).toMatchObject({
      url: 'http://web.example:80/',
      timings: { lookupMs: 1.25, connectMs: 0.5 },
      failure: null,
      lookup: {
        name: 'web.example',
        alsoTried: [],
        types: ['A', 'AAAA'],
        server: '127.0.0.53:53',
        transport: 'udp',
        addresses: ['192.0.2.1', '192.0.2.2'],
        alias: null,
        queries: 2,
        error: null,
      },
      completeness: ['complete'],
    });
  });

  it('may be of any name: the address decides, also where the call names another', () => {
    const records = [...lookup(0, A('proxy.example'), answers({ a: '192.0.2.1' })), ...call(5)];
    expect(only(records)).toMatchObject({ lookup: { name: 'proxy.example' }, timings: { lookupMs: 1 } });
  });

  it('is found for an IPv4 address in an IPv6 socket', () => {
    const records = [
      ...lookup(0, A('web.example'), answers({ a: '192.0.2.1' })),
      ...call(5, { remote: '[::ffff:c000:201]:80' }),
    ];
    expect(only(records).lookup?.name).toBe('web.example');
  });

  it('is found by IPv6, and by an alias', () => {
    const records = [
      ...lookup(
        0,
        AAAA('web.example'),
        answers({ cname: 'edge.example' }, { owner: 'edge.example', aaaa: '2001:db8::7' }),
      ),
      ...call(5, { remote: '[2001:db8::7]:80' }),
    ];
    expect(only(records).lookup).toMatchObject({
      name: 'web.example',
      alias: 'edge.example',
      types: ['AAAA'],
    });
  });

  it('is not the lookup of another process, of another address, or of a later time', () => {
    const web = lookup(0, A('web.example'), answers({ a: '192.0.2.1' }));
    for (const records of [
      [...web, ...call(5, { pid: 5000 })],
      [...web, ...call(5, { remote: '192.0.2.9:80' })],
      [...lookup(0, A('web.example'), answers({ a: '192.0.2.1' })), ...call(0.5)],
    ]) {
      expect(only(records)).toMatchObject({ lookup: null, timings: { lookupMs: null } });
    }
  });

  it('belongs to one connection only, and to its first call', () => {
    const two = (start: number): RecordSpec[] =>
      conversation(
        [
          { out: 'GET /1 HTTP/1.1\r\nHost: web.example\r\n\r\n' },
          { in: 'HTTP/1.1 204 No Content\r\n\r\n' },
          { out: 'GET /2 HTTP/1.1\r\nHost: web.example\r\n\r\n' },
          { in: 'HTTP/1.1 204 No Content\r\n\r\n' },
        ],
        { remote: '192.0.2.1:80', start: at(start + 1), connectStarted: at(start), established: at(start) },
      );
    const records = [
      ...lookup(0, A('web.example'), answers({ a: '192.0.2.1' })),
      ...two(5),
      ...call(20, { connection: 2n }),
    ];
    expect(shown(records).map(({ lookup: found }) => found?.name ?? null)).toEqual([
      'web.example',
      null,
      null,
    ]);
  });

  it('is that of a slow connection, too, though a later lookup and its connection were faster', () => {
    const one = (ms: number, id: number): RecordSpec[] =>
      lookup(ms, A('web.example', id), answers({ a: '192.0.2.1' }));
    const slow = call(1_002, { connection: 9n }).map((record) =>
      record.type === 'opened' ? { ...record, connectStarted: at(2) } : record,
    );
    const others = [...one(10, 2), ...call(12), ...one(20, 3), ...call(22, { connection: 2n })];
    const records = [...one(0, 1), ...others, ...slow, ...call(1_100, { connection: 3n })];
    expect(shown(records).map(({ timings: { lookupMs, connectMs } }) => [lookupMs, connectMs])).toEqual([
      [1, 0.5],
      [1, 0.5],
      [1, 1_000.5],
      [null, 0.5],
    ]);
  });

  it('is the one that the call names where several names have the address', () => {
    const one = lookup(0, A('a.example', 1), answers({ a: '192.0.2.1' }));
    const other = lookup(0.5, A('b.example', 2), answers({ a: '192.0.2.1' }));
    const all = shown([
      ...one,
      ...other,
      ...call(5, { host: 'b.example' }),
      ...call(6, { connection: 2n, host: 'A.example:80' }),
      ...call(7, { connection: 3n, host: 'c.example' }),
    ]);
    expect(all.map(({ lookup: found }) => found?.name ?? null)).toEqual(['b.example', 'a.example', null]);
  });

  it('has no time where two of the same name went on at once', () => {
    const records = [
      ...lookup(0, A('web.example', 1), answers({ a: '192.0.2.1' }), { socket: 1n }),
      ...lookup(0.5, A('web.example', 2), answers({ a: '192.0.2.1' }), { socket: 2n }),
      ...call(5),
      ...call(50, { connection: 2n }),
    ].sort((x, y) => Number((x.time ?? 0n) - (y.time ?? 0n)));
    for (const json of shown(records)) {
      expect(json).toMatchObject({ lookup: { name: 'web.example' }, timings: { lookupMs: null } });
    }
  });

  it('waits for all its answers: one that does not come takes time', () => {
    const records = [
      ...lookup(0, A('web.example'), answers({ a: '192.0.2.1' })),
      ...lookup(0, AAAA('web.example')),
      closed(5_000),
      ...call(5_001),
    ];
    expect(only(records)).toMatchObject({ timings: { lookupMs: 5_000 }, lookup: { queries: 2 } });
  });

  it.each([
    ['at once', 2, 1],
    ['late, and with a new id', 600, 7],
  ])('continues over TCP after a truncated answer, %s', (_, later, id) => {
    const tcp = { socket: 9n, transport: NameTransport.Tcp };
    const query = prefixed(dnsQuery(A('web.example', id)));
    const response = prefixed(dnsResponse(A('web.example', id), answers({ a: '192.0.2.1' })));
    const out = { type: 'name', direction: Direction.Out, ...tcp } as const;
    const back = { type: 'name', direction: Direction.In, ...tcp } as const;
    const records: RecordSpec[] = [
      ...lookup(0, A('web.example'), { truncated: true }),
      { ...out, time: at(later), bytes: query.subarray(0, 1) },
      { ...out, time: at(later), bytes: query.subarray(1) },
      { ...back, time: at(later + 1), bytes: response.subarray(0, 2) },
      { ...back, time: at(later + 2), bytes: response.subarray(2) },
      ...call(later + 8),
    ];
    expect(only(records)).toMatchObject({
      lookup: { transport: 'tcp', queries: 2, addresses: ['192.0.2.1'] },
      timings: { lookupMs: later + 2 },
    });
  });

  it('is not of the connection to the name server itself, which may have the address that was found', () => {
    const first = lookup(0, A('web.example'), answers({ a: '127.0.0.1' }));
    const second = lookup(0.5, AAAA('web.example'), { truncated: true });
    const toServer = conversation([{ out: prefixed(dnsQuery(AAAA('web.example'))) }, { close: true }], {
      ...{ connection: 9n, remote: '127.0.0.1:53' },
      ...{ start: at(3), connectStarted: at(2), established: at(2) },
    });
    const called = call(10, { remote: '127.0.0.1:80' });
    for (const records of [toServer, [refused(3, '127.0.0.1:53')]]) {
      const rows = shown([...first, ...second, ...records, ...called]);
      expect(rows.map(({ connection, lookup: found }) => [connection?.remote, found?.name ?? null])).toEqual([
        ['127.0.0.1:80', 'web.example'],
        ...(records === toServer ? [] : [['127.0.0.1:53', null]]),
      ]);
    }
  });

  it('tries suffixes of the name: those that are not found are not failures', () => {
    const records = [
      ...lookup(0, A('web.corp.example', 1), NOT_FOUND),
      ...lookup(0, AAAA('web.corp.example', 2), NOT_FOUND),
      ...lookup(2, A('web.example', 3), NOT_FOUND),
      ...lookup(4, A('web', 4), answers({ a: '192.0.2.1' })),
      ...call(10, { host: 'web' }),
    ];
    expect(only(records)).toMatchObject({
      lookup: { name: 'web', alsoTried: ['web.corp.example', 'web.example'], queries: 4 },
      timings: { lookupMs: 5 },
    });
  });

  it('learns suffixes from the name in the call', () => {
    const records = [
      ...lookup(0, A('web.local', 1), NOT_FOUND),
      ...lookup(2, A('web.corp.example', 2), answers({ a: '192.0.2.1' })),
      ...call(10, { host: 'web' }),
    ];
    expect(only(records).lookup).toMatchObject({ name: 'web.corp.example', alsoTried: ['web.local'] });
  });

  it("is systemd-resolved's, by its socket", () => {
    const resolved = { socket: 5n, transport: NameTransport.Resolved, server: null };
    const method = {
      method: 'io.systemd.Resolve.ResolveHostname',
      parameters: { name: 'web.example', flags: 0 },
    };
    const answer = {
      parameters: {
        addresses: [{ ifindex: 2, family: 2, address: [192, 0, 2, 1] }],
        name: 'edge.example',
        flags: 1,
      },
    };
    const records: RecordSpec[] = [
      {
        type: 'name',
        direction: Direction.Out,
        time: at(0),
        bytes: Buffer.from(`${JSON.stringify(method)}\0`),
        ...resolved,
      },
      {
        type: 'name',
        direction: Direction.In,
        time: at(3),
        bytes: Buffer.from(`${JSON.stringify(answer)}\0`),
        ...resolved,
      },
      ...call(5),
    ];
    expect(only(records)).toMatchObject({
      lookup: {
        name: 'web.example',
        transport: 'resolved',
        server: null,
        alias: 'edge.example',
        addresses: ['192.0.2.1'],
      },
      timings: { lookupMs: 3 },
    });
  });
});

describe('a lookup that fails', () => {
  it('is a row: the name, the server, why, how long', () => {
    const records = [
      ...lookup(5, A('nowhere.example'), NOT_FOUND),
      ...lookup(5.5, AAAA('nowhere.example'), NOT_FOUND),
    ];
    expect(shown(records, 900)).toEqual([]);
    const row = only(records, 1_200);
    expect(row).toMatchObject({
      process: { pid: 4242 },
      side: 'client',
      protocol: 'DNS',
      method: null,
      url: null,
      durationMs: 1.5,
      failure: {
        phase: 'lookup',
        reason: 'name lookup failed: the name does not exist (NXDOMAIN from 127.0.0.53:53)',
      },
      lookup: { name: 'nowhere.example', types: ['A', 'AAAA'], addresses: [], queries: 2, error: 'NXDOMAIN' },
      request: null,
      response: null,
      completeness: ['lookup-failed'],
    });
    const engine = new Engine();
    engine.push(recordBatch(records));
    engine.finish();
    expect(engine.stats()).toMatchObject({ exchanges: 1, errors: 1, running: 0 });
    expect(engine.row(1)).toMatchObject({ host: 'nowhere.example', method: null, state: 'ended' });
  });

  it.each([
    [{ code: 2 }, 'the name server failed (SERVFAIL from 127.0.0.53:53)'],
    [{ code: 5 }, 'the name server refused the query (REFUSED from 127.0.0.53:53)'],
    [{ code: 9 }, 'the name server reported an error (RCODE 9 from 127.0.0.53:53)'],
    [answers(), 'the name has no address (answer from 127.0.0.53:53)'],
    [{ truncated: true }, 'the answer from 127.0.0.53:53 was truncated, and no complete one was seen'],
  ])('says why: %o', (response, reason) => {
    expect(only(lookup(0, A('x.example'), response)).failure?.reason).toBe(`name lookup failed: ${reason}`);
  });

  it('is one lookup if musl asks a failed server again, from the same socket', () => {
    const FAILED = { code: 2 };
    const records = [0, 2_500].flatMap((ms) => [
      ...[...lookup(ms, A('x.example'), FAILED), ...lookup(ms, AAAA('x.example'), FAILED)],
    ]);
    expect(only([...records, closed(5_000)], 6_100)).toMatchObject({
      durationMs: 2_501,
      failure: { reason: 'name lookup failed: the name server failed (SERVFAIL from 127.0.0.53:53)' },
      lookup: { queries: 4, error: 'SERVFAIL' },
    });
  });

  it('has failed when its socket is closed, or six seconds after a server has failed', () => {
    const records = lookup(0, A('x.example'), { code: 2 });
    expect(shown(records, 5_900)).toEqual([]);
    expect(shown([...records, closed(100)], 1_200)).toHaveLength(1);
    expect(shown(records, 6_200)).toHaveLength(1);
  });

  it('says that there was no answer, when the resolver gives up', () => {
    const records = [
      ...lookup(0, A('x.example')),
      ...lookup(1_000, A('x.example')),
      ...lookup(2_000, A('x.example'), null, { socket: 78n, server: '192.0.2.53:53' }),
      closed(3_000),
      closed(3_000, { socket: 78n, server: '192.0.2.53:53' }),
    ];
    expect(only(records, 4_200)).toMatchObject({
      durationMs: 3_000,
      failure: { reason: 'name lookup failed: no answer from 192.0.2.53:53 (3 queries)' },
      lookup: { queries: 3, error: null },
    });
  });

  it('says that there was none before the process ended', () => {
    const records: RecordSpec[] = [...lookup(0, A('x.example')), { type: 'processEnded', time: at(700) }];
    expect(only(records, 701)).toMatchObject({
      durationMs: 700,
      failure: {
        reason: 'name lookup failed: no answer from 127.0.0.53:53 before the process ended (1 query)',
      },
      completeness: ['lookup-failed'],
    });
  });

  it('is not a failure where the trace ends before', () => {
    expect(only(lookup(0, A('x.example')))).toMatchObject({
      failure: {
        reason: 'name lookup not finished: no answer from 127.0.0.53:53 before the trace ended (1 query)',
      },
      completeness: ['unanswered'],
    });
  });

  it('says that no server listens', () => {
    const records: RecordSpec[] = [
      ...lookup(0, A('x.example')),
      { type: 'name', direction: Direction.In, time: at(1), error: 111 },
    ];
    expect(only(records, 1_200).failure?.reason).toBe(
      'name lookup failed: no name server listens there (connection refused): 127.0.0.53:53',
    );
  });

  it('is named as it was asked for, with the reason for that name', () => {
    const dotted = [
      ...lookup(0, A('api.shop', 1), { code: 2 }),
      ...lookup(2, A('api.shop.corp.example', 2), NOT_FOUND),
    ];
    expect(only(dotted)).toMatchObject({
      failure: { reason: 'name lookup failed: the name server failed (SERVFAIL from 127.0.0.53:53)' },
      lookup: { name: 'api.shop', alsoTried: ['api.shop.corp.example'], error: 'SERVFAIL' },
    });
  });

  it('goes on with the next server', () => {
    const second = { socket: 78n, server: '192.0.2.53:53' };
    const records = [
      ...lookup(0, A('web.example'), { code: 2 }),
      ...lookup(2, A('web.example'), answers({ a: '192.0.2.1' }), second),
      ...call(5),
    ];
    expect(only(records)).toMatchObject({
      lookup: { server: '192.0.2.53:53', queries: 2 },
      timings: { lookupMs: 3 },
    });
  });

  it('is one row for each time that it is asked', () => {
    const records = [0, 10, 20].flatMap((ms, i) => lookup(ms, A('x.example', i + 1), NOT_FOUND));
    expect(shown(records).map(({ durationMs }) => durationMs)).toEqual([1, 1, 1]);
  });

  it('is reported by systemd-resolved in its own words', () => {
    const resolved = { socket: 5n, transport: NameTransport.Resolved, server: null };
    const ask = {
      method: 'io.systemd.Resolve.ResolveHostname',
      parameters: { name: 'x.example', family: 2 },
    };
    const failed = (error: string, parameters: object = {}): RecordSpec[] => [
      {
        type: 'name',
        direction: Direction.Out,
        time: at(0),
        bytes: Buffer.from(`${JSON.stringify(ask)}\0`),
        ...resolved,
      },
      {
        type: 'name',
        direction: Direction.In,
        time: at(3),
        bytes: Buffer.from(`${JSON.stringify({ error: `io.systemd.Resolve.${error}`, parameters })}\0`),
        ...resolved,
      },
    ];
    expect(only(failed('DNSError', { rcode: 3 }))).toMatchObject({
      failure: { reason: 'name lookup failed: the name does not exist (NXDOMAIN from systemd-resolved)' },
      lookup: { types: ['A'], error: 'NXDOMAIN' },
    });
    expect(only(failed('QueryTimedOut')).failure?.reason).toBe(
      'name lookup failed: no answer in time (systemd-resolved)',
    );
  });
});

describe('nothing is shown', () => {
  it('of a lookup that succeeded and led to no connection', () => {
    expect(shown(lookup(0, A('web.example'), answers({ a: '192.0.2.1' })), 100_000)).toEqual([]);
    expect(
      shown([
        ...lookup(0, A('web.example'), answers({ a: '192.0.2.1' })),
        ...lookup(0, AAAA('web.example'), { code: 2 }),
      ]),
    ).toEqual([]);
  });

  it('of questions about other types', () => {
    for (const type of [12, 15, 16, 33, 65]) {
      expect(shown(lookup(0, { id: 1, name: 'x.example', type }, NOT_FOUND))).toEqual([]);
    }
  });

  it('of an answer without its question, or to another one', () => {
    const bytes = dnsResponse(A('x.example'), NOT_FOUND);
    const answer: RecordSpec = { type: 'name', direction: Direction.In, time: at(1), bytes };
    expect(shown([answer])).toEqual([]);
    for (const other of [A('x.example', 2), A('y.example'), AAAA('x.example', 1)]) {
      expect(only([...lookup(0, other), answer, closed(2)]).failure?.reason).toContain('no answer');
    }
  });

  it('of what a name server itself receives and sends', () => {
    const bytes = dnsQuery(A('x.example'));
    const response = dnsResponse(A('x.example'), NOT_FOUND);
    expect(
      shown([
        { type: 'name', direction: Direction.In, time: at(0), bytes },
        { type: 'name', direction: Direction.Out, time: at(1), bytes: response },
      ]),
    ).toEqual([]);
  });

  it('of an answer that was not copied as far as its addresses', () => {
    const response = dnsResponse(A('x.example'), answers({ a: '192.0.2.1' }));
    const cut: RecordSpec = {
      type: 'name',
      direction: Direction.In,
      time: at(1),
      bytes: response.subarray(0, response.length - 2),
      size: response.length,
    };
    expect(shown([...lookup(0, A('x.example')), cut])).toEqual([]);
  });
});

it('gives the same exchanges in the same order whenever time passes', () => {
  const records = [
    ...lookup(0, A('one.example', 1), NOT_FOUND, { pid: 1 }),
    ...lookup(5, A('web.example', 2), answers({ a: '192.0.2.1' }), { pid: 2 }),
    ...lookup(10, A('two.example', 3), { code: 2 }, { pid: 3 }),
    ...call(1_050, { pid: 2 }),
    ...call(1_200, { connection: 2n, pid: 2 }),
  ];
  const read = (step: number): string => {
    const engine = new Engine();
    engine.setClock({ offset: 0n, bootTime: START });
    for (const record of records) {
      for (let ms = 0; step > 0 && at(ms) < (record.time ?? 0n); ms += step) engine.advance(at(ms));
      engine.push(recordBatch([record]));
    }
    engine.finish();
    return JSON.stringify(engine.takeChanges().changed.map((id) => engine.json(id)));
  };
  const [never, often] = [read(0), read(7)];
  expect(often).toBe(never);
  expect(never.indexOf('two.example')).toBeGreaterThan(never.indexOf('one.example'));
});

describe('hostile records', () => {
  it('keep memory and time bounded', () => {
    const engine = new Engine();
    const record = recordBatch(lookup(0, A(`n00000.${'x.'.repeat(50)}example`), null, { socket: 1n }));
    const { size } = LAYOUT.name;
    const time = cpuTime(() => {
      for (let i = 0; i < 30_000; i++) {
        record.writeBigUInt64LE(BigInt(i % 5_000), LAYOUT.name.socket);
        record.writeBigUInt64LE(at(i / 10), LAYOUT.header.time);
        record.writeBigUInt64LE(at(i / 10), LAYOUT.header.emitted);
        record.writeUInt16BE(i & 0xffff, size);
        record.write(String(i).padStart(5, '0'), size + 14, 'latin1');
        engine.push(record);
      }
    });
    expect(time).toBeLessThan(QUADRATIC);
    engine.finish();
    expect(engine.stats().exchanges).toBeLessThanOrEqual(MAX_LOOKUPS);
  });
});
