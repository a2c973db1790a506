import { describe, expect, test } from 'vitest';
import { Candidates } from './candidates.ts';

/** 1 is a seed and has started 2, which has started 3; later it started 4. */
function seeded(): Candidates {
  const candidates = new Candidates();
  candidates.seeded(1);
  candidates.started(2, 1, 100);
  candidates.started(3, 2, 200);
  candidates.started(4, 1, 300);
  return candidates;
}
const visibilities = (candidates: Candidates) => [1, 2, 3, 4, 5].map((pid) => candidates.visibility(pid));

describe('candidates', () => {
  test('are what seeds start, with everything below; others are shown', () => {
    expect(visibilities(seeded())).toEqual(['left-out', 'candidate', 'candidate', 'candidate', 'shown']);
  });

  test('one that is named is shown, with its children, and not its parent', () => {
    const named = seeded();
    named.confirm(2);
    expect(visibilities(named)).toEqual(['left-out', 'shown', 'shown', 'candidate', 'shown']);
    named.started(5, 3, 400);
    expect(named.visibility(5)).toBe('shown');
    const child = seeded();
    child.confirm(3);
    expect(visibilities(child)).toEqual(['left-out', 'candidate', 'shown', 'candidate', 'shown']);
  });

  test('a process that no debugger names is left out, and is a seed from then on', () => {
    const candidates = seeded();
    expect(candidates.leaveOutUnnamed(250)).toEqual([2, 3]);
    expect(visibilities(candidates)).toEqual(['left-out', 'left-out', 'left-out', 'candidate', 'shown']);
    candidates.started(5, 2, 400);
    expect(candidates.visibility(5)).toBe('candidate');
    candidates.confirm(5);
    expect(candidates.visibility(5)).toBe('shown');
  });

  test('a reused id is another process', () => {
    const candidates = seeded();
    candidates.leaveOutUnnamed(1_000);
    candidates.started(3, 9, 500);
    expect(candidates.visibility(3)).toBe('shown');
    candidates.confirm(1);
    expect(candidates.visibility(1)).toBe('shown');
  });
});
