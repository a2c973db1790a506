/** No row is lost or wrong, however much comes at once; a body may be cut. Says nothing about times. */

import { join } from 'node:path';
import { it } from 'vitest';
import { describeTraced, ROOT, temporaryFolder } from '../kernel/support/environment.ts';
import { variants } from '../kit/tier.mjs';
import { WindowTrace } from '../kit/windowTrace.ts';
import { BURSTS } from './bursts.ts';
import { CONDITIONS, impose } from './conditions.ts';
import { expectCounters, expectRows } from './rows.ts';

/** HTTP_TRACE_BURSTS=open: those that do not hold yet, instead of those that do. */
const open = process.env['HTTP_TRACE_BURSTS'] === 'open';

/**
 * In the short run each burst is traced under one condition. From the eleventh on in turn, each condition is there, and the
 * helper is stopped during HTTP/1 calls.
 */
const chosen = BURSTS.flatMap((burst, number) => {
  const conditions = CONDITIONS.filter(({ name }) => burst.open.includes(name) === open);
  return (open ? conditions : variants(conditions, number + 10)).map((condition) => ({ burst, condition }));
});

const folder = temporaryFolder();

describeTraced('bursts', () => {
  it.each(chosen.map((one) => [`${one.burst.name}: ${one.condition.name}`, one] as const))(
    '%s',
    async (_, { burst, condition }) => {
      const { pids, expected, go } = await burst.prepare(folder);
      const trace = await WindowTrace.start(join(ROOT, 'dist'), folder, pids, condition);
      const relieve = impose(condition, trace);
      await go().finally(relieve);
      const { rows, status } = await trace.stop();
      expectCounters(status);
      expectRows(rows, expected, status);
    },
  );
});
