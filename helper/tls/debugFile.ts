/**
 * Finds the file with the debug information of a stripped one
 * (sourceware.org/gdb/onlinedocs/gdb/Separate-Debug-Files.html): by its build id, below /usr/lib/debug, as distributions
 * install it, or beside it by the name in `.gnu_debuglink`. Both must have the same build id; where there is none, the
 * checksum must match.
 */
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { dirname, join } from 'node:path';
import zlib from 'node:zlib';
import { ElfFile, isUnreadable } from './elf.ts';

const FOLDER = '/usr/lib/debug';
const MAX_NOTE = 1_024;
const NT_GNU_BUILD_ID = 3;
/** NAME_MAX, a NUL and the checksum. */
const MAX_LINK = 264;
/** Largest file to checksum, in bytes: this takes a tenth of a second. */
const MAX_CHECKED = 64 * 1024 * 1024;
const CHUNK = 1024 * 1024;

interface Link {
  readonly name: string;
  /** CRC-32 of the whole file. */
  readonly checksum: number;
}

/**
 * @param path of the stripped file; null: not known
 * @returns null when there is none. The caller closes its descriptor.
 */
export function separateDebugFile(elf: ElfFile, path: string | null, folder = FOLDER): ElfFile | null {
  const id = buildId(elf);
  if (id !== null) {
    const found = opened(`${folder}/.build-id/${id.slice(0, 2)}/${id.slice(2)}.debug`, id, null);
    if (found !== null) return found;
  }
  const link = path === null ? null : debugLink(elf);
  if (path === null || link === null) return null;
  const own = dirname(path);
  for (const place of [own, join(own, '.debug'), join(folder, own)]) {
    const found = opened(join(place, link.name), id, link.checksum);
    if (found !== null) return found;
  }
  return null;
}

/** null: it is not there, is another one, or has no lines. */
function opened(path: string, id: string | null, checksum: number | null): ElfFile | null {
  let descriptor: number | null = null;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const found = ElfFile.read(descriptor);
    const isIt = id === null ? checksum !== null && checksumOf(found) === checksum : buildId(found) === id;
    if (isIt && hasLines(found)) return found;
  } catch (error) {
    if (!isUnreadable(error)) throw error;
  }
  if (descriptor !== null) closeSync(descriptor);
  return null;
}

export function hasLines({ sections }: ElfFile): boolean {
  return sections.some(({ name, size, packed }) => name === '.debug_line' && size + packed > 0);
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

/** A name without a folder, its NUL, padding to four bytes, and the checksum. */
function debugLink(elf: ElfFile): Link | null {
  const section = elf.section('.gnu_debuglink');
  if (section === null || section.size > MAX_LINK || section.size < 8) return null;
  const bytes = elf.bytes(section.offset, section.size);
  const end = bytes.indexOf(0);
  const at = Math.ceil((end + 1) / 4) * 4;
  if (end <= 0 || at + 4 > bytes.length) return null;
  const name = bytes.toString('utf8', 0, end);
  if (name.includes('/') || name === '.' || name === '..') return null;
  return { name, checksum: bytes.readUInt32LE(at) };
}

/** null: it is too large. */
function checksumOf({ descriptor, size }: ElfFile): number | null {
  // Node.js 20.15 and 22.2 are the first that have it.
  if (size > MAX_CHECKED || typeof zlib.crc32 !== 'function') return null;
  const chunk = Buffer.allocUnsafe(CHUNK);
  let sum = 0;
  for (let at = 0; at < size; ) {
    const read = readSync(descriptor, chunk, 0, CHUNK, at);
    if (read === 0) return null;
    sum = zlib.crc32(chunk.subarray(0, read), sum);
    at += read;
  }
  return sum;
}
