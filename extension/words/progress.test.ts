import { describe, expect, it } from 'vitest';
import { behindText, leftText, progressText } from './progress.ts';

describe('behindText', () => {
  it.each([
    [0, null],
    [999, null],
    [1_000, '1 s behind'],
    [3_049, '3 s behind'],
    [12_600, '13 s behind'],
    [65_000, '1m 5s behind'],
  ])('%d ms', (ms, text) => expect(behindText(ms)).toBe(text));
});

describe('progressText', () => {
  const status = { phase: 'running', behindMs: 3_000, waitingRecords: 4_200 };
  it('says how far behind a trace is, and how much is left when it stops', () => {
    expect(progressText(status)).toBe('3 s behind');
    expect(progressText({ ...status, phase: 'stopping' })).toBe('4,200 records left');
    expect(progressText({ phase: 'stopping', behindMs: 0, waitingRecords: 0 })).toBeNull();
    expect(leftText(1)).toBe('1 record left');
  });
});
