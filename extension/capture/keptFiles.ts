/**
 * The files in which a window keeps its traces: their names, their owners, and how they are read back. A trace has one or
 * more parts, each of which is a recording without an end mark. Beyond the limit the oldest parts are deleted.
 */
import { createReadStream, readFileSync } from 'node:fs';
import { chmod, mkdir, readdir, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { startTicksOf } from '../../helper/procStat.ts';

const FOLDER_MODE = 0o700;
const SUFFIX = '.httptrace';
/** Bytes of a recording's header; skipped in all but the first part when parts are joined. */
const HEADER_SIZE = 16;

export interface KeptPart {
  readonly path: string;
  /** Milliseconds since the epoch at which its trace began. */
  readonly began: number;
  /** Process id of the extension host that writes it, or that has taken it over. */
  readonly pid: number;
  /** Identifies the run of VS Code (or of its server, if remote) that wrote it. */
  readonly run: string;
  /** From 1. */
  readonly part: number;
  readonly size: number;
}

const NAME = /^(\d{1,16})_(\d{1,10})_([0-9-]{1,40})_(\d{1,6})\.httptrace$/;

export function keptName({ began, pid, run, part }: Omit<KeptPart, 'path' | 'size'>): string {
  return `${began}_${pid}_${run}_${part}${SUFFIX}`;
}

/** Makes the folder, for its owner only. */
export async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
  await chmod(folder, FOLDER_MODE);
}

/** Oldest first; empty if there is no folder. */
export async function keptParts(folder: string): Promise<KeptPart[]> {
  const names = await readdir(folder).catch(() => []);
  const parts: KeptPart[] = [];
  for (const name of names) {
    const [, began = '', pid = '', run = '', part = ''] = NAME.exec(name) ?? [];
    if (began === '') continue;
    const path = join(folder, name);
    const stats = await stat(path).catch(() => null);
    if (stats?.isFile() !== true) continue;
    parts.push({
      path,
      began: Number(began),
      pid: Number(pid),
      run,
      part: Number(part),
      size: stats.size,
    });
  }
  return parts.sort((a, b) => a.began - b.began || a.part - b.part);
}

/**
 * Whether an ended extension host's traces are shown again.
 * @param keep the setting: never, after a reload, or also when VS Code was closed.
 * @param run the run of VS Code that wrote them.
 * @param now the run of this window.
 */
export function comesBack(keep: 'never' | 'reload' | 'always', run: string, now: string): boolean {
  return keep === 'always' || (keep === 'reload' && run === now);
}

/** The parts of each trace, oldest trace first. */
export function byTrace(parts: readonly KeptPart[]): KeptPart[][] {
  const traces = new Map<string, KeptPart[]>();
  for (const part of parts) {
    const key = `${part.began} ${part.pid}`;
    traces.set(key, [...(traces.get(key) ?? []), part]);
  }
  return [...traces.values()];
}

export async function removeParts(parts: readonly KeptPart[]): Promise<void> {
  for (const { path } of parts) await unlink(path).catch(() => {});
}

/** Makes this process their owner. */
export async function takeOver(folder: string, parts: readonly KeptPart[]): Promise<KeptPart[]> {
  const taken: KeptPart[] = [];
  for (const part of parts) {
    const own = { ...part, pid: process.pid };
    const path = join(folder, keptName(own));
    const moved = await rename(part.path, path).then(
      () => true,
      () => false,
    );
    if (moved) taken.push({ ...own, path });
  }
  return taken;
}

/** Several parts as one recording. */
export async function* joined(parts: readonly KeptPart[], pieceSize: number): AsyncGenerator<Uint8Array> {
  for (const [i, { path }] of parts.entries()) {
    const start = i === 0 ? 0 : HEADER_SIZE;
    for await (const piece of createReadStream(path, { start, highWaterMark: pieceSize })) yield piece;
  }
}

/** Does this process exist? EPERM means yes. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * Distinguishes a reload of the window from a new start of VS Code: on a reload, the parent of the extension host, which is
 * VS Code's main process or its server, stays the same. Linux only.
 */
export function thisRun(): string {
  const { ppid } = process;
  return `${ppid}-${startTicksOf(statusOf(ppid))}`;
}

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return '';
  }
}
