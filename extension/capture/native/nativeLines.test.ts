import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ElfFile, isUnreadable } from '../../../helper/tls/elf.ts';
import { variants, WHOLE } from '../../../test/kit/tier.mjs';
import { CallFrames } from './callFrames.ts';
import { NativeLines } from './nativeLines.ts';
import { FILE_LIMITS, ReadingBudget } from './readingBudget.ts';
import { C_FILES, C_SOURCES, Compiled, CPP_SOURCE, isThere, RUST_SOURCE } from './testing/compile.ts';

let compiled: Compiled;

beforeAll(() => {
  compiled = new Compiled();
  for (const source of [...C_SOURCES, CPP_SOURCE, RUST_SOURCE]) compiled.write(source);
});

afterAll(() => compiled.remove());

const STEP = 3;

/** Frames of addresses all over the code, as LLVM's addr2line has them: `path:line`, innermost first. (That of
 * binutils 2.40 is wrong about C++ and about what clang compiled into other functions.) */
function expectedFrames(path: string, addresses: readonly number[]): Map<number, string[]> {
  const output = execFileSync('llvm-addr2line', ['-a', '-i', '-e', path], {
    input: addresses.map((address) => `0x${address.toString(16)}\n`).join(''),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const found = new Map<number, string[]>();
  let frames: string[] = [];
  for (const line of output.split('\n')) {
    if (line.startsWith('0x')) {
      frames = [];
      found.set(Number(line), frames);
    } else if (line !== '') frames.push(normal(line.replace(/ \(discriminator \d+\)$/, '')));
  }
  return found;
}

function normal(place: string): string {
  const colon = place.lastIndexOf(':');
  return `${posix.normalize(place.slice(0, colon))}:${place.slice(colon + 1)}`;
}

function codeAddresses(elf: ElfFile): number[] {
  const text = elf.section('.text')!;
  return Array.from({ length: Math.floor(text.size / STEP) }, (_, index) => text.address + index * STEP);
}

/** Addresses of a program that are compared; and of one that is linked with all that it uses, of which little is known. */
const MOST_OF_STATIC = 20_000;
const MOST = WHOLE ? MOST_OF_STATIC : 4_000;

/** How many addresses agree; those that do not are returned as text. */
function compare(path: string, limit = MOST) {
  const elf = compiled.open(path);
  const lines = new NativeLines(elf, new ReadingBudget({ ...FILE_LIMITS, ms: 60_000 }));
  const all = codeAddresses(elf);
  const every = Math.max(1, Math.floor(all.length / limit));
  const addresses = all.filter((_, index) => index % every === 0 || index < 400);
  const different: string[] = [];
  let known = 0;
  let several = 0;
  for (const [address, expected] of expectedFrames(path, addresses)) {
    const { frames, certain } = lines.framesOf(address);
    const got = frames.map(({ path: file, line }) => `${file}:${line}`);
    const unknown = expected.some((place) => /\?\?|:[0?]/.test(place));
    if (unknown) continue;
    known++;
    if (expected.length > 1) several++;
    if (!certain || got.join() !== expected.join())
      different.push(`${address.toString(16)} ${certain} ${got.join(' < ')} | ${expected.join(' < ')}`);
  }
  return { known, several, different: different.slice(0, 4) };
}

const FLAGS: readonly (readonly string[])[] = [
  ['-g', '-O0'],
  ['-g', '-O2'],
  ['-g', '-O2', '-fomit-frame-pointer', '-static'],
  ['-gdwarf-4', '-O2'],
  ['-gdwarf-3', '-O1'],
  ['-gdwarf-2', '-O0'],
  ['-g', '-O2', '-gz'],
  ['-g', '-O2', '-no-pie', '-ffunction-sections', '-Wl,--gc-sections'],
  ['-g', '-O2', '-gdwarf64'],
];

describe.each(['gcc', 'clang'].filter(isThere))('lines of %s', (compiler) => {
  it.each(variants(FLAGS, compiler === 'gcc' ? 0 : 5, 2).map((flags) => [flags.join(' '), flags] as const))(
    'C, %s',
    (name, flags) => {
      if (compiler === 'clang' && (name.includes('dwarf64') || name.includes('gz'))) return;
      const path = compiled.build(compiler, flags, C_FILES, `${compiler}${name.replaceAll(/[ /]/g, '')}`);
      const { known, several, different } = compare(path, flags.includes('-static') ? MOST_OF_STATIC : MOST);
      expect(different).toEqual([]);
      expect(known).toBeGreaterThan(10);
      if (flags.includes('-O2')) expect(several).toBeGreaterThan(flags.includes('-static') ? 1 : 5);
    },
  );

  it.each(
    variants(
      [
        ['-g', '-O0'],
        ['-g', '-O2'],
        ['-gdwarf-4', '-O2'],
      ],
      compiler === 'gcc' ? 1 : 2,
    ).map((flags) => [flags.join(' '), flags] as const),
  )('C++, %s', (name, flags) => {
    const cpp = compiler === 'gcc' ? 'g++' : 'clang++';
    const path = compiled.build(cpp, flags, ['shop.cpp'], `${cpp}${name.replaceAll(' ', '')}`);
    const { known, several, different } = compare(path);
    expect(different).toEqual([]);
    expect(known).toBeGreaterThan(500);
    expect(several).toBeGreaterThan(name.includes('O2') ? 100 : -1);
  });
});

it('with any bytes of the file changed, it ends, and throws at most an ElfError', () => {
  const path = compiled.build('gcc', ['-g', '-O2'], C_FILES, 'hostile');
  const sound = readFileSync(path);
  const original = compiled.open(path);
  const names = [
    '.debug_info',
    '.debug_line',
    '.debug_abbrev',
    '.debug_rnglists',
    '.debug_line_str',
    '.eh_frame',
    '.eh_frame_hdr',
  ];
  const sections = names.map((name) => original.section(name)!);
  const addresses = codeAddresses(original).filter((_, index) => index % 8 === 0);
  let seed = 1;
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed % below;
  };
  let failed = 0;
  for (let round = 0; round < 210; round++) {
    const bytes = Buffer.from(sound);
    const section = sections[round % sections.length]!;
    for (let count = 1 + random(6); count > 0; count--)
      bytes[section.offset + random(section.size)] =
        random(2) === 0 ? random(256) : [0, 0xff, 0x80, 0x7f][random(4)]!;
    const elf = compiled.open(compiled.write({ path: 'changed', text: '' }, bytes));
    try {
      const lines = new NativeLines(elf, new ReadingBudget({ ...FILE_LIMITS, ms: 60_000 }));
      for (const address of addresses) lines.framesOf(address);
    } catch (error) {
      failed++;
      if (!isUnreadable(error)) throw error;
    }
    try {
      const frames = CallFrames.read(elf, new ReadingBudget(FILE_LIMITS));
      for (const address of addresses) frames?.at(address);
    } catch (error) {
      failed++;
      if (!isUnreadable(error)) throw error;
    }
  }
  expect(failed).toBeGreaterThan(20);
});

it.skipIf(!isThere('rustc'))('Rust', () => {
  const path = compiled.build('rustc', ['-g', '-Copt-level=2'], ['shop.rs'], 'rust');
  const { known, different } = compare(path, 1_000);
  expect(different).toEqual([]);
  expect(known).toBeGreaterThan(500);
});
