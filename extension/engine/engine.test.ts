import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { Engine, type EngineOptions } from './engine.ts';
import { Direction, Ending, Omission, WireProtocol } from './record.ts';
import { isError } from './row.ts';
import { conversation, type RecordSpec, recordBatch, START, type Step } from './testing/records.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
/** 2026-11-22T18:00:00.123456789Z minus START. */
const OFFSET = 1_795_370_400_123_456_789n - START;

function made(specs: readonly RecordSpec[], options: EngineOptions = {}): Engine {
  const engine = new Engine(options);
  engine.setClock({ offset: OFFSET, bootTime: START });
  engine.push(recordBatch(specs));
  return engine;
}

function run(steps: readonly Step[], options: Parameters<typeof conversation>[1] = {}): Engine {
  return made(conversation(steps, options));
}

describe('an exchange', () => {
  it('is what the JSON contract says', () => {
    const engine = run([
      {
        out: 'POST /orders?x=1&token=t HTTP/1.1\r\nHost: api.example:8443\r\nAuthorization: Bearer x\r\nContent-Length: 11\r\n\r\n{"id":"a7"}',
      },
      {
        in: 'HTTP/1.1 201 Created\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 2\r\n\r\n{}',
      },
    ]);
    expect(engine.takeChanges()).toEqual({ changed: [1], removed: [] });
    expect(engine.takeChanges()).toEqual({ changed: [], removed: [] });
    expect(engine.json(1)).toEqual({
      id: 1,
      peer: null,
      causedBy: null,
      caused: [],
      trace: { id: null, first: 1 },
      process: { pid: 4242, name: null },
      side: 'client',
      protocol: 'HTTP/1.1',
      method: 'POST',
      url: 'http://api.example:8443/orders?x=1&token=••••••',
      status: 201,
      statusText: 'Created',
      error: false,
      startedAt: '2026-11-22T18:00:00.124456Z',
      durationMs: 1,
      timings: {
        lookupMs: null,
        connectMs: null,
        tlsMs: null,
        sendMs: 0,
        waitMs: 1,
        receiveMs: 0,
        overlapMs: 0,
        pausedMs: null,
      },
      debug: null,
      ai: null,
      mcp: null,
      connection: {
        id: '1',
        transport: 'tcp',
        local: '127.0.0.1:40000',
        remote: '127.0.0.1:8080',
        joinedLate: false,
        attempts: [],
        through: [],
      },
      tls: null,
      encrypted: null,
      failure: null,
      lookup: null,
      http2: null,
      operation: null,
      grpc: null,
      request: {
        headers: [
          ['Host', 'api.example:8443'],
          ['Authorization', 'Bearer ••••••'],
          ['Content-Length', '11'],
        ],
        trailers: [],
        headersSize: 106,
        wireSize: 117,
        bodySize: 11,
        bodyCaptured: 11,
        body: { text: '{"id":"a7"}' },
        decodedSize: null,
        bodyNote: null,
        bodyFromFile: false,
      },
      response: {
        headers: [
          ['Content-Type', 'application/json; charset=utf-8'],
          ['Content-Length', '2'],
        ],
        trailers: [],
        headersSize: 90,
        wireSize: 92,
        bodySize: 2,
        bodyCaptured: 2,
        body: { text: '{}' },
        decodedSize: null,
        bodyNote: null,
        bodyFromFile: false,
      },
      interim: [],
      messages: [],
      messageStream: null,
      ending: { how: 'answered', by: null, error: null, detail: null, signal: null, exitCode: null },
      completeness: ['complete'],
      violations: [],
    });
    expect(engine.json(1, { reveal: true })).toMatchObject({
      url: 'http://api.example:8443/orders?x=1&token=t',
      request: { headers: expect.arrayContaining([['Authorization', 'Bearer x']]) },
    });
    expect(engine.row(1)).toEqual({
      id: 1,
      peer: null,
      cause: null,
      revision: 1,
      method: 'POST',
      status: 201,
      statusText: 'Created',
      scheme: 'http',
      host: 'api.example:8443',
      path: '/orders?x=1&token=••••••',
      protocol: 'HTTP/1.1',
      type: 'json',
      requestSize: 11,
      responseSize: 2,
      start: 1,
      duration: 1,
      phases: {
        lookupMs: null,
        connectMs: null,
        tlsMs: null,
        sendMs: 0,
        waitMs: 1,
        receiveMs: 0,
        overlapMs: 0,
      },
      pid: 4242,
      processName: null,
      side: 'client',
      state: 'ended',
      completeness: ['complete'],
      ending: { how: 'answered', by: null, error: null, detail: null, signal: null, exitCode: null },
      connectAttempts: 0,
      violations: 0,
      connection: '1',
      localPort: 40_000,
      stream: null,
      proxy: null,
      messageFormat: null,
      messages: 0,
      grpcStatus: null,
      encrypted: null,
      failure: null,
      tlsFailure: null,
      operation: null,
      file: null,
      model: null,
      pinned: false,
      debug: null,
    });
    expect(engine.json(2)).toBeUndefined();
    expect(engine.row(2)).toBeUndefined();
  });

  it('is shown while it runs, and each report has a higher revision', () => {
    const specs = conversation([{ out: GET }, { in: OK.slice(0, -1) }, { in: 'k' }]);
    const engine = made(specs.slice(0, 2));
    expect(engine.takeChanges().changed).toEqual([1]);
    expect(engine.row(1)).toMatchObject({
      revision: 1,
      state: 'running',
      status: null,
      duration: null,
      completeness: [],
    });
    engine.push(recordBatch(specs.slice(2, 3)));
    expect(engine.takeChanges().changed).toEqual([1]);
    expect(engine.row(1)).toMatchObject({
      revision: 2,
      state: 'running',
      status: 200,
      duration: null,
      responseSize: null,
    });
    engine.push(recordBatch(specs.slice(3)));
    expect(engine.takeChanges().changed).toEqual([1]);
    expect(engine.row(1)).toMatchObject({ revision: 3, state: 'ended', duration: 2, responseSize: 2 });
    expect(engine.stats().running).toBe(0);
  });
});

describe('times', () => {
  it('are the phases that the kernel saw', () => {
    const engine = run(
      [
        { out: 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n' },
        { out: 'a' },
        { out: 'b' },
        { wait: 6_500_000n },
        { in: OK.slice(0, 10) },
        { in: OK.slice(10) },
        { out: GET },
        { in: OK },
      ],
      { connectStarted: START - 300_000n, established: START - 100_000n },
    );
    expect(engine.json(1)).toMatchObject({
      durationMs: 11.5,
      timings: { connectMs: 0.2, sendMs: 2, waitMs: 8.5, receiveMs: 1 },
    });
    // The connection's time belongs to its first exchange.
    expect(engine.json(2)?.timings.connectMs).toBeNull();
  });

  it('are never negative when the response comes before the request has ended', () => {
    const engine = run([
      { out: 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n' },
      { in: OK },
      { out: 'ab' },
      { close: true },
    ]);
    expect(engine.json(1)).toMatchObject({ durationMs: 2, timings: { sendMs: 2, waitMs: 0, receiveMs: 0 } });
  });

  it('have no connect time on the server side, nor of a connection that was open', () => {
    const server = run([{ in: GET }, { out: OK }], {
      side: 'server',
      connectStarted: START,
      established: START + 5n,
    });
    expect(server.json(1)?.timings.connectMs).toBeNull();
    expect(run([{ out: GET }, { in: OK }]).json(1)?.timings.connectMs).toBeNull();
  });

  it('follow the clock when it is set again, from the same millisecond 0', () => {
    const engine = run([{ out: GET }, { in: OK }]);
    engine.setClock({ offset: OFFSET + 3_600_000_000_000n, bootTime: START + 10n });
    expect(engine.json(1)?.startedAt).toBe('2026-11-22T19:00:00.124456Z');
    expect(engine.row(1)?.start).toBe(1);
  });
});

describe('processes', () => {
  const call = (connection: bigint, pid: number, start: bigint): RecordSpec[] =>
    conversation([{ out: GET }, { in: OK }], { connection, pid, start });

  it('are named as they were when the exchange began', () => {
    const engine = new Engine();
    engine.setClock({ offset: OFFSET, bootTime: START });
    engine.setProcess(10, 'shell');
    engine.push(
      recordBatch([
        ...call(1n, 10, START),
        { type: 'processStarted', pid: 11, parent: 10, name: 'shell' },
        ...call(2n, 11, START + 10n),
        { type: 'processReplaced', pid: 11, name: 'curl' },
        ...call(3n, 11, START + 20n),
        { type: 'processEnded', pid: 11 },
        ...call(4n, 12, START + 30n),
      ]),
    );
    expect([1, 2, 3, 4].map((id) => engine.json(id)?.process)).toEqual([
      { pid: 10, name: 'shell' },
      { pid: 11, name: 'shell' },
      { pid: 11, name: 'curl' },
      { pid: 12, name: null },
    ]);
  });

  it('are those that sent the request, whoever reads the response', () => {
    const engine = run([
      { out: GET, pid: 7 },
      { in: OK, pid: 8 },
    ]);
    expect(engine.json(1)?.process?.pid).toBe(7);
  });
});

describe('connections', () => {
  it('wait for their opened record, which another ring may bring later', () => {
    const [opened, ...rest] = conversation([{ out: GET }, { in: OK }]) as [RecordSpec, ...RecordSpec[]];
    const engine = made(rest);
    expect(engine.takeChanges().changed).toEqual([]);
    engine.push(recordBatch([opened]));
    expect(engine.json(1)).toMatchObject({ completeness: ['complete'], side: 'client' });
  });

  it('that were never opened are read when time has passed, and say so', () => {
    const engine = made(conversation([{ out: GET }, { in: OK }], { anonymous: true }));
    engine.advance(START + 10_000_000n);
    expect(engine.json(1)).toMatchObject({
      completeness: ['socket-unknown'],
      side: 'client',
      url: 'http://a/',
      connection: { local: null, remote: null },
    });
    // Newer records alone show it, too.
    const later = made([
      ...conversation([{ out: GET }], { anonymous: true }),
      ...conversation([{ out: GET }], { connection: 2n, start: START + 10_000_000_000n }),
    ]);
    expect(later.row(1)?.host).toBe('a');
  });

  it('of other protocols are counted and make no exchange', () => {
    for (const protocol of [WireProtocol.Http2, WireProtocol.Other]) {
      const engine = made([
        { type: 'opened' },
        {
          type: 'data',
          direction: Direction.Out,
          position: 0,
          bytes: '',
          size: 500,
          protocol,
          omission: Omission.Protocol,
        },
        {
          type: 'data',
          direction: Direction.In,
          position: 0,
          bytes: '',
          size: 700,
          protocol,
          omission: Omission.Protocol,
        },
        { type: 'closed', sent: 9_000, received: 9_000 },
      ]);
      engine.finish();
      expect(engine.stats()).toMatchObject({
        connections: 1,
        exchanges: 0,
        omittedBytes: 1_200,
        lostBytes: 0,
        running: 0,
      });
    }
  });

  it('of other protocols are not read even where bytes of them were copied', () => {
    const engine = run([{ out: GET }, { in: OK }]);
    const [opened, request, response] = conversation([{ out: GET }, { in: OK }]);
    const foreign = made(
      [opened, request, response].map((spec) =>
        spec?.type === 'data' ? { ...spec, protocol: WireProtocol.Tls } : (spec as RecordSpec),
      ),
    );
    expect(engine.stats()).toMatchObject({ exchanges: 1, copiedBytes: GET.length + OK.length });
    expect(foreign.stats()).toMatchObject({ exchanges: 0, copiedBytes: GET.length + OK.length });
  });

  it('are HTTP/1 as soon as their first bytes cannot become the preface of HTTP/2', () => {
    const undecided = (text: string): Engine =>
      made(
        [...text].flatMap((byte, position): RecordSpec[] => [
          ...(position === 0 ? ([{ type: 'opened' }] as const) : []),
          {
            type: 'data',
            direction: Direction.Out,
            position,
            bytes: byte,
            protocol: WireProtocol.Undecided,
          },
        ]),
      );
    expect(undecided('PROPFIND /a HTTP/1.1\r\nHost: a\r\n\r\n').row(1)?.method).toBe('PROPFIND');
    expect(undecided('PRI * HTTP/1.1\r\nHost: a\r\n\r\n').row(1)?.method).toBe('PRI');
    expect(undecided('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n').stats().exchanges).toBe(0);
    // The stream ends before that is known.
    const cut = undecided('PRI ');
    cut.finish();
    expect(cut.stats()).toMatchObject({ exchanges: 0, running: 0 });
  });

  it('have IPv6 addresses', () => {
    const engine = run([{ out: 'GET / HTTP/1.0\r\n\r\n' }, { in: OK }], {
      local: '[::1]:4000',
      remote: '[fe80::1]:80',
    });
    expect(engine.json(1)).toMatchObject({
      url: 'http://[fe80::1]:80/',
      connection: { local: '[::1]:4000', remote: '[fe80::1]:80' },
    });
  });

  it('ignore and count what comes after their end', () => {
    const engine = run([{ out: GET }, { in: OK }, { close: true }]);
    engine.push(recordBatch([{ type: 'data', direction: Direction.In, position: 500, bytes: OK }]));
    engine.finish();
    expect(engine.stats()).toMatchObject({
      connections: 1,
      exchanges: 1,
      copiedBytes: GET.length + 2 * OK.length,
    });
  });
});

describe('holes', () => {
  const specs = conversation([
    { out: GET },
    { in: 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc' },
    { in: 'defg' },
    { in: 'hij' },
    { out: GET },
  ]);
  const [opened, request, head, middle, last, next] = specs as [
    RecordSpec,
    RecordSpec,
    RecordSpec,
    RecordSpec,
    RecordSpec,
    RecordSpec,
  ];

  it('are closed by a late record', () => {
    const engine = made([opened, request, head, last, next]);
    expect(engine.row(1)?.state).toBe('running');
    engine.push(recordBatch([middle]));
    expect(engine.json(1)).toMatchObject({
      completeness: ['complete'],
      response: { body: { text: 'abcdefghij' } },
    });
    expect(engine.stats()).toMatchObject({ lostBytes: 0, exchanges: 2 });
  });

  it('become gaps when every record up to then has been pushed, and not before', () => {
    const engine = made([opened, request, head, last, next]);
    engine.advance((last.time ?? 0n) - 1n);
    expect(engine.row(1)?.state).toBe('running');
    expect(engine.stats().lostBytes).toBe(0);
    engine.advance(last.time ?? 0n);
    expect(engine.json(1)).toMatchObject({
      completeness: ['response-gap'],
      response: { bodySize: 10, bodyCaptured: 3, body: { text: 'abc' } },
    });
    expect(engine.json(1)?.response?.bodyNote).toMatch(/first 3 of 10 bytes/);
    // Too late: it is gone.
    engine.push(recordBatch([middle]));
    expect(engine.json(1)?.response?.bodyCaptured).toBe(3);
    expect(engine.stats()).toMatchObject({ lostBytes: 4, exchanges: 2 });
  });

  it('at the end of a stream are known from where it closed', () => {
    const engine = run([{ out: GET }, { lose: 'in', size: 40 }, { close: true }]);
    engine.finish();
    expect(engine.json(1)?.completeness).toEqual(['response-gap', 'one-sided']);
    expect(engine.stats().lostBytes).toBe(40);
  });
});

describe('bodies', () => {
  const body = (type: string, bytes: Buffer, options: EngineOptions = {}, extra = ''): Engine => {
    const head = `HTTP/1.1 200 OK\r\n${type === '' ? '' : `Content-Type: ${type}\r\n`}${extra}Content-Length: ${bytes.length}\r\n\r\n`;
    return made(conversation([{ out: GET }, { in: Buffer.concat([Buffer.from(head), bytes]) }]), options);
  };
  const shown = (type: string, bytes: Buffer): unknown => body(type, bytes).json(1)?.response?.body;

  it('are text where they are valid in their charset, else bytes', () => {
    expect(shown('', Buffer.from('grüße'))).toEqual({ text: 'grüße' });
    expect(shown('text/plain; charset=utf-8', Buffer.from([0xff, 0x41]))).toEqual({ base64: '/0E=' });
    expect(shown('text/plain; charset="ISO-8859-1"', Buffer.from([0xe4, 0x80]))).toEqual({ text: 'ä€' });
    expect(shown('text/plain; charset=utf-16le', Buffer.from('hé', 'utf16le'))).toEqual({ text: 'hé' });
    expect(shown('text/plain', Buffer.from('\ufeffhé', 'utf16le'))).toEqual({ text: 'hé' });
    expect(shown('application/xml', Buffer.from('\ufeff<é/>', 'utf16le'))).toEqual({ text: '<é/>' });
    expect(shown('text/plain; charset=utf-16', Buffer.from([0xfe, 0xff, 0, 0x68]))).toEqual({ text: 'h' });
    // Binary data that begins like the mark, and JSON, which is UTF-8.
    const marked = Buffer.from('\ufeff{}', 'utf16le');
    for (const type of ['application/octet-stream', 'application/json', '', 'text/plain; charset=utf-8']) {
      expect(shown(type, marked), type).toEqual({ base64: marked.toString('base64') });
    }
    expect(shown('text/plain; charset=shift_jis', Buffer.from([0x83, 0x65]))).toEqual({ text: 'テ' });
    expect(shown('text/plain; charset=klingon', Buffer.from('x'))).toEqual({ base64: 'eA==' });
    expect(shown('image/png', Buffer.from([0x89, 0x50, 0x4e, 0x47]))).toEqual({ base64: 'iVBORw==' });
    expect(shown('application/octet-stream', Buffer.from([0, 1, 2]))).toEqual({ base64: 'AAEC' });
    // The same bytes again when it is written as UTF-8.
    expect(shown('text/plain', Buffer.from('\ufeffx'))).toEqual({ text: '\ufeffx' });
  });

  it('are masked also where they are not valid text', () => {
    const bytes = Buffer.concat([
      Buffer.from('{"token":"S3CR3T","x":"'),
      Buffer.from([0xff]),
      Buffer.from('"}'),
    ]);
    const json = body('application/json', bytes).json(1);
    const shownBody = json?.response?.body;
    const base64 = shownBody != null && 'base64' in shownBody ? shownBody.base64 : '';
    expect(Buffer.from(base64, 'base64').toString('latin1')).toContain('"x":');
    expect(Buffer.from(base64, 'base64').toString('latin1')).not.toContain('S3CR3T');
    const revealed = body('application/json', bytes).json(1, { reveal: true });
    expect(revealed?.response?.body).toEqual({ base64: bytes.toString('base64') });
  });

  it('are kept up to the limit, cut between characters, and say so', () => {
    const engine = body('text/plain', Buffer.from('aäb'), { bodyLimit: 2 });
    expect(engine.json(1)).toMatchObject({
      completeness: ['response-truncated'],
      response: {
        bodySize: 4,
        bodyCaptured: 2,
        body: { text: 'a' },
        bodyNote: expect.stringContaining('first 2 of 4'),
      },
    });
    expect(body('text/plain', Buffer.from('x'), { bodyLimit: 0 }).json(1)?.response).toMatchObject({
      bodySize: 1,
      bodyCaptured: 0,
      body: null,
      bodyNote: 'The body was not captured.',
    });
    const all = body('text/plain', Buffer.alloc(200_000, 'x'), { bodyLimit: null });
    expect(all.json(1)).toMatchObject({ completeness: ['complete'], response: { bodyCaptured: 200_000 } });
  });

  it('are decoded, with both sizes', () => {
    const zipped = gzipSync('{"password":"x","a":1}');
    const json = body('application/json', zipped, {}, 'Content-Encoding: gzip\r\n').json(1);
    expect(json?.response).toMatchObject({
      bodySize: zipped.length,
      decodedSize: 22,
      body: { text: '{"password":"••••••","a":1}' },
      bodyNote: null,
      bodyFromFile: false,
    });
  });

  it('are decoded from transfer codings, too', () => {
    const zipped = gzipSync('hello');
    const chunk = Buffer.concat([
      Buffer.from(
        `HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n${zipped.length.toString(16)}\r\n`,
      ),
      zipped,
      Buffer.from('\r\n0\r\n\r\n'),
    ]);
    expect(run([{ out: GET }, { in: chunk }]).json(1)?.response).toMatchObject({
      body: { text: 'hello' },
      decodedSize: 5,
    });
  });
});

describe('tunnels', () => {
  it('count what they carry until they end', () => {
    const engine = run([
      { out: 'GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n' },
      { in: 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n12345' },
      { out: '123' },
      { omit: 'in', size: 100, omission: Omission.Limit },
    ]);
    expect(engine.row(1)?.state).toBe('running');
    expect(engine.get(1)?.tunnel).toEqual({ protocol: 'websocket', sent: 3, received: 105 });
    engine.finish();
    expect(engine.json(1)?.completeness).toEqual(['response-truncated']);
  });
});

describe('the end of the trace', () => {
  it('ends what runs, once', () => {
    const engine = made([
      ...conversation([{ out: GET }]),
      ...conversation([{ out: GET }, { in: 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc' }], {
        connection: 2n,
      }),
      ...conversation([{ out: 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc' }], {
        connection: 3n,
      }),
    ]);
    engine.finish();
    expect([1, 2, 3].map((id) => engine.json(id)?.completeness)).toEqual([
      ['unanswered'],
      ['response-truncated'],
      ['request-truncated', 'unanswered'],
    ]);
    expect(engine.takeChanges().changed).toEqual([1, 2, 3]);
    engine.finish();
    expect(engine.takeChanges().changed).toEqual([]);
    for (const id of [1, 2, 3]) {
      const row = engine.row(id);
      expect(row !== undefined && isError(row)).toBe(false);
    }
  });

  it('is distinguished from the end of a connection', () => {
    const engine = run([
      { out: GET },
      { in: 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc' },
      { end: 'in', ending: Ending.Reset },
      { close: true },
    ]);
    expect(engine.json(1)?.completeness).toEqual(['aborted']);
    expect(engine.stats().errors).toBe(1);
  });
});

describe('the store', () => {
  const calls = (from: number, to: number): RecordSpec[] =>
    Array.from({ length: to - from }, (_, i) =>
      conversation([{ out: GET }, { in: OK }], { connection: BigInt(from + i) }),
    ).flat();

  it('evicts what ended first, never what runs, and says so', () => {
    const engine = made([...conversation([{ out: GET }], { connection: 1_000n }), ...calls(1, 10)], {
      maxExchanges: 4,
    });
    const { changed, removed } = engine.takeChanges();
    expect(removed).toEqual([2, 3, 4, 5, 6, 7]);
    expect(changed).toEqual([1, 8, 9, 10]);
    expect(engine.stats()).toMatchObject({ exchanges: 10, evicted: 6, running: 1 });
    expect(engine.get(2)).toBeUndefined();
  });

  it('keeps within its bytes', () => {
    const engine = made(calls(1, 1_000), { maxBytes: 100_000 });
    const { evicted } = engine.stats();
    expect(evicted).toBeGreaterThan(800);
    expect(engine.get(999)).toBeDefined();
    expect(engine.get(1)).toBeUndefined();
  });

  it('forgets ended exchanges when it is cleared', () => {
    const engine = made([...calls(1, 3), ...conversation([{ out: GET }], { connection: 9n })]);
    engine.takeChanges();
    engine.clear();
    expect(engine.takeChanges()).toEqual({ changed: [], removed: [1, 2] });
    expect(engine.row(3)?.state).toBe('running');
    expect(engine.stats()).toMatchObject({ exchanges: 3, evicted: 0, running: 1 });
  });
});

describe('bytes', () => {
  it('are counted by what became of them', () => {
    const engine = run([
      { out: GET },
      { in: 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n' },
      { omit: 'in', size: 30, omission: Omission.Limit },
      { omit: 'in', size: 20, omission: Omission.Fault },
      { unseen: 'in', size: 10 },
      { in: 'x' },
      { lose: 'in', size: 39 },
      { end: 'in', ending: Ending.Fin },
    ]);
    engine.finish();
    expect(engine.stats()).toMatchObject({
      records: 7,
      connections: 1,
      copiedBytes: GET.length + 40 + 1,
      omittedBytes: 50,
      unseenBytes: 10,
      lostBytes: 39,
      newest: START + 8_000_000n,
    });
    expect(engine.json(1)?.completeness).toEqual(['response-truncated', 'response-gap']);
  });
});
