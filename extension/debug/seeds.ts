/** Finds the processes that may start debuggees. A launch waits for them, so only the few that matter are looked at. */
import { readdir, readFile } from 'node:fs/promises';
import { allProcesses, processEntry } from './processes.ts';

/**
 * The extension host, which starts adapters and debuggees, and the host of the terminals. While no terminal is
 * open, the terminals have no host yet: then the process that will start it, which also started the extension host.
 */
export async function seeds(extensionHost = process.pid, proc = '/proc'): Promise<number[]> {
  const own = await processEntry(extensionHost, proc);
  if (own === null) return [extensionHost];
  const siblings = (await childrenOf(own.parent, proc)) ?? (await childrenAmongAll(own.parent, proc));
  const hosts: number[] = [];
  for (const pid of siblings) if (await isTerminalHost(pid, proc)) hosts.push(pid);
  return [extensionHost, ...(hosts.length > 0 ? hosts : own.parent > 1 ? [own.parent] : [])];
}

/** From its threads' lists (proc_pid_children(5)); null if the kernel has none. */
async function childrenOf(pid: number, proc: string): Promise<number[] | null> {
  try {
    const threads = `${proc}/${pid}/task`;
    const lists = await Promise.all(
      (await readdir(threads)).map((thread) => readFile(`${threads}/${thread}/children`, 'latin1')),
    );
    return lists.flatMap((list) => list.split(' ').filter(Boolean).map(Number));
  } catch {
    return null;
  }
}

async function childrenAmongAll(pid: number, proc: string): Promise<number[]> {
  return (await allProcesses(proc)).filter(({ parent }) => parent === pid).map((entry) => entry.pid);
}

/** VS Code's pty host: a server starts it with `--type=ptyHost`, Electron with that name among the utility's arguments. */
async function isTerminalHost(pid: number, proc: string): Promise<boolean> {
  try {
    return /ptyHost|pty-host/.test(await readFile(`${proc}/${pid}/cmdline`, 'utf8'));
  } catch {
    return false; // It has ended, or is another user's.
  }
}
