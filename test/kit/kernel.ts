/** What a process holds in the kernel, and whether it is still there. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

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

/** Its children, theirs and so on. */
export function descendantsOf(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)]);
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

/** Those of them that the kernel still has. */
export function stillThere(held: Held): Held {
  const all = (kind: string): Set<number> => {
    const { stdout, status } = spawnSync('bpftool', ['-j', kind, 'list'], {
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    });
    if (status !== 0) throw new Error(`bpftool ${kind} list failed`);
    return new Set((JSON.parse(stdout) as { id: number }[]).map(({ id }) => id));
  };
  const left = (kind: string, ids: readonly number[]): number[] => {
    const there = all(kind);
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
