import { describe, expect, it } from 'vitest';
import { formatTime } from './jsonOf.ts';

describe('time', () => {
  it('is written with microseconds, cut', () => {
    expect(formatTime(0n)).toBe('1970-01-01T00:00:00.000000Z');
    expect(formatTime(1_795_370_400_999_999_999n)).toBe('2026-11-22T18:00:00.999999Z');
    expect(formatTime(-1n)).toBe('1969-12-31T23:59:59.999999Z');
  });
});
