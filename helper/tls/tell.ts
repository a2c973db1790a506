/** What `http-trace doctor --pid` asks: the TLS libraries of one process, without a trace. */
import type { TlsLibrary } from '../protocol.ts';
import { describe, TlsFinder } from './finder.ts';
import { readCodeMappings } from './maps.ts';

/** null: the process cannot be looked into. `attached` says that it would be. */
export interface Told {
  readonly libraries: readonly TlsLibrary[] | null;
}

export async function tell(pid: number): Promise<void> {
  process.stdout.write(`${JSON.stringify(await look(pid))}\n`);
}

async function look(pid: number): Promise<Told> {
  // Every process has code; only that of another user cannot be seen.
  if (!Number.isSafeInteger(pid) || readCodeMappings(pid).length === 0) return { libraries: null };
  const finder = await TlsFinder.create();
  try {
    return { libraries: describe(await finder.findAll(pid), () => true) };
  } finally {
    finder.close();
  }
}
