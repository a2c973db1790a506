// The shipped package in a real VS Code in a real browser, by mouse and keyboard. Pictures of the window go to
// test-output/screenshots. HTTP_TRACE_RESULTS names a file for the results as JSON.
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makePackage, vsix } from '../../scripts/package.mjs';
import { ensureVSCode, installExtension, startServer } from '../../scripts/vscode.mjs';
import { openBrowser } from '../vscode/browser.mjs';
import { sample } from '../vscode/bundle.mjs';
import { Steps } from './harness.mjs';
import { installed } from './installed.mjs';
import { restricted } from './restricted.mjs';
import { tracing } from './tracing.mjs';
import { Workbench } from './workbench.mjs';

const SETTINGS = {
  'workbench.startupEditor': 'none',
  'workbench.colorTheme': 'Dark Modern',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'chat.disableAIFeatures': true,
};
const WINDOW = { width: 1440, height: 900 };

makePackage();
ensureVSCode();
const home = mkdtempSync(join(tmpdir(), 'http-trace-e2e-'));
const extensionsDir = join(home, 'extensions');
const workspace = join(home, 'lamp-shop');
cpSync(sample, workspace, { recursive: true });
let workbench = null;
const steps = new Steps(() => workbench.picture('failure'));
let browser = null;
try {
  installExtension(vsix, { extensionsDir, dataDir: join(home, 'data') });
  await installed(steps, extensionsDir);
  browser = await openBrowser();
  await inWindow(true, tracing);
  await inWindow(false, restricted);
} finally {
  await browser?.close();
  rmSync(home, { recursive: true, force: true });
}
process.exit(steps.finish() ? 0 : 1);

/** A server and a fresh window for some steps. */
async function inWindow(trust, scenario) {
  const server = await startServer({
    dataDir: join(home, `data-${trust}`),
    extensionsDir,
    trust,
    settings: SETTINGS,
  });
  const context = await browser.newContext({
    viewport: WINDOW,
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  try {
    workbench = new Workbench(await context.newPage());
    await scenario(steps, workbench, { url: server.url, workspace });
  } finally {
    await context.close();
    await server.stop();
  }
}
