// Ways to observe a server. Each takes the processes to trace and resolves with the handles to measure and end it:
// { parts: () => milliseconds of CPU so far by part, programs, stop: () => what was recorded }.
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { heldBy, helperOf } from '../kit/kernel.ts';
import { bundleWindow } from '../kit/window/bundle.mjs';
import { processMs, threadMs, threadsOf } from './cpu.mjs';
import { end, fail, folder, httpTrace, lineWith, root, start } from './processes.mjs';

/** The largest ring that there is: it takes everything that the kernel copies while nobody reads. */
const BARE_RING = 512 * 1024 * 1024;

export const UNTRACED = {
  name: 'untraced',
  start: async () => ({ parts: () => ({}), programs: [], stop: async () => ({}) }),
};

/** The extension's: its worker and its rows, in a process that stands for the extension host. */
export const EXTENSION = { name: 'extension', start: (pids) => startWindow(pids, null) };

/** The kernel programs alone: the process that reads the ring is stopped. */
export const BARE = {
  name: 'copy only',
  async start(pids) {
    const window = await startWindow(pids, BARE_RING);
    process.kill(window.helper, 'SIGSTOP');
    return {
      parts: () => ({}),
      programs: window.programs,
      async stop() {
        // Nobody wants what is in the ring: without its client the helper ends, and with it the trace.
        process.kill(window.helper, 'SIGCONT');
        await end(window.host);
        return {};
      },
    };
  },
};

export const JSON_LINES = { name: 'JSON', start: (pids) => startProgram(pids, ['--format', 'json']) };
export const TABLE = { name: 'table', start: (pids) => startProgram(pids, []) };
/** Over TLS, without the probes that show plaintext. */
export const NO_TLS = {
  name: 'JSON, --tls none',
  start: (pids) => startProgram(pids, ['--format', 'json', '--tls', 'none']),
};

let bundled = null;

async function startWindow(pids, ringSize) {
  const extension = mkdtempSync(join(folder, 'window-'));
  bundled ??= bundleWindow(join(folder, 'window'));
  const program = await bundled;
  const [facts, status] = ['facts', 'status'].map((name) => join(extension, name));
  const settings = {
    dist: join(root, 'dist'),
    extension: join(folder, 'window'),
    ringSize,
    facts,
    status,
    held: null,
    rows: null,
  };
  const host = start(process.execPath, [program, ...pids.map(String)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, HTTP_TRACE_WINDOW: JSON.stringify(settings) },
  });
  await lineWith(host, host.stdout, 'running');
  const { helper, thread } = JSON.parse(readFileSync(facts, 'utf8'));
  return {
    host,
    helper,
    ...looking(helper, () => {
      const engine = threadMs(host.pid, thread);
      return { engine, host: processMs(host.pid) - engine };
    }),
    async stop() {
      const memory = memoryOf(helper, host.pid);
      host.stdin.write('stop\n');
      await lineWith(host, host.stdout, 'stopped');
      await end(host);
      const { counters: c, backlog, sent } = JSON.parse(readFileSync(status, 'utf8'));
      const dropped = c.droppedData + c.droppedStructure + backlog.droppedRecords;
      // Parts of a record that the helper has cut are one record.
      return recorded(c.produced, sent - backlog.split, dropped, c, memory);
    },
  };
}

async function startProgram(pids, options) {
  const out = join(folder, 'trace.out');
  const args = ['attach', ...pids.map(String), ...options, '--output', out, '--verbose'];
  const trace = start(httpTrace, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  await lineWith(trace, trace.stderr, 'Ctrl+C stops');
  const helper = helperOf(trace.pid);
  return {
    helper,
    ...looking(helper, () => ({ program: processMs(trace.pid) })),
    async stop() {
      const memory = memoryOf(helper, trace.pid);
      await end(trace, 'SIGINT');
      if (!options.includes('json')) return { memory };
      const { summary } = JSON.parse(lastLine(out));
      const { copied, omitted, dropped } = summary.bytes;
      const bytes = { copiedBytes: copied, omittedBytes: omitted, droppedBytes: dropped };
      return recorded(summary.produced, summary.delivered, summary.dropped, bytes, memory);
    },
  };
}

function looking(helper, more) {
  return {
    programs: heldBy(helper).programs,
    parts: () => ({ helper: processMs(helper), ...more() }),
    threads: () => threadsOf(helper),
  };
}

/** @throws when records are neither delivered nor counted as lost */
function recorded(produced, delivered, dropped, { copiedBytes, omittedBytes, droppedBytes }, memory) {
  if (produced !== delivered + dropped) fail(`${produced} records are not ${delivered} + ${dropped}`);
  return { produced, dropped, copiedBytes, omittedBytes, droppedBytes, memory };
}

/**
 * The most that was resident, in bytes: of the helper, and of the process with the engine; and what the helper has
 * without its program's pages, which all processes of that program share.
 */
function memoryOf(helper, engine) {
  const of = (pid, line) =>
    1024 *
    Number(
      new RegExp(`^${line}:\\s*(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0,
    );
  return { helper: of(helper, 'VmHWM'), helperOwn: of(helper, 'RssAnon'), engine: of(engine, 'VmHWM') };
}

/** The summary is far shorter than this, and the file may be longer than a string can be. */
function lastLine(path) {
  const file = openSync(path, 'r');
  const tail = Buffer.alloc(64 * 1024);
  const length = readSync(file, tail, 0, tail.length, Math.max(0, fstatSync(file).size - tail.length));
  closeSync(file);
  return tail.toString('utf8', 0, length).trimEnd().split('\n').at(-1);
}
