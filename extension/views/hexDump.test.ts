import { describe, expect, test } from 'vitest';
import { hexDump } from './hexDump.ts';

describe('hexDump', () => {
  test('columns stay in line', () => {
    const lines = hexDump(Uint8Array.from({ length: 20 }, (_, i) => 0x41 + i)).split('\n');
    expect(lines[0]).toBe('00000000  41 42 43 44 45 46 47 48  49 4a 4b 4c 4d 4e 4f 50  |ABCDEFGHIJKLMNOP|');
    expect(lines[1]!.indexOf('|')).toBe(lines[0]!.indexOf('|'));
  });

  test('is bounded and says so', () => {
    const dump = hexDump(new Uint8Array(1024 * 1024 + 5));
    expect(dump.trimEnd().split('\n').at(-1)).toBe('… 5 more bytes');
  });
});
