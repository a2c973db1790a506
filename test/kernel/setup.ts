/** Ends the processes and traces that a test has left, whether it passed or failed. */
import { afterEach } from 'vitest';
import { endTraces } from '../kit/keptTracing.ts';
import { endAll } from '../kit/process.ts';

/** Below the limit of a hook in vitest.config.mts. */
const PATIENCE_MS = 240_000;

afterEach(async () => {
  const left = await endAll(PATIENCE_MS);
  await endTraces();
  if (left.length > 0) {
    const names = left.map((child) => child.process.spawnargs.join(' '));
    throw new Error(`Something still holds the pipes of: ${names.join('; ')}`);
  }
});
