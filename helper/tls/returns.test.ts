import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { ElfFile, type ElfSymbol } from './elf.ts';
import { GNUTLS_FUNCTIONS, SSL_FUNCTIONS } from './functions.ts';
import { findReturns, loadDisassembler, readConstant, stubSlot } from './returns.ts';

// A busy machine needs its time.
vi.setConfig({ testTimeout: 60_000 });

beforeAll(loadDisassembler);

/** In one run over all of them: it reads all symbols each time, of which Node has many. */
function returnsByObjdump(path: string, functions: readonly ElfSymbol[]): number[] {
  const start = Math.min(...functions.map(({ address }) => address));
  const end = Math.max(...functions.map(({ address, size }) => address + size));
  const range = [`--start-address=${start}`, `--stop-address=${end}`];
  const text = execFileSync(
    'objdump',
    ['--disassemble', '--section=.text', '--no-show-raw-insn', ...range, path],
    { maxBuffer: 1 << 28 },
  ).toString('latin1');
  return [...text.matchAll(/^ *([0-9a-f]+):\s+(?:repz )?ret/gm)].map(([, hex = '']) =>
    Number.parseInt(hex, 16),
  );
}

function words(...values: number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer);
}

describe('returns of x86-64 functions', () => {
  const at = 0x1000;

  it('are all found, with and without an operand or a prefix', () => {
    // push rbx; test edi,edi; je +2; pop rbx; ret; pop rbx; repz ret; ret 8
    const code = Uint8Array.from([
      0x53, 0x85, 0xff, 0x74, 0x02, 0x5b, 0xc3, 0x5b, 0xf3, 0xc3, 0xc2, 0x08, 0x00,
    ]);
    expect(findReturns(code, at, 'x64')).toMatchObject({
      at: [0x1006, 0x1008, 0x100a],
      jumps: [],
      indirect: false,
    });
  });

  it('are not bytes inside other instructions', () => {
    // mov eax, 0xc3c3c3c3; ret
    expect(findReturns(Uint8Array.from([0xb8, 0xc3, 0xc3, 0xc3, 0xc3, 0xc3]), at, 'x64')?.at).toEqual([
      0x1005,
    ]);
  });

  it('list jumps out of the function, near and far, once each', () => {
    // je 0x1100; jmp 0x1100; jmp 0x0f00 (behind)
    const code = Uint8Array.from([
      0x0f, 0x84, 0xfa, 0x00, 0x00, 0x00, 0xe9, 0xf5, 0x00, 0x00, 0x00, 0xe9, 0xf0, 0xfe, 0xff, 0xff,
    ]);
    expect(findReturns(code, at, 'x64')).toMatchObject({ at: [], jumps: [0x1100, 0xf00], indirect: false });
  });

  it('distinguish a call through a pointer in tail position from a switch', () => {
    const pointer = Uint8Array.from([0x48, 0x8b, 0x47, 0x30, 0xff, 0xe0]); // mov rax,[rdi+0x30]; jmp rax
    const memory = Uint8Array.from([0xff, 0x67, 0x10]); // jmp [rdi+0x10]
    const distances = Uint8Array.from([
      0x48, 0x8d, 0x15, 0x11, 0x22, 0x00, 0x00, 0x48, 0x63, 0x04, 0x82, 0x48, 0x01, 0xd0, 0x3e, 0xff, 0xe0,
    ]); // lea rdx,[rip+…]; movsxd rax,[rdx+rax*4]; add rax,rdx; notrack jmp rax
    const addresses = Uint8Array.from([0xff, 0x24, 0xc5, 0x00, 0x10, 0x40, 0x00]); // jmp [rax*8+0x401000]
    expect(findReturns(pointer, at, 'x64')?.indirect).toBe(true);
    expect(findReturns(memory, at, 'x64')?.indirect).toBe(true);
    expect(findReturns(distances, at, 'x64')?.indirect).toBe(false);
    expect(findReturns(addresses, at, 'x64')?.indirect).toBe(false);
  });

  it('are null when the bytes are not instructions, or a jump leads between two of them', () => {
    expect(findReturns(Uint8Array.from([0x06, 0xc3]), at, 'x64')).toBeNull();
    expect(findReturns(Uint8Array.from([0x53, 0x48]), at, 'x64')).toBeNull(); // cut short
    // jmp +1 into mov eax, imm32; ret
    expect(findReturns(Uint8Array.from([0xeb, 0x01, 0xb8, 0, 0, 0, 0, 0xc3]), at, 'x64')).toBeNull();
  });

  it('whatever the bytes: no throw, and only places inside', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (code) => {
        for (const machine of ['x64', 'arm64'] as const) {
          const found = findReturns(code, at, machine);
          for (const place of found?.at ?? []) expect(place >= at && place < at + code.length).toBe(true);
          for (const place of found?.jumps ?? []) expect(place < at || place >= at + code.length).toBe(true);
        }
        readConstant(code, at, 'x64');
        stubSlot(code, at, 'x64');
      }),
    );
  });

  const OBJECTS: [string, readonly string[]][] = [
    ['/usr/lib/x86_64-linux-gnu/libssl.so.3', SSL_FUNCTIONS.map(({ symbol }) => symbol)],
    ['/usr/lib/x86_64-linux-gnu/libgnutls.so.30', GNUTLS_FUNCTIONS.map(({ symbol }) => symbol)],
    ['node_modules/node/bin/node', SSL_FUNCTIONS.map(({ symbol }) => symbol)],
  ];
  it.each(OBJECTS.filter(([path]) => existsSync(path)))(
    'in %s are those that objdump shows',
    (path, names) => {
      const descriptor = openSync(path, 'r');
      try {
        const elf = ElfFile.read(descriptor);
        const functions = [...elf.functions(new Set(names), ['SSL_', 'gnutls_']).values()];
        expect(functions.length).toBeGreaterThan(8);
        const shown = returnsByObjdump(path, functions);
        for (const { name, address, size } of functions) {
          const offset = elf.fileOffset(address, true) ?? -1;
          const found = findReturns(elf.bytes(offset, size), address, elf.machine);
          expect([name, found?.at]).toEqual([
            name,
            shown.filter((at) => at >= address && at < address + size),
          ]);
        }
      } finally {
        closeSync(descriptor);
      }
    },
  );
});

describe('small functions of x86-64', () => {
  it('return the constant that they hold', () => {
    const code = Uint8Array.from([0xf3, 0x0f, 0x1e, 0xfa, 0xb8, 0x30, 0x01, 0x00, 0x30, 0xc3]);
    expect(readConstant(code, 0, 'x64')).toBe(0x30000130);
    expect(readConstant(code.subarray(0, 9), 0, 'x64')).toBeNull();
    expect(readConstant(Uint8Array.from([0x89, 0xf8, 0xc3]), 0, 'x64')).toBeNull();
  });

  it('jump through a slot, as the linker makes them', () => {
    // endbr64; jmp [rip+0x2000]
    const stub = Uint8Array.from([0xf3, 0x0f, 0x1e, 0xfa, 0xff, 0x25, 0x00, 0x20, 0x00, 0x00]);
    expect(stubSlot(stub, 0x1000, 'x64')).toBe(0x1000 + stub.length + 0x2000);
    expect(stubSlot(Uint8Array.from([0x53, 0xff, 0x25, 0, 0, 0, 0]), 0x1000, 'x64')).toBeNull();
  });
});

describe('returns of AArch64 functions', () => {
  const NOP = 0xd503201f;

  it('are RET in its forms, and nothing that resembles it', () => {
    // ret; ret x1; retaa; retab; blr x0; nop
    const code = words(0xd65f03c0, 0xd65f0020, 0xd65f0bff, 0xd65f0fff, 0xd63f0000, NOP);
    expect(findReturns(code, 0x4000, 'arm64')).toMatchObject({
      at: [0x4000, 0x4004, 0x4008, 0x400c],
      jumps: [],
      indirect: false,
    });
  });

  it('list jumps out of the function, and to registers', () => {
    const code = words(
      0x14000100, // b +0x400
      0x54ffff00, // b.eq -0x20
      0xb4000040, // cbz x0, +8
      0x36000fe0, // tbz w0, #0, +0x1fc
      NOP,
      0x94000100, // bl: a call
    );
    expect(findReturns(code, 0x4000, 'arm64')).toMatchObject({
      at: [],
      jumps: [0x4400, 0x3fe4, 0x4208],
      indirect: false,
    });
    expect(findReturns(words(0xd61f0200), 0, 'arm64')?.indirect).toBe(true); // br x16
    expect(findReturns(words(0xd71f0a11), 0, 'arm64')?.indirect).toBe(true); // braa x16, x17
    expect(findReturns(Uint8Array.of(0xc0, 0x03, 0x5f), 0, 'arm64')).toBeNull();
  });
});
