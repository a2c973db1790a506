/**
 * Finds debuggees that no adapter reports, by means of /proc: the job of a terminal's shell, the tracees of a native
 * debugger, and programs that Ruby's debugger was loaded into.
 */
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { areEnds, connectionsOf } from './connections.ts';
import type { ProcessIds } from './debuggee.ts';
import { allProcesses, below, type ProcessEntry } from './processes.ts';

/**
 * The process that a program says it is. In a container or on another machine the same id is a different process, or none:
 * the parent tells them apart. As that may end between the answer and the look, the program is asked once more.
 * @param answers of the program, each asked for when it is needed
 * @returns null when there was no answer
 */
export async function localProcess(
  answers: AsyncIterable<ProcessIds>,
  entryOf: (pid: number) => Promise<ProcessEntry | null>,
): Promise<number | 'remote' | null> {
  let differences = 0;
  for await (const { pid, parent } of answers) {
    const entry = await entryOf(pid);
    if (entry !== null && (parent === null || entry.parent === parent)) return pid;
    if (++differences === 2) break;
  }
  return differences > 0 ? 'remote' : null;
}

/**
 * The process that a terminal's shell was asked to start, and whether that is certain.
 *
 * A shell that has just started runs programs from its rc files. With job control, which an interactive shell has, a
 * command that was typed is the terminal's foreground job, in a process group of its own; rc files run without job
 * control. In a shell without job control (`sh -c`), only the command line identifies it.
 *
 * @param args the command that the shell was asked to start, program first; empty when not known.
 * @returns null until it is found; `sure` when its command line is that of the launch.
 */
export async function jobOf(
  shell: number,
  args: readonly string[],
  proc = '/proc',
): Promise<{ readonly pid: number; readonly sure: boolean } | null> {
  const all = await allProcesses(proc);
  const candidates = below(all, shell);
  for (const { pid } of candidates) {
    if (args.length > 0 && isCommand(await commandLine(pid, proc), args)) return { pid, sure: true };
  }
  const own = all.find(({ pid }) => pid === shell);
  if (own === undefined || own.foreground === own.group) return null;
  const job = candidates.find(({ pid }) => pid === own.foreground);
  return job === undefined ? null : { pid: job.pid, sure: false };
}

/** The program itself may be another file (a link, a script's interpreter); its arguments are the same. */
export function isCommand(commandLine: readonly string[], args: readonly string[]): boolean {
  const rest = args.slice(1);
  if (rest.length > 0) {
    const at = commandLine.length - rest.length;
    return at > 0 && rest.every((arg, index) => commandLine[at + index] === arg);
  }
  const [program = ''] = args;
  return commandLine.length === 1 && basename(commandLine[0] ?? '') === basename(program);
}

/** Descendants of `roots` that a debugger with a matching name traces by ptrace, parents before children. */
export async function tracedBelow(
  roots: readonly number[],
  debuggerName: RegExp,
  proc = '/proc',
): Promise<number[]> {
  const found: number[] = [];
  for (const { pid } of belowAll(await allProcesses(proc), roots)) {
    const tracer = await tracerOf(pid, proc);
    if (tracer === 0) continue;
    // The tracer is a thread: its thread group has the debugger's name.
    const group = Number(field(await status(tracer, proc), 'Tgid'));
    if (debuggerName.test(field(await status(group, proc), 'Name'))) found.push(pid);
  }
  return found;
}

/** Thread that traces a process by ptrace; 0 when there is none. */
async function tracerOf(pid: number, proc = '/proc'): Promise<number> {
  return Number(field(await status(pid, proc), 'TracerPid')) || 0;
}

/** How Ruby's `rdbg` loads itself into the program that it executes; children of that program inherit it. */
const RUBY_DEBUG = /^RUBYOPT=.*-r *\S*\bdebug\/(?:open|start)/;

/**
 * Descendants of `roots` that were started under Ruby's debugger, without their own descendants, most likely first:
 * those that `client` is connected to, then the newest. A program continues when its session is disconnected, so there
 * may be several.
 */
export async function rubyDebuggeesBelow(
  roots: readonly number[],
  client: number,
  proc = '/proc',
): Promise<number[]> {
  const found: (ProcessEntry & { readonly isConnected: boolean })[] = [];
  /** Found programs and descendants. */
  const inside = new Set<number>();
  const ends = await connectionsOf(client, proc);
  for (const entry of belowAll(await allProcesses(proc), roots)) {
    const { pid, parent } = entry;
    const environment = await strings(join(proc, String(pid), 'environ'));
    if (!inside.has(parent) && !environment.some((variable) => RUBY_DEBUG.test(variable))) continue;
    if (!inside.has(parent)) {
      const own = await connectionsOf(pid, proc);
      found.push({ ...entry, isConnected: own.some((one) => ends.some((other) => areEnds(one, other))) });
    }
    inside.add(pid);
  }
  return found
    .sort((a, b) => Number(b.isConnected) - Number(a.isConnected) || b.started - a.started || b.pid - a.pid)
    .map(({ pid }) => pid);
}

function belowAll(all: readonly ProcessEntry[], roots: readonly number[]): ProcessEntry[] {
  const found = new Map<number, ProcessEntry>();
  for (const root of roots) for (const entry of below(all, root)) found.set(entry.pid, entry);
  return [...found.values()];
}

function commandLine(pid: number, proc: string): Promise<string[]> {
  return strings(join(proc, String(pid), 'cmdline'));
}

/** Strings that each end with a NUL. */
async function strings(file: string): Promise<string[]> {
  try {
    return (await readFile(file, 'utf8')).replace(/\0$/, '').split('\0');
  } catch {
    return []; // It has ended, or is another user's.
  }
}

async function status(pid: number, proc: string): Promise<string> {
  try {
    return await readFile(join(proc, String(pid), 'status'), 'utf8');
  } catch {
    return '';
  }
}

function field(text: string, name: string): string {
  return new RegExp(`^${name}:\\t(.*)$`, 'm').exec(text)?.[1] ?? '';
}
