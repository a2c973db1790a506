/** What a process holds in the kernel, and whether it is still there. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface Held {
  readonly programs: readonly number[];
  readonly maps: readonly number[];
  readonly links: readonly number[];
}

/** The helper among the descendants of an http-trace. @throws when it has no helper */
export function helperOf(pid: number): number {
  for (const child of childrenOf(pid)) {
    const command = read(`/proc/${child}/cmdline`).split('\0');
    if (command.some((part) => part.endsWith('helper.js'))) return child;
    try {
      return helperOf(child);
    } catch {}
  }
  throw new Error(`process ${pid} has no helper`);
}

export function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      read(`/proc/${pid}/task/${thread}/children`).split(' ').filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
}

export function descendantsOf(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)]);
}

/** The targets of /proc/PID/fd in the order of descriptors, without those that are closed meanwhile. */
export function openFiles(pid: number): string[] {
  const descriptors = readdirSync(`/proc/${pid}/fd`).map(Number);
  descriptors.sort((a, b) => a - b);
  return descriptors.flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  });
}

/** From the descriptors of the process (proc_pid_fdinfo(5) of BPF objects). */
export function heldBy(pid: number): Held {
  const texts = readdirSync(`/proc/${pid}/fdinfo`).map((fd) => read(`/proc/${pid}/fdinfo/${fd}`));
  const ids = (kind: string): number[] =>
    texts.flatMap((text) =>
      [...text.matchAll(new RegExp(`^${kind}_id:\\s*(\\d+)`, 'gm'))].map((m) => Number(m[1])),
    );
  return { programs: ids('prog'), maps: ids('map'), links: ids('link') };
}

export const NOTHING_HELD: Held = { programs: [], maps: [], links: [] };

/** {@link heldBy}; nothing if the process has ended. */
export function heldIfRunning(pid: number): Held {
  try {
    return heldBy(pid);
  } catch {
    return NOTHING_HELD;
  }
}

export interface BpfObject {
  readonly id: number;
  readonly name?: string;
  readonly frozen?: number;
}

/** bpftool fails if an object that it has just listed disappears, even another trace's. */
const ATTEMPTS = 5;

/** All in the kernel. @param kind `prog`, `map` or `link` */
export function bpfObjects(kind: string): readonly BpfObject[] {
  let said = '';
  for (let i = 0; i < ATTEMPTS; i++) {
    const { stdout, stderr, status } = spawnSync('bpftool', ['-j', kind, 'list'], {
      encoding: 'utf8',
      maxBuffer: 1 << 26,
      timeout: 120_000,
    });
    if (status === 0) return JSON.parse(stdout) as BpfObject[];
    said = stderr || stdout;
  }
  throw new Error(`bpftool ${kind} list failed: ${said}`);
}

/** Those of them that the kernel still has. */
export function stillThere(held: Held): Held {
  const left = (kind: string, ids: readonly number[]): number[] => {
    const there = new Set(bpfObjects(kind).map(({ id }) => id));
    return ids.filter((id) => there.has(id));
  };
  return {
    programs: left('prog', held.programs),
    maps: left('map', held.maps),
    links: left('link', held.links),
  };
}

export function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A zombie has released everything.
    return !/^State:\s*Z/m.test(read(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
