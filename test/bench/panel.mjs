// `npm run bench:panel`: the panel in a real VS Code while a program makes calls. Time until a row is shown, frames
// while calls arrive and while scrolling, how long a filter takes, and the memory used. `--publish` also writes it into
// docs/benchmarks.md; `--short` measures with a tenth of the calls (a test of the benchmark). Prints a table, writes
// test-output/bench-panel.json. Takes three minutes on a machine with nothing else to do.
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { makePackage, vsix } from '../../scripts/package.mjs';
import { descendants } from '../../scripts/processTree.mjs';
import { ensureVSCode, installExtension, startServer } from '../../scripts/vscode.mjs';
import { eventually } from '../e2e/harness.mjs';
import { Workbench } from '../e2e/workbench.mjs';
import { openBrowser } from '../vscode/browser.mjs';
import { publishPanel } from './document.mjs';
import { panelGoals } from './panelGoals.mjs';
import { fail, root } from './processes.mjs';

const STARTS = 4;
const PROBES = 20;
/** The design's: calls a second that are shown live, and calls that are held. */
const PER_SECOND = 5_000;
const LIVE_SECONDS = 10;
const HELD = 100_000;
const SCROLLED = 50_000;
/** Milliseconds. Calls may come far more slowly than they should. */
const PATIENCE = 400_000;
const FILTERS = [
  'status:5xx',
  'orders -host:cdn',
  '/catalog.e/',
  'duration:>0.1ms or 404',
  'type:json stock',
];
const FILTER_ROUNDS = 3;
const begunAt = performance.now();

const { values } = parseArgs({
  options: { publish: { type: 'boolean', default: false }, short: { type: 'boolean', default: false } },
});
const share = values.short ? 0.1 : 1;
if (process.geteuid?.() !== 0) fail('needs root, as tracing does.');
makePackage();
ensureVSCode();
const home = mkdtempSync(join(tmpdir(), 'http-trace-bench-panel-'));
const workspace = join(home, 'load');
cpSync(join(root, 'test/bench/panel'), workspace, { recursive: true });
const extensionsDir = join(home, 'extensions');
installExtension(vsix, { extensionsDir, dataDir: join(home, 'data-install') });
const answering = spawn(process.execPath, [join(workspace, 'server.mjs')], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
writeFileSync(
  join(workspace, 'port'),
  await new Promise((resolve) => answering.stdout.once('data', (data) => resolve(String(data).trim()))),
);
const server = await startServer({
  dataDir: join(home, 'data'),
  extensionsDir,
  settings: {
    'workbench.startupEditor': 'none',
    'workbench.secondarySideBar.defaultVisibility': 'hidden',
    'chat.disableAIFeatures': true,
    'remote.autoForwardPorts': false,
    'httpTrace.hooks': 'never',
    'debug.internalConsoleOptions': 'neverOpen',
  },
});
const browser = await openBrowser();
try {
  const measured = await measure();
  mkdirSync(join(root, 'test-output'), { recursive: true });
  writeFileSync(join(root, 'test-output/bench-panel.json'), `${JSON.stringify(measured, null, 2)}\n`);
  for (const { what, wanted, reached } of panelGoals(measured))
    console.log(`${what.padEnd(66)} ${wanted.padEnd(18)} ${reached}`);
  if (values.publish) publishPanel(measured);
} finally {
  await browser.close();
  await server.stop();
  answering.kill();
  rmSync(home, { recursive: true, force: true });
}
process.exit(0);

/** What it does now, on stderr: a run takes minutes. */
function says(step) {
  console.error(`${((performance.now() - begunAt) / 1_000).toFixed(0).padStart(4)} s  ${step}`);
}

async function measure() {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  const workbench = new Workbench(page);
  page.setDefaultTimeout(PATIENCE);
  const { panel } = workbench;
  const body = panel.locator('body');
  /** Rows of the list: the toolbar counts what the engine knows, sooner. */
  const callsShown = async () =>
    Number(await panel.getByRole('treegrid', { name: 'HTTP calls' }).getAttribute('aria-rowcount')) - 1;
  let asked = 0;
  const rate = (what) => writeFileSync(join(workspace, 'rate'), JSON.stringify({ ...what, asked: ++asked }));

  says('VS Code opens');
  await workbench.open(server.url, workspace);
  await workbench.startDebugging();
  await workbench.command('HTTP Trace: Focus on HTTP Trace View');
  await panel.locator('.empty button.primary').waitFor();

  says('starts');
  // From the key to the first row. The first one starts the helper; the others find it waiting.
  rate({ perSecond: 100, calls: 1e9 });
  const starts = [];
  for (let round = 0; round < STARTS; round++) {
    const appeared = body.evaluate(
      () =>
        new Promise((resolve) => {
          const look = () => {
            if (document.querySelector('.rows [role="row"]') === null) requestAnimationFrame(look);
            else resolve(performance.timeOrigin + performance.now());
          };
          look();
        }),
    );
    const pressed = await workbench.startByKey();
    starts.push((await appeared) - pressed);
    await workbench.statusItem.locator('.codicon-pulse').waitFor();
    if (round === STARTS - 1) break;
    await workbench.stopByKey();
    await workbench.command('HTTP Trace: Clear Calls');
    await panel.locator('.empty button.primary').waitFor();
    await workbench.command('HTTP Trace: Focus on HTTP Trace View');
  }

  says('from the call to the row');
  // From the system call to the row: the clocks of both processes are the machine's.
  rate({ perSecond: 0, calls: 0 });
  await page.waitForTimeout(1_000);
  await body.evaluate(() => {
    window.seenProbes = new Map();
    new MutationObserver(() => {
      for (const row of document.querySelectorAll('.rows [role="row"]')) {
        const name = /\/probe-[\d-]+/.exec(row.textContent)?.[0];
        if (name === undefined || window.seenProbes.has(name)) continue;
        window.seenProbes.set(name, null);
        // When the frame that shows it has been drawn.
        requestAnimationFrame(() =>
          setTimeout(() => window.seenProbes.set(name, performance.timeOrigin + performance.now()), 0),
        );
      }
    }).observe(document.querySelector('.rows'), { childList: true, subtree: true, characterData: true });
  });
  rate({ perSecond: 0, calls: 0, probe: 1 });
  const probes = () => {
    try {
      return readFileSync(join(workspace, 'probes'), 'utf8').trim().split('\n');
    } catch {
      return [];
    }
  };
  await eventually(() => probes().length >= PROBES, 'probes', 60_000);
  rate({ perSecond: 0, calls: 0 });
  await page.waitForTimeout(1_500);
  const seen = new Map(await body.evaluate(() => [...window.seenProbes]));
  const latencies = probes().flatMap((line) => {
    const [name, at] = line.split(' ');
    const shown = seen.get(name);
    return typeof shown === 'number' ? [shown - Number(at)] : [];
  });

  says('frames while calls come');
  // Frames while calls come, and, with half of them, while one scrolls.
  const before = memory();
  const begun = await callsShown();
  const half = SCROLLED * share;
  rate({ perSecond: PER_SECOND, calls: half });
  await eventually(async () => (await callsShown()) > begun, 'calls come', PATIENCE);
  const from = await callsShown();
  const live = await body.evaluate(frames, { seconds: LIVE_SECONDS * share });
  const came = (await callsShown()) - from;
  await eventually(async () => (await callsShown()) >= begun + half, 'half of the calls', PATIENCE);
  await page.waitForTimeout(2_000);
  says('frames while scrolling');
  const scroll = { rows: await callsShown(), frames: await body.evaluate(frames, { scrolls: 300 }) };
  says('the rest of the calls');
  rate({ perSecond: PER_SECOND, calls: HELD * share - half });
  // With those before they are more than the engine holds: it drops the oldest.
  await eventually(async () => (await callsShown()) >= HELD * share * 0.99, 'all of the calls', PATIENCE);
  await page.waitForTimeout(2_000);
  const held = memory();
  await workbench.stopByKey();

  says('filters');
  // A filter, with the 80 ms for which it waits for the next letter.
  const filters = [];
  for (let round = 0; round < FILTER_ROUNDS; round++)
    for (const text of FILTERS) filters.push(await body.evaluate(filter, text));
  const cdp = await context.newCDPSession(page);
  const { usedSize } = await heapOf(cdp);
  const count = await callsShown();
  await context.close();
  return {
    date: new Date().toISOString().slice(0, 10),
    starts,
    latencies,
    live: { frames: live, perSecond: came / (LIVE_SECONDS * share) },
    scroll,
    filters,
    memory: { before, held, panel: usedSize },
    rows: count,
  };
}

/** In the panel: milliseconds of each frame, for so long, or while scrolling, now a page and now very far. */
async function frames(_, { seconds = null, scrolls = null }) {
  const scroller = document.querySelector('.scroller');
  const times = [];
  const end = performance.now() + (seconds ?? 1e6) * 1_000;
  let last = await new Promise((frame) => requestAnimationFrame(frame));
  for (let i = 0; last < end && (scrolls === null || i < scrolls); i++) {
    if (scrolls !== null) scroller.scrollBy(0, i % 40 === 39 ? -200_000 : -330);
    const now = await new Promise((frame) => requestAnimationFrame(frame));
    times.push(now - last);
    last = now;
  }
  return times;
}

/** In the panel: milliseconds from the last letter to the frame with the calls that match. */
async function filter(_, text) {
  const input = document.querySelector('.filter input');
  const count = document.querySelector('.count-calls');
  const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
  const write = async (value, ready) => {
    input.value = value;
    const started = performance.now();
    input.dispatchEvent(new Event('input'));
    while (!ready()) await painted();
    return performance.now() - started;
  };
  const took = await write(text, () => count.textContent.includes(' of '));
  await write('', () => !count.textContent.includes(' of '));
  return took;
}

/** Bytes that are resident: of the process with the engine, which is VS Code's extension host, and of the helper. */
function memory() {
  const of = (pid) => {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
      return { command, bytes: pages * 4096 };
    } catch {
      return { command: '', bytes: 0 };
    }
  };
  const all = descendants(server.pid).map(of);
  const sum = (pattern) =>
    all.filter(({ command }) => pattern.test(command)).reduce((total, { bytes }) => total + bytes, 0);
  return { host: sum(/--type=extensionHost/), helper: sum(/helper\.js/) };
}

/** Of the panel's frame, which shares VS Code's page or has a process of its own. */
async function heapOf(cdp) {
  await cdp.send('HeapProfiler.enable');
  await cdp.send('HeapProfiler.collectGarbage');
  return cdp.send('Runtime.getHeapUsage');
}
