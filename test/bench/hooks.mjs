// `node test/bench/hooks.mjs`: what the hooks of the debugger cost a saturated Node server that makes one call for each that
// it answers. CPU time of the server per call, all variants in turn in each round, in one process: its inspector
// installs and removes hooks as in a debug session. `--rounds N`, `--calls N` per turn, `--rate N`: calls/s at most.
import { execFileSync, fork } from 'node:child_process';
import { constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { Agent, createServer, get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { nodeExpression } from '../../extension/breaks/nodeHook.ts';
import { installing, removing } from '../../extension/debug/source/hooks.ts';
import { median } from './median.mjs';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '9' },
    calls: { type: 'string', default: '3000' },
    rate: { type: 'string', default: '0' },
  },
});
const [rounds, calls, rate] = [values.rounds, values.calls, values.rate].map(Number);
const CONNECTIONS = 32;
const root = join(import.meta.dirname, '../..');

const folder = mkdtempSync(join(tmpdir(), 'http-trace-hooks-'));
const pipe = join(folder, 'findings');
execFileSync('mkfifo', [pipe]);
const reading = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK);
let lines = 0;
const backend = createServer((_, response) => response.end('ok')).listen(0, '127.0.0.1');
await new Promise((resolve) => backend.once('listening', resolve));
const gateway = fork(
  join(import.meta.dirname, 'peers/gateway.mjs'),
  [`http://127.0.0.1:${backend.address().port}`],
  { execArgv: ['--inspect=127.0.0.1:0'], stdio: ['ignore', 'inherit', 'pipe', 'ipc'] },
);
const [{ port }, inspector] = await Promise.all([answer(), inspectorOf(gateway)]);
drain();

const install = await installing(join(root, 'extension/debug/source/hooks'), 'node', {
  pipe,
  session: 'bench',
});
/** `method:POST path:/orders host:shop` */
const ORDERS = {
  all: [
    { field: 'method', pieces: ['post'] },
    { field: 'path', pieces: ['', '/orders', ''] },
    { field: 'host', pieces: ['', 'shop', ''] },
  ],
};
const breakOn = nodeExpression([{ id: 1, condition: ORDERS }], 'bench');
const breakOnNothing = nodeExpression([], 'bench');
/** What is done before each turn, and after it. */
const ways = {
  'no debugger': [async () => inspector.close()],
  debugger: [async () => {}],
  'source lines': [() => inspector.evaluate(install), () => inspector.evaluate(removing('node'))],
  'a break that does not match': [
    () => inspector.evaluate(breakOn),
    () => inspector.evaluate(breakOnNothing),
  ],
  both: [
    async () => {
      await inspector.evaluate(install);
      await inspector.evaluate(breakOn);
    },
    async () => {
      await inspector.evaluate(removing('node'));
      await inspector.evaluate(breakOnNothing);
    },
  ],
};
const measured = new Map(Object.keys(ways).map((name) => [name, []]));
const linesByName = new Map();
try {
  await turn(calls); // Compiled, and connected.
  for (let round = 0; round < rounds; round++) {
    // From another place each time, so that none has always the same one before it.
    const names = Object.keys(ways);
    for (let index = 0; index < names.length; index++) {
      const name = names[(index + round) % names.length];
      const [before, after = async () => {}] = ways[name];
      if (name === 'no debugger') inspector.close();
      else await inspector.open();
      await before();
      await turn(calls / 10);
      const linesBefore = lines;
      measured.get(name).push(await turn(calls));
      linesByName.set(name, (linesByName.get(name) ?? 0) + lines - linesBefore);
      await after();
    }
  }
  const base = measured.get('debugger');
  console.log('| | CPU of a call | ratio | of one round | source lines |\n|---|---|---|---|---|');
  for (const [name, list] of measured) {
    const ratios = list.map((one, round) => one / base[round]).sort((a, b) => a - b);
    const cells = [
      `${median(list).toFixed(0)} µs`,
      median(ratios).toFixed(2),
      `${ratios[0].toFixed(2)} to ${ratios.at(-1).toFixed(2)}`,
      `${Math.round((100 * linesByName.get(name)) / (rounds * calls))} %`,
    ];
    console.log(`| ${name} | ${cells.join(' | ')} |`);
  }
} finally {
  gateway.kill('SIGKILL');
  backend.close();
  rmSync(folder, { recursive: true });
}
process.exit(0);

/** @returns CPU time of the server for each call, in microseconds. */
async function turn(count) {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const before = await cpu();
  const begin = performance.now();
  let left = count;
  let made = 0;
  const one = async () => {
    while (left-- > 0) {
      if (rate > 0) await delay(Math.max(0, begin + (made / rate) * 1_000 - performance.now()));
      made++;
      await new Promise((resolve) => {
        get(`http://127.0.0.1:${port}/products?page=1`, { agent }, (response) => {
          response.resume().on('end', resolve);
        }).on('error', resolve);
      });
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, one));
  const used = (await cpu()) - before;
  agent.destroy();
  return used / count;
}

async function cpu() {
  gateway.send('cpu');
  const { user, system } = (await answer()).cpu;
  return user + system;
}

function answer() {
  return new Promise((resolve) => gateway.once('message', resolve));
}

/** Reads the hooks' reports, as the extension does. */
function drain() {
  const chunk = Buffer.alloc(65_536);
  setInterval(() => {
    try {
      const length = readSync(reading, chunk);
      for (let index = 0; index < length; index++) if (chunk[index] === 10) lines++;
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
    }
  }, 10).unref();
}

/** As js-debug has it: the debugger is on, with asynchronous stacks 32 frames deep. */
async function inspectorOf(child) {
  const address = await new Promise((resolve) => {
    let text = '';
    child.stderr.on('data', (data) => {
      text += data;
      const [, found] = /listening on (ws:\S+)/.exec(text) ?? [];
      if (found !== undefined) resolve(found);
    });
  });
  let socket = null;
  let id = 0;
  const waiting = new Map();
  const send = (method, params) =>
    new Promise((resolve, reject) => {
      waiting.set(++id, { resolve, reject });
      socket.send(JSON.stringify({ id, method, params }));
    });
  return {
    async open() {
      if (socket !== null) return;
      socket = new WebSocket(address);
      await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }));
      socket.addEventListener('message', ({ data }) => {
        const message = JSON.parse(data);
        const { resolve, reject } = waiting.get(message.id) ?? {};
        waiting.delete(message.id);
        if (message.error !== undefined) reject?.(new Error(message.error.message));
        else resolve?.(message.result);
      });
      await send('Runtime.enable');
      await send('Debugger.enable');
      await send('Debugger.setAsyncCallStackDepth', { maxDepth: 32 });
    },
    close() {
      socket?.close();
      socket = null;
    },
    async evaluate(expression) {
      const { exceptionDetails } = await send('Runtime.evaluate', {
        expression,
        includeCommandLineAPI: true,
      });
      if (exceptionDetails !== undefined) throw new Error(exceptionDetails.text);
    },
  };
}
