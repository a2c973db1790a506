// CPU time of processes, of threads, and of eBPF programs.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { output } from './processes.mjs';

/** USER_HZ is 100 on every architecture that is supported. */
const TICK_MS = 10;
const STATISTICS = '/proc/sys/kernel/bpf_stats_enabled';

/** Milliseconds of CPU that a process has used so far; 0 when it has ended. */
export function processMs(pid) {
  return ticksOf(`/proc/${pid}/stat`) * TICK_MS;
}

/** The same of one of its threads. */
export function threadMs(pid, thread) {
  return ticksOf(`/proc/${pid}/task/${thread}/stat`) * TICK_MS;
}

/** Its threads' names, each with their milliseconds. */
export function threadsOf(pid) {
  const sums = {};
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const name = read(`/proc/${pid}/task/${thread}/comm`).trim();
    sums[name] = (sums[name] ?? 0) + threadMs(pid, thread);
  }
  return sums;
}

function ticksOf(file) {
  // The name, in parentheses, may have spaces. After it: state, 10 numbers, utime, stime.
  const fields = read(file).split(') ').at(-1).split(' ');
  return Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
}

function read(file) {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

/** While the kernel counts, each run of a program takes some 20 ns more: never in a round that is timed. */
export async function countingPrograms(work) {
  const before = read(STATISTICS).trim();
  writeFileSync(STATISTICS, '1');
  try {
    return await work();
  } finally {
    writeFileSync(STATISTICS, before);
  }
}

/** Milliseconds that these programs have run since the kernel counts. */
export async function programsMs(ids) {
  const wanted = new Set(ids);
  const programs = JSON.parse(await output('bpftool', ['-j', 'prog', 'list']));
  const sum = programs
    .filter(({ id }) => wanted.has(id))
    .reduce((total, { run_time_ns = 0 }) => total + run_time_ns, 0);
  return sum / 1e6;
}
