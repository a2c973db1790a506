import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { variants } from '../../../test/kit/tier.mjs';
import { CallFrames, type Rule } from './callFrames.ts';
import { FILE_LIMITS, ReadingBudget } from './readingBudget.ts';
import { C_FILES, C_SOURCES, Compiled, CPP_SOURCE, isThere, RUST_SOURCE } from './testing/compile.ts';

let compiled: Compiled;

beforeAll(() => {
  compiled = new Compiled();
  for (const source of [...C_SOURCES, CPP_SOURCE, RUST_SOURCE]) compiled.write(source);
});

afterAll(() => compiled.remove());

const REGISTERS: Readonly<Record<string, number>> = {
  rdx: 1,
  rcx: 2,
  rbx: 3,
  rdi: 5,
  rbp: 6,
  rsp: 7,
  r12: 12,
  r13: 13,
  r14: 14,
  r15: 15,
  ra: 16,
};

interface Expected {
  readonly address: number;
  readonly base: string;
  readonly rules: ReadonlyMap<number, string>;
}

/** As readelf interprets .eh_frame; of each of its rows the first address. */
function readelf(path: string): Expected[] {
  // Its status says only that it warned.
  const { stdout: output } = spawnSync('readelf', ['--debug-dump=frames-interp', path], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const found: Expected[] = [];
  let columns: string[] = [];
  let inEntry = false;
  for (const line of output.split('\n')) {
    const words = line
      .trim()
      .replaceAll(/r\d+ \(r\w+\)/g, 'register')
      .split(/\s+/);
    if (/ FDE | CIE /.test(line)) inEntry = line.includes(' FDE ');
    else if (words[0] === 'LOC') columns = words.slice(2);
    else if (inEntry && /^[0-9a-f]{16}$/.test(words[0] ?? '')) {
      const [address, base = '', ...rules] = words;
      const known = columns.map((name, index) => [REGISTERS[name] ?? -1, rules[index] ?? ''] as const);
      found.push({
        address: Number(`0x${address}`),
        base,
        rules: new Map(known.filter(([number]) => number >= 0)),
      });
    }
  }
  return found;
}

function written(rule: Rule | undefined): string {
  if (rule === undefined || rule.kind === 'undefined') return 'u';
  if (rule.kind === 'unknown') return 'exp';
  return rule.kind === 'saved' ? `c${rule.offset < 0 ? '' : '+'}${rule.offset}` : rule.kind;
}

function compare(path: string) {
  const frames = CallFrames.read(compiled.open(path), new ReadingBudget(FILE_LIMITS))!;
  const different: string[] = [];
  const all = readelf(path);
  // Rows at one address follow each other: the last one holds.
  const rows = all.filter(({ address }, index) => all[index + 1]?.address !== address);
  for (const { address, base, rules } of rows) {
    const frame = frames.at(address);
    if (frame === null) {
      different.push(`${address.toString(16)} has none`);
      continue;
    }
    const names = Object.entries(REGISTERS);
    const name =
      'expression' in frame.base
        ? 'exp'
        : `${names.find(([, number]) => 'register' in frame.base && number === frame.base.register)?.[0]}+${frame.base.offset}`;
    const got = [...rules.keys()].map((number) => written(frame.rules.get(number)));
    const wanted = [...rules.values()].map((text) => text.replace(/^s$/, 'u').replace(/^\(?r.*/, 'register'));
    if (name !== base || got.join() !== wanted.join())
      different.push(`${address.toString(16)} ${name} ${got} | ${base} ${wanted}`);
  }
  return { count: rows.length, different: different.slice(0, 5) };
}

it('call frames are those that readelf reads', () => {
  const builds = [
    ['gcc', ['-O0'], C_FILES],
    ['gcc', ['-O2', '-static'], C_FILES],
    ['g++', ['-O2'], ['shop.cpp']],
    ['clang', ['-O1'], C_FILES],
    ['clang++', ['-O2'], ['shop.cpp']],
    ['rustc', ['-Copt-level=2'], ['shop.rs']],
    ['gcc', ['-O2', '-fomit-frame-pointer'], C_FILES],
  ] as const;
  for (const [compiler, flags, sources] of variants(builds, 3, 2)) {
    if (!isThere(compiler)) continue;
    const path = compiled.build(compiler, flags, sources, `frames-${compiler}${flags.join('')}`);
    const { count, different } = compare(path);
    expect(different, `${compiler} ${flags}`).toEqual([]);
    expect(count).toBeGreaterThan(10);
  }
});

it.skipIf(!existsSync('/lib/x86_64-linux-gnu/libc.so.6'))('those of the C library, too', () => {
  const { count, different } = compare('/lib/x86_64-linux-gnu/libc.so.6');
  expect(different).toEqual([]);
  expect(count).toBeGreaterThan(5_000);
});
