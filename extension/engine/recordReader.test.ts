import { describe, expect, it } from 'vitest';
import { RecordType } from './record.ts';
import { RecordError } from './recordCursor.ts';
import { LAYOUT } from './recordLayout.ts';
import { readRecords } from './recordReader.ts';
import { recordBytes } from './testing/records.ts';

describe('a TLS record', () => {
  it('has the session, its socket and the negotiated protocol', () => {
    const bytes = recordBytes({
      type: 'tls',
      connection: 9n,
      socket: 4n,
      handshakeStarted: 1_000n,
      handshakeEnded: 3_000n,
      library: 'gnutls',
      file: 0x1_0002,
      binding: 'ciphertext',
      side: 'server',
      alpn: 'http/1.1',
    });
    expect([...readRecords(bytes)]).toMatchObject([
      {
        type: RecordType.Tls,
        connection: 9n,
        socket: 4n,
        handshakeStarted: 1_000n,
        handshakeEnded: 3_000n,
        library: 'gnutls',
        file: 0x1_0002,
        binding: 'ciphertext',
        side: 'server',
        alpn: 'http/1.1',
      },
    ]);
  });

  it('leaves open what is not known', () => {
    expect([...readRecords(recordBytes({ type: 'tls', connection: 9n }))]).toMatchObject([
      {
        socket: 0n,
        handshakeStarted: 0n,
        handshakeEnded: 0n,
        library: null,
        binding: null,
        side: null,
        alpn: null,
      },
    ]);
  });

  it.each([
    ['library', LAYOUT.tls.library, 8],
    ['binding', LAYOUT.tls.binding, 4],
    ['side', LAYOUT.tls.side, 3],
    ['length of the protocol name', LAYOUT.tls.alpnLength, 33],
  ])('with an impossible %s is refused', (_what, offset, value) => {
    const bytes = recordBytes({ type: 'tls', connection: 9n, alpn: 'h2' });
    bytes.writeUInt8(value, offset);
    expect(() => [...readRecords(bytes)]).toThrow(RecordError);
  });

  it('that is too short is refused', () => {
    const bytes = recordBytes({ type: 'tls', connection: 9n }).subarray(0, 96);
    bytes.writeUInt32LE(96, LAYOUT.header.length);
    expect(() => [...readRecords(bytes)]).toThrow(/type 8 is 96 bytes, 104 expected/);
  });
});
