/** What the client needs to know about a Go program to find source lines for addresses in its file. */
import { fstatSync, readlinkSync } from 'node:fs';
import type { GoProgram } from '../protocol.ts';
import type { LibraryFile } from './finder.ts';
import { FIRST_CALLER_FUNCTION } from './functions.ts';

/** @returns null for what has no probes that show callers, or cannot be named. */
export function goProgram({ probes, descriptor }: LibraryFile, number: number): GoProgram | null {
  const callers = probes.filter(({ function: of }) => of >= FIRST_CALLER_FUNCTION);
  if (callers.length === 0 || descriptor === null) return null;
  try {
    const { dev, ino, size, mtimeNs } = fstatSync(descriptor, { bigint: true });
    return {
      file: number,
      path: readlinkSync(`/proc/self/fd/${descriptor}`),
      device: dev.toString(),
      inode: ino.toString(),
      size: size.toString(),
      modified: mtimeNs.toString(),
      places: callers.map(({ function: of, place }) => ({ function: of, offset: place.offset })),
    };
  } catch {
    return null;
  }
}
