// Kills the extension host while a program is stopped at a break on calls, with each debugger: the program continues,
// or was ended by its debugger, and the helper has ended. Prints what happened to each, and after how many
// milliseconds. Arguments name the cases. HTTP_TRACE_RESULTS names a file for the results as JSON.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../scripts/freePort.mjs';
import { descendants, exitOnSignals } from '../../scripts/processTree.mjs';
import { childEnvironment, ensureVSCode, startServer } from '../../scripts/vscode.mjs';
import { eventually, Steps } from '../e2e/harness.mjs';
import { sleeps } from '../kit/sleeps.mjs';
import { openBrowser, openSuite } from './browser.mjs';
import { bundleSuite, installAdapters, root } from './bundle.mjs';

const fixtures = join(root, 'test/fixtures/debuggers');
const home = mkdtempSync(join(tmpdir(), 'http-trace-watchdogs-'));
const python = '/usr/bin/python3';
/** A debugger starts slowly on a busy machine; milliseconds. */
const STOPPED_TIMEOUT = 180_000;
/**
 * Looks, a tenth of a second apart, at which the extension host, what it has started and the program must be idle before it is
 * killed. js-debug's watchdog does not notice the end of a host that has left something unread (ECONNRESET): then a program
 * stays at any breakpoint. On a busy machine a process that wants to send to the host may wait for its turn.
 */
const IDLE_LOOKS = 5;

const calls = createServer((_, response) => {
  seen++;
  response.end('ok');
});
let seen = 0;
await new Promise((resolve) => calls.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${calls.address().port}`;

const goProgram = build('go', ['build', '-o'], 'call.go');
const cProgram = build('gcc', ['-g', '-o'], 'call.c');
const adapter = ['/usr/bin/lldb-dap', process.env['LLDB_DAP'] ?? '', '/usr/bin/lldb-vscode-14'].find((path) =>
  existsSync(path),
);
const attached = { request: 'attach', name: 'watchdog' };
const launched = { request: 'launch', name: 'watchdog', env: { CALLS_URL: url } };
/** Each: what is debugged, and the program that is there before, if there is one. */
const cases = {
  'js-debug': () => ({ ...launched, type: 'node', program: join(fixtures, 'call.js') }),
  'js-debug, attached': async () => {
    const port = await freePort();
    begin('node', [`--inspect=127.0.0.1:${port}`, join(fixtures, 'call.js')]);
    return { ...attached, type: 'node', port, address: '127.0.0.1' };
  },
  debugpy: () => ({
    ...launched,
    type: 'debugpy',
    program: join(fixtures, 'call.py'),
    python,
    console: 'internalConsole',
  }),
  'debugpy, attached': async () => {
    const port = await freePort();
    begin(python, ['-m', 'debugpy', '--listen', `127.0.0.1:${port}`, join(fixtures, 'call.py')]);
    await eventually(() => seen > 0, 'it calls');
    return { ...attached, type: 'debugpy', connect: { host: '127.0.0.1', port } };
  },
  dlv: () => ({ ...launched, type: 'go', mode: 'exec', program: goProgram }),
  'dlv, attached': () => ({ ...attached, type: 'go', mode: 'local', processId: begin(goProgram, []) }),
  lldb: () => ({ ...launched, type: 'lldb-dap', adapter, program: cProgram, env: [`CALLS_URL=${url}`] }),
  'lldb, attached': () => ({
    ...attached,
    type: 'lldb-dap',
    adapter,
    program: cProgram,
    pid: begin(cProgram, []),
  }),
};

exitOnSignals();
const started = [];
const chosen = process.argv.slice(2);
const steps = new Steps(async () => {});
ensureVSCode();
const suite = await bundleSuite(home, 'stopped');
const extensionsDir = join(home, 'extensions');
installAdapters(extensionsDir);
const caseFile = join(home, 'case.json');
const server = await startServer({
  dataDir: home,
  extensionsDir,
  testing: true,
  spawnOptions: { env: { ...childEnvironment(), HTTP_TRACE_CASE: caseFile } },
});
const browser = await openBrowser();
try {
  for (const [name, configuration] of Object.entries(cases)) {
    if (chosen.length > 0 && !chosen.includes(name)) continue;
    await steps.step(`the extension host is killed while a program is stopped: ${name}`, async () => {
      seen = 0;
      writeFileSync(caseFile, JSON.stringify({ name, configuration: await configuration() }));
      const page = await browser.newPage();
      try {
        await expectGoingOn(name, page);
      } finally {
        await page.close();
        for (const child of started.splice(0)) child.kill('SIGKILL');
      }
    });
  }
} finally {
  await browser.close();
  await server.stop();
  calls.close();
  rmSync(home, { recursive: true, force: true });
}
process.exit(steps.finish() ? 0 : 1);

async function expectGoingOn(name, page) {
  const { host, debuggees } = await stoppedSession(page);
  const helpers = descendants(host).filter((pid) => commandOf(pid).includes('/helper.js'));
  if (helpers.length === 0) throw new Error('there is no helper');
  await eventually(async () => {
    for (let look = 0; look < IDLE_LOOKS; look++) {
      if (![host, ...descendants(host), ...debuggees].every(sleeps)) return false;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return true;
  }, 'the extension host has read what its debugger sent, and nobody is about to send more');
  const before = seen;
  const begun = performance.now();
  process.kill(host, 'SIGKILL');
  const outcome = await eventually(
    () => {
      if (seen > before) return 'goes on';
      return debuggees.every((pid) => !existsSync(`/proc/${pid}`)) && 'ended by its debugger';
    },
    `it goes on: ${debuggees.map(stateOf)}`,
  );
  console.log(`${name}: ${outcome}, after ${Math.round(performance.now() - begun)} ms`);
  if (outcome === 'goes on') await eventually(() => seen > before + 3, 'it is not stopped again');
  await eventually(() => helpers.every((pid) => !existsSync(`/proc/${pid}`)), 'the helper is gone');
  for (const pid of debuggees) if (existsSync(`/proc/${pid}`)) process.kill(pid, 'SIGKILL');
}

/** Waits until the suite says that its program is stopped. */
async function stoppedSession(page) {
  const started = new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error('it does not stop')), STOPPED_TIMEOUT).unref();
    void page.exposeFunction('codeAutomationExit', (code) => reject(new Error(`the suite ended: ${code}`)));
    void page.exposeFunction('codeAutomationLog', (type, args) => {
      for (const line of args.filter((arg) => typeof arg === 'string')) {
        if (line.startsWith('[stopped] ')) resolve(JSON.parse(line.slice('[stopped] '.length)));
        if (line.startsWith('[failed] ')) reject(new Error(line));
      }
      if (type === 'error' && process.env['VERBOSE']) console.error(...args);
    });
  });
  await openSuite(page, server, suite);
  return started;
}

/** Starts a program that is to be attached to. @returns its id. */
function begin(command, args) {
  const env = { ...process.env, CALLS_URL: url, NODE_OPTIONS: '' };
  const child = spawn(command, args, { env, stdio: 'ignore' });
  started.push(child);
  return child.pid;
}

function build(command, options, source) {
  const program = join(home, source.replace('.', '-'));
  const run = spawnSync(command, [...options, program, join(fixtures, source)], { encoding: 'utf8' });
  if (run.status !== 0) throw new Error(run.stderr);
  return program;
}

function commandOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ');
  } catch {
    return '';
  }
}

function stateOf(pid) {
  try {
    return /^State:\s(\S)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  } catch {
    return 'gone';
  }
}
