import { describe, expect, it } from 'vitest';
import { formatAddress, formatIPv6 } from './address.ts';

describe('addresses', () => {
  it('are written as RFC 5952 has it', () => {
    const write = (hex: string): string => formatIPv6(Buffer.from(hex, 'hex'));
    expect(write('00000000000000000000000000000000')).toBe('::');
    expect(write('00000000000000000000000000000001')).toBe('::1');
    expect(write('20010db8000000000001000000000001')).toBe('2001:db8::1:0:0:1');
    expect(write('20010db8000000010001000100010001')).toBe('2001:db8:0:1:1:1:1:1');
    expect(write('fe800000000000000000000000000000')).toBe('fe80::');
    expect(write('00000000000000000000ffff7f000001')).toBe('::ffff:127.0.0.1');
  });

  it('are null when they are unknown', () => {
    const zeros = Buffer.alloc(16);
    expect(formatAddress('ipv4', zeros, 0)).toBeNull();
    expect(formatAddress('ipv6', zeros, 0)).toBeNull();
    expect(formatAddress('unix', zeros, 0)).toBeNull();
    expect(formatAddress('ipv4', zeros, 80)).toBe('0.0.0.0:80');
  });
});
