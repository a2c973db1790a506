/** What VS Code loads: see ../run.mjs and ../electron.mjs. */
import './activation.ts';
import './tracing.ts';
import './sessions.ts';
import { runTests } from './harness.ts';

export const run = runTests;
