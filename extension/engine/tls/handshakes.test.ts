/** Handshakes that fail, hang, or are not seen whole. */
import { describe, expect, it } from 'vitest';
import { Ending, WireProtocol } from '../record.ts';
import { ADDRESSES, ciphertext, handshake, SOCKET } from '../testing/handshakes.ts';
import { conversation, type RecordSpec, recordBatch, START, type Step } from '../testing/records.ts';
import {
  inOrder,
  library,
  MS,
  made,
  only,
  REQUEST_RECORD,
  rows,
  SECOND,
  SESSION,
} from '../testing/tlsSessions.ts';

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

  const leaves = 'Clients do this if they reject the certificate, or only probe the connection';
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

  it('whose certificate the program refuses without notifying the server has failed', () => {
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
        encrypted: 'the TLS handshake is not finished yet',
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

  it('with lost bytes is not reported as failed', () => {
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
