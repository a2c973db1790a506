/**
 * Which processes may become targets: the requester's own, checked through a pidfd, so that a process id
 * that is reused between the check and its use is noticed.
 */
import { closeSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import type { Descriptors, Facts } from './facts.ts';
import { type Native, SetWhen } from './native.ts';
import { Parents } from './parents.ts';
import { statAfterName } from './procStat.ts';
import type { Attach, AttachError, ProcessInfo } from './protocol.ts';

/** bpf/trace_http.h */
export const TARGET_NO_CHILDREN = 1;
export const TARGET_SEED = 2;
/** How long parents are cached: seeds that are armed together share them. */
const FRESH_MS = 1_000;

interface ProcessStatus {
  readonly name: string;
  readonly threadGroup: number;
  /** Real, effective, saved, of the file system. */
  readonly uids: readonly number[];
  readonly gids: readonly number[];
  readonly capabilities: bigint;
  readonly hasMemory: boolean;
  readonly state: string;
}

export class Targets {
  /** Where a process is entered; in a container the kernel learns its real id at its next call. */
  readonly #map: number;
  /** 0 may trace every process. */
  readonly #owner: number;
  readonly #groups: ReadonlySet<number>;

  readonly #native: Native;
  readonly #maps: Pick<Descriptors, 'targets' | 'namedTargets'>;
  #parents = new Parents();
  #parentsSince = Number.NEGATIVE_INFINITY;

  constructor(
    native: Native,
    facts: Pick<Facts, 'owner' | 'groups' | 'foreignPids'>,
    maps: Pick<Descriptors, 'targets' | 'namedTargets'>,
  ) {
    this.#native = native;
    this.#maps = maps;
    this.#map = facts.foreignPids ? maps.namedTargets : maps.targets;
    this.#owner = facts.owner;
    this.#groups = new Set(facts.groups);
  }

  /** The process itself first, then those of its descendants that already run. */
  attach({ request, pid, children, seed = false }: Attach): ProcessInfo[] {
    const flags = (children ? 0 : TARGET_NO_CHILDREN) | (seed ? TARGET_SEED : 0);
    const first = this.#attachOne(request, pid, flags);
    if (first.error !== null || !children) return [first];
    const attached = new Map([[pid, first]]);
    const parents = this.#freshParents();
    // A child forked during the search is followed by the kernel; one forked earlier is found here.
    for (let found = true; found; ) {
      found = false;
      for (const [child, parent] of parents.refresh()) {
        if (!attached.has(parent) || attached.has(child)) continue;
        attached.set(child, this.#attachOne(0, child, flags));
        found = true;
      }
    }
    return [...attached.values()].filter((info) => info === first || info.error === null);
  }

  /** @param seed its own calls are no longer seen, but what it starts from now on is a target. */
  detach(pid: number, seed: boolean): void {
    if (!seed) {
      this.#native.deleteTarget(this.#map, pid);
      return;
    }
    // Where processes are named in their own namespace the kernel has its own entry, which would not change.
    if (this.#map === this.#maps.namedTargets) return;
    try {
      this.#native.setTarget(this.#map, pid, TARGET_SEED, startTicks(pid), SetWhen.IfThere);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error; // It has ended meanwhile.
    }
  }

  /** Removes all targets. */
  clear(): void {
    for (const map of [this.#maps.namedTargets, this.#maps.targets]) this.#native.clearTargets(map);
  }

  get count(): number {
    const { namedTargets, targets } = this.#maps;
    return (this.#native.listTargets(namedTargets).length + this.#native.listTargets(targets).length) / 2;
  }

  /**
   * The traced processes, without seeds; null where the kernel has other ids for them than /proc here.
   * Those that the kernel follows are among them.
   */
  get traced(): number[] | null {
    if (this.#map === this.#maps.namedTargets) return null;
    const list = this.#native.listTargets(this.#map);
    return list.filter((_, index) => index % 2 === 0 && ((list[index + 1] as number) & TARGET_SEED) === 0);
  }

  #freshParents(): Parents {
    const now = performance.now();
    if (now - this.#parentsSince >= FRESH_MS) {
      this.#parents = new Parents();
      this.#parentsSince = now;
    }
    return this.#parents;
  }

  #attachOne(request: number, pid: number, flags: number): ProcessInfo {
    const seed = (flags & TARGET_SEED) !== 0;
    const refuse = (error: AttachError, message: string): ProcessInfo => ({
      request,
      pid,
      error,
      message,
      name: null,
      seed,
    });
    let pidfd: number;
    try {
      pidfd = this.#native.openPidfd(pid);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'ESRCH') return refuse('not-found', `There is no process ${pid}.`);
      if (readStatus(pid) !== null) return refuse('not-process', `${pid} is a thread, not a process.`);
      return refuse('not-found', `There is no process ${pid}.`);
    }
    try {
      const status = readStatus(pid);
      if (status === null || !this.#native.isAlive(pidfd)) {
        return refuse('gone', `Process ${pid} has ended.`);
      }
      if (status.threadGroup !== pid) return refuse('not-process', `${pid} is a thread, not a process.`);
      if (status.state.startsWith('Z')) return refuse('gone', `Process ${pid} (${status.name}) has ended.`);
      if (!status.hasMemory) {
        return isKernelThread(pid)
          ? refuse('not-process', `Process ${pid} (${status.name}) is a kernel thread.`)
          : refuse('gone', `Process ${pid} (${status.name}) has ended.`);
      }
      if (this.#owner !== 0 && status.uids.some((uid) => uid !== this.#owner)) {
        return refuse(
          'not-owner',
          `Process ${pid} (${status.name}) belongs to another user; only your own can be traced.`,
        );
      }
      // The eBPF programs check again at every call (bpf/owner.h). This check only serves to report why nothing would be seen.
      if (this.#owner !== 0) {
        const why = this.#whyNotOwners(pid, status);
        // What is left of a process that has ended belongs to root.
        if (why !== null && readStatus(pid)?.hasMemory !== true)
          return refuse('gone', `Process ${pid} (${status.name}) has ended.`);
        if (why !== null) return refuse('not-owner', `Process ${pid} (${status.name}) ${why}.`);
      }
      try {
        // A process that is already traced, or was just started by a seed, does not become a seed.
        const when = seed ? SetWhen.IfNew : SetWhen.Always;
        this.#native.setTarget(this.#map, pid, flags, startTicks(pid), when);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'EEXIST') return refuse('known', `Process ${pid} (${status.name}) is already traced.`);
        return code === 'E2BIG'
          ? refuse('too-many', 'Too many processes are traced already.')
          : refuse('kernel', `The kernel refused: ${(error as Error).message}.`);
      }
      // It has ended meanwhile: the id may belong to another process by now.
      if (!this.#native.isAlive(pidfd)) {
        this.#native.deleteTarget(this.#map, pid);
        return refuse('gone', `Process ${pid} has ended.`);
      }
      return { request, pid, error: null, message: '', name: nameOf(pid, status.name), seed };
    } finally {
      closeSync(pidfd);
    }
  }

  /** Why it may not be traced, to follow the process's name; null when it may. */
  #whyNotOwners(pid: number, status: ProcessStatus): string | null {
    if (hasMoreRights(pid, status)) return 'has more rights than you have; only your own can be traced';
    if (!this.#groups.has(status.gids[0] ?? -1) && !isInOtherNamespace(pid))
      return 'runs with a group that is not yours; if you have just been added to it, log in again';
    const owner = ownerOfMemory(pid);
    return owner === null || owner === this.#owner ? null : CLOSED;
  }
}

const CLOSED =
  'cannot be inspected: it changed its user without starting a new program, or protects itself, ' +
  'or you cannot read its program file; only root can trace it';

function readStatus(pid: number): ProcessStatus | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/status`, 'latin1');
  } catch {
    return null;
  }
  const fields = new Map(
    text.split('\n').map((line): [string, string] => {
      const colon = line.indexOf(':\t');
      return [line.slice(0, colon), line.slice(colon + 2)];
    }),
  );
  const field = (name: string): string => fields.get(name) ?? '';
  return {
    name: Buffer.from(field('Name'), 'latin1').toString('utf8'),
    threadGroup: Number(field('Tgid')),
    state: field('State'),
    uids: field('Uid').split('\t').map(Number),
    gids: field('Gid').split('\t').map(Number),
    capabilities: BigInt(`0x${field('CapPrm') || '0'}`),
    // Kernel threads and zombies have no memory.
    hasMemory: field('VmSize') !== '',
  };
}

/** A setgid program's process, or one with capabilities; capabilities in a user namespace apply only to what its creator owns. */
function hasMoreRights(pid: number, { gids, capabilities }: ProcessStatus): boolean {
  if (gids.some((gid) => gid !== gids[0])) return true;
  return capabilities !== 0n && !isInOtherNamespace(pid);
}

/** Also false if that may not be read: then the process has more rights, whatever its namespace. */
function isInOtherNamespace(pid: number): boolean {
  const namespace = namespaceOf(pid);
  return namespace !== null && namespace !== namespaceOf('self');
}

/** Root, if the kernel lets no other process of its user look into this one (task_dump_owner, fs/proc/base.c). */
function ownerOfMemory(pid: number): number | null {
  try {
    return statSync(`/proc/${pid}/mem`).uid;
  } catch {
    return null;
  }
}

function namespaceOf(pid: number | 'self'): string | null {
  try {
    return readlinkSync(`/proc/${pid}/ns/user`);
  } catch {
    return null;
  }
}

/** Node 24 gives its main thread, so the process, this name; the program's file says more. */
const GENERIC_NAME = 'MainThread';

function nameOf(pid: number, name: string): string {
  if (name !== GENERIC_NAME) return name;
  try {
    return basename(readlinkSync(`/proc/${pid}/exe`)).replace(/ \(deleted\)$/, '');
  } catch {
    return name;
  }
}

/** Clock ticks since boot; 0 when the process has ended. */
function startTicks(pid: number): number {
  return statField(pid, 22) >>> 0;
}

/** PF_KTHREAD of include/linux/sched.h. An exiting process loses its memory first, and only looks like one. */
function isKernelThread(pid: number): boolean {
  return (statField(pid, 9) & 0x0020_0000) !== 0;
}

/** proc_pid_stat(5): a field by its number there, from 3 up; 0 when the process has ended. */
function statField(pid: number, number: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(statAfterName(text).split(' ')[number - 3]);
  } catch {
    return 0;
  }
}
