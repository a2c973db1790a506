/** What VS Code loads: see ../run.mjs and ../electron.mjs. */
import './activation.ts';
import './protos.ts';
import './tracing.ts';
import './resending.ts';
import './sessions.ts';
import './languageModelTools.ts';
import './otlp.ts';
import './breakpoints.ts';
import './faults.ts';
import { freePort } from '../../../scripts/freePort.mjs';
import { insight } from './extension.ts';
import { runTests } from './harness.ts';

export async function run(): Promise<void> {
  // Of the shop and its customer, which get this environment. Another run, or a shop of somebody else, has its own.
  process.env['PORT'] = String(await freePort());
  return runTests(() => ({
    status: insight()?.trace.status,
    sessions: insight()?.sessions.all.map(({ session, processes }) => [session.name, ...processes]),
  }));
}
