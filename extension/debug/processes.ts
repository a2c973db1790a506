/** The processes of this machine, from /proc. All strings in it are chosen by other programs: treat them as text only. */
import { readFileSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { statAfterName } from '../../helper/procStat.ts';

export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  /** comm: up to 15 bytes. */
  readonly name: string;
  /** Start time in clock ticks since boot: greater is newer. */
  readonly started: number;
  /** Process group. */
  readonly group: number;
  /** Process group in the foreground of its terminal; -1 without a terminal. */
  readonly foreground: number;
}

export interface ProcessWithCommand extends ProcessEntry {
  /** Arguments, joined by spaces; never empty. */
  readonly command: string;
}

/** In /proc: USER_HZ is 100 on every kernel this runs on. */
const MS_PER_TICK = 10;
/** Longest command line that is kept, in characters; no line of a picker shows more. */
const MAX_COMMAND = 1_000;

/** `/proc/PID/stat` (proc_pid_stat(5)); null when it is not of that form. */
export function parseStat(text: string): ProcessEntry | null {
  // The name is in parentheses, and may itself contain parentheses, spaces and line ends.
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 0 || close < open) return null;
  const pid = Number(text.slice(0, open).trim());
  const rest = statAfterName(text).split(' ');
  const parent = Number(rest[1]);
  const group = Number(rest[2]);
  const foreground = Number(rest[5]);
  const started = Number(rest[19]);
  if (![pid, parent, started, group, foreground].every(Number.isSafeInteger) || pid <= 0) return null;
  return { pid, parent, name: text.slice(open + 1, close), started, group, foreground };
}

/**
 * Processes that the user may trace, newest first: those of the same user, for root all. Kernel threads, which
 * have no command line, and the process `except` (the extension host itself) are left out.
 */
export async function traceableProcesses(except: number, proc = '/proc'): Promise<ProcessWithCommand[]> {
  const uid = process.getuid?.() ?? -1;
  const found = await Promise.all(
    (await processIds(proc)).map(async (id): Promise<ProcessWithCommand | null> => {
      try {
        const folder = join(proc, id);
        if (uid !== 0 && (await stat(folder)).uid !== uid) return null;
        const [statText, commandLine] = await Promise.all([
          readFile(join(folder, 'stat'), 'utf8'),
          readFile(join(folder, 'cmdline'), 'utf8'),
        ]);
        const entry = parseStat(statText);
        const command = commandLine.split('\0').join(' ').trim().slice(0, MAX_COMMAND);
        return entry === null || command === '' || entry.pid === except ? null : { ...entry, command };
      } catch {
        return null; // It has ended meanwhile.
      }
    }),
  );
  return found
    .filter((entry): entry is ProcessWithCommand => entry !== null)
    .sort((a, b) => b.started - a.started || b.pid - a.pid);
}

/** One process; null when it does not exist. */
export async function processEntry(pid: number, proc = '/proc'): Promise<ProcessEntry | null> {
  try {
    return parseStat(await readFile(join(proc, String(pid), 'stat'), 'utf8'));
  } catch {
    return null;
  }
}

/** When a process was started, in milliseconds since boot; null when it does not exist. */
export function startOf(pid: number, proc = '/proc'): number | null {
  try {
    const entry = parseStat(readFileSync(join(proc, String(pid), 'stat'), 'utf8'));
    return entry === null ? null : entry.started * MS_PER_TICK;
  } catch {
    return null;
  }
}

/** All processes below this one, itself not included, parents before children. */
export async function descendants(pid: number, proc = '/proc'): Promise<ProcessEntry[]> {
  return below(await allProcesses(proc), pid);
}

export async function allProcesses(proc = '/proc'): Promise<ProcessEntry[]> {
  const entries = await Promise.all((await processIds(proc)).map((id) => processEntry(Number(id), proc)));
  return entries.filter((entry) => entry !== null);
}

/** Descendants of a process among these, itself not included, parents before children. */
export function below(entries: readonly ProcessEntry[], pid: number): ProcessEntry[] {
  const children = new Map<number, ProcessEntry[]>();
  for (const entry of entries) {
    const siblings = children.get(entry.parent);
    if (siblings === undefined) children.set(entry.parent, [entry]);
    else siblings.push(entry);
  }
  const found: ProcessEntry[] = [...(children.get(pid) ?? [])];
  const seen = new Set(found.map((entry) => entry.pid));
  for (const entry of found) {
    for (const child of children.get(entry.pid) ?? []) {
      if (seen.has(child.pid)) continue;
      seen.add(child.pid);
      found.push(child);
    }
  }
  return found;
}

async function processIds(proc: string): Promise<string[]> {
  return (await readdir(proc)).filter((name) => /^\d+$/.test(name));
}
