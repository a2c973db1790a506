// The shipped package in a real VS Code in a real browser, by mouse and keyboard. Screenshots go to
// test-output/screenshots: in the long run, if scenarios are named, and when a step fails. Arguments name the
// scenarios; without arguments, all of this tier are run (test/kit/tier.mjs).
// HTTP_TRACE_RESULTS names a file for the results as JSON.
import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as esbuild from 'esbuild';
import { makePackage, vsix } from '../../scripts/package.mjs';
import { exitOnSignals } from '../../scripts/processTree.mjs';
import { childEnvironment, ensureVSCode, installExtension, startServer } from '../../scripts/vscode.mjs';
import { makeCertificate } from '../kernel/support/certificate.mjs';
import { WHOLE } from '../kit/tier.mjs';
import { openBrowser } from '../vscode/browser.mjs';
import { root, sample } from '../vscode/bundle.mjs';
import { QUIET_SETTINGS } from '../vscode/quiet.mjs';
import { consent } from './consent.mjs';
import { debugging } from './debugging.mjs';
import { files } from './files.mjs';
import { german, prepareGerman } from './german.mjs';
import { Steps } from './harness.mjs';
import { installed } from './installed.mjs';
import { keepAlways } from './keepAlways.mjs';
import { keyboard } from './keyboard.mjs';
import { menus } from './menus.mjs';
import { newUser } from './newUser.mjs';
import { picking } from './picking.mjs';
import { pictures } from './pictures.mjs';
import { protocols } from './protocols.mjs';
import { resending } from './resending.mjs';
import { restricted } from './restricted.mjs';
import { tracing } from './tracing.mjs';
import { unprivileged } from './unprivileged.mjs';
import { Workbench } from './workbench.mjs';

const SETTINGS = {
  'workbench.startupEditor': 'none',
  'workbench.colorTheme': 'Dark Modern',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'chat.disableAIFeatures': true,
  // What a terminal says can be read where it is drawn as text.
  'terminal.integrated.gpuAcceleration': 'off',
  // A notification for each port that the sample opens would lie over the panel, and take a click meant for it.
  'remote.autoForwardPorts': false,
  // So would the question whether it may run hooks.
  'httpTrace.hooks': 'never',
};
/** The user id of `nobody` on Debian and Ubuntu. */
const NOBODY = 65_534;

/** Those of the long run only: each needs a window, and most of what it does is tested in a webview or extension host. */
const FOR_RELEASES = [consent, debugging, german, keepAlways, keyboard, newUser, protocols, restricted];
const chosen = process.argv.slice(2);
const takesPictures = WHOLE || chosen.length > 0;
/** A processor draws it: without pictures, fewer pixels. */
const WINDOW = takesPictures ? { width: 1440, height: 900 } : { width: 1200, height: 760 };

exitOnSignals();
makePackage();
ensureVSCode();
const home = mkdtempSync(join(tmpdir(), 'http-trace-e2e-'));
const extensionsDir = join(home, 'extensions');
const workspace = join(home, 'lamp-shop');
cpSync(sample, workspace, { recursive: true });
if (!takesPictures) slowDown(join(workspace, 'customer.js'));
const services = join(home, 'services');
cpSync(join(root, 'test/fixtures/services'), services, { recursive: true });
let workbench = null;
const steps = new Steps(() => workbench.screenshot('failure'));
let browser = null;
try {
  installExtension(vsix, { extensionsDir, dataDir: join(home, 'data-install') });
  if (chosen.length === 0) await installed(steps, extensionsDir);
  browser = await openBrowser();
  if (chosen.includes(pictures.name)) {
    await inWindow(pictures);
    await inWindow(pictures, { locale: 'de' });
  }
  // A window costs as much as a dozen steps. What begins where nothing has been traced yet comes first, and leaves it so;
  // what leaves an editor that asks to be saved comes last.
  await inWindow([files, tracing, menus, picking, resending]);
  await inWindow(keyboard);
  await inWindow(newUser, { settings: { 'httpTrace.hooks': 'ask' } });
  await inWindow(consent, { settings: { 'httpTrace.hooks': 'ask', 'httpTrace.startWithDebugging': 'ask' } });
  await inWindow(debugging, {
    folder: services,
    settings: {
      'httpTrace.hooks': 'always',
      'httpTrace.startWithDebugging': 'always',
      // It would come before the panel, now or later.
      'debug.internalConsoleOptions': 'neverOpen',
    },
  });
  await inWindow(keepAlways, { settings: { 'httpTrace.keepCalls': 'always' } });
  if (isWanted(protocols)) await inWindow(protocols, { folder: await makeLamps() });
  await inWindow(german, { locale: 'de' });
  if (process.getuid() === 0) await inWindow(unprivileged, { user: NOBODY });
  else steps.skip('a user without permission', 'only root can start VS Code as another user');
  await inWindow(restricted, { trust: false });
} finally {
  await browser?.close();
  rmSync(home, { recursive: true, force: true });
}
process.exit(steps.finish() ? 0 : 1);

/** A third of the calls: a window draws each of them, by a processor, and no step asks how many come in a second. */
function slowDown(file) {
  const text = readFileSync(file, 'utf8');
  assert.match(text, /pause\(1_000\)/);
  writeFileSync(file, text.replace('pause(1_000)', 'pause(3_000)'));
}

/** A workspace whose program needs packages, and a certificate. */
async function makeLamps() {
  const folder = join(home, 'lamps');
  const source = join(root, 'test/fixtures/protocols');
  cpSync(source, folder, { recursive: true });
  rmSync(join(folder, 'main.mjs'));
  makeCertificate(join(folder, 'key.pem'), join(folder, 'cert.pem'));
  await esbuild.build({
    entryPoints: [join(source, 'main.mjs')],
    outfile: join(folder, 'main.js'),
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    logLevel: 'warning',
  });
  return folder;
}

function isWanted(scenario) {
  if (chosen.length > 0) return chosen.includes(scenario.name);
  return WHOLE || !FOR_RELEASES.includes(scenario);
}

/** A server and a fresh window for the steps of one scenario, or of some, one after the other. */
async function inWindow(
  scenarios,
  { trust = true, user = null, folder = workspace, locale = null, settings = {} } = {},
) {
  const run = [scenarios].flat().filter(isWanted);
  if (run.length === 0) return;
  const dataDir = join(home, `data-${run[0].name}-${locale ?? 'en'}`);
  const extensions = join(dataDir, 'extensions');
  mkdirSync(join(dataDir, 'data/User'), { recursive: true });
  cpSync(extensionsDir, extensions, { recursive: true });
  mkdirSync(join(dataDir, 'run'), { mode: 0o700 });
  if (locale === 'de') prepareGerman(dataDir);
  const spawnOptions = {};
  if (user !== null) {
    chmodSync(home, 0o755);
    for (const path of ['', ...readdirSync(dataDir, { recursive: true })])
      chownSync(join(dataDir, path), user, user);
    Object.assign(spawnOptions, {
      uid: user,
      gid: user,
      env: { ...childEnvironment(), HOME: dataDir, XDG_RUNTIME_DIR: join(dataDir, 'run') },
    });
  }
  let server = null;
  let context = null;
  // A workspace is another one at another port.
  const start = () =>
    startServer({
      dataDir,
      extensionsDir: extensions,
      trust,
      few: !takesPictures,
      settings: { ...SETTINGS, ...(takesPictures ? {} : QUIET_SETTINGS), ...settings },
      spawnOptions,
      locale,
      port: server?.port,
    });
  /** @param zoom as the browser's: half of the pixels of the window at 2 */
  const openWindow = async (zoom = 1) => {
    server = await start();
    context = await browser.newContext({
      viewport: { width: WINDOW.width / zoom, height: WINDOW.height / zoom },
      deviceScaleFactor: zoom,
      // Sixty frames a second, drawn by a processor, would take a third of what the whole suite takes.
      reducedMotion: 'reduce',
    });
    workbench = new Workbench(await context.newPage(), takesPictures);
  };
  const close = async () => {
    await context?.close();
    await server?.stop();
  };
  try {
    await openWindow();
    for (const scenario of run)
      await scenario(steps, workbench, {
        url: server.url,
        workspace: folder,
        dataDir,
        locale,
        takes: chosen.includes(scenario.name),
        /** Ends VS Code and starts it again, with the same data. */
        restart: async (zoom) => {
          await close();
          await openWindow(zoom);
          return { url: server.url, workbench };
        },
      });
  } finally {
    await close();
  }
}
