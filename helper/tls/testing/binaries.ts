/** For tests: programs and libraries as a compiler makes them. */
import { spawnSync } from 'node:child_process';

/** @throws with what gcc says */
export function compile(source: string, output: string, ...words: string[]): string {
  const { status, stderr, error } = spawnSync('gcc', ['-x', 'c', '-', '-x', 'none', '-o', output, ...words], {
    input: source,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`gcc: ${error?.message ?? stderr}`);
  return output;
}

export interface MadeSection {
  readonly name: string;
  /** SHT_… */
  readonly type?: number;
  readonly bytes: Buffer;
  readonly link?: number;
}

/** Where {@link elfOf} has the headers of sections. */
export const HEADERS = 64 + 56;
/** Where {@link elfOf} has the first byte of a file in memory. */
const BASE = 0x10_0000;

/**
 * An ELF file of nothing but sections, whose numbers begin with 1, as no compiler makes it. All of it is in one segment.
 */
export function elfOf(made: readonly MadeSection[]): Buffer {
  const names = Buffer.from(`\0${made.map(({ name }) => name).join('\0')}\0.shstrtab\0`, 'latin1');
  const all = [...made, { name: '.shstrtab', bytes: names, type: 3 }];
  const head = Buffer.alloc(HEADERS);
  head.write('\x7fELF\x02\x01\x01', 'latin1');
  head.writeUInt16LE(3, 16);
  head.writeUInt16LE(62, 18);
  head.writeBigUInt64LE(64n, 32);
  head.writeBigUInt64LE(BigInt(head.length), 40);
  head.writeUInt16LE(56, 54);
  head.writeUInt16LE(1, 56);
  head.writeUInt16LE(64, 58);
  head.writeUInt16LE(all.length + 1, 60);
  head.writeUInt16LE(all.length, 62);
  const headers = Buffer.alloc(64 * (all.length + 1));
  let offset = head.length + headers.length;
  let name = 1;
  all.forEach((section, index) => {
    const at = 64 * (index + 1);
    headers.writeUInt32LE(name, at);
    headers.writeUInt32LE(section.type ?? 1, at + 4);
    headers.writeBigUInt64LE(BigInt(BASE + offset), at + 16);
    headers.writeBigUInt64LE(BigInt(offset), at + 24);
    headers.writeBigUInt64LE(BigInt(section.bytes.length), at + 32);
    headers.writeUInt32LE(section.link ?? 0, at + 40);
    offset += section.bytes.length;
    name += section.name.length + 1;
  });
  head.writeUInt32LE(1, 64); // PT_LOAD
  head.writeUInt32LE(5, 68);
  head.writeBigUInt64LE(BigInt(BASE), 64 + 16);
  head.writeBigUInt64LE(BigInt(offset), 64 + 32);
  return Buffer.concat([head, headers, ...all.map(({ bytes }) => bytes)]);
}
