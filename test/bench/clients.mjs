// Load generators. Each resolves with the calls, calls per second, and p50 and p99 latency in milliseconds.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fail, folder, output, root } from './processes.mjs';

/** Connections of a client that makes as many calls as it can. */
export const CONNECTIONS = 32;
/** Calls a second of one that makes one after the other. */
export const PACE = 770;

const UNITS = { us: 1e-3, ms: 1, s: 1e3, m: 6e4 };

/** As many calls as possible. */
export const saturate = (url, seconds) => wrk(url, seconds, []);

/** Each call on a connection of its own. */
export const shortConnections = (url, seconds) => wrk(url, seconds, ['-H', 'Connection: close']);

async function wrk(url, seconds, more) {
  const text = await output('wrk', ['-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '--latency', ...more, url]);
  const percentile = (share) => {
    const [, value, unit] = new RegExp(`^\\s*${share}%\\s+([\\d.]+)(us|ms|s|m)$`, 'm').exec(text) ?? [];
    return value === undefined ? null : Number(value) * UNITS[unit];
  };
  const [, rate] = /Requests\/sec:\s*([\d.]+)/.exec(text) ?? [];
  const [, calls] = /(\d+) requests in/.exec(text) ?? [];
  if (rate === undefined || calls === '0') fail(`wrk said: ${text}`);
  return { calls: Number(calls), rate: Number(rate), p50: percentile(50), p99: percentile(99) };
}

/** HTTP/2: as many calls as possible, 32 at once on each of 4 connections. */
export const saturate2 = (url, seconds) => h2load(url, seconds, ['-c4', '-m32']);

/** One call after the other, PACE in a second. */
export const sequential = (url, seconds) => h2load(url, seconds, ['--h1', '-c1', '-m1', `--rps=${PACE}`]);

async function h2load(url, seconds, more) {
  const log = join(folder, 'h2load.log');
  rmSync(log, { force: true });
  const text = await output('h2load', ['-D', String(seconds), ...more, `--log-file=${log}`, url]);
  // Microseconds since the epoch, status, microseconds.
  const calls = readFileSync(log, 'latin1')
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t').map(Number))
    .filter(([, status]) => status === 200);
  if (calls.length === 0) fail(`h2load said: ${text}`);
  const times = calls.map(([, , time]) => time / 1000).sort((a, b) => a - b);
  const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))];
  return { calls: calls.length, rate: calls.length / seconds, p50: at(0.5), p99: at(0.99) };
}

export async function echoes(url, seconds) {
  const program = join(root, 'test/bench/peers/echo.mjs');
  return JSON.parse(
    await output(process.execPath, [program, 'client', url, String(seconds), String(CONNECTIONS)]),
  );
}

/** System calls of an untraced program: dd's reads and writes of one byte. */
export async function systemCalls(_, seconds) {
  const count = Math.round(seconds * 1_000_000);
  const begin = performance.now();
  await output('dd', ['if=/dev/zero', 'of=/dev/null', 'bs=1', `count=${count}`, 'status=none']);
  const rate = (2 * count * 1000) / (performance.now() - begin);
  return { calls: 2 * count, rate, p50: null, p99: null };
}
