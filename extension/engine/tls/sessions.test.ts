/** Sessions, the sockets they are on, and the calls in them. */
import { describe, expect, it } from 'vitest';
import type { Engine } from '../engine.ts';
import { Ending, WireProtocol } from '../record.ts';
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
import { conversation, recordBatch, START, type Step } from '../testing/records.ts';
import {
  GET,
  inOrder,
  library,
  MS,
  made,
  OK,
  only,
  plaintext,
  rows,
  SECOND,
  SESSION,
} from '../testing/tlsSessions.ts';

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

  it('keeps other completeness labels', () => {
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

  it('waits for a socket without any record yet', () => {
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

  it('reports every loss', () => {
    const engine = made(plaintext({}, [{ out: GET }, { lose: 'in', size: 10 }, { in: OK }, { close: true }]));
    engine.finish();
    expect(engine.stats().lostBytes).toBe(10);
  });

  it('is never read as TLS, nor recognised by chance', () => {
    const engine = made(
      plaintext({ protocol: WireProtocol.Undecided }, [{ out: '\x16\x03\x01' }, { out: GET }]),
    );
    engine.finish();
    expect(engine.stats()).toMatchObject({ exchanges: 0, running: 0 });
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
