import { describe, expect, it } from 'vitest';
import { Engine } from '../engine.ts';
import type { ExchangeJson } from '../exchangeJson.ts';
import { Direction, Ending, Omission, WireProtocol } from '../record.ts';
import type { ExchangeRow } from '../row.ts';
import { ADDRESSES, ciphertext, handshake, SOCKET } from '../testing/handshakes.ts';
import {
  END_HEADERS,
  END_STREAM,
  FieldEncoder,
  headers,
  PREFACE,
  responseFields,
  settings,
} from '../testing/http2.ts';
import {
  type ConversationOptions,
  conversation,
  type RecordSpec,
  recordBatch,
  START,
  type Step,
} from '../testing/records.ts';
import { decryptionSentences, type TlsLibrary } from './library.ts';

const MS = 1_000_000n;
const SECOND = 1_000_000_000n;
const GET = 'GET /orders HTTP/1.1\r\nHost: api.example\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const SESSION = 7n;

function plaintext(
  options: ConversationOptions = {},
  steps: readonly Step[] = [{ out: GET }, { in: OK }],
): RecordSpec[] {
  return conversation(steps, { connection: SESSION, session: {}, start: START + 10n * MS, ...options });
}

/** In the order in which they were made, as the helper sends them. */
function inOrder(...groups: readonly RecordSpec[][]): RecordSpec[] {
  const time = (spec: RecordSpec): bigint => spec.emitted ?? spec.time ?? START;
  return groups.flat().sort((a, b) => Number(time(a) - time(b)));
}

function made(specs: readonly RecordSpec[] = []): Engine {
  const engine = new Engine();
  engine.setClock({ offset: 0n, bootTime: START });
  engine.push(recordBatch(specs));
  return engine;
}

function rows(engine: Engine): ExchangeRow[] {
  const all: ExchangeRow[] = [];
  for (let id = 1; id <= 50; id++) {
    const row = engine.row(id);
    if (row !== undefined) all.push(row);
  }
  return all;
}

function only(engine: Engine): ExchangeJson {
  const all = rows(engine);
  expect(all.map(({ id }) => id)).toHaveLength(1);
  return engine.json(all[0]!.id)!;
}

function library(change: Partial<TlsLibrary>): TlsLibrary {
  return {
    kind: 'openssl',
    version: '3.0.19',
    path: '/usr/lib/libssl.so.3',
    inExecutable: false,
    attached: true,
    returns: 'instructions',
    reason: null,
    ...change,
  };
}

/** The recorded clients' request, at the end of what they send. */
const REQUEST_RECORD = 59;

describe('a session on a socket that is known', () => {
  it('has its addresses and what its bytes show', () => {
    const engine = made();
    engine.setTls(4242, [library({})]);
    engine.push(
      recordBatch(
        inOrder(
          ciphertext('tls13', { rest: [{ wait: SECOND }, { close: true }] }),
          plaintext({ session: { socket: SOCKET, binding: 'call' }, start: START + 4n * MS }),
        ),
      ),
    );
    engine.advance(START + SECOND);
    expect(only(engine)).toMatchObject({
      url: 'https://api.example/orders',
      side: 'client',
      status: 200,
      completeness: ['complete'],
      connection: { id: '7', ...ADDRESSES, joinedLate: false },
      timings: { connectMs: 2, tlsMs: 2 },
      tls: {
        library: 'openssl',
        libraryVersion: '3.0.19',
        version: 'TLSv1.3',
        cipher: 'TLS_AES_256_GCM_SHA384',
        serverName: 'api.example',
        alpn: null,
        alpnOffered: ['h2', 'http/1.1'],
        resumed: false,
        handshakeMs: 2,
        alert: null,
        binding: 'call',
        socket: '1',
      },
      encrypted: null,
    });
    expect(engine.stats()).toMatchObject({ connections: 1, exchanges: 1, running: 0, lostBytes: 0 });
    expect(engine.tls(4242)).toMatchObject({ calls: 1, encrypted: 0 });
  });

  it.each([
    ['over before anybody looked', null],
    ['seen without the libcrypto that contains its version', [{ version: null }]],
    ['with two of them', [{ version: '1.1.1w' }, { version: '3.5.4' }]],
  ])("has the version of its library's file, in a process %s", (_what, libraries) => {
    const engine = made();
    engine.setTlsFile(3, '3.5.4');
    engine.setTlsFile(4, '1.1.1w');
    if (libraries !== null) engine.setTls(4242, libraries.map(library));
    const options = {
      session: { socket: SOCKET, binding: 'call', file: 3 },
      start: START + 4n * MS,
    } as const;
    engine.push(recordBatch(inOrder(ciphertext('tls13'), plaintext(options))));
    engine.advance(START + SECOND);
    expect(only(engine).tls?.libraryVersion).toBe('3.5.4');
  });

  it('takes the times of its handshake from the library, and so the protocol', () => {
    const engine = made(
      inOrder(
        ciphertext('tls12'),
        plaintext({
          session: {
            socket: SOCKET,
            handshakeStarted: START + 1n * MS,
            handshakeEnded: START + 6n * MS,
            alpn: 'http/1.1',
          },
        }),
      ),
    );
    expect(only(engine)).toMatchObject({
      timings: { connectMs: 2, tlsMs: 5 },
      tls: { version: 'TLSv1.2', handshakeMs: 5, alpn: 'http/1.1' },
    });
  });

  it('has the protocol that TLS 1.2 names in the open', () => {
    const engine = made(inOrder(ciphertext('tls12'), plaintext({ session: { socket: SOCKET } })));
    expect(only(engine).tls).toMatchObject({ alpn: 'http/1.1', handshakeMs: 3 });
  });

  it('of a server has the time of its handshake, and no time to connect', () => {
    const engine = made(
      inOrder(
        ciphertext('tls13', { side: 'server', connectStarted: 0n }),
        plaintext({ side: 'server', session: { socket: SOCKET } }, [{ in: GET }, { out: OK }]),
      ),
    );
    expect(only(engine)).toMatchObject({
      side: 'server',
      status: 200,
      timings: { connectMs: null, tlsMs: 2 },
    });
  });

  it('has only its first call bear the handshake', () => {
    const engine = made(
      inOrder(
        ciphertext('tls13'),
        plaintext({ session: { socket: SOCKET } }, [{ out: GET }, { in: OK }, { out: GET }, { in: OK }]),
      ),
    );
    expect(rows(engine).map(({ phases: { connectMs, tlsMs } }) => [connectMs, tlsMs])).toEqual([
      [2, 2],
      [null, null],
    ]);
    expect(engine.json(2)?.tls?.handshakeMs).toBe(2);
  });
});

describe('a session of HTTP/2', () => {
  const encoder = (): FieldEncoder => new FieldEncoder();

  function http2(alpn: string | null): Engine {
    const request = headers(
      1,
      encoder().block([
        [':method', 'GET'],
        [':scheme', 'https'],
        [':authority', 'api.example'],
        [':path', '/h2'],
      ]),
      END_HEADERS | END_STREAM,
    );
    const response = headers(1, encoder().block(responseFields(204)), END_HEADERS | END_STREAM);
    return made(
      inOrder(
        ciphertext('tls13'),
        plaintext({ protocol: WireProtocol.Http2, session: { socket: SOCKET, alpn } }, [
          { out: Buffer.concat([PREFACE, settings(), request]) },
          { in: Buffer.concat([settings(), response]) },
        ]),
      ),
    );
  }

  it.each(['h2', null])('is HTTP/2 by ALPN, whether ALPN is known (%s) or not', (alpn) => {
    expect(only(http2(alpn))).toMatchObject({
      protocol: 'HTTP/2',
      url: 'https://api.example/h2',
      status: 204,
      completeness: ['complete'],
      connection: ADDRESSES,
      timings: { connectMs: 2, tlsMs: 2 },
      tls: { alpn: 'h2', version: 'TLSv1.3', serverName: 'api.example' },
    });
  });
});

describe('a session whose socket becomes known later', () => {
  it('gives the calls that were made before what they lacked', () => {
    const engine = made(inOrder(ciphertext('tls13'), plaintext()));
    expect(engine.json(rows(engine).at(-1)!.id)).toMatchObject({
      completeness: ['socket-unknown'],
      connection: { local: null, remote: null },
      tls: { version: null, serverName: null, socket: null },
    });
    engine.takeChanges();
    const { id } = rows(engine).at(-1)!;
    engine.push(
      recordBatch([
        {
          type: 'tls',
          connection: SESSION,
          socket: SOCKET,
          library: 'openssl',
          binding: 'ciphertext',
          time: START + 20n * MS,
        },
      ]),
    );
    expect(engine.takeChanges().changed).toContain(id);
    expect(engine.json(id)).toMatchObject({
      completeness: ['complete'],
      connection: ADDRESSES,
      timings: { connectMs: 2, tlsMs: 2 },
      tls: { version: 'TLSv1.3', serverName: 'api.example', binding: 'ciphertext', socket: '1' },
    });
  });

  it('has not joined late when its last record says so', () => {
    const engine = made(inOrder(ciphertext('tls13'), plaintext({ joinedLate: true })));
    const { id } = rows(engine).at(-1)!;
    expect(engine.json(id)?.connection.joinedLate).toBe(true);
    const bound = { type: 'tls', connection: SESSION, socket: SOCKET, library: 'openssl' } as const;
    engine.push(recordBatch([{ ...bound, binding: 'ciphertext', time: START + 20n * MS }]));
    expect(engine.json(id)).toMatchObject({ completeness: ['complete'], connection: { joinedLate: false } });
  });

  it('keeps what else is not whole', () => {
    const engine = made([
      ...plaintext({}, [
        { out: GET },
        { in: 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok' },
        { close: true },
      ]),
    ]);
    expect(only(engine).completeness).toEqual(['socket-unknown', 'aborted']);
    const running = made(inOrder(ciphertext('tls13'), plaintext({}, [{ out: GET }])));
    running.push(recordBatch([{ type: 'tls', connection: SESSION, socket: SOCKET, time: START + 30n * MS }]));
    running.finish();
    expect(only(running).completeness).toEqual(['unanswered']);
  });

  it('waits for a socket of which nothing has come', () => {
    const engine = made(plaintext({ session: { socket: SOCKET } }));
    expect(only(engine)).toMatchObject({ completeness: ['socket-unknown'], connection: { remote: null } });
    engine.push(recordBatch(ciphertext('tls13', { start: START + 50n * MS })));
    expect(only(engine)).toMatchObject({
      completeness: ['complete'],
      connection: ADDRESSES,
      tls: { serverName: 'api.example' },
    });
  });

  it('is bound to a socket that is closed', () => {
    const engine = made(ciphertext('tls13', { rest: [{ close: true }] }));
    engine.push(recordBatch(plaintext({ start: START + 40n * MS, session: { socket: SOCKET } })));
    expect(rows(engine).at(-1)).toMatchObject({ method: 'GET', completeness: ['complete'] });
    expect(engine.json(rows(engine).at(-1)!.id)?.connection).toMatchObject(ADDRESSES);
  });

  it('moves to another one when the last record says so', () => {
    const engine = made(
      inOrder(
        ciphertext('tls12', { connection: 2n, remote: '10.0.0.1:443' }),
        ciphertext('tls13'),
        plaintext({ session: { socket: 2n } }),
      ),
    );
    engine.push(recordBatch([{ type: 'tls', connection: SESSION, socket: SOCKET, time: START + 30n * MS }]));
    const call = rows(engine).find(({ method }) => method === 'GET');
    expect(engine.json(call!.id)).toMatchObject({
      connection: ADDRESSES,
      tls: { version: 'TLSv1.3', socket: '1' },
    });
  });
});

describe('sessions on one socket', () => {
  it('one after the other are streams of their own', () => {
    const engine = made(
      inOrder(
        ciphertext('tls13'),
        plaintext({ session: { socket: SOCKET } }, [{ out: GET }, { in: OK }, { close: true }]),
        plaintext({
          connection: 8n,
          session: { socket: SOCKET, handshakeStarted: START + 20n * MS },
          start: START + 20n * MS,
        }),
      ),
    );
    expect(rows(engine)).toMatchObject([
      { method: 'GET', status: 200, completeness: ['complete'], connection: '7', phases: { connectMs: 2 } },
      {
        method: 'GET',
        status: 200,
        completeness: ['complete'],
        connection: '8',
        phases: { connectMs: null },
      },
    ]);
  });

  it('of two processes after fork are kept apart, and the second is joined late', () => {
    const engine = made(
      inOrder(
        ciphertext('tls13', { side: 'server' }),
        plaintext({ side: 'server', pid: 10, session: { socket: SOCKET, handshakeStarted: START } }, [
          { in: GET },
          { out: OK },
        ]),
        // The child goes on with the connection that its parent accepted.
        plaintext(
          { side: 'server', pid: 11, connection: 8n, session: { socket: SOCKET }, start: START + 20n * MS },
          [{ out: 'the rest of a body' }, { in: GET }, { out: OK }],
        ),
      ),
    );
    expect(rows(engine).map(({ pid, status, completeness }) => [pid, status, completeness])).toContainEqual([
      10,
      200,
      ['complete'],
    ]);
    const child = rows(engine).filter(({ pid }) => pid === 11);
    expect(child.at(-1)).toMatchObject({ method: 'GET', status: 200, side: 'server' });
    expect(engine.json(child.at(-1)!.id)?.connection).toMatchObject({ ...ADDRESSES, joinedLate: true });
  });
});

describe('a session in a tunnel through a proxy', () => {
  const CONNECT = 'CONNECT api.example:443 HTTP/1.1\r\nHost: api.example:443\r\n\r\n';

  it('has the addresses of the proxy and the handshake inside the tunnel, but not the time to connect', () => {
    const inside = handshake('tls12').flatMap((piece): Step[] => {
      if ('end' in piece) return [];
      return [piece.by === 'client' ? { out: piece.bytes } : { in: piece.bytes }];
    });
    const steps: Step[] = [{ out: CONNECT }, { in: 'HTTP/1.1 200 OK\r\n\r\n' }, ...inside, { close: true }];
    const proxy = conversation(steps, {
      ...{ connection: SOCKET, local: ADDRESSES.local, remote: '10.0.0.1:3128' },
      ...{ connectStarted: START - 3n * MS, established: START - MS },
    });
    const engine = made(inOrder(proxy, plaintext({ start: START + 7n * MS, session: { socket: SOCKET } })));
    engine.finish();
    expect(rows(engine).map(({ method }) => method)).toEqual(['CONNECT', 'GET']);
    expect(engine.json(1)).toMatchObject({
      completeness: ['complete'],
      tls: null,
      timings: { connectMs: 2 },
    });
    expect(engine.json(2)).toMatchObject({
      url: 'https://api.example/orders',
      connection: { remote: '10.0.0.1:3128', joinedLate: false },
      timings: { connectMs: null, tlsMs: 3 },
      tls: { version: 'TLSv1.2', serverName: 'api.example', alpn: 'http/1.1' },
      completeness: ['complete'],
    });
  });

  it('is read as a session where the tunnel carries something else', () => {
    const proxy = conversation(
      [
        { out: CONNECT },
        { in: 'HTTP/1.1 200 OK\r\n\r\n' },
        { in: 'SSH-2.0-server\r\n' },
        { out: 'SSH-2.0-client\r\n' },
      ],
      { connection: SOCKET },
    );
    const engine = made(inOrder(proxy, plaintext({ session: { socket: SOCKET } })));
    expect(engine.json(2)).toMatchObject({ status: 200, tls: { version: null, serverName: null } });
  });
});

describe('a session', () => {
  it('that joined late says so and finds the next message', () => {
    const engine = made(
      plaintext({ joinedLate: true }, [{ in: 'rest of a body' }, { out: GET }, { in: OK }]),
    );
    engine.finish();
    const call = rows(engine).find(({ method }) => method === 'GET');
    expect(call?.status).toBe(200);
    expect(engine.json(call!.id)?.connection.joinedLate).toBe(true);
  });

  it('is late where its socket is and its handshake was not seen', () => {
    const late = (handshakeStarted: bigint): boolean =>
      only(
        made(
          inOrder(
            conversation([], { ...ADDRESSES, connection: SOCKET, joinedLate: true }),
            plaintext({ session: { socket: SOCKET, handshakeStarted } }),
          ),
        ),
      ).connection.joinedLate;
    expect([late(0n), late(START + 5n * MS)]).toEqual([true, false]);
  });

  it('ends with its socket, after what was received before was decrypted', () => {
    const untilClose = 'HTTP/1.0 200 OK\r\n\r\n';
    const records = inOrder(
      conversation([{ end: 'in', ending: Ending.ReadEof }, { close: true }], {
        ...ADDRESSES,
        connection: SOCKET,
        start: START + 12n * MS,
      }),
      // Decrypted 10 ms after the end of the socket was read.
      plaintext({ session: { socket: SOCKET } }, [
        { out: GET },
        { in: untilClose },
        { wait: 11n * MS },
        { in: 'late' },
      ]),
    );
    const engine = made(records);
    expect(only(engine).durationMs).toBeNull();
    engine.advance(START + SECOND);
    expect(only(engine)).toMatchObject({
      status: 200,
      // No close_notify: the body may have been cut (RFC 9112 section 9.8).
      completeness: ['aborted'],
      ending: { how: 'closed', by: 'server', detail: 'no-close-notify' },
      response: { bodySize: null, body: { text: 'late' } },
    });
  });

  it('without a record of its own is plaintext of a socket that is not known', () => {
    const specs = plaintext().filter(({ type }) => type !== 'tls');
    const engine = made(specs);
    engine.finish();
    expect(only(engine)).toMatchObject({
      url: 'https://api.example/orders',
      status: 200,
      completeness: ['socket-unknown'],
      tls: { library: null },
    });
  });

  it('loses nothing that it does not say', () => {
    const engine = made(plaintext({}, [{ out: GET }, { lose: 'in', size: 10 }, { in: OK }, { close: true }]));
    engine.finish();
    expect(engine.stats().lostBytes).toBe(10);
  });

  it('is never read as TLS or by chance', () => {
    const engine = made(
      plaintext({ protocol: WireProtocol.Undecided }, [{ out: '\x16\x03\x01' }, { out: GET }]),
    );
    engine.finish();
    expect(engine.stats()).toMatchObject({ exchanges: 0, running: 0 });
  });
});

describe('a connection without plaintext', () => {
  const open = (name: string, options: Parameters<typeof ciphertext>[1] = {}): RecordSpec[] =>
    ciphertext(name, options).filter(({ type }) => type !== 'ended');

  it('is a row after a second, and not before', () => {
    const engine = made(open('tls13'));
    engine.setTls(4242, [
      library({ kind: 'rustls', attached: false, returns: null, reason: 'rustls is not supported' }),
    ]);
    engine.advance(START + 900n * MS);
    expect(rows(engine)).toEqual([]);
    engine.advance(START + 2n * SECOND);
    expect(rows(engine)).toMatchObject([
      {
        method: null,
        status: null,
        scheme: null,
        host: 'api.example:8443',
        path: null,
        protocol: 'TLSv1.3',
        state: 'running',
        completeness: ['encrypted'],
        encrypted: 'rustls is not supported',
        side: 'client',
        connection: '1',
        // The handshake is a phase before it.
        start: 3,
        phases: { connectMs: 2, tlsMs: 2, sendMs: null },
        requestSize: 1606 + 139 + 24,
        responseSize: 1887 + 647,
      },
    ]);
    expect(engine.stats()).toMatchObject({ exchanges: 0, running: 0, errors: 0 });
    expect(engine.tls(4242)).toMatchObject({ calls: 0, encrypted: 1 });
  });

  it('grows, and ends with the connection', () => {
    const engine = made(open('tls13'));
    engine.setTls(4242, []);
    engine.advance(START + 2n * SECOND);
    engine.takeChanges();
    const sent = 1606 + 139 + 24;
    const received = 1887 + 647;
    engine.push(
      recordBatch([
        {
          type: 'data',
          connection: SOCKET,
          direction: 1,
          position: received,
          bytes: '',
          size: 1_000_000,
          protocol: WireProtocol.Tls,
          omission: Omission.Protocol,
          time: START + 3n * SECOND,
        },
      ]),
    );
    const { changed } = engine.takeChanges();
    expect(changed).toHaveLength(1);
    expect(engine.row(changed[0]!)).toMatchObject({ responseSize: received + 1_000_000, duration: null });
    engine.push(
      recordBatch([
        {
          type: 'closed',
          connection: SOCKET,
          sent: sent + 5,
          received: received + 1_500_000,
          time: START + 4n * SECOND,
        },
      ]),
    );
    engine.advance(START + 5n * SECOND);
    expect(only(engine)).toMatchObject({
      durationMs: 3997,
      completeness: ['encrypted'],
      encrypted: { sent: sent + 5, received: received + 1_500_000 },
      tls: { library: null, serverName: 'api.example', version: 'TLSv1.3', handshakeMs: 2 },
      url: null,
      request: null,
      response: null,
    });
    expect(engine.stats()).toMatchObject({ exchanges: 0, running: 0, errors: 0, lostBytes: 0 });
  });

  it('is a row at once when it is closed', () => {
    const engine = made(ciphertext('tls12'));
    engine.setTls(4242, []);
    engine.push(
      recordBatch([{ type: 'closed', connection: SOCKET, sent: 0, received: 0, time: START + SECOND }]),
    );
    expect(only(engine)).toMatchObject({ completeness: ['encrypted'], protocol: 'TLSv1.2' });
    expect(rows(engine)[0]).toMatchObject({ state: 'ended' });
  });

  it('that has ended waits for what the helper says of its program, which may have ended, too', () => {
    const engine = made(ciphertext('tls12', { rest: [{ close: true }] }));
    expect(rows(engine)).toMatchObject([{ state: 'running' }]);
    engine.setTls(4242, [library({ kind: 'rustls', attached: false, reason: 'rustls is not supported' })]);
    expect(rows(engine)).toMatchObject([
      { state: 'ended', encrypted: 'rustls is not supported', duration: 6 },
    ]);
    expect(engine.stats().running).toBe(0);
  });

  it('that has ended waits while its program is still being looked at', () => {
    const engine = made(ciphertext('tls12', { rest: [{ close: true }] }));
    engine.setTls(4242, [library({ kind: 'gnutls' })], true);
    expect(rows(engine)).toMatchObject([{ state: 'running' }]);
    const reason = 'BoringSSL is not supported';
    engine.setTls(4242, [library({ kind: 'boringssl', attached: false, reason })]);
    expect(rows(engine)).toMatchObject([{ state: 'ended', encrypted: reason, duration: 6 }]);
  });

  it('that has ended waits three seconds for that, and until the end of the trace at most', () => {
    for (const end of [(e: Engine) => e.advance(START + 4n * SECOND), (e: Engine) => e.finish()]) {
      const engine = made(ciphertext('tls12', { rest: [{ close: true }] }));
      engine.advance(START + 2n * SECOND);
      expect(rows(engine)).toMatchObject([{ state: 'running' }]);
      end(engine);
      expect(rows(engine)).toMatchObject([
        { state: 'ended', encrypted: 'the TLS library of the process was not recognised' },
      ]);
    }
  });

  it('says that a program was read only after its first calls', () => {
    const engine = made(open('tls13'));
    const since = (START + 40n * MS).toString();
    engine.setTls(4242, [library({ kind: 'go', attached: true, since })]);
    engine.push(
      recordBatch([{ type: 'closed', connection: SOCKET, sent: 0, received: 0, time: START + SECOND }]),
    );
    expect(rows(engine)).toMatchObject([
      { encrypted: expect.stringMatching(/^Go crypto\/tls could be read only 39\.0 ms after/) },
    ]);
  });

  it('is a row without any byte of it, too', () => {
    const engine = made([
      { type: 'opened', ...ADDRESSES },
      {
        type: 'data',
        direction: 0,
        position: 0,
        bytes: '',
        size: 500,
        protocol: WireProtocol.Tls,
        omission: Omission.Protocol,
      },
      { type: 'closed', sent: 9_000, received: 7_000, time: START + 5n * MS },
    ]);
    engine.advance(START + SECOND);
    expect(only(engine)).toMatchObject({
      protocol: 'TLS',
      completeness: ['encrypted'],
      encrypted: {
        reason: 'the TLS library of the process was not recognised',
        sent: 9_000,
        received: 7_000,
      },
      tls: { serverName: null, version: null, alpnOffered: null, handshakeMs: null },
    });
    expect(rows(engine)[0]?.host).toBe('10.0.0.9:8443');
  });

  it('ends with the trace', () => {
    const engine = made(open('tls13'));
    engine.advance(START + 2n * SECOND);
    engine.finish();
    expect(rows(engine)).toMatchObject([{ state: 'ended', completeness: ['encrypted'] }]);
    // What had no time to show its plaintext is not said to have none.
    const young = made(open('tls13'));
    young.finish();
    expect(rows(young)).toEqual([]);
  });

  it('goes when its plaintext comes after all', () => {
    const engine = made(open('tls13'));
    engine.advance(START + 2n * SECOND);
    const [row] = rows(engine);
    engine.takeChanges();
    engine.push(recordBatch(plaintext({ session: { socket: SOCKET }, start: START + 3n * SECOND })));
    expect(engine.takeChanges().removed).toEqual([row!.id]);
    expect(rows(engine)).toMatchObject([{ method: 'GET', encrypted: null, completeness: ['complete'] }]);
    expect(engine.stats()).toMatchObject({ exchanges: 1, running: 0 });
    expect(engine.tls(4242)).toMatchObject({ calls: 1, encrypted: 0 });
    engine.push(
      recordBatch([{ type: 'closed', connection: SOCKET, sent: 0, received: 0, time: START + 4n * SECOND }]),
    );
    engine.advance(START + 9n * SECOND);
    expect(rows(engine)).toHaveLength(1);
  });

  it('is not shown while a session without plaintext is read on it', () => {
    const engine = made([
      ...open('tls13'),
      { type: 'tls', connection: SESSION, socket: SOCKET, time: START + 4n * MS },
    ]);
    engine.setTls(4242, [library({ kind: 'openssl', attached: true })]);
    engine.advance(START + 9n * SECOND);
    expect(rows(engine)).toEqual([]);
    engine.push(
      recordBatch([{ type: 'closed', connection: SOCKET, sent: 0, received: 0, time: START + 10n * SECOND }]),
    );
    engine.advance(START + 20n * SECOND);
    expect(rows(engine)).toMatchObject([
      { encrypted: expect.stringContaining('its session was seen, but none of its data') },
    ]);
  });

  it('says so when a session ends before any data', () => {
    const engine = made([
      ...ciphertext('wget-gnutls-unknown-ca'),
      { type: 'tls', connection: SESSION, socket: SOCKET, time: START + 6n * MS },
      { type: 'closed', connection: SOCKET, sent: 0, received: 0, time: START + SECOND },
    ]);
    expect(rows(engine)).toMatchObject([
      {
        encrypted: expect.stringContaining('the TLS session ended before any data was sent'),
        completeness: ['encrypted'],
      },
    ]);
  });

  it('says that the program had ended before anybody could look at it', () => {
    const engine = made(open('tls13'));
    engine.setTls(4242, [], false, true);
    engine.advance(START + 9n * SECOND);
    const reason = 'the program had ended before its TLS library could be looked at';
    expect(rows(engine)).toMatchObject([{ encrypted: reason }]);
    expect(decryptionSentences(engine.tls(4242)!)).toEqual(['1 TLS connection without plaintext.']);
    // What is known of it stays.
    const known = made(open('tls13'));
    known.setTls(4242, [library({ kind: 'nss', attached: false, reason: 'NSS is not supported' })]);
    known.setTls(4242, [], false, true);
    known.advance(START + 9n * SECOND);
    expect(rows(known)).toMatchObject([{ encrypted: 'NSS is not supported' }]);
  });

  it.each<[string, readonly TlsLibrary[], boolean, string]>([
    ['nothing is known', [], false, 'the TLS library of the process was not recognised'],
    [
      'its library cannot be read',
      [library({ kind: 'nss', attached: false, reason: 'NSS is not supported' })],
      false,
      'NSS is not supported',
    ],
    [
      'none is read, for one reason',
      [
        library({ attached: false, reason: 'looking into TLS libraries is switched off' }),
        library({ kind: 'gnutls', attached: false, reason: 'looking into TLS libraries is switched off' }),
        library({ kind: 'rustls', attached: false, reason: 'rustls is not supported' }),
      ],
      false,
      'OpenSSL and GnuTLS: looking into TLS libraries is switched off; rustls is not supported',
    ],
    [
      'another one is read',
      [library({}), library({ kind: 'rustls', attached: false, reason: 'rustls is not supported' })],
      false,
      'OpenSSL is decrypted, but the connection does not use it, and rustls is not supported',
    ],
    [
      'it is older than the trace',
      [library({})],
      true,
      "opened before the trace started, so it can't be decrypted",
    ],
    [
      'nothing explains it',
      [library({})],
      false,
      'OpenSSL is decrypted, but the connection was not seen to use it',
    ],
  ])('says why: %s', (_what, libraries, joinedLate, reason) => {
    const engine = made(open('tls13', { joinedLate }));
    engine.advance(START + 2n * SECOND);
    // Known only after the row.
    engine.setTls(4242, libraries);
    expect(rows(engine)[0]?.encrypted).toBe(reason);
    expect(rows(engine)[0]?.completeness).toEqual(joinedLate ? ['joined-late', 'encrypted'] : ['encrypted']);
  });

  it.each<[string, readonly TlsLibrary[] | null, string]>([
    ['of a process that ended before its libraries were found', null, 'it is switched off'],
    ['of one in which nothing was found', [], 'it is switched off'],
    [
      'but not of what could not be read anyway',
      [library({ kind: 'java', attached: false, reason: 'Java is not supported' })],
      'Java is not supported',
    ],
  ])('says that TLS is not looked into, %s', (_what, libraries, reason) => {
    const engine = new Engine();
    engine.setTlsOff('it is switched off');
    if (libraries !== null) engine.setTls(4242, libraries);
    engine.push(recordBatch(open('tls13')));
    engine.advance(START + 2n * SECOND);
    expect(rows(engine)[0]?.encrypted).toBe(reason);
  });

  it('may be that of calls whose socket is not known, also when the libraries are not known', () => {
    const engine = made(inOrder(open('tls13'), plaintext()));
    engine.advance(START + 2n * SECOND);
    expect(rows(engine).map(({ encrypted }) => encrypted)).toEqual([
      null,
      'TLS of the process is decrypted, but not every session could be matched to its connection; its calls may be among those without addresses',
    ]);
  });

  it('may be that of calls whose socket is not known', () => {
    const engine = made(inOrder(open('tls13'), plaintext()));
    engine.setTls(4242, [library({})]);
    engine.advance(START + 2n * SECOND);
    expect(rows(engine).map(({ encrypted }) => encrypted)).toEqual([
      null,
      'OpenSSL is decrypted, but not every session could be matched to its connection; its calls may be among those without addresses',
    ]);
  });

  it('may be that of a session that has ended before it, and says so also when its library was read late', () => {
    const since = (START + 5n * MS).toString();
    for (const [attached, reason] of [
      [library({}), 'OpenSSL is decrypted, but'],
      [library({ since }), "OpenSSL could be read only 4.0 ms after the connection's first byte, but"],
    ] as const) {
      const engine = made(inOrder(open('tls13'), plaintext({}, [{ out: GET }, { in: OK }, { close: true }])));
      engine.setTls(4242, [attached]);
      engine.advance(START + 2n * SECOND);
      expect(rows(engine).map(({ encrypted }) => encrypted)).toEqual([
        null,
        `${reason} not every session could be matched to its connection; its calls may be among those without addresses`,
      ]);
    }
  });

  it('is forgotten by Clear like a call when it has ended, and runs on until then', () => {
    const engine = made(open('tls13'));
    engine.setTls(4242, []);
    engine.advance(START + 2n * SECOND);
    engine.clear();
    expect(rows(engine)).toHaveLength(1);
    engine.push(
      recordBatch([{ type: 'closed', connection: SOCKET, sent: 0, received: 0, time: START + 4n * SECOND }]),
    );
    engine.clear();
    expect(rows(engine)).toEqual([]);
    expect(engine.stats().running).toBe(0);
  });
});

describe('a handshake', () => {
  it.each([
    ['tls13-unknown-ca', 'unknown_ca (alert 48) sent by the client', 48],
    ['curl-unknown-ca', 'unknown_ca (alert 48) sent by the client', 48],
    ['no-common-version', 'protocol_version (alert 70) sent by the server', 70],
    ['no-common-protocol', 'no_application_protocol (alert 120) sent by the server', 120],
  ])('that fails (%s) is a row and an error at once, on either side', (name, reason, code) => {
    for (const side of ['client', 'server'] as const) {
      const engine = made(ciphertext(name, { side }));
      expect(only(engine)).toMatchObject({
        completeness: ['handshake-failed'],
        encrypted: { reason: `TLS handshake failed: ${reason}` },
        tls: { alert: { code, sentBy: reason.endsWith('client') ? 'client' : 'server' } },
        side,
      });
      expect(rows(engine)[0]).toMatchObject({
        state: 'ended',
        host: side === 'client' ? 'api.example:8443' : 'api.example:40000',
      });
      expect(engine.stats()).toMatchObject({ exchanges: 1, errors: 1, running: 0 });
      expect(engine.tls(4242)).toMatchObject({ encrypted: 0 });
    }
  });

  it.each([
    [
      'HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nbad',
      ': its answer begins with "HTTP/1.1 400 Bad Request"',
    ],
    ['SSH-2.0-OpenSSH_9.2\r\n', ': its answer begins with "SSH-2.0-OpenSSH_9.2"'],
    ['\0\x01\x02\x03\x04\x05', ''],
  ])('that the server does not answer with TLS has failed, and says with what: %j', (answer, what) => {
    const [hello] = handshake('tls13');
    const bytes = 'bytes' in hello! ? hello.bytes : '';
    for (const known of [false, true]) {
      const session: RecordSpec[] = known ? [{ type: 'tls', connection: SESSION, socket: SOCKET }] : [];
      const engine = made([
        ...conversation([{ out: bytes }, { in: answer }, { close: true }], {
          ...{ ...ADDRESSES, connection: SOCKET, protocol: WireProtocol.Tls },
        }).flatMap((spec, index) => (index === 1 ? [spec, ...session] : [spec])),
      ]);
      expect(only(engine)).toMatchObject({
        completeness: ['handshake-failed'],
        encrypted: { reason: `TLS handshake failed: the server did not answer with TLS${what}` },
      });
    }
  });

  it('that the server refuses after its end (TLS 1.3) has failed, by what the library says', () => {
    const engine = made(
      inOrder(
        ciphertext('tls13-certificate-required', { rest: [{ close: true }] }),
        ['', 1116].map((error, index) => ({
          ...({ type: 'tls', connection: SESSION, socket: SOCKET, library: 'openssl' } as const),
          ...{ side: 'client' as const, error: Number(error), time: START + BigInt(index * 4 + 1) * MS },
        })),
      ),
    );
    expect(only(engine)).toMatchObject({
      completeness: ['handshake-failed'],
      encrypted: {
        reason:
          'TLS handshake failed: certificate_required (alert 116) sent by the server: it demands a certificate, and the client sent none',
      },
      tls: {
        failure:
          'certificate_required (alert 116) sent by the server: it demands a certificate, and the client sent none',
      },
    });
  });

  it.each([
    [
      'tls13-certificate-required',
      'in',
      ['handshake-failed'],
      'the server asked the client for a certificate',
    ],
    ['tls13-certificate-required', 'out', ['encrypted'], 'ended before any data was sent'],
    ['tls13-mutual', 'in', ['encrypted'], 'ended before any data was sent'],
  ] as const)(
    'without a request (%s, ended: %s) has failed where the server ended it, as it got no certificate',
    (name, end, labels, reason) => {
      // The program wrote before it read: its library never learns why.
      const ending = end === 'in' ? Ending.ReadEof : Ending.Fin;
      const bytes = handshake(name).flatMap((piece) => ('bytes' in piece ? [piece.bytes] : []));
      const [hello, flight, finished] = bytes as [Buffer, Buffer, Buffer];
      const engine = made(
        inOrder(
          conversation(
            [
              { out: hello },
              { in: flight },
              { out: finished.subarray(0, -REQUEST_RECORD) },
              { end, ending },
              { close: true },
            ],
            { ...ADDRESSES, connection: SOCKET, protocol: WireProtocol.Tls },
          ),
          [{ type: 'tls', connection: SESSION, socket: SOCKET, side: 'client', time: START + MS }],
        ),
      );
      expect(only(engine).completeness).toEqual(labels);
      expect(only(engine).encrypted?.reason).toContain(reason);
    },
  );

  const leaves =
    'A client that does not accept the certificate does this, and one that only tests the connection';
  const goodbye = `after the handshake the client sent an alert, which is encrypted, and closed the connection. ${leaves}`;
  it.each<[string, string, Step, string, string]>([
    [
      'the client closed',
      'tls12',
      { end: 'out', ending: Ending.Fin },
      '',
      `the client closed the connection after the handshake. ${leaves}`,
    ],
    [
      'the client said goodbye',
      'tls12',
      { end: 'out', ending: Ending.Fin },
      '\x15\x03\x03\0\x1a'.padEnd(31, 'x'),
      goodbye,
    ],
    [
      'the client said goodbye',
      'wget-gnutls-unknown-ca',
      { end: 'out', ending: Ending.Fin },
      '\x17\x03\x03\0\x13'.padEnd(24, 'x'),
      goodbye,
    ],
    [
      'the server closed',
      'wget-gnutls-unknown-ca',
      { end: 'in', ending: Ending.ReadEof },
      '',
      'the server closed the connection after the handshake',
    ],
  ])('that is finished, and followed by no data, says how it ended: %s (%s)', (_, name, end, last, said) => {
    // Up to the handshake's end.
    const pieces = handshake(name).slice(0, name === 'tls12' ? 4 : undefined);
    for (const side of ['client', 'server'] as const) {
      const mirrored = (piece: 'client' | 'server', bytes: Buffer): Step =>
        piece === side ? { out: bytes } : { in: bytes };
      const closing =
        'end' in end && side === 'server'
          ? { ...end, end: end.end === 'out' ? ('in' as const) : ('out' as const) }
          : end;
      const steps = [
        ...pieces.flatMap((piece) => ('bytes' in piece ? [mirrored(piece.by, piece.bytes)] : [])),
        ...(last === '' ? [] : [mirrored('client', Buffer.from(last, 'latin1'))]),
      ];
      const engine = made(
        inOrder(
          conversation([...steps, closing, { close: true }], {
            ...ADDRESSES,
            ...{ connection: SOCKET, side, protocol: WireProtocol.Tls },
          }),
          [{ type: 'tls', connection: SESSION, socket: SOCKET, side, time: START + MS }],
        ),
      );
      expect(only(engine)).toMatchObject({
        completeness: ['encrypted'],
        encrypted: { reason: `the TLS session ended before any data was sent: ${said}` },
      });
    }
  });

  const reset: Step = { end: 'in', ending: Ending.Reset, error: 104 };
  it.each<['client' | 'server', string, Step, string]>([
    ['client', 'a reset', reset, 'the server reset the connection after the handshake'],
    ['server', 'a reset', reset, `the client reset the connection after the handshake. ${leaves}`],
    [
      'client',
      'a close that the kernel makes a reset, as bytes were not read',
      { end: 'out', ending: Ending.Close, error: 104 },
      `the client closed the connection after the handshake. ${leaves}`,
    ],
  ])('that is finished, and ended before any data, says by whom: the %s sees %s', (side, _, end, said) => {
    const engine = made(
      inOrder(ciphertext('wget-gnutls-unknown-ca', { side, rest: [end, { close: true }] }), [
        { type: 'tls', connection: SESSION, socket: SOCKET, side, time: START + MS },
      ]),
    );
    expect(only(engine).encrypted?.reason).toBe(`the TLS session ended before any data was sent: ${said}`);
  });

  it('whose certificate the program refuses without a word to the server has failed', () => {
    const engine = made(
      inOrder(
        ciphertext('wget-gnutls-unknown-ca', { rest: [{ end: 'out', ending: Ending.Fin }, { close: true }] }),
        [
          {
            ...({
              type: 'tls',
              connection: SESSION,
              socket: SOCKET,
              library: 'openssl',
              side: 'client',
            } as const),
            ...{ verification: 18, time: START + 5n * MS },
          },
        ],
      ),
    );
    expect(only(engine)).toMatchObject({
      completeness: ['handshake-failed'],
      encrypted: {
        reason:
          'the TLS session ended before any data was sent; the certificate of the server: self-signed certificate (verification error 18)',
      },
    });
  });

  it('that fails waits a moment for what the library says of it', () => {
    const engine = made([
      { type: 'tls', connection: SESSION, socket: SOCKET, library: 'openssl', side: 'client', time: START },
      ...ciphertext('tls12-unknown-ca'),
    ]);
    expect(rows(engine)).toEqual([]);
    engine.push(
      recordBatch([
        {
          ...({
            type: 'tls',
            connection: SESSION,
            socket: SOCKET,
            library: 'openssl',
            side: 'client',
          } as const),
          ...{ error: 134, verification: 20, time: START + 9n * MS },
        },
      ]),
    );
    engine.advance(START + SECOND);
    expect(only(engine).encrypted?.reason).toBe(
      'TLS handshake failed: unknown_ca (alert 48) sent by the client; the client does not accept the certificate of the server: unable to get local issuer certificate (verification error 20)',
    );
  });

  it('that fails is a row although its library is read', () => {
    const engine = made(
      inOrder(
        [{ type: 'tls', connection: SESSION, socket: SOCKET, handshakeStarted: START, time: START }],
        ciphertext('tls13-unknown-ca', { rest: [{ close: true }] }),
        [{ type: 'closed', connection: SESSION, sent: 0, received: 0, time: START + 20n * MS }],
      ),
    );
    expect(only(engine).completeness).toEqual(['handshake-failed']);
  });

  it('that hangs is a row after a second, and goes on as what it becomes', () => {
    const [opened, hello, ...rest] = ciphertext('tls13');
    const engine = made([opened!, hello!]);
    engine.advance(START + 2n * SECOND);
    expect(rows(engine)).toMatchObject([
      {
        state: 'running',
        encrypted: 'the TLS handshake is not over yet',
        protocol: 'TLS',
        start: 1,
        host: 'api.example:8443',
      },
    ]);
    const later = rest.map((spec) => ({ ...spec, time: START + 3n * SECOND }));
    engine.setTls(4242, [library({ kind: 'java', attached: false, reason: 'Java is not supported' })]);
    engine.push(recordBatch(later));
    expect(rows(engine)).toMatchObject([{ encrypted: 'Java is not supported', protocol: 'TLSv1.3' }]);
  });

  it.each<[string, readonly Step[], string]>([
    ['the server', [{ end: 'in', ending: Ending.ReadEof }], 'the server closed the connection'],
    ['the client', [{ end: 'out', ending: Ending.Fin }], 'the client closed the connection'],
    ['a reset', [{ end: 'in', ending: Ending.Reset }], 'the connection was reset'],
    ['the client without a word', [], 'the client closed the connection'],
  ])('that is cut off by %s has failed', (_by, ends, reason) => {
    const [hello] = handshake('tls13');
    const bytes = 'bytes' in hello! ? hello.bytes : '';
    const engine = made(
      conversation([{ out: bytes }, ...ends, { close: true }], { ...ADDRESSES, protocol: WireProtocol.Tls }),
    );
    expect(only(engine)).toMatchObject({
      completeness: ['handshake-failed'],
      encrypted: { reason: `TLS handshake not finished: ${reason}` },
    });
  });

  it('of which bytes were lost is not said to have failed', () => {
    const [opened, hello] = ciphertext('tls13');
    const cut = {
      ...hello!,
      bytes: Buffer.from(hello?.type === 'data' ? hello.bytes : '').subarray(0, 50),
      size: 900,
    } as RecordSpec;
    const engine = made([
      opened!,
      cut,
      { type: 'closed', connection: SOCKET, sent: 900, received: 0, time: START + 9n * MS },
    ]);
    expect(only(engine).completeness).toEqual(['encrypted']);
  });
});

describe('the end of a session', () => {
  const CLOSE_DELIMITED = 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\npart';

  it.each([
    [true, ['complete']],
    // The socket's end was read before the session's, which some libraries report alike.
    [null, ['aborted']],
  ])('confirms the end of a body, or is not known to: close_notify %j', (closeNotify, completeness) => {
    expect(ended(closeNotify).completeness).toEqual(completeness);
  });

  it('may be read after the end of its socket: there is no row without plaintext then', () => {
    const [session, ...data] = plaintext({ session: { socket: SOCKET }, start: START + SECOND / 2n });
    const bound = { ...session!, time: START + 2n * MS };
    const engine = made(inOrder(ciphertext('tls13', { rest: [{ close: true }] }), [bound]));
    engine.setTls(4242, [library({})]);
    expect(rows(engine).filter(({ state }) => state === 'ended')).toEqual([]);
    engine.push(recordBatch(data));
    engine.advance(START + 10n * SECOND);
    expect(only(engine)).toMatchObject({ method: 'GET', status: 200, encrypted: null });
  });

  it('without close_notify leaves open whether a body was cut off', () => {
    const exchange = ended(false);
    expect(exchange.completeness).not.toContain('complete');
    expect(exchange.tls?.closeNotify).toBe(false);
  });

  it('without close_notify says nothing of a tunnel, which is no body', () => {
    expect(ended(false).ending?.detail).toBe('no-close-notify');
    const tunnel = ended(false, [
      'CONNECT a:22 HTTP/1.1\r\nHost: a:22\r\n\r\n',
      'HTTP/1.1 200 OK\r\n\r\nSSH-2.0-a',
    ]);
    expect(tunnel).toMatchObject({ method: 'CONNECT', status: 200, ending: { detail: null } });
  });

  function ended(closeNotify: boolean | null, [request, response] = [GET, CLOSE_DELIMITED]): ExchangeJson {
    return only(
      made(
        inOrder(
          ciphertext('tls13', { rest: [{ close: true }] }),
          plaintext({ session: { socket: SOCKET }, start: START + 2n * MS }, [
            { out: request },
            { in: response },
          ]),
          [{ type: 'tls', connection: SESSION, socket: SOCKET, closeNotify, time: START + 30n * MS }],
          [
            {
              ...({ type: 'ended', connection: SESSION, direction: 1, ending: Ending.ReadEof } as const),
              ...{ position: response.length, time: START + 31n * MS },
            },
            {
              ...({ type: 'closed', connection: SESSION, sent: request.length } as const),
              ...{ received: response.length, time: START + 32n * MS },
            },
          ],
        ),
      ),
    );
  }
});

it('a session that is closed has ended as its socket did before', () => {
  const body = 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\npart';
  const trace = (kind: 'openssl' | 'go'): ExchangeJson => {
    const engine = made();
    engine.setTls(4242, [library({ kind })]);
    engine.push(
      recordBatch(
        inOrder(
          ciphertext('tls13', { rest: [{ wait: SECOND }, { close: true }] }),
          plaintext({ session: { socket: SOCKET, library: kind }, start: START + 2n * MS }, [
            { out: GET },
            { in: body },
            { wait: 30n * MS },
            { close: true },
          ]),
        ),
      ),
    );
    return only(engine);
  };
  // Python's asyncio does not ask the library for more once the socket has ended.
  expect(trace('openssl')).toMatchObject({
    completeness: ['aborted'],
    ending: { how: 'closed', by: 'server', detail: 'no-close-notify' },
  });
  expect(trace('go')).toMatchObject({ completeness: ['complete'], ending: { how: 'answered' } });
});

describe('what is written into a session after its handshake has failed says so', () => {
  const closed = (time: bigint): RecordSpec => ({
    type: 'closed',
    connection: SOCKET,
    sent: 0,
    received: 0,
    time,
  });
  const left: RecordSpec = {
    ...({ type: 'ended', connection: SOCKET, direction: Direction.Out, ending: Ending.Close } as const),
    ...{ position: 0, time: START + 5n * MS },
  };
  it.each<[string, RecordSpec[]]>([
    ['the socket is gone', [closed(START + 5n * MS)]],
    // The peer has not answered the FIN when the session ends.
    ['the socket was closed', [left, closed(START + SECOND)]],
  ])('%s', (_, ends) => {
    const engine = made(
      inOrder(
        [...ciphertext('tls13').slice(0, 3), ...ends],
        plaintext({ session: { socket: SOCKET }, start: START + SECOND / 2n }, [
          { out: GET },
          { close: true },
        ]),
      ),
    );
    engine.finish();
    const calls = rows(engine).map(({ id }) => engine.json(id)!);
    expect(calls.find(({ method }) => method === 'GET')).toMatchObject({
      tls: { failure: 'the handshake was not finished' },
    });
  });
});

describe('TLS in TLS', () => {
  it('has the socket of the session that carries it, and not its handshake', () => {
    const [outer, inner] = [SESSION, 8n];
    const engine = made(
      inOrder(
        ciphertext('tls13', { rest: [{ wait: SECOND }, { close: true }] }),
        plaintext({ session: { socket: SOCKET }, connection: outer, start: START + 2n * MS }, [
          { out: 'CONNECT shop.example:443 HTTP/1.1\r\nHost: shop.example:443\r\n\r\n' },
          { in: 'HTTP/1.1 200 OK\r\n\r\n' },
        ]),
        plaintext({
          session: { socket: outer, handshakeStarted: START + 5n * MS },
          connection: inner,
          start: START + 6n * MS,
        }),
      ),
    );
    engine.finish();
    const [, call] = rows(engine).map(({ id }) => engine.json(id)!);
    expect(call).toMatchObject({
      method: 'GET',
      completeness: ['complete'],
      connection: { local: ADDRESSES.local, remote: ADDRESSES.remote },
      tls: { socket: SOCKET.toString(), version: null, serverName: null },
    });
  });
});
