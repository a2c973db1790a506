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
import { insight } from './extension.ts';
import { runTests } from './harness.ts';

export function run(): Promise<void> {
  return runTests(() => ({
    status: insight()?.trace.status,
    sessions: insight()?.sessions.all.map(({ session, processes }) => [session.name, ...processes]),
  }));
}
