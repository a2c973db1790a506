import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../test/kit/runs.ts';
import { Direction } from '../record.ts';
import { HANDSHAKES, handshake } from '../testing/handshakes.ts';
import { TlsWire, type WireFacts } from './wire.ts';

interface Fed {
  readonly direction: Direction;
  readonly bytes: Buffer;
  /** Milliseconds: the number of the piece. */
  readonly time: number;
}

/** As the client sees it, or as the server does. */
function fed(name: string, side: 'client' | 'server' = 'client'): Fed[] {
  return handshake(name).flatMap((piece, time) =>
    'bytes' in piece
      ? [{ direction: piece.by === side ? Direction.Out : Direction.In, bytes: piece.bytes, time }]
      : [],
  );
}

function read(pieces: readonly Fed[]): TlsWire {
  const wire = new TlsWire();
  for (const { direction, bytes, time } of pieces) wire.feed(direction, bytes, time);
  return wire;
}

function factsOf({ facts }: TlsWire): WireFacts {
  return { ...facts };
}

const SERVER_NAME = 'api.example';

describe('a handshake', () => {
  it.each<[string, Partial<WireFacts>]>([
    // The numbers of the pieces are those that test/fixtures/tls/record.mjs prints.
    [
      'tls13',
      {
        version: 'TLSv1.3',
        cipher: 'TLS_AES_256_GCM_SHA384',
        alpnOffered: ['h2', 'http/1.1'],
        alpn: null,
        resumed: false,
        ended: 2,
      },
    ],
    ['tls13-resumed', { version: 'TLSv1.3', resumed: true, ended: 2 }],
    ['tls13-retried', { version: 'TLSv1.3', resumed: false, ended: 4 }],
    ['tls13-mutual', { version: 'TLSv1.3', resumed: false, ended: 2 }],
    ['tls13-early-data', { version: 'TLSv1.3', resumed: true, ended: null }],
    [
      'tls12',
      {
        version: 'TLSv1.2',
        cipher: 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
        alpnOffered: ['h2', 'http/1.1'],
        alpn: 'http/1.1',
        resumed: false,
        ended: 3,
      },
    ],
    ['tls12-mutual', { version: 'TLSv1.2', resumed: false, ended: 3 }],
    ['tls12-resumed', { version: 'TLSv1.2', resumed: true, ended: 2 }],
    [
      'tls12-rsa',
      { version: 'TLSv1.2', cipher: 'TLS_RSA_WITH_AES_128_CBC_SHA', serverName: 'rsa.example', ended: 3 },
    ],
    ['tls11', { version: 'TLSv1.1', ended: 3 }],
    ['curl', { version: 'TLSv1.3', alpnOffered: ['h2', 'http/1.1'], ended: 2 }],
    ['wget-gnutls', { version: 'TLSv1.3', serverName: 'localhost', ended: 3 }],
    ['python-no-alpn', { version: 'TLSv1.3', alpnOffered: [], ended: 2 }],
  ])('%s has ended, with what was negotiated', (name, expected) => {
    for (const side of ['client', 'server'] as const) {
      expect(factsOf(read(fed(name, side)))).toMatchObject({
        serverName: SERVER_NAME,
        started: 0,
        established: true,
        alert: null,
        clientDirection: side === 'client' ? Direction.Out : Direction.In,
        ...expected,
      });
    }
  });

  it.each<[string, 'client' | 'server', string | null, number | null]>([
    ['tls13-unknown-ca', 'client', 'unknown_ca', 48],
    ['tls12-unknown-ca', 'client', 'unknown_ca', 48],
    ['curl-unknown-ca', 'client', 'unknown_ca', 48],
    ['no-common-version', 'server', 'protocol_version', 70],
    ['no-common-cipher', 'server', 'handshake_failure', 40],
    ['no-common-protocol', 'server', 'no_application_protocol', 120],
    ['tls12-certificate-required', 'server', 'handshake_failure', 40],
    ['unknown-name', 'server', 'unrecognized_name', 112],
  ])('%s fails, and the %s says why', (name, by, alert, code) => {
    const wire = read(fed(name));
    expect(factsOf(wire)).toMatchObject({
      serverName: SERVER_NAME,
      ended: null,
      established: false,
      alert: { name: alert, code, direction: by === 'client' ? Direction.Out : Direction.In },
    });
  });

  it('is ended by an alert of the JDK, which appends 16 bytes to it', () => {
    // TLS_AES_256_GCM_SHA384: type and tag take 17 bytes.
    const [hello, answer] = fed('tls13');
    const record = (length: number): Fed => ({
      direction: Direction.Out,
      bytes: Buffer.concat([Buffer.from([23, 3, 3, 0, length]), Buffer.alloc(length, 0xab)]),
      time: 2,
    });
    for (const length of [2 + 17, 2 + 17 + 16]) {
      const { alert, established } = factsOf(read([hello!, answer!, record(length)]));
      expect([alert?.direction, established]).toEqual([Direction.Out, false]);
    }
    expect(factsOf(read([hello!, answer!, record(52 + 17)])).established).toBe(true);
  });

  it('is the same at every cut', () => {
    for (const name of Object.keys(HANDSHAKES)) {
      const pieces = fed(name);
      const whole = factsOf(read(pieces));
      for (const [index, piece] of pieces.entries()) {
        const step = piece.bytes.length > 400 ? 7 : 1;
        for (let at = 1; at < piece.bytes.length; at += step) {
          const cut = [
            ...pieces.slice(0, index),
            { ...piece, bytes: piece.bytes.subarray(0, at) },
            { ...piece, bytes: piece.bytes.subarray(at) },
            ...pieces.slice(index + 1),
          ];
          expect(factsOf(read(cut)), `${name}, piece ${index} cut at ${at}`).toEqual(whole);
        }
      }
    }
  });

  it('is the same byte by byte', () => {
    for (const name of Object.keys(HANDSHAKES)) {
      const pieces = fed(name);
      const bytes = pieces.flatMap((piece) =>
        [...piece.bytes].map((_, at) => ({ ...piece, bytes: piece.bytes.subarray(at, at + 1) })),
      );
      expect(factsOf(read(bytes)), name).toEqual(factsOf(read(pieces)));
    }
  });

  it('that stops anywhere is not finished before its end', () => {
    const pieces = fed('tls13');
    for (let count = 0; count <= pieces.length; count++) {
      expect(read(pieces.slice(0, count)).facts.established, `${count} pieces`).toBe(count > 2);
    }
  });

  it('has an end even if its certificates were not copied, where their size is known', () => {
    const pieces = fed('tls13');
    const [, answer] = pieces;
    const wire = new TlsWire();
    wire.feed(Direction.Out, pieces[0]!.bytes, 0);
    // ServerHello and ChangeCipherSpec, and the header and first byte of what is encrypted.
    const hello = 5 + answer!.bytes.readUInt16BE(3) + 6 + 5 + 1;
    wire.feed(Direction.In, answer!.bytes.subarray(0, hello), 1);
    wire.gap(Direction.In, 10, 1);
    wire.feed(Direction.Out, pieces[2]!.bytes, 2);
    expect(factsOf(wire)).toMatchObject({ version: 'TLSv1.3', established: true, ended: 2 });
    expect(wire.inStep).toBe(true);
  });

  it('with missing bytes in a hello yields no facts from it', () => {
    const [first] = fed('tls13');
    const wire = new TlsWire();
    wire.feed(Direction.Out, first!.bytes.subarray(0, 60), 0);
    wire.gap(Direction.Out, 20, 0);
    wire.feed(Direction.Out, first!.bytes.subarray(80), 0);
    expect(factsOf(wire)).toMatchObject({ serverName: null, alpnOffered: [], started: null });
    expect(wire.inStep).toBe(false);
  });
});

describe('hostile bytes', () => {
  it('never cause an exception, however they are cut', () => {
    const names = Object.keys(HANDSHAKES);
    const change = fc.record({
      name: fc.constantFrom(...names),
      cuts: fc.array(fc.nat(4_000), { maxLength: 6 }),
      flips: fc.array(fc.tuple(fc.nat(4_000), fc.nat(255)), { maxLength: 8 }),
      gap: fc.option(fc.tuple(fc.nat(4_000), fc.nat(100_000))),
    });
    fc.assert(
      fc.property(change, ({ name, cuts, flips, gap }) => {
        const wire = new TlsWire();
        for (const { direction, bytes, time } of fed(name)) {
          const changed = Buffer.from(bytes);
          for (const [at, value] of flips) if (at < changed.length) changed[at] = value;
          const places = [...new Set([0, ...cuts.filter((at) => at < changed.length), changed.length])];
          places.sort((a, b) => a - b);
          for (let i = 1; i < places.length; i++) {
            wire.feed(direction, changed.subarray(places[i - 1], places[i]), time);
            if (gap !== null && gap[0] === places[i]) wire.gap(direction, gap[1], time);
          }
        }
        const { serverName, alpnOffered, started, ended } = factsOf(wire);
        expect(serverName?.length ?? 0).toBeLessThanOrEqual(255);
        expect(alpnOffered.length).toBeLessThanOrEqual(32);
        if (started !== null && ended !== null) expect(ended).toBeGreaterThanOrEqual(started);
      }),
      { numRuns: runs(2_000) },
    );
  });

  it('of any kind are read in bounded memory', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.boolean(), fc.uint8Array({ maxLength: 600 })), { maxLength: 20 }),
        (pieces) => {
          const wire = new TlsWire();
          for (const [out, bytes] of pieces) {
            const typed = Buffer.concat([Buffer.from([22, 3, 1, 0, bytes.length & 0xff]), bytes]);
            wire.feed(out ? Direction.Out : Direction.In, typed, 0);
          }
          expect(wire.facts.established).toBe(false);
        },
      ),
      { numRuns: runs(500) },
    );
  });

  it('a hello that claims 16 MiB is not waited for in memory', () => {
    const wire = new TlsWire();
    const before = process.memoryUsage().arrayBuffers;
    const record = Buffer.alloc(5 + 16_384, 'x');
    record.set([22, 3, 1, 0x40, 0]);
    record.set([1, 0xff, 0xff, 0xff], 5);
    for (let i = 0; i < 1_000; i++) wire.feed(Direction.Out, record, i);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1024 * 1024);
    expect(wire.facts.started).toBeNull();
  });
});
