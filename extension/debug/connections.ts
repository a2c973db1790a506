/** TCP connections of processes, from /proc: which process has the other end. */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';

/** One end of a connection; addresses as the kernel writes them, `0100007F:1F90`. */
export interface End {
  readonly local: string;
  readonly remote: string;
}

/** TCP_ESTABLISHED. */
const ESTABLISHED = '01';
/** IPv4-mapped prefix in /proc/net/tcp6. */
const MAPPED = /^0000000000000000FFFF0000/;

/** Established connections that this process has open; none when it is gone, or another user's. */
export async function connectionsOf(pid: number, proc = '/proc'): Promise<End[]> {
  const folder = join(proc, String(pid));
  const open = await socketsOf(folder);
  if (open.size === 0) return [];
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((name) => readFile(join(folder, 'net', name), 'utf8').catch(() => '')),
  );
  return tables.flatMap((table) =>
    table.split('\n').flatMap((line) => {
      const [, local, remote, state, , , , , , inode] = line.trim().split(/\s+/);
      if (state !== ESTABLISHED || local === undefined || remote === undefined) return [];
      return open.has(inode ?? '') ? [{ local, remote }] : [];
    }),
  );
}

/** Whether these are the two ends of one connection, if their processes are in one network namespace. */
export function areEnds(one: End, other: End): boolean {
  return plain(one.local) === plain(other.remote) && plain(one.remote) === plain(other.local);
}

function plain(address: string): string {
  return address.replace(MAPPED, '');
}

/** Inodes of the sockets that a process has open. */
async function socketsOf(folder: string): Promise<Set<string>> {
  const names = await readdir(join(folder, 'fd')).catch(() => []);
  const links = await Promise.all(names.map((name) => readlink(join(folder, 'fd', name)).catch(() => '')));
  return new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []));
}
