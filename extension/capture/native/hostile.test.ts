/** Files that are made to cost time or memory: whoever is traced chooses what the client reads of it. */
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ElfError, ElfFile } from '../../../helper/tls/elf.ts';
import { elfOf, type MadeSection } from '../../../helper/tls/testing/binaries.ts';
import { cpuTime } from '../../engine/testing/cpuTime.ts';
import { GoLines } from '../goLines.ts';
import { CallFrames } from './callFrames.ts';
import { NativeLines } from './nativeLines.ts';
import { NativeModule } from './nativeModule.ts';
import { FILE_LIMITS, ReadingBudget } from './readingBudget.ts';

const folder = mkdtempSync(join(tmpdir(), 'http-trace-hostile-'));
const descriptors: number[] = [];
afterAll(() => {
  for (const descriptor of descriptors) closeSync(descriptor);
  rmSync(folder, { recursive: true, force: true });
});

function write(sections: readonly MadeSection[]): string {
  const path = join(folder, `file${descriptors.length}`);
  writeFileSync(path, elfOf(sections));
  return path;
}

function open(sections: readonly MadeSection[]): ElfFile {
  const descriptor = openSync(write(sections), 'r');
  descriptors.push(descriptor);
  return ElfFile.read(descriptor);
}

function u32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value, 4 * index);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function uleb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...uleb(Math.floor(value / 0x80))];
}

const LOW = 0x1000;
const SHORT: ReadingBudget = new ReadingBudget({ ...FILE_LIMITS, ms: 1_000 });

describe('call frames', () => {
  /** One entry that holds for the addresses from 0x1000 on. */
  function frameSection(instructions: Buffer): Buffer {
    // version 1, no augmentation, factors 1 and 1, register 16
    const common = Buffer.concat([u32(0), Buffer.from([1, 0, 1, 1, 16, 0, 0, 0])]);
    const own = Buffer.concat([u64(LOW), u64(1_000_000), instructions]);
    return Buffer.concat([u32(common.length), common, u32(own.length + 4, common.length + 8), own]);
  }

  it('that are remembered again and again with thousands of registers cost no more than others', () => {
    const rules = Array.from({ length: 30_000 }, (_, register) => [0x05, ...uleb(register), 1]);
    const turns = Buffer.alloc(2 * 20_000, Buffer.from([0x0a, 0x0b]));
    const bytes = frameSection(Buffer.concat([Buffer.from([0x0c, 7, 8, ...rules.flat()]), turns]));
    const elf = open([{ name: '.eh_frame', bytes }]);
    const frames = CallFrames.read(elf, new ReadingBudget(FILE_LIMITS));
    expect(cpuTime(() => expect(() => frames?.at(LOW)).toThrow(ElfError))).toBeLessThan(2_000);
  });

  it('keep only the used part of a long entry', () => {
    const bytes = frameSection(
      Buffer.concat([Buffer.from([0x0f, ...uleb(2), 0x77, 8]), Buffer.alloc(90_000)]),
    );
    const elf = open([{ name: '.eh_frame', bytes }]);
    const frame = CallFrames.read(elf, new ReadingBudget(FILE_LIMITS))?.at(LOW);
    const base = frame?.base;
    const expression = base !== undefined && 'expression' in base ? base.expression : null;
    expect(expression?.buffer.byteLength).toBeLessThan(65_537);
  });

  it('have a budget for all addresses together', () => {
    const elf = open([{ name: '.eh_frame', bytes: frameSection(Buffer.alloc(100_000)) }]);
    const budget = new ReadingBudget({ ...FILE_LIMITS, ms: 200 });
    const frames = CallFrames.read(elf, budget);
    const look = () => {
      for (let at = LOW; at < LOW + 100_000; at++) budget.run(() => frames?.at(at));
    };
    expect(cpuTime(() => expect(look).toThrow(ElfError))).toBeLessThan(5_000);
  });
});

describe('debug information', () => {
  const COMPILE_UNIT = [1, 0x11, 1, 0x11, 0x01, 0x10, 0x17, 0x55, 0x17, 0, 0];
  const FUNCTION = [2, 0x2e, 0, 0x55, 0x17, 0, 0];

  /** A unit of DWARF 4 that has the addresses of `.debug_ranges`, and in it as many functions that have them, too. */
  function unit(functions: number, table = 0): Buffer {
    const each = Buffer.concat([Buffer.from([2]), u32(0)]);
    const entries = Buffer.concat([
      Buffer.concat([Buffer.from([1]), u64(0), u32(0), u32(0)]),
      ...Array.from({ length: functions }, () => each),
    ]);
    const rest = Buffer.concat([Buffer.from([4, 0]), u32(table), Buffer.from([8]), entries]);
    return Buffer.concat([u32(rest.length), rest]);
  }

  function ranges(count: number): Buffer {
    const list = Array.from({ length: count }, () => [u64(LOW), u64(LOW + 4_096)]).flat();
    return Buffer.concat([...list, u64(0), u64(0)]);
  }

  /** Of DWARF 5; all names of files are the same text. */
  function lineProgram(files: number): Buffer {
    const lists = [0, 0, 1, 1, 0x1f, ...uleb(files)];
    const header = Buffer.concat([
      Buffer.from([1, 1, 1, 0xfb, 14, 10, 0, 1, 1, 1, 1, 0, 0, 0, 1, ...lists]),
      Buffer.alloc(4 * files),
    ]);
    const program = Buffer.concat([
      Buffer.from([4, 0, 0, 9, 2]),
      u64(LOW),
      Buffer.from([1, 2, 0x80, 0x20, 0, 1, 1]),
    ]);
    const rest = Buffer.concat([Buffer.from([5, 0, 8, 0]), u32(header.length), header, program]);
    return Buffer.concat([u32(rest.length), rest]);
  }

  function sections(info: Buffer, more: Partial<Record<string, Buffer>> = {}): MadeSection[] {
    const all: Partial<Record<string, Buffer>> = {
      '.debug_info': info,
      '.debug_abbrev': Buffer.from([...COMPILE_UNIT, ...FUNCTION, 0]),
      '.debug_line': lineProgram(1),
      '.debug_line_str': Buffer.from('/a.c\0'),
      '.debug_ranges': ranges(1),
      ...more,
    };
    return Object.entries(all).map(([name, bytes = Buffer.alloc(0)]) => ({ name, bytes }));
  }

  it('as it is made here is read', () => {
    const { frames, certain } = new NativeLines(open(sections(unit(1)))).framesOf(LOW + 1);
    expect([frames, certain]).toEqual([[{ path: '/a.c', line: 1, function: '' }], true]);
  });

  it('of functions that share one long list of ranges is not copied for each of them', () => {
    const budget = new ReadingBudget(FILE_LIMITS);
    const lines = new NativeLines(open(sections(unit(3_000), { '.debug_ranges': ranges(4_000) })), budget);
    const before = process.memoryUsage().heapUsed;
    expect(lines.framesOf(LOW + 1).certain).toBe(false);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(400e6);
  });

  it('of files that share one long name has no copy for each of them', () => {
    const more = {
      '.debug_line': lineProgram(50_000),
      '.debug_line_str': Buffer.from(`/${'a'.repeat(4_000)}\0`),
    };
    const lines = new NativeLines(open(sections(unit(1), more)));
    const before = process.memoryUsage().heapUsed;
    expect(lines.framesOf(LOW + 1)).toEqual({ frames: [], certain: false });
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(100e6);
  });

  it('of units that have one table of kinds each, which overlap, is left when its time is over, and not kept', () => {
    const kinds = Array.from({ length: 2_000 }, (_, index) => [
      ...[...uleb(index + 100), 0x34, 0],
      ...Array.from({ length: 300 }, () => [0x03, 0x08]).flat(),
      ...[0, 0],
    ]);
    const table = Buffer.from([...COMPILE_UNIT, ...kinds.flat(), 0]);
    const one = Buffer.from([...uleb(100)]).length + 2 + 600 + 2;
    const units = Array.from({ length: 400 }, (_, index) => unit(0, COMPILE_UNIT.length + index * one));
    const info = Buffer.concat(units);
    const elf = open(sections(info, { '.debug_abbrev': table }));
    expect(statSync(join(folder, `file${descriptors.length - 1}`)).size).toBeLessThan(8e6);
    expect(cpuTime(() => expect(() => new NativeLines(elf, SHORT)).toThrow(ElfError))).toBeLessThan(8_000);
  });
});

it('a Go program with a million places that may be its module has each of a few looked at', () => {
  const table = Buffer.alloc(4_096);
  table.writeUInt32LE(0xffff_fff1, 0);
  table.set([1, 8], 6);
  table.writeBigUInt64LE(1n, 8);
  for (const field of [32, 40, 48, 56, 64]) table.writeBigUInt64LE(72n, field);
  const places = Buffer.alloc(16 * 10_000);
  const sections: MadeSection[] = [
    { name: '.gopclntab', bytes: table },
    { name: '.noptrdata', bytes: places },
    { name: '.rela.dyn', type: 4, bytes: Buffer.alloc(24 * 200_000) },
  ];
  const { address } = open(sections).section('.gopclntab') ?? { address: 0 };
  table.writeBigUInt64LE(BigInt(address), 24);
  for (let at = 0; at < places.length; at += 16) places.writeBigUInt64LE(BigInt(address), at);
  const elf = open(sections);
  expect(cpuTime(() => expect(new GoLines(elf).nameAt(address - 1)).toBeNull())).toBeLessThan(2_000);
});

it('a function without call frames is looked for once in the symbols', () => {
  const symbols = Buffer.alloc(24 * 400_000);
  const path = write([
    { name: '.symtab', type: 2, bytes: symbols, link: 2 },
    { name: '.strtab', type: 3, bytes: Buffer.alloc(8) },
  ]);
  const { dev, ino, size, mtimeNs } = statSync(path, { bigint: true });
  const file = { path, device: `${dev}`, inode: `${ino}`, size: `${size}`, modified: `${mtimeNs}` };
  const module = NativeModule.open(file)!;
  const look = () => {
    for (let count = 0; count < 1_000; count++) module.keepsFramePointer(LOW);
  };
  expect(cpuTime(look)).toBeLessThan(2_000);
  module.close();
});
