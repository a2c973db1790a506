import { expect, it } from 'vitest';
import { nearestName } from './nearestName.ts';

it('finds what was most likely meant, and nothing where nothing is similar', () => {
  const known = ['method', 'status', 'host'];
  expect(nearestName('metod', known)).toBe('method');
  expect(nearestName('stats', known)).toBe('status');
  expect(nearestName('protobuf', known)).toBeNull();
  expect(nearestName('x'.repeat(100_000), known)).toBeNull();
});
