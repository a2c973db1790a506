// Runs test/vscode/suite inside the extension host of the VS Code that is served to a browser: index.ts, or the file
// that the first argument names (`debuggers`), with Debian's debug adapters beside it.
// At the end `debuggers` prints each debugger's results as the table of docs/debugging.md: HTTP_TRACE_ROUNDS=20 runs
// more rounds than the tests need, LLDB_DAP names a debugger that is not in PATH, HTTP_TRACE_ONLY selects some of the
// tests.
// HTTP_TRACE_RESULTS names a file for the results as JSON.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exitOnSignals } from '../../scripts/processTree.mjs';
import { ensureVSCode, startServer } from '../../scripts/vscode.mjs';
import { WHOLE } from '../kit/tier.mjs';
import { openBrowser, openSuite } from './browser.mjs';
import { bundleSuite, installAdapters } from './bundle.mjs';
import { QUIET_SETTINGS } from './quiet.mjs';

const name = process.argv[2] ?? 'index';
/** The whole suite, in milliseconds, on a busy machine; and for each round that is asked for (suite/table.ts). */
const TIMEOUT =
  (name === 'index' ? 900_000 : 2_400_000) + Number(process.env['HTTP_TRACE_ROUNDS'] ?? 0) * 360_000;

exitOnSignals();
ensureVSCode();
const home = mkdtempSync(join(tmpdir(), 'http-trace-vscode-'));
const suite = await bundleSuite(home, name);
const extensionsDir = join(home, 'extensions');
if (name !== 'index') installAdapters(extensionsDir);
const server = await startServer({
  dataDir: home,
  extensionsDir,
  testing: true,
  few: !WHOLE,
  settings: {
    ...QUIET_SETTINGS,
    // The suite sees what debuggers say: no view of it has to be drawn.
    'debug.internalConsoleOptions': 'neverOpen',
    'debug.openDebug': 'neverOpen',
  },
});
let browser = null;
let code = 1;
/** Whether the suite has come to its end, and said how many tests passed. */
let counted = false;
try {
  browser = await openBrowser();
  // Nobody looks, and each frame is drawn by a processor.
  const page = await browser.newPage({ viewport: { width: 800, height: 500 }, reducedMotion: 'reduce' });
  await page.bringToFront();
  const exit = new Promise((resolve) => {
    page.exposeFunction('codeAutomationExit', resolve);
    setTimeout(() => resolve(`no end after ${TIMEOUT / 1000} s`), TIMEOUT).unref();
  });
  await page.exposeFunction('codeAutomationLog', (type, args) => {
    // The workbench logs much of its own; the suite's lines are marked.
    for (const line of args) {
      if (typeof line !== 'string' || !line.startsWith('[suite] ')) continue;
      console.log(line.slice(8));
      counted ||= /^\[suite\] \d+ passed/.test(line);
    }
    if (type === 'error' && process.env['VERBOSE']) console.error(...args);
  });
  await openSuite(page, server, suite);
  const outcome = await exit;
  // An extension host that VS Code starts anew in the middle gives 0, too.
  if (outcome === 0 && !counted) console.error('The extension host ended before its tests did.');
  else if (typeof outcome === 'number') code = outcome;
  else console.error(`The extension host gave ${outcome}.\n${server.log().slice(-4_000)}`);
} finally {
  await browser?.close();
  await server.stop();
  rmSync(home, { recursive: true, force: true });
}
process.exit(code);
