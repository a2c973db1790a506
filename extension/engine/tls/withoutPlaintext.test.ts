/** Connections whose plaintext is not seen: when they are rows, and what these say. */
import { describe, expect, it } from 'vitest';
import { Engine } from '../engine.ts';
import { Omission, WireProtocol } from '../record.ts';
import { ADDRESSES, ciphertext, SOCKET } from '../testing/handshakes.ts';
import { type RecordSpec, recordBatch, START } from '../testing/records.ts';
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
import { decryptionSentences, type TlsLibrary } from './library.ts';

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

  it('that has ended waits while its program is still being examined', () => {
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

  it('says that the program had ended before it could be examined', () => {
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
        library({ attached: false, reason: 'TLS decryption is switched off' }),
        library({ kind: 'gnutls', attached: false, reason: 'TLS decryption is switched off' }),
        library({ kind: 'rustls', attached: false, reason: 'rustls is not supported' }),
      ],
      false,
      'OpenSSL and GnuTLS: TLS decryption is switched off; rustls is not supported',
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
      'TLS of the process is decrypted, but not every session could be matched to its connection; the calls of this connection may be among those without addresses',
    ]);
  });

  it('may be that of calls whose socket is not known', () => {
    const engine = made(inOrder(open('tls13'), plaintext()));
    engine.setTls(4242, [library({})]);
    engine.advance(START + 2n * SECOND);
    expect(rows(engine).map(({ encrypted }) => encrypted)).toEqual([
      null,
      'OpenSSL is decrypted, but not every session could be matched to its connection; the calls of this connection may be among those without addresses',
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
        `${reason} not every session could be matched to its connection; the calls of this connection may be among those without addresses`,
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
