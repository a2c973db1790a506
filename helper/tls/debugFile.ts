/**
 * The file that has the debug information of a stripped one, as distributions install it: by its build id, below
 * /usr/lib/debug (sourceware.org/gdb/onlinedocs/gdb/Separate-Debug-Files.html). Both must have the same id.
 */
import { closeSync, constants, openSync } from 'node:fs';
import { ElfFile, isUnreadable } from './elf.ts';

const FOLDER = '/usr/lib/debug/.build-id';
const MAX_NOTE = 1_024;
const NT_GNU_BUILD_ID = 3;

/** @returns null when there is none. The caller closes its descriptor. */
export function separateDebugFile(elf: ElfFile, folder = FOLDER): ElfFile | null {
  const id = buildId(elf);
  if (id === null) return null;
  let descriptor: number | null = null;
  try {
    const path = `${folder}/${id.slice(0, 2)}/${id.slice(2)}.debug`;
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const found = ElfFile.read(descriptor);
    if (buildId(found) === id) return found;
  } catch (error) {
    if (!isUnreadable(error)) throw error;
  }
  if (descriptor !== null) closeSync(descriptor);
  return null;
}

/** In hexadecimal; null when there is none. */
export function buildId(elf: ElfFile): string | null {
  const note = elf.section('.note.gnu.build-id');
  if (note === null || note.size > MAX_NOTE || note.size < 16) return null;
  const bytes = elf.bytes(note.offset, note.size);
  const [name, length] = [bytes.readUInt32LE(0), bytes.readUInt32LE(4)];
  if (name !== 4 || bytes.readUInt32LE(8) !== NT_GNU_BUILD_ID || length < 4 || 16 + length > bytes.length)
    return null;
  return bytes.toString('hex', 16, 16 + length);
}
