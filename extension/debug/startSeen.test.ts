import { describe, expect, test } from 'vitest';
import { startSeen } from './startSeen.ts';

const PID = 42;
/** Milliseconds since boot. */
const NAMED_AT = 1_500;

function target(parent: number | null) {
  return { pid: PID, name: 'node', ended: false, parent, tls: null };
}
/** A trace that has read everything up to some time after the process was named. */
const READ = { phase: 'running', bootStart: 1_000, now: 600, targets: [] } as const;
/** As above, up to some time before. */
const BEHIND = { ...READ, now: 400 } as const;
const of = (status: Parameters<typeof startSeen>[0], isAlive = true) =>
  startSeen(status, PID, NAMED_AT, isAlive);

describe('the start of a process that was named', () => {
  test('was seen where its parent is known, however far the trace has read', () => {
    for (const status of [READ, BEHIND, { ...READ, phase: 'stopped' } as const])
      expect(of({ ...status, targets: [target(7)] })).toBe('seen');
  });

  test('was missed where all has been read, and it is not known who started it', () => {
    expect(of({ ...READ, targets: [target(null)] })).toBe('missed');
    expect(of({ ...READ, phase: 'stopped', targets: [target(null)] })).toBe('missed');
  });

  test('is not known as long as records wait, or before there is a trace', () => {
    expect(of({ ...BEHIND, targets: [target(null)] })).toBe('unknown');
    expect(of({ ...READ, bootStart: null })).toBe('unknown');
  });

  test('of a process that the trace does not have: missed if it is gone, else the trace may still take it in', () => {
    expect(of(READ)).toBe('unknown');
    expect(of(READ, false)).toBe('missed');
    expect(of({ ...READ, phase: 'stopped' }, false)).toBe('unknown');
  });
});
