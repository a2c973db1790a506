/** Finds the processes that may start debuggees. */
import { readFile } from 'node:fs/promises';
import { allProcesses, type ProcessEntry, processEntry } from './processes.ts';

/**
 * The extension host, which starts adapters and debuggees, and the host of the terminals. While no terminal is
 * open, the terminals have no host yet: then the process that will start it, which also started the extension host.
 */
export async function seeds(extensionHost = process.pid, proc = '/proc'): Promise<number[]> {
  const own = await processEntry(extensionHost, proc);
  if (own === null) return [extensionHost];
  const siblings = (await allProcesses(proc)).filter(({ parent }) => parent === own.parent);
  const hosts: number[] = [];
  for (const sibling of siblings) if (await isTerminalHost(sibling, proc)) hosts.push(sibling.pid);
  return [extensionHost, ...(hosts.length > 0 ? hosts : own.parent > 1 ? [own.parent] : [])];
}

/** VS Code's pty host: a server starts it with `--type=ptyHost`, Electron with that name among the utility's arguments. */
async function isTerminalHost({ pid }: ProcessEntry, proc: string): Promise<boolean> {
  try {
    return /ptyHost|pty-host/.test(await readFile(`${proc}/${pid}/cmdline`, 'utf8'));
  } catch {
    return false; // It has ended, or is another user's.
  }
}
