/**
 * `sudo http-trace attach`: only the loader needs root. If all processes to be traced belong to the user who called sudo,
 * everything else is done as that user from the start: opening files, listening on the socket, reading hostile payload.
 * (`sudo http-trace run` runs its command as root, as sudo always does, and stays root to trace it.)
 */
import { statSync } from 'node:fs';

/**
 * Acts as the user who called sudo until {@link becomeInvoker}; in between only new processes can be root.
 * The environment (SUDO_UID) can be trusted here, because it can only take rights away.
 * @returns false when this is not root, not called by sudo, or a process is somebody else's
 */
export function actAsInvoker(pids: readonly number[]): boolean {
  const invoker = readInvoker();
  if (invoker === null || process.getuid?.() !== 0) return false;
  // One that has ended meanwhile, as one of a control group may, says nothing.
  const owners = pids.map(ownerOf).filter((owner) => owner !== null);
  if (owners.length === 0 || owners.some((owner) => owner !== invoker.uid)) return false;
  takeGroups(invoker);
  process.setegid?.(invoker.gid);
  process.seteuid?.(invoker.uid);
  return true;
}

/** Takes the user's own groups, because a process with other groups is not traced. */
function takeGroups({ uid, gid }: { readonly uid: number; readonly gid: number }): void {
  try {
    // @types/node has no such function.
    (process as unknown as { initgroups(user: number, group: number): void }).initgroups(uid, gid);
  } catch {
    process.setgroups?.([gid]); // no passwd entry
  }
}

/** Gives up root for good. */
export function becomeInvoker(): void {
  const invoker = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
  process.seteuid?.(0);
  process.setgid?.(invoker.gid);
  process.setuid?.(invoker.uid);
  if (process.getuid?.() !== invoker.uid || process.geteuid?.() !== invoker.uid) {
    throw new Error('The rights of root were not given up.');
  }
}

/** The user who called sudo, unless that was root. */
function readInvoker(): { readonly uid: number; readonly gid: number } | null {
  const { SUDO_UID: uid = '', SUDO_GID: gid = '' } = process.env;
  if (![uid, gid].every((id) => /^[1-9]\d{0,9}$/.test(id))) return null;
  return { uid: Number(uid), gid: Number(gid) };
}

function ownerOf(pid: number): number | null {
  try {
    return statSync(`/proc/${pid}`).uid;
  } catch {
    return null;
  }
}
