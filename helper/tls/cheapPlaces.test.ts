import { beforeAll, describe, expect, it } from 'vitest';
import { findReturns, loadDisassembler } from './returns.ts';

beforeAll(loadDisassembler);

const AT = 0x1000;

/** As GCC with the stack protector makes SSL_read: the beginning, and from the check to the end. */
const PROTECTED = Uint8Array.from([
  ...[0x48, 0x83, 0xec, 0x18], // 00 sub rsp, 0x18
  ...[0x64, 0x48, 0x8b, 0x04, 0x25, 0x28, 0, 0, 0], // 04 mov rax, fs:[0x28]
  ...[0x48, 0x89, 0x44, 0x24, 0x08], // 0d mov [rsp+8], rax
  ...[0x31, 0xc0], // 12 xor eax, eax
  ...[0x85, 0xd2], // 14 test edx, edx
  ...[0x78, 0x00], // 16 js 0x18
  ...[0x48, 0x8b, 0x54, 0x24, 0x08], // 18 mov rdx, [rsp+8]
  ...[0x64, 0x48, 0x2b, 0x14, 0x25, 0x28, 0, 0, 0], // 1d sub rdx, fs:[0x28]
  ...[0x75, 0x05], // 26 jne 0x2d
  ...[0x48, 0x83, 0xc4, 0x18], // 28 add rsp, 0x18
  0xc3, // 2c ret
  ...[0xe8, 0, 0, 0, 0], // 2d call __stack_chk_fail
]);

function entryOf(...bytes: number[]): { at: number; stack: number } | undefined {
  const entry = findReturns(Uint8Array.from([...bytes, 0xc3]), AT, 'x64')?.entry;
  return entry && { at: entry.address - AT, stack: entry.stack };
}

describe('a cheaper place', () => {
  it('for the entry is the first instruction that the kernel emulates, with the arguments still in place', () => {
    expect(findReturns(PROTECTED, AT, 'x64')?.entry).toEqual({ address: AT + 0x16, stack: 0x18 });
  });

  it('is the first instruction of the function if that is emulated', () => {
    expect(entryOf(0x55, 0x48, 0x89, 0xe5)).toEqual({ at: 0, stack: 0 }); // push rbp; mov rbp, rsp
    expect(entryOf(0x41, 0x54)).toEqual({ at: 0, stack: 0 }); // push r12
  });

  it('may be after endbr64, as in libraries of distributions with control-flow enforcement', () => {
    expect(entryOf(0xf3, 0x0f, 0x1e, 0xfa, 0x53)).toEqual({ at: 4, stack: 0 }); // endbr64; push rbx
  });

  it('is not after a change of an argument, or of the stack by an unknown amount', () => {
    expect(entryOf(0x31, 0xf6, 0x53)).toEqual({ at: 0, stack: 0 }); // xor esi, esi; push rbx
    expect(entryOf(0x40, 0xb7, 0x01, 0x53)).toEqual({ at: 0, stack: 0 }); // mov dil, 1; push rbx
    expect(entryOf(0x48, 0x29, 0xc4, 0x53)).toEqual({ at: 0, stack: 0 }); // sub rsp, rax; push rbx
    expect(entryOf(0x48, 0x83, 0xe4, 0xf0, 0x53)).toEqual({ at: 0, stack: 0 }); // and rsp, -16; push rbx
  });

  it('is not inside a loop', () => {
    // mov eax, [rdi]; push rbx (jumped to); pop rbx; jmp to the push
    expect(entryOf(0x8b, 0x07, 0x53, 0x5b, 0xeb, 0xfc)).toEqual({ at: 0, stack: 0 });
  });

  it("in a Go function is after the check of the stack's size", () => {
    // cmp rsp, [r14+0x10]; jbe +1; ret
    const code = Uint8Array.from([0x49, 0x3b, 0x66, 0x10, 0x76, 0x01, 0xc3, 0xc3]);
    expect(findReturns(code, AT, 'x64', 'go')?.entry).toEqual({ address: AT + 4, stack: 0 });
    // In Go's convention rax is an argument: mov eax, [rdi]; push rbx
    const changed = Uint8Array.from([0x8b, 0x07, 0x53, 0xc3]);
    expect(findReturns(changed, AT, 'x64', 'go')?.entry).toEqual({ address: AT, stack: 0 });
    expect(findReturns(changed, AT, 'x64', 'c')?.entry).toEqual({ address: AT + 2, stack: 0 });
  });

  it("for a return is the stack protector's check", () => {
    const found = findReturns(PROTECTED, AT, 'x64');
    expect(found?.at).toEqual([AT + 0x2c]);
    expect(found?.places).toEqual([{ address: AT + 0x26, stack: 0x18 }]);
  });

  it('for a return is not any other condition, nor a check that a jump can skip', () => {
    const other = Uint8Array.from(PROTECTED);
    other[0x1d + 5] = 0x30; // fs:[0x30]
    expect(findReturns(other, AT, 'x64')?.places).toEqual([{ address: AT + 0x2c, stack: 0 }]);
    const passed = Uint8Array.from(PROTECTED);
    passed[0x17] = 0x10; // js to the add that follows the check
    expect(findReturns(passed, AT, 'x64')?.places).toEqual([{ address: AT + 0x2c, stack: 0 }]);
    const changed = Uint8Array.from([
      ...PROTECTED.subarray(0, 0x28),
      ...[0x31, 0xc0], // xor eax, eax: the result is not known before this
      ...PROTECTED.subarray(0x28),
    ]);
    changed[0x27] = 0x07;
    expect(findReturns(changed, AT, 'x64')?.places).toEqual([{ address: AT + 0x2e, stack: 0 }]);
  });

  it('is not looked for on AArch64', () => {
    const code = new Uint8Array(Uint32Array.of(0xd503201f, 0xd65f03c0).buffer);
    expect(findReturns(code, AT, 'arm64')).toMatchObject({
      entry: { address: AT, stack: 0 },
      places: [{ address: AT + 4, stack: 0 }],
    });
  });
});
