/** The eBPF programs for arm64's registers, with the types of Debian's arm64 kernels: test/fixtures/arm64-*.btf. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bpfCommands } from '../../scripts/bpf.mjs';
import { whySkipped } from './rig.ts';

const root = resolve(import.meta.dirname, '../..');
const fixtures = join(root, 'test/fixtures');
const folder = mkdtempSync(join(tmpdir(), 'http-trace-arm64-'));
const [object, relocate] = [join(folder, 'programs.o'), join(folder, 'relocate')];
/** Read only where they exist: each has another name in other versions of the kernel. */
const GUARDED = /^(\w+___(until|since|before)_\d+_\d+|file|msghdr|iov_iter)\b/;

function run(command: string, args: readonly string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    timeout: 240_000,
  });
  return { status, output: `${stdout}${stderr}` };
}

/** Numbers of system calls by their names, as a header defines them. */
function numbersIn(text: string, pattern: RegExp): Map<string, number> {
  return new Map(
    [...text.matchAll(pattern)].map(([, name = '', number]) => [name.toUpperCase(), Number(number)]),
  );
}

/** The fields that libbpf looks for and does not find. */
function unmatchedIn(output: string): string[] {
  const sought = new Map<string, string>();
  return output.split('\n').flatMap((line) => {
    const [, relocation, spec = ''] = /(prog '\w+': relo #\d+): (.*)$/.exec(line) ?? [];
    if (relocation === undefined) return [];
    const [, field] = /^<\w+> \[\d+\] (?:struct|enum) (\S+)/.exec(spec) ?? [];
    if (field !== undefined) sought.set(relocation, field);
    return spec === 'no matching targets found' ? [sought.get(relocation) ?? relocation] : [];
  });
}

const reason = whySkipped();

/** The same sources make the same bytes, which takes clang as long as all of these tests: kept until they change. */
function compilePrograms(): void {
  const sources = readdirSync(join(root, 'bpf')).map((name) => readFileSync(join(root, 'bpf', name)));
  const recipe = [JSON.stringify(bpfCommands('arm64', '')), run('clang', ['--version']).output, ...sources];
  const hash = createHash('sha256');
  for (const part of recipe) hash.update(part);
  const kept = join(root, '.cache/test/arm64', `${hash.digest('hex')}.o`);
  if (!existsSync(kept)) {
    for (const [command, args] of bpfCommands('arm64', object))
      expect(run(command, args)).toEqual({ status: 0, output: '' });
    rmSync(dirname(kept), { recursive: true, force: true });
    mkdirSync(dirname(kept), { recursive: true });
    copyFileSync(object, kept);
  }
  copyFileSync(kept, object);
}

describe('for arm64', () => {
  beforeAll(() => {
    compilePrograms();
    const commands = [
      [
        'gcc',
        [
          '-Wall',
          '-Wextra',
          '-Werror',
          join(import.meta.dirname, 'arm64/relocate.c'),
          '-o',
          relocate,
          '-lbpf',
        ],
      ],
    ] as const;
    for (const [command, args] of commands) expect(run(command, args)).toEqual({ status: 0, output: '' });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('system calls have the numbers of asm-generic/unistd.h', () => {
    const source = readFileSync(join(root, 'bpf/syscalls.h'), 'utf8');
    const [, ours = ''] = /#elif defined\(__TARGET_ARCH_arm64\)[^\n]*\nenum \{([^}]*)\}/.exec(source) ?? [];
    const header = readFileSync('/usr/include/asm-generic/unistd.h', 'utf8');
    const theirs = numbersIn(header, /#define __NR(?:3264)?_(\w+)\s+(\d+)/g);
    const named = numbersIn(ours, /NR_(\w+) = (\d+)/g);
    expect(named.size).toBeGreaterThan(15);
    for (const [name, number] of named) expect([name, theirs.get(name)]).toEqual([name, number]);
  });

  it.skipIf(reason !== null).each(readdirSync(fixtures).filter((name) => /^arm64-.*\.btf$/.test(name)))(
    'every field that is read exists there, and the verifier accepts what does not depend on registers: %s',
    (name) => {
      const { status, output } = run(relocate, [object, join(fixtures, name)]);
      expect(status, output.slice(-2_000)).toBe(0);
      const unmatched = unmatchedIn(output);
      expect(
        unmatched.filter((field) => !GUARDED.test(field)),
        'run: node scripts/arm64.mjs',
      ).toEqual([]);
      expect(unmatched.length, 'libbpf speaks otherwise than expected').toBeGreaterThan(0);
      for (const field of ['pt_regs.regs', 'pt_regs.orig_x0', 'pt_regs.syscallno', 'sock.sk_protocol']) {
        expect(output).toMatch(new RegExp(`matching candidate #0 .* struct ${field.replace('.', '\\.')}`));
      }
    },
  );
});
