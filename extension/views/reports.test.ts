import { expect, it } from 'vitest';
import { MAX_CLOSED, Reports } from './reports.ts';

it('keeps the open reports, and the newest of the others', () => {
  const reports = new Reports();
  reports.set('/open', 'open', new Set());
  for (let i = 0; i < 3 * MAX_CLOSED; i++) reports.set(`/${i}`, String(i), new Set(['/open', `/${i - 1}`]));
  const last = 3 * MAX_CLOSED - 1;
  expect(reports.get('/open')).toBe('open');
  expect(reports.get(`/${last}`)).toBe(String(last));
  expect(reports.get(`/${last - MAX_CLOSED}`)).toBe(String(last - MAX_CLOSED));
  expect(reports.get(`/${last - MAX_CLOSED - 2}`)).toBeUndefined();
});

it('replaces a report of the same path', () => {
  const reports = new Reports();
  for (let i = 0; i < 100; i++) reports.set('/report', String(i), new Set());
  expect(reports.get('/report')).toBe('99');
});
