// The processes of the benchmark: each is ended with it, whatever happens.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const httpTrace = join(root, 'dist/http-trace');

/** For files of this run. */
export const folder = mkdtempSync(join(tmpdir(), 'http-trace-bench-'));

/** Milliseconds that a process has to end in. */
const PATIENCE = 60_000;

const started = new Set();
process.on('exit', () => {
  for (const child of started) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

export function fail(message) {
  console.error(`bench: ${message}`);
  process.exit(1);
}

export function start(command, args, { stdio = 'ignore', env = process.env } = {}) {
  const child = spawn(command, args, { stdio, env });
  started.add(child);
  child.on('error', (error) => fail(`${command} cannot be started: ${error.message}`));
  child.on('exit', () => started.delete(child));
  return child;
}

/** Sends the signal; resolves when it has ended, which it is made to after a while. */
export async function end(child, signal = 'SIGTERM') {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE);
  child.kill(signal);
  await once(child, 'exit');
  clearTimeout(timer);
}

/** Its output, when it has ended. @param accept exit codes that are not failures */
export async function output(command, args, { accept = [0] } = {}) {
  const child = start(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [text, errors] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (piece) => {
    text += piece;
  });
  child.stderr.setEncoding('utf8').on('data', (piece) => {
    errors += piece;
  });
  const [code] = await once(child, 'close');
  if (!accept.includes(code))
    fail(`${command} ended with ${code}: ${errors.slice(-1000)}${text.slice(-300)}`);
  return text;
}

/** Resolves with the first line that contains the text. The stream is read on, so that it never fills. */
export async function lineWith(child, stream, text) {
  let words = '';
  const line = await new Promise((resolve) => {
    const lines = createInterface({ input: stream });
    lines.on('line', (one) => {
      if (words.length < 4_000) words += `${one}\n`;
      if (one.includes(text)) resolve(one);
    });
    lines.on('close', () => resolve(null));
  });
  if (line === null) fail(`${child.spawnargs.slice(0, 4).join(' ')} ended before ${text}: ${words}`);
  return line;
}

/** Resolves when something listens on the port. */
export async function answers(port) {
  for (let attempt = 0; attempt < 400; attempt++) {
    const socket = connect(port, '127.0.0.1');
    const open = await new Promise((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (open) return;
    await sleep(50);
  }
  fail(`nothing answers on port ${port}`);
}
