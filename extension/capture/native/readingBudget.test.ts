import { expect, it } from 'vitest';
import { ElfError } from '../../../helper/tls/elf.ts';
import { ReadingBudget } from './readingBudget.ts';

const LIMIT_MS = 100;

function wait(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3 * LIMIT_MS);
}

function steps(budget: ReadingBudget): void {
  for (let step = 0; step < 1_000; step++) budget.step();
}

it('is not used up while the thread waits for a processor, as on a busy machine', () => {
  const whole = new ReadingBudget({ ms: LIMIT_MS, bytes: 0 });
  const budget = new ReadingBudget({ ms: LIMIT_MS, bytes: 0 }, whole);
  for (let read = 0; read < 2; read++) {
    budget.run(() => {
      wait();
      steps(budget);
    });
  }
});

it('is used up by work', () => {
  const budget = new ReadingBudget({ ms: LIMIT_MS, bytes: 0 });
  const read = () =>
    budget.run(() => {
      for (;;) steps(budget);
    });
  expect(read).toThrow(ElfError);
  expect(read).toThrow('no time left');
});
