/** For `http-trace doctor --pid`: prints the TLS libraries of one process, without a trace. */
import type { TlsLibrary } from '../protocol.ts';
import { describe, TlsFinder } from './finder.ts';
import { readCodeMappings } from './maps.ts';

/** null: the process cannot be inspected. `attached` means that a trace would attach to the library. */
export interface Report {
  readonly libraries: readonly TlsLibrary[] | null;
}

export async function reportLibraries(pid: number): Promise<void> {
  process.stdout.write(`${JSON.stringify(await inspect(pid))}\n`);
}

async function inspect(pid: number): Promise<Report> {
  // Every process has code mappings. If none are visible, it belongs to another user.
  if (!Number.isSafeInteger(pid) || readCodeMappings(pid).length === 0) return { libraries: null };
  const finder = await TlsFinder.create();
  try {
    return { libraries: describe(await finder.findAll(pid), () => true) };
  } finally {
    finder.close();
  }
}
