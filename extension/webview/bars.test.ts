import { describe, expect, it } from 'vitest';
import { call, encrypted, failedLookup } from '../../test/webview/harness/calls.ts';
import { examplePhases } from '../engine/testing/phases.ts';
import { extent, gradient, segments } from './bars.ts';

const phases = examplePhases();

describe('segments', () => {
  it('follow each other, with connecting before the first byte of the request', () => {
    const row = call({
      start: 10,
      duration: 6,
      phases: examplePhases({ lookupMs: 4, connectMs: 2, tlsMs: 3, sendMs: 1, waitMs: 4, receiveMs: 1 }),
    });
    expect(segments(row, 0).map(({ phase, from, to }) => [phase, from, to])).toEqual([
      ['lookup', 1, 5],
      ['connect', 5, 7],
      ['tls', 7, 10],
      ['send', 10, 11],
      ['wait', 11, 15],
      ['receive', 15, 16],
    ]);
    expect(extent(row, 0)).toEqual({ from: 1, to: 16 });
  });

  it('of a lookup that failed are the lookup', () => {
    const row = failedLookup({ start: 10, duration: 12 });
    expect(segments(row, 0)).toEqual([{ phase: 'lookup', from: 10, to: 22 }]);
    expect(extent(row, 0)).toEqual({ from: 10, to: 22 });
  });

  it('of a response that began while the request was still being sent show what came when', () => {
    const timings = { ...phases, sendMs: 10, waitMs: 0, receiveMs: 2, overlapMs: 6 };
    const row = call({ start: 10, duration: 10, phases: timings });
    expect(segments(row, 0)).toEqual([
      { phase: 'send', from: 10, to: 14 },
      { phase: 'receive', from: 14, to: 16 },
      { phase: 'send', from: 16, to: 20 },
    ]);
    const long = call({ start: 10, duration: 13, phases: { ...timings, receiveMs: 9 } });
    expect(segments(long, 0)).toEqual([
      { phase: 'send', from: 10, to: 14 },
      { phase: 'receive', from: 14, to: 23 },
    ]);
  });

  it('show nothing of time that is not known', () => {
    const row = call({ start: 10, duration: 6, phases: { ...phases, sendMs: 2 } });
    expect(segments(row, 0)).toEqual([
      { phase: 'send', from: 10, to: 12 },
      { phase: 'unknown', from: 12, to: 16 },
    ]);
    expect(segments(call({ duration: null, phases }), 0)).toEqual([]);
  });

  it('of a connection without plaintext say that nothing is known of what it carried', () => {
    const row = encrypted({ start: 10, duration: 20 });
    expect(segments(row, 0)).toEqual([
      { phase: 'connect', from: expect.closeTo(4.5), to: expect.closeTo(4.9) },
      { phase: 'tls', from: expect.closeTo(4.9), to: expect.closeTo(10) },
      { phase: 'unknown', from: 10, to: 30 },
    ]);
    const open = encrypted({ start: 10, duration: null, state: 'running', phases });
    expect(segments(open, 50)).toEqual([{ phase: 'unknown', from: 10, to: 50 }]);
    const failed = encrypted({ start: 10, duration: 5, completeness: ['handshake-failed'], phases });
    expect(segments(failed, 0)).toEqual([{ phase: 'tls', from: 10, to: 15 }]);
  });

  it('of a running call wait until there is a status, then receive, up to now', () => {
    const waiting = call({ start: 10, duration: null, status: null, state: 'running', phases });
    expect(segments(waiting, 50)).toEqual([{ phase: 'wait', from: 10, to: 50 }]);
    expect(segments({ ...waiting, requestSize: null }, 50)[0]?.phase).toBe('send');
    const answered = call({
      start: 10,
      duration: null,
      state: 'running',
      phases: { ...phases, sendMs: 1, waitMs: 9 },
    });
    expect(segments(answered, 50).at(-1)).toEqual({ phase: 'receive', from: 20, to: 50 });
    expect(extent(answered, 50).to).toBe(50);
  });
});

describe('gradient', () => {
  it('fills the width exactly and keeps short phases visible', () => {
    const row = call({ start: 0, duration: 1000, phases: { ...phases, sendMs: 0.1, waitMs: 999.9 } });
    expect(gradient(segments(row, 0), 100)).toBe(
      'linear-gradient(to right, var(--phase-send) 0.0px 1.0px, var(--phase-wait) 1.0px 100.0px)',
    );
  });

  it('has a colour even for a call of which no time is known', () => {
    expect(gradient([], 3)).toContain('--phase-unknown');
  });
});
