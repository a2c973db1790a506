// `npm start`: the sample workspace in VS Code with the extension, ready to press F5. The desktop VS Code where
// there is one and a display, else one that is served to a browser. Ctrl+C ends it and all that it started.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setup } from './setup.mjs';

setup();
const { makePackage, vsix } = await import('./package.mjs');
const { endTree } = await import('./processTree.mjs');
const { childEnvironment, ensureVSCode, installExtension, startServer } = await import('./vscode.mjs');

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const sample = join(root, 'test/fixtures/sample');
/** Settings and extensions of this VS Code, apart from the user's own. */
const home = join(root, '.cache/start');

/** Nothing but the sample and the extension in the window that is served. */
const CALM = {
  'workbench.startupEditor': 'none',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'chat.disableAIFeatures': true,
  'git.openRepositoryInParentFolders': 'never',
};

makePackage();
const hasDisplay = Boolean(process.env.DISPLAY ?? process.env.WAYLAND_DISPLAY);
const desktop = hasDisplay && spawnSync('code', ['--version'], { stdio: 'ignore' }).status === 0;
if (desktop) await startDesktop();
else await startServed();

async function startDesktop() {
  const child = spawn(
    'code',
    [
      '--extensionDevelopmentPath',
      root,
      '--user-data-dir',
      join(home, 'desktop'),
      '--extensions-dir',
      join(home, 'extensions-desktop'),
      '--disable-workspace-trust',
      '--skip-welcome',
      '--new-window',
      '--wait',
      // VS Code refuses to run as root with its sandbox.
      ...(process.getuid() === 0 ? ['--no-sandbox'] : []),
      sample,
    ],
    { stdio: 'ignore', env: childEnvironment() },
  );
  untilEnded(() => endTree(child));
  child.once('exit', () => process.exit(0));
  say('In the window that opens:');
}

async function startServed() {
  ensureVSCode();
  const dataDir = join(home, 'served');
  const extensionsDir = join(home, 'extensions');
  install(dataDir, extensionsDir);
  const server = await startServer({
    dataDir,
    extensionsDir,
    trust: true,
    settings: CALM,
  });
  untilEnded(() => server.stop());
  server.ended.then((code) => {
    console.error(`The VS Code server has ended with status ${code}.`);
    process.exit(1);
  });
  say(`Open ${server.url}/?folder=${encodeURI(sample)} in a browser on this machine, then:`);
}

/** Installs the package unless just this one is installed. */
function install(dataDir, extensionsDir) {
  const stamp = join(home, 'installed');
  const key = readFileSync(join(root, '.cache/build/package'), 'utf8');
  if (existsSync(extensionsDir) && existsSync(stamp) && readFileSync(stamp, 'utf8') === key) return;
  mkdirSync(dataDir, { recursive: true });
  installExtension(vsix, { extensionsDir, dataDir });
  writeFileSync(stamp, key);
}

function say(where) {
  console.log(`
${where}
  1. Press F5: a small shop and its customer run in the debugger.
  2. Ctrl+Shift+P, "Start HTTP Trace".
  3. Watch the panel "HTTP Trace". Ctrl+C here ends everything.
`);
}

function untilEnded(end) {
  let ending = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, async () => {
      if (ending) return;
      ending = true;
      await end();
      process.exit(0);
    });
  }
}
