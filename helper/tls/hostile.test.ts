/** Libraries that are made to cost time: the helper reads what any process of its user has in memory. */
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cpuTime } from '../../extension/engine/testing/cpuTime.ts';
import { ElfFile } from './elf.ts';
import { SSL_FUNCTIONS } from './functions.ts';
import { identify } from './libraries.ts';
import { loadDisassembler } from './returns.ts';
import { compile, elfOf, HEADERS, type MadeSection } from './testing/binaries.ts';

const folder = mkdtempSync(join(tmpdir(), 'http-trace-hostile-'));
beforeAll(loadDisassembler);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const NAMED = SSL_FUNCTIONS.filter(({ calledBy }) => calledBy === null);

/** Every function of OpenSSL's that has a name, with that body. */
function library(name: string, body: string): string {
  const functions = NAMED.map(
    ({ symbol }) =>
      `.globl ${symbol}\n.type ${symbol}, @function\n${symbol}:\n${body}\n.size ${symbol}, . - ${symbol}\n`,
  );
  const source = `__asm__(${JSON.stringify(`.text\n${functions.join('')}`)});`;
  return compile(source, join(folder, `${name}.so`), '-shared', '-fPIC', '-nostdlib');
}

describe.skipIf(process.arch !== 'x64')('a library of', () => {
  it.each([
    ['4 MB of returns', `.fill ${4 * 1024 * 1024 + 1}, 1, 0xc3`],
    ['as many returns as a function may have', '.fill 65000, 1, 0xc3'],
    ['jumps to elsewhere', '.rept 10000\njmp . + 0x100000\n.endr\nret'],
    ['jumps to the next instruction', '.rept 30000\n.byte 0xeb, 0\n.endr\nret'],
    ['nothing that an instruction is', '.fill 65000, 1, 0x06'],
  ])('%s is looked at within two seconds of processor time, and has its probes', (name, body) => {
    const descriptor = openSync(library(name.replaceAll(' ', '-'), body), 'r');
    const found: ReturnType<typeof identify>[] = [];
    expect(cpuTime(() => found.push(identify(descriptor)))).toBeLessThan(2_000);
    closeSync(descriptor);
    const entries = found[0]?.probes.filter(({ kind }) => kind === 'entry') ?? [];
    expect(entries).toHaveLength(NAMED.length);
  });
});

describe('a file of nothing but tables', () => {
  function withElf<T>(bytes: Buffer, use: (descriptor: number) => T): T {
    const path = join(folder, 'tables');
    writeFileSync(path, bytes);
    const descriptor = openSync(path, 'r');
    try {
      return use(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }

  it('whose sections share a name of a megabyte is read without a copy for each', () => {
    const count = 200;
    const sections = Array.from({ length: count }, (): MadeSection => ({ name: '', bytes: Buffer.alloc(0) }));
    const bytes = elfOf([...sections, { name: 'a'.repeat(1024 * 1024 - 4_096), bytes: Buffer.alloc(0) }]);
    // All of them are called as the last one is.
    for (let index = 1; index <= count; index++) bytes.writeUInt32LE(count + 1, HEADERS + 64 * index);
    const names = withElf(bytes, (descriptor) => ElfFile.read(descriptor).sections.map(({ name }) => name));
    expect(names.join('').length).toBeLessThan(100 * count);
  });

  it.each(['.dynsym', '.gopclntab'])('whose names never end (%s) is looked at within two seconds', (name) => {
    const names = Buffer.alloc(2_000_000, name === '.dynsym' ? 'SSL_' : 'crypto/tls.(*Conn).');
    names[names.length - 1] = 0;
    const go = Buffer.alloc(80);
    go.writeUInt32LE(0xffff_fff1, 0);
    go[6] = 1;
    go[7] = 8;
    go.writeBigUInt64LE(72n, 32);
    go.writeBigUInt64LE(BigInt(72 + names.length), 40);
    go.writeBigUInt64LE(72n, 64);
    const sections: MadeSection[] =
      name === '.dynsym'
        ? [
            { name, type: 11, bytes: Buffer.alloc(48), link: 2 },
            { name: '.dynstr', type: 3, bytes: names },
          ]
        : [{ name, bytes: Buffer.concat([go.subarray(0, 72), names, Buffer.alloc(1)]) }];
    withElf(elfOf(sections), (descriptor) => {
      expect(cpuTime(() => expect(identify(descriptor)).toBeNull())).toBeLessThan(2_000);
    });
  });

  it('with thousands of tables of symbols is looked at within two seconds', () => {
    const table = Buffer.alloc(24 * 100_000);
    const names = Buffer.alloc(4_096, 'SSL_free\0');
    const bytes = elfOf([
      { name: '.dynstr', type: 3, bytes: names },
      ...Array.from({ length: 4_000 }, (_, index) => {
        return {
          name: '',
          type: index % 2 === 0 ? 11 : 2,
          bytes: index === 0 ? table : Buffer.alloc(0),
          link: 1,
        };
      }),
    ]);
    for (let index = 3; index < 4_002; index++)
      bytes.copy(bytes, HEADERS + 64 * index + 24, HEADERS + 64 * 2 + 24, HEADERS + 64 * 2 + 40);
    withElf(bytes, (descriptor) => {
      expect(cpuTime(() => expect(identify(descriptor)).toBeNull())).toBeLessThan(2_000);
    });
  });
});
