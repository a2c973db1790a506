/** Mono's BoringSSL: its ciphertext goes through managed code, so the plaintext is known and the socket is not. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { assert, same } from '../kit/check.ts';
import { newId } from '../kit/peers.ts';
import { PATIENCE_MS } from '../kit/process.ts';
import { type Report, reportOutcome } from '../kit/report.ts';
import { Tracing } from '../kit/tracing.ts';
import { expectBody } from '../kit/truth.ts';
import type { TlsContext } from './context.ts';
import { PlannedServer } from './counterpart.ts';
import { findByPath } from './expect.ts';
import { makeStep } from './plan.ts';

const SIZE = 70_000;

export async function runMono(context: TlsContext, only: RegExp, report: Report): Promise<void> {
  const scenario = 'Mono, which has a BoringSSL of its own';
  if (!only.test(scenario)) return;
  const program = join(context.programs, 'Call.exe');
  if (existsSync(program)) await reportOutcome(report, scenario, () => run(context, program));
  else report({ scenario, outcome: 'impossible', detail: 'skipped: mono-mcs is not installed' });
}

async function run(context: TlsContext, program: string): Promise<string> {
  const server = new PlannedServer(context.certificates, { version: '1.2' });
  try {
    const port = await server.listen();
    const steps = [1, 2].map((number) =>
      makeStep(context.folder, {
        method: 'GET',
        path: `/mono/${number}/${newId()}`,
        framing: 'length',
        body: null,
        answer: { status: 200, size: SIZE, framing: 'chunked' },
      }),
    );
    server.expect(steps);
    const tracing = Tracing.run(context, ['mono', program]);
    // Mono takes seconds to start, and ten times as long on a busy machine.
    tracing.process.killAfter(4 * PATIENCE_MS);
    for (const { path } of steps) tracing.process.write(`https://localhost:${port}${path}\n`);
    tracing.process.endInput();
    const { exchanges } = await tracing.result();
    for (const step of steps) {
      const truth = await server.answered(step);
      const row = findByPath(exchanges, step.path, null);
      same('status', row.status, 200);
      same('library', row.tls?.library, 'boringssl');
      same('addresses', [row.connection.local, row.connection.remote], [null, null]);
      same('completeness', row.completeness, ['socket-unknown']);
      expectBody('the answer', row.response, truth.responseSize, truth.responseSha, 'whole');
    }
    const reasons = exchanges.flatMap(({ encrypted }) => encrypted?.reason ?? []);
    same('rows', exchanges.length, steps.length + 1);
    assert(
      /^.*could be matched.*$/.test(reasons.join('; ')),
      `the reason of the socket: ${reasons.join('; ')}`,
    );
    return '';
  } finally {
    server.close();
  }
}
