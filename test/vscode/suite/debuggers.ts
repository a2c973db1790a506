/** What VS Code loads for `run.mjs debuggers`: every debugger that Debian has. */
import './debuggees.ts';
import './armingTimes.ts';
import './firstCalls.ts';
import './pauses.ts';
import './sourceLines.ts';
import './traceEnds.ts';
import './shortAndLong.ts';
import './callBreaks.ts';
import './story.ts';
import './badInput.ts';
import { calls } from './callServer.ts';
import { insight } from './extension.ts';
import { runTests } from './harness.ts';
import { tableLines } from './table.ts';

export function run(): Promise<void> {
  return runTests(
    () => ({
      status: insight()?.trace.status,
      calls,
      sessions: insight()?.sessions.all.map(({ session, processes }) => [session.name, ...processes]),
    }),
    { independent: true, report: tableLines },
  );
}
