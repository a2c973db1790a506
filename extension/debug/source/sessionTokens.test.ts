import { expect, it } from 'vitest';
import { MAX_ENDED, SessionTokens } from './sessionTokens.ts';

it('keeps every session that runs, and the newest that ended', () => {
  const tokens = new SessionTokens<number>();
  tokens.add('parent', -1);
  // As of a test runner that starts one process after the other.
  for (let child = 0; child < 3 * MAX_ENDED; child++) {
    tokens.add(`child ${child}`, child);
    expect(tokens.get(`child ${child}`)).toBe(child);
    // An adapter's end is reported twice: it stops, and it exits.
    tokens.end(`child ${child}`);
    tokens.end(`child ${child}`);
  }
  expect(tokens.get('parent')).toBe(-1);
  expect(tokens.get(`child ${2 * MAX_ENDED}`)).toBe(2 * MAX_ENDED);
  expect(tokens.get(`child ${2 * MAX_ENDED - 1}`)).toBeNull();
  expect(tokens.get('unknown')).toBeNull();
  // Those that were dropped already do not displace others when their end is reported once more.
  for (let child = 0; child < MAX_ENDED; child++) tokens.end(`child ${child}`);
  expect(tokens.get(`child ${2 * MAX_ENDED}`)).toBe(2 * MAX_ENDED);
});
