/** Programs that live for a few milliseconds. */
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { same } from '../kit/check.ts';
import { helperOf } from '../kit/kernel.ts';
import { newId } from '../kit/peers.ts';
import { PATIENCE_MS } from '../kit/process.ts';
import { type Report, reportOutcome } from '../kit/report.ts';
import { Tracing } from '../kit/tracing.ts';
import type { TlsContext } from './context.ts';
import { PlannedServer } from './counterpart.ts';
import { only as onlyRow, secureServer, traced } from './edges.ts';
import { lineOf, makeStep } from './plan.ts';

export async function runShortLived(context: TlsContext, only: RegExp, report: Report): Promise<void> {
  const one = async (scenario: string, run: (context: TlsContext) => Promise<string>): Promise<void> => {
    if (only.test(scenario)) await reportOutcome(report, scenario, () => run(context));
  };
  await one('a short Go program that a shell names', shortGo);
  await one('a short Go program that nothing names, in the second trace', (c) => rememberedGo(c, c.folder));
  await one('a short Go program with a relative path, in the second trace', (c) => rememberedGo(c, '.'));
  await one('a program that has ended before anybody looks at the library that it loads', unseen);
}

/** Each time another file, so that no probe is there from before. */
async function shortGo(context: TlsContext): Promise<string> {
  const server = await secureServer(context);
  const count = context.slow || context.sampled !== null ? 1 : 3;
  try {
    for (let at = 0; at < count; at++) {
      const program = join(context.folder, `go-${newId()}`);
      copyFileSync(join(context.programs, 'short'), program);
      const url = `https://localhost:${server.port}/short/${at}`;
      const script = `${program} ${url} ${context.certificates}/ca.pem >/dev/null; true`;
      const call = onlyRow(await traced(context, ['sh', '-c', script]));
      same('call', [call.url, call.status, call.completeness], [url, 200, ['complete']]);
    }
    return `${count} programs`;
  } finally {
    server.close();
  }
}

/** Its path is put together while it runs. What the first trace learns is in place when the second one starts. */
async function rememberedGo(context: TlsContext, folder: string): Promise<string> {
  const server = await secureServer(context);
  const count = context.slow || context.sampled !== null ? 2 : 5;
  const cache = join(context.folder, `cache-${newId()}`);
  mkdirSync(cache, { mode: 0o700 });
  const own = { ...context, program: ['env', `XDG_CACHE_HOME=${cache}`, ...context.program] };
  try {
    const program = join(context.folder, `go-${newId()}`);
    copyFileSync(join(context.programs, 'short'), program);
    const url = `https://localhost:${server.port}/remembered`;
    const script = `cd ${context.folder}; name=${basename(program)}; "${folder}/$name" ${url} ${context.certificates}/ca.pem >/dev/null`;
    // It may be over before its probes are set. Where a relative path leads is known from the shell, which must be there still.
    const learning = Tracing.run(own, ['sh', '-c', `${script}; read -r _; true`]);
    learning.process.killAfter(PATIENCE_MS);
    // Its row is written when the program has been looked at.
    const seen = learning.process.until(() => learning.written !== '', 'the first row', PATIENCE_MS);
    await Promise.race([seen, learning.process.ended]);
    learning.process.endInput();
    const [first] = (await learning.result()).exchanges;
    const file = join(cache, 'http-trace/programs.json');
    const remembered: unknown = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : 'nothing';
    same(`remembered (of the first call: ${first?.encrypted?.reason})`, remembered, [program]);
    for (let at = 0; at < count; at++) {
      const call = onlyRow(await traced(own, ['sh', '-c', `${script}; true`]));
      same('call', [call.url, call.status, call.completeness], [url, 200, ['complete']]);
    }
    return `${count} times; in the first trace: ${first?.completeness.join()}`;
  } finally {
    server.close();
  }
}

/** The helper is stopped while it runs. Only the process itself could have shown which library it loads. */
async function unseen(context: TlsContext): Promise<string> {
  const server = new PlannedServer(context.certificates, { version: '1.3' });
  try {
    const port = await server.listen();
    const step = makeStep(context.folder, {
      ...{ method: 'GET', path: `/unseen/${newId()}`, framing: 'length', body: null },
      answer: { status: 200, size: 1234, framing: 'length' },
    });
    server.expect([step]);
    // Without probes from before.
    const own = join(context.folder, `own-${newId()}`);
    cpSync(join(context.programs, 'own'), own, { recursive: true });
    const late = `'${context.programs}/late' client ${port} '${context.certificates}' 1.3`;
    const script = `echo ready; read -r go; echo "$go" | LD_LIBRARY_PATH='${own}' ${late}; echo over; cat`;
    const tracing = Tracing.run(context, ['sh', '-c', script]);
    tracing.process.killAfter(PATIENCE_MS);
    await tracing.process.until(() => tracing.process.lines.includes('ready'), 'the shell');
    const helper = helperOf(tracing.process.pid);
    process.kill(helper, 'SIGSTOP');
    try {
      tracing.process.write(lineOf(step));
      await tracing.process.until(() => tracing.process.lines.includes('over'), 'its end');
    } finally {
      process.kill(helper, 'SIGCONT');
    }
    tracing.process.endInput();
    const row = onlyRow((await tracing.result()).exchanges);
    same('what it is called', row.completeness, ['encrypted']);
    const reason = row.encrypted?.reason ?? '';
    same('the reason', reason, 'the program had ended before its TLS library could be looked at');
    return reason;
  } finally {
    server.close();
  }
}
