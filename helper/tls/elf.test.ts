import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { runs } from '../../test/kit/runs.ts';
import { ElfError, ElfFile } from './elf.ts';
import { identify } from './libraries.ts';
import { loadDisassembler } from './returns.ts';

// A busy machine needs its time.
vi.setConfig({ testTimeout: 60_000 });

const folder = mkdtempSync(join(tmpdir(), 'http-trace-elf-'));
beforeAll(loadDisassembler);
afterAll(() => rmSync(folder, { recursive: true }));

function withFile<T>(content: Uint8Array, use: (descriptor: number) => T): T {
  const path = join(folder, 'file');
  writeFileSync(path, content);
  const descriptor = openSync(path, 'r');
  try {
    return use(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

interface Symbol {
  readonly name: string;
  readonly value: bigint;
  readonly size: bigint;
  /** Low four bits STT_…, above STB_… */
  readonly info: number;
  readonly section: number;
}

const CODE_ADDRESS = 0x401000;
const CODE_OFFSET = 0x1000;
/** SSL_read and SSL_write: xor eax, eax; ret. SSL_free: ret. BIO_write: jmp rax. */
const CODE = Uint8Array.from([0x31, 0xc0, 0xc3, 0x90, 0x31, 0xc0, 0xc3, 0x90, 0xc3, 0x90, 0xff, 0xe0]);

/** An ELF file with one segment of code and one table of symbols. */
function makeElf(symbols: readonly Symbol[], options: { machine?: number; tableType?: number } = {}): Buffer {
  const names = Buffer.from(`\0${symbols.map(({ name }) => name).join('\0')}\0`, 'latin1');
  const table = Buffer.alloc(24 * (symbols.length + 1));
  let nameAt = 1;
  symbols.forEach(({ name, value, size, info, section }, index) => {
    const at = 24 * (index + 1);
    table.writeUInt32LE(nameAt, at);
    table[at + 4] = info;
    table.writeUInt16LE(section, at + 6);
    table.writeBigUInt64LE(value, at + 8);
    table.writeBigUInt64LE(size, at + 16);
    nameAt += name.length + 1;
  });
  const sectionNames = Buffer.from('\0.text\0.symtab\0.strtab\0.shstrtab\0');
  const parts: Buffer[] = [];
  let end = CODE_OFFSET + CODE.length;
  const place = (bytes: Buffer): number => {
    const at = Math.ceil(end / 8) * 8;
    parts.push(Buffer.alloc(at - end), bytes);
    end = at + bytes.length;
    return at;
  };
  const tableAt = place(table);
  const namesAt = place(names);
  const sectionNamesAt = place(sectionNames);
  const sections = [
    [0, 0, 0, 0, 0, 0],
    [1, 1, CODE_ADDRESS, CODE_OFFSET, CODE.length, 0],
    [7, options.tableType ?? 2, 0, tableAt, table.length, 3],
    [15, 3, 0, namesAt, names.length, 0],
    [23, 3, 0, sectionNamesAt, sectionNames.length, 0],
  ] as const;
  const headers = Buffer.alloc(64 * sections.length);
  sections.forEach(([name, type, address, offset, size, link], index) => {
    const at = 64 * index;
    headers.writeUInt32LE(name, at);
    headers.writeUInt32LE(type, at + 4);
    headers.writeBigUInt64LE(BigInt(address), at + 16);
    headers.writeBigUInt64LE(BigInt(offset), at + 24);
    headers.writeBigUInt64LE(BigInt(size), at + 32);
    headers.writeUInt32LE(link, at + 40);
  });
  const headersAt = place(headers);
  const head = Buffer.alloc(CODE_OFFSET);
  head.write('\x7fELF\x02\x01\x01', 'latin1');
  head.writeUInt16LE(2, 16);
  head.writeUInt16LE(options.machine ?? 62, 18);
  head.writeBigUInt64LE(64n, 32);
  head.writeBigUInt64LE(BigInt(headersAt), 40);
  head.writeUInt16LE(56, 54);
  head.writeUInt16LE(1, 56);
  head.writeUInt16LE(64, 58);
  head.writeUInt16LE(sections.length, 60);
  head.writeUInt16LE(4, 62);
  head.writeUInt32LE(1, 64); // PT_LOAD, readable and executable
  head.writeUInt32LE(5, 68);
  head.writeBigUInt64LE(BigInt(CODE_OFFSET), 72);
  head.writeBigUInt64LE(BigInt(CODE_ADDRESS), 80);
  head.writeBigUInt64LE(BigInt(CODE.length), 96);
  return Buffer.concat([head, CODE, ...parts]);
}

function aFunction(name: string, at: number, size: number, more: Partial<Symbol> = {}): Symbol {
  return { name, value: BigInt(CODE_ADDRESS + at), size: BigInt(size), info: 0x12, section: 1, ...more };
}

const LIBRARY = [
  aFunction('SSL_read', 0, 3),
  aFunction('SSL_write', 4, 3),
  aFunction('SSL_free', 8, 1),
  aFunction('BIO_write', 10, 2),
];

describe('an ELF file', () => {
  it('gives its functions by name, their offsets in the file, and how they return', () => {
    const library = withFile(makeElf(LIBRARY), identify);
    expect(library).toMatchObject({ part: 'tls', kind: 'openssl', version: null, returns: 'instructions' });
    expect(library?.probes.map(({ symbol, offset, kind }) => [symbol, offset - CODE_OFFSET, kind])).toEqual([
      ['SSL_read', 0, 'entry'],
      ['SSL_read', 2, 'return-instruction'],
      ['SSL_write', 4, 'entry'],
      ['SSL_write', 6, 'return-instruction'],
      ['SSL_free', 8, 'entry'],
      ['BIO_write', 10, 'entry'],
    ]);
  });

  it('has a uretprobe where a function may return in an unknown way, and reports that', () => {
    const other = [aFunction('SSL_read', 10, 2), aFunction('SSL_write', 4, 3)];
    const library = withFile(makeElf(other), identify);
    expect(library?.returns).toBe('uretprobe');
    expect(library?.probes.map(({ symbol, offset, kind }) => [symbol, offset - CODE_OFFSET, kind])).toEqual([
      ['SSL_read', 10, 'entry'],
      ['SSL_read', 10, 'uretprobe'],
      ['SSL_write', 4, 'entry'],
      ['SSL_write', 6, 'return-instruction'],
    ]);
  });

  it('is searched for functions that it defines: not for imports, data, or longer names', () => {
    const none = [
      aFunction('SSL_read', 0, 3, { section: 0 }),
      aFunction('SSL_write', 4, 3, { info: 0x11 }),
      aFunction('SSL_free', 8, 1),
      aFunction('SSL_reader', 0, 3),
      aFunction('MY_SSL_write', 4, 3),
    ];
    withFile(makeElf(none), (descriptor) => {
      const names = new Set(['SSL_read', 'SSL_write', 'SSL_free']);
      expect([...ElfFile.read(descriptor).functions(names, ['SSL_']).keys()]).toEqual(['SSL_free']);
      expect(identify(descriptor)).toBeNull();
    });
  });

  it('shares names: one may be the end of another', () => {
    const shared = makeElf([aFunction('MY_SSL_write', 4, 3)]);
    const at = shared.indexOf('MY_SSL_write');
    // The symbol's name now begins within the longer one.
    const table = shared.indexOf(Buffer.from([1, 0, 0, 0, 0x12, 0, 1, 0]));
    shared.writeUInt32LE(1 + 3, table);
    expect(at).toBeGreaterThan(0);
    withFile(shared, (descriptor) => {
      const found = ElfFile.read(descriptor).functions(new Set(['SSL_write']), ['SSL_']);
      expect(found.get('SSL_write')).toEqual({ name: 'SSL_write', address: CODE_ADDRESS + 4, size: 3 });
    });
  });

  it('prefers exported symbols over local ones', () => {
    const two = [aFunction('SSL_free', 0, 3, { info: 0x02 }), aFunction('SSL_free', 8, 1)];
    withFile(makeElf(two), (descriptor) => {
      const found = ElfFile.read(descriptor).functions(new Set(['SSL_free']), ['SSL_']);
      expect(found.get('SSL_free')?.address).toBe(CODE_ADDRESS + 8);
    });
  });

  it('maps addresses to the file only where the file has bytes for them', () => {
    withFile(makeElf(LIBRARY), (descriptor) => {
      const elf = ElfFile.read(descriptor);
      expect(elf.fileOffset(CODE_ADDRESS, true)).toBe(CODE_OFFSET);
      expect(elf.fileOffset(CODE_ADDRESS + CODE.length - 1)).toBe(CODE_OFFSET + CODE.length - 1);
      expect(elf.fileOffset(CODE_ADDRESS + CODE.length)).toBeNull();
      expect(elf.fileOffset(CODE_ADDRESS - 1)).toBeNull();
    });
  });

  it('of another machine or format is refused', () => {
    const cases = [
      Buffer.alloc(0),
      Buffer.from('#!/bin/sh\n'),
      makeElf(LIBRARY, { machine: 3 }),
      makeElf(LIBRARY).subarray(0, 63),
    ];
    for (const content of cases) {
      withFile(content, (descriptor) => {
        expect(() => ElfFile.read(descriptor)).toThrow(ElfError);
        expect(identify(descriptor)).toBeNull();
      });
    }
    const directory = openSync(folder, 'r');
    expect(identify(directory)).toBeNull();
    closeSync(directory);
  });
});

describe('a hostile ELF file', () => {
  const whole = makeElf(LIBRARY, { tableType: 11 });
  /** Where the headers and tables are: what is changed there changes what is read. */
  const spots = [
    ...Array(128).keys(),
    ...Array.from({ length: whole.length - 0x1000 }, (_, i) => 0x1000 + i),
  ];
  const value = fc.oneof(
    fc.constantFrom(0n, 1n, 0x7fffffffffffffffn, 0xffffffffffffffffn, 0x80000000n, 0xffffn),
    fc.bigInt({ min: 0n, max: 0xffffffffffffffffn }),
  );

  it('never throws, and yields no place outside of it', () => {
    const changes = fc.array(fc.tuple(fc.constantFrom(...spots), value, fc.constantFrom(1, 2, 4, 8)), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(changes, (list) => {
        const changed = Buffer.from(whole);
        for (const [at, number, size] of list) {
          const bytes = Buffer.alloc(8);
          bytes.writeBigUInt64LE(number);
          bytes.copy(changed, at, 0, Math.min(size, changed.length - at));
        }
        withFile(changed, (descriptor) => {
          for (const probe of identify(descriptor)?.probes ?? []) {
            expect(probe.offset >= 0 && probe.offset < changed.length).toBe(true);
          }
        });
      }),
      { numRuns: runs(200) },
    );
  });

  it('may be truncated anywhere', () => {
    for (let length = 0; length < whole.length; length += 37) {
      withFile(whole.subarray(0, length), (descriptor) => expect(() => identify(descriptor)).not.toThrow());
    }
  });

  it('made from a real one by changing numbers in its headers', () => {
    const real = readFileSync('/usr/bin/curl').subarray(0, 64 * 1024);
    fc.assert(
      fc.property(fc.nat({ max: 4_096 }), value, (at, number) => {
        const changed = Buffer.from(real);
        changed.writeBigUInt64LE(number, at);
        withFile(changed, (descriptor) => expect(() => identify(descriptor)).not.toThrow());
      }),
      { numRuns: runs(100) },
    );
  });
});
