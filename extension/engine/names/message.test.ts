import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dnsQuery, dnsResponse, encodeName } from '../testing/dns.ts';
import { readDnsMessage } from './message.ts';

const asked = { id: 0x1234, name: 'api.example', type: 'A' } as const;

describe('a DNS message', () => {
  it('has a question', () => {
    expect(readDnsMessage(dnsQuery({ ...asked, name: 'API.Example' }))).toEqual({
      id: 0x1234,
      response: false,
      truncated: false,
      code: 0,
      name: 'api.example',
      type: 1,
      addresses: [],
      alias: null,
      whole: true,
    });
  });

  it('has addresses of the name and of what it is an alias of, and of no other name', () => {
    const response = dnsResponse(asked, {
      answers: [
        { a: '192.0.2.1' },
        { cname: 'edge.example' },
        { owner: 'edge.example', cname: 'host.example' },
        { owner: 'HOST.example', a: '192.0.2.2' },
        { owner: 'other.example', a: '192.0.2.66' },
        { type: 65, data: Buffer.from([0, 1, 0]) },
        { owner: 'host.example', aaaa: '2001:db8::1' },
        { aaaa: '::ffff:c000:203' },
      ],
    });
    expect(readDnsMessage(response)).toMatchObject({
      response: true,
      addresses: ['192.0.2.1', '192.0.2.2', '2001:db8::1', '192.0.2.3'],
      alias: 'host.example',
      whole: true,
    });
  });

  it('is read as far as it was copied', () => {
    const response = dnsResponse(asked, { answers: [{ a: '192.0.2.1' }, { a: '192.0.2.2' }] });
    const cut = response.subarray(0, response.length - 1);
    expect(readDnsMessage(cut)).toMatchObject({ addresses: ['192.0.2.1'], whole: false });
    for (let end = 0; end < 12 + encodeName(asked.name).length + 4; end++) {
      expect(readDnsMessage(response.subarray(0, end))).toBeNull();
    }
  });

  it('says how it failed', () => {
    expect(readDnsMessage(dnsResponse(asked, { code: 3 }))).toMatchObject({ code: 3, addresses: [] });
    expect(readDnsMessage(dnsResponse(asked, { truncated: true }))).toMatchObject({ truncated: true });
  });

  it('is not read with another opcode or class, or without exactly one question', () => {
    const change = (at: number, value: number): Buffer => {
      const bytes = dnsQuery(asked);
      bytes.writeUInt16BE(value, at);
      return bytes;
    };
    expect(readDnsMessage(change(2, 0x2800))).toBeNull();
    expect(readDnsMessage(change(4, 0))).toBeNull();
    expect(readDnsMessage(change(4, 2))).toBeNull();
    expect(readDnsMessage(change(dnsQuery(asked).length - 2, 3))).toBeNull();
  });

  it('has no name with a pointer that leads forwards, to itself, or into the header', () => {
    for (const to of [12, 14, 40, 0]) {
      const bytes = Buffer.concat([dnsQuery(asked).subarray(0, 12), Buffer.from([0xc0, to, 0, 1, 0, 1])]);
      expect(readDnsMessage(bytes)).toBeNull();
    }
  });

  it('has no name that is longer than 255 bytes', () => {
    const long = Array<string>(4).fill('x'.repeat(62)).join('.');
    expect(readDnsMessage(dnsQuery({ ...asked, name: long }))?.name).toBe(long);
    expect(readDnsMessage(dnsQuery({ ...asked, name: `${long}.xxxx` }))).toBeNull();
  });

  it('shows bytes of a name that are not printable as numbers', () => {
    expect(readDnsMessage(dnsQuery({ ...asked, name: 'a\u001b[m\u00ff' }))?.name).toBe('a\\027[m\\255');
    const dotted = Buffer.concat([
      dnsQuery(asked).subarray(0, 12),
      Buffer.from([3, 0x61, 0x2e, 0x62, 0, 0, 1, 0, 1]),
    ]);
    expect(readDnsMessage(dotted)?.name).toBe('a\\.b');
  });

  it('may be any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        const message = readDnsMessage(Buffer.from(bytes));
        expect(message === null || message.name.length <= 4 * 255).toBe(true);
      }),
    );
  });
});
