/** Processes that do not end although they should: what each waits for, and their end. */
import { readFileSync } from 'node:fs';
import { descendantsOf } from './kernel.ts';

/**
 * Kills everything below a process, not the process itself.
 * @returns what each of them was doing, for the message of a failed test
 */
export function killBelow(pid: number): string {
  const found = descendantsOf(pid);
  const described = found.map(describe);
  for (const one of found) {
    try {
      process.kill(one, 'SIGKILL');
    } catch {} // It has ended meanwhile.
  }
  return described.length === 0 ? 'nothing was running' : `killed: ${described.join('; ')}`;
}

/** Its command, and the kernel function and the system call in which it waits. */
function describe(pid: number): string {
  const command = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
  const call = read(`/proc/${pid}/syscall`).split(' ').slice(0, 3).join(' ');
  return `${pid} (${command}) waits in ${read(`/proc/${pid}/wchan`) || 'nothing'}, system call ${call}`;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1').trim();
  } catch {
    return '';
  }
}
