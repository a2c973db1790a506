// A real VS Code, served to a browser: npm's `code-server` carries it, so it comes from the npm registry like
// everything else. It is kept in .cache/vscode with a lock file of its own, because the extension does not
// depend on it. `npm start` opens it if there is no desktop VS Code; the tests run in it.
import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { get } from 'node:http';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from './freePort.mjs';
import { endTree, endWithThisProcess, environmentOfRun } from './processTree.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const recipe = join(root, 'scripts/vscode');
const home = join(root, '.cache/vscode');
const vscode = join(home, 'node_modules/code-server/lib/vscode');
const serverMain = join(vscode, 'out/server-main.js');
/** The extensions that come with it. */
const builtIn = join(vscode, 'extensions');
/** The Node that npm's `node` package brings: this VS Code refuses Node 20. */
const node = join(root, 'node_modules/.bin/node');

/** How long the server may take until it answers, in milliseconds; a busy machine needs some of it. */
const START_TIMEOUT = 60_000;

/** Installs VS Code into .cache/vscode unless just this version is there already. */
export function ensureVSCode() {
  const stamp = join(home, 'installed.json');
  const wanted = readFileSync(join(recipe, 'package-lock.json'), 'utf8');
  if (existsSync(serverMain) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  console.log('Installing a VS Code that runs in the browser into .cache/vscode (once, about 600 MB) …');
  mkdirSync(home, { recursive: true });
  for (const file of ['package.json', 'package-lock.json'])
    copyFileSync(join(recipe, file), join(home, file));
  // No install scripts: they would compile native parts that only the log and the terminal use.
  npm(['ci', '--ignore-scripts'], home);
  npm(['install', '--omit=dev', '--ignore-scripts'], vscode);
  writeFileSync(stamp, wanted);
}

function npm(args, cwd) {
  const result = spawnSync('npm', [...args, '--no-fund', '--no-audit', '--loglevel=error'], {
    cwd,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: childEnvironment(),
  });
  if (result.status !== 0) {
    throw new Error(`npm ${args.join(' ')} failed in ${cwd}. Is the npm registry reachable?`);
  }
}

/** The environment without what npm and VS Code put into it for their own children. */
export function childEnvironment() {
  const env = { ...process.env };
  for (const name of Object.keys(env)) {
    if (/^(npm_|VSCODE_|ELECTRON_)/.test(name) || name === 'NODE_OPTIONS') delete env[name];
  }
  return env;
}

/** Installs an extension from its .vsix, as a user would. */
export function installExtension(vsix, { extensionsDir, dataDir }) {
  const result = spawnSync(
    node,
    [
      serverMain,
      '--install-extension',
      vsix,
      '--force',
      '--extensions-dir',
      extensionsDir,
      '--server-data-dir',
      dataDir,
    ],
    { encoding: 'utf8', env: childEnvironment() },
  );
  if (result.status !== 0 || !/successfully installed/.test(result.stdout)) {
    throw new Error(`VS Code did not install ${vsix}:\n${result.stdout}${result.stderr}`);
  }
}

/** Whether our setting has the scope `machine`, which a workspace cannot set. */
function isOfMachine(name) {
  const { configuration } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).contributes;
  return [configuration].flat().some(({ properties }) => properties[name]?.scope === 'machine');
}

/**
 * A folder with those of VS Code's own extensions that are enough to edit and debug: themes and languages (they have no
 * code), and the JavaScript debugger. The others look for repositories, packages and types in each window, in processes
 * of their own.
 * @param folder made for them
 */
function fewExtensions(folder) {
  if (existsSync(folder)) return folder;
  mkdirSync(folder);
  for (const name of readdirSync(builtIn)) {
    const recipe = join(builtIn, name, 'package.json');
    if (!existsSync(recipe)) continue;
    const { main, browser } = JSON.parse(readFileSync(recipe, 'utf8'));
    if (name === 'ms-vscode.js-debug' || (main === undefined && browser === undefined))
      symlinkSync(join(builtIn, name), join(folder, name));
  }
  return folder;
}

/**
 * Starts the server on a free port of 127.0.0.1.
 * @param few whether it has only the built-in extensions of {@link fewExtensions}
 * @returns its address, its log, and `stop`, which ends it with everything that it started.
 */
export async function startServer({
  dataDir,
  extensionsDir,
  trust = true,
  settings = {},
  testing = false,
  few = false,
  spawnOptions = {},
  locale = null,
  port = null,
}) {
  mkdirSync(join(dataDir, 'data/User'), { recursive: true });
  mkdirSync(extensionsDir, { recursive: true });
  mkdirSync(join(dataDir, 'data/Machine'), { recursive: true });
  const [own, others] = [true, false].map((wanted) =>
    Object.fromEntries(Object.entries(settings).filter(([name]) => isOfMachine(name) === wanted)),
  );
  // A server's window reads machine settings from data/Machine only.
  writeFileSync(join(dataDir, 'data/Machine/settings.json'), JSON.stringify(own, null, 2));
  writeFileSync(join(dataDir, 'data/User/settings.json'), JSON.stringify(others, null, 2));
  const listened = port ?? (await freePort());
  const args = [
    serverMain,
    '--host',
    '127.0.0.1',
    '--port',
    String(listened),
    '--without-connection-token',
    '--accept-server-license-terms',
    '--telemetry-level',
    'off',
    '--server-data-dir',
    dataDir,
    '--extensions-dir',
    extensionsDir,
  ];
  if (few) args.push('--builtin-extensions-dir', fewExtensions(join(dataDir, 'built-in')));
  if (trust) args.push('--disable-workspace-trust');
  if (locale !== null) args.push('--locale', locale);
  if (testing) args.push('--enable-smoke-test-driver');
  // A debuggee may outlive the extension host: then it is no descendant of the server.
  const run = randomUUID();
  const child = spawn(node, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...spawnOptions,
    env: environmentOfRun(spawnOptions.env ?? childEnvironment(), run),
  });
  endWithThisProcess(child, run);
  let log = '';
  const keep = (chunk) => {
    log = (log + chunk).slice(-200_000);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const server = {
    url: `http://127.0.0.1:${listened}`,
    authority: `127.0.0.1:${listened}`,
    port: listened,
    pid: child.pid,
    log: () => log,
    ended: new Promise((resolve) => child.once('exit', (code) => resolve(code))),
    stop: () => endTree(child, run),
  };
  const deadline = Date.now() + START_TIMEOUT;
  while (!(await answers(server.url))) {
    if (child.exitCode !== null) throw new Error(`The VS Code server ended at once:\n${log}`);
    if (Date.now() > deadline) {
      await server.stop();
      throw new Error(`The VS Code server did not answer within ${START_TIMEOUT / 1000} s:\n${log}`);
    }
    await delay(100);
  }
  return server;
}

function answers(url) {
  return new Promise((resolve) => {
    get(`${url}/version`, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    }).on('error', () => resolve(false));
  });
}

export function delay(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) ensureVSCode();
