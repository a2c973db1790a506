/** The file of a program or library as the helper has seen it, which may have been replaced at its path since. */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import type { ProgramFile } from '../../helper/protocol.ts';
import { isUnreadable } from '../../helper/tls/elf.ts';

/**
 * @param read converts the open file to the result, and owns it from then on
 * @returns null when the file at that path is another one, or cannot be read
 * @throws what `read` throws, except the errors for an unreadable file (helper/tls/elf.ts)
 */
export function readProgramFile<T>(
  { path, device, inode, size, modified }: ProgramFile,
  read: (descriptor: number) => T,
): T | null {
  let descriptor: number | null = null;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    const now = fstatSync(descriptor, { bigint: true });
    const same =
      now.dev.toString() === device &&
      now.ino.toString() === inode &&
      now.size.toString() === size &&
      now.mtimeNs.toString() === modified;
    if (same) return read(descriptor);
  } catch (error) {
    if (!isUnreadable(error)) throw error;
  }
  if (descriptor !== null) closeSync(descriptor);
  return null;
}
