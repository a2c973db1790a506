/** No process outlives the test that started it (setup.ts). */
import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { Child } from '../kit/process.ts';

let pid = 0;

it('a test that leaves a process', () => {
  ({ pid } = new Child('sleep', ['300']));
  expect(existsSync(`/proc/${pid}`)).toBe(true);
});

it('does not leave it to the next one', () => {
  expect(pid).toBeGreaterThan(0);
  expect(existsSync(`/proc/${pid}`)).toBe(false);
});
