import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../test/kit/runs.ts';
import { GOLDEN_HTTP2 } from '../testing/goldenHttp2.ts';
import {
  data,
  FieldEncoder,
  frame,
  headers,
  PREFACE,
  ping,
  requestFields,
  responseFields,
  settings,
  settingsAck,
  windowUpdate,
} from '../testing/http2.ts';
import { looksLikeHttp2 } from './detection.ts';

/** How conversations of other protocols begin, in either direction. */
const OTHERS: readonly (readonly [name: string, bytes: Uint8Array | string])[] = [
  ['HTTP/1 request', 'GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n'],
  ['HTTP/1 response', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'],
  ['HTTP/1 with PRI', 'PRI * HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['TLS ClientHello', hex('16030100a5010000a10303000000000000000000000000000000000000000000000000')],
  ['TLS application data', hex('17030300130000000000000000000000000000000000000000')],
  ['SSH', 'SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n'],
  ['SMTP', '220 mail.example ESMTP\r\n'],
  ['Redis', '*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n'],
  ['PostgreSQL startup', hex('0000002900030000757365720061646d696e006461746162617365006170700000')],
  ['PostgreSQL SSLRequest', hex('0000000804d2162f')],
  ['PostgreSQL query', hex('510000000d73656c65637420310058000000040000000000000000')],
  ['MySQL greeting', hex('4a0000000a382e302e333600080000001a2b3c4d5e6f708100ffff')],
  ['MySQL query', hex('0f0000000373656c65637420312066726f6d2074')],
  ['MongoDB', hex('3a000000010000000000000dd07000000000000061646d696e2e24636d64000000000001000000')],
  ['Kafka', hex('00000023001200030000000100096b61666b612d6a7300')],
  ['Cassandra', hex('0400000001000000160001000b43514c5f56455253494f4e0005332e302e30')],
  ['DNS over TCP', hex('001c12340100000100000000000003777777076578616d706c6503636f6d00')],
  ['AMQP', 'AMQP\0\0\x09\x01'],
  ['AMQP frame', hex('01000000000005000a000b00ce')],
  ['MQTT', hex('101000044d5154540402003c0004746573740000')],
  ['Thrift framed', hex('0000001980010001000000047465737400000001000b000100000000')],
  ['Java RMI', hex('4a524d4900024b')],
  ['Memcached binary', hex('80000003080000000000000b000000000000000000000000')],
  ['X11', hex('6c000b00000000000000')],
  ['zeros', Buffer.alloc(200)],
  ['ones', Buffer.alloc(200, 1)],
  ['big-endian numbers', Buffer.from(Uint32Array.from({ length: 100 }, (_, i) => i).buffer).swap32()],
  ['little-endian numbers', Buffer.from(Uint32Array.from({ length: 100 }, (_, i) => i).buffer)],
];

function hex(text: string): Buffer {
  return Buffer.from(text, 'hex');
}

describe('HTTP/2 is recognised', () => {
  const encoder = new FieldEncoder();
  const request = headers(7, encoder.block(requestFields('/a')), 5);
  const response = headers(7, encoder.block(responseFields(200)));
  it.each([
    ['a preface', PREFACE],
    ["a server's beginning", Buffer.concat([settings([3, 100], [4, 65_535]), windowUpdate(0, 100)])],
    ['settings alone', settings([3, 100])],
    ['a request in the middle', Buffer.concat([request, windowUpdate(0, 77)])],
    ['two requests', Buffer.concat([request, request])],
    ['a response in the middle', Buffer.concat([response, data(7, 'x'.repeat(500))])],
    [
      'a response whose content goes on',
      Buffer.concat([response, data(7, 'x'.repeat(500)).subarray(0, 100)]),
    ],
    ['a ping', Buffer.concat([ping(), settingsAck()])],
  ])('by %s', (_, bytes) => {
    expect(looksLikeHttp2(bytes)).toBe(true);
  });

  it('from every frame on of what real peers said', () => {
    let seen = 0;
    let missed = 0;
    for (const { name, steps } of GOLDEN_HTTP2) {
      if (!name.includes('recorded') || name.includes('upgrade')) continue;
      for (const step of steps) {
        const said = 'out' in step ? step.out : 'in' in step ? step.in : null;
        if (said === null) continue;
        const bytes = Buffer.from(said as Uint8Array);
        for (let at = bytes.indexOf(PREFACE) === 0 ? PREFACE.length : 0; at < bytes.length; ) {
          seen++;
          if (!looksLikeHttp2(bytes.subarray(at))) missed++;
          at += 9 + bytes.readUIntBE(at, 3);
        }
      }
    }
    expect(seen).toBeGreaterThan(250);
    // The last frame of a call may stand alone, and is not enough where it is DATA or HEADERS; pushes are not
    // looked for.
    expect(missed / seen).toBeLessThan(0.25);
  });
});

describe('HTTP/2 is not seen', () => {
  it.each(OTHERS)('in %s', (_, bytes) => {
    const all = Buffer.from(bytes as Uint8Array);
    for (let length = 0; length <= all.length; length++) {
      expect(looksLikeHttp2(all.subarray(0, length))).toBe(false);
    }
  });

  it('in random bytes, nor in a single DATA or HEADERS frame', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        expect(looksLikeHttp2(bytes)).toBe(false);
        expect(looksLikeHttp2(frame(0, 0, 1, bytes))).toBe(false);
      }),
      { numRuns: runs(20_000) },
    );
  });
});
