import { execFileSync } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildId, separateDebugFile } from './debugFile.ts';
import { ElfFile } from './elf.ts';

const folder = mkdtempSync(join(tmpdir(), 'debug-file-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A program without debug information, beside the file that has it. */
function made(name: string, ...options: string[]): { program: string; debug: string } {
  const own = join(folder, name);
  mkdirSync(own);
  const run = (command: string, ...args: string[]) =>
    execFileSync(command, args, { cwd: own, stdio: 'pipe' });
  writeFileSync(join(own, 'a.c'), `int main(void) { return ${name.length}; }\n`);
  run('gcc', '-g', ...options, 'a.c', '-o', 'a');
  run('objcopy', '--only-keep-debug', 'a', 'a.debug');
  run('strip', 'a');
  run('objcopy', '--add-gnu-debuglink=a.debug', 'a');
  return { program: join(own, 'a'), debug: join(own, 'a.debug') };
}

/** Whether its debug information is found. */
function isFound(program: string, debugFolder = join(folder, 'none')): boolean {
  const descriptor = openSync(program, 'r');
  try {
    const found = separateDebugFile(ElfFile.read(descriptor), program, debugFolder);
    if (found === null) return false;
    expect(found.section('.debug_line')).not.toBeNull();
    closeSync(found.descriptor);
    return true;
  } finally {
    closeSync(descriptor);
  }
}

let number = 0;
describe.each([
  ['with a build id', '-Wl,--build-id'],
  ['by its checksum', '-Wl,--build-id=none'],
])('debug information in another file, %s', (_, option) => {
  let pair: { program: string; debug: string };
  beforeAll(() => {
    pair = made(`p${number++}`, option);
  });

  it('is found where debuggers look', () => {
    const { program, debug } = pair;
    expect(isFound(program)).toBe(true);
    mkdirSync(join(program, '../.debug'));
    renameSync(debug, join(program, '../.debug/a.debug'));
    expect(isFound(program)).toBe(true);
    const below = join(folder, `debug${number}`);
    mkdirSync(join(below, program, '..'), { recursive: true });
    renameSync(join(program, '../.debug/a.debug'), join(below, debug));
    expect(isFound(program)).toBe(false);
    expect(isFound(program, below)).toBe(true);
    renameSync(join(below, debug), debug);
  });

  it('is not that of another program, nor a file of another kind', () => {
    const { program, debug } = pair;
    copyFileSync(made(`other${number}`, option).debug, debug);
    expect(isFound(program)).toBe(false);
    copyFileSync(program, debug);
    expect(isFound(program)).toBe(false);
    writeFileSync(debug, 'no ELF file');
    expect(isFound(program)).toBe(false);
    rmSync(debug);
    execFileSync('mkfifo', [debug]);
    expect(isFound(program)).toBe(false);
  });
});

it('is found by its build id below a folder for all', () => {
  const { program, debug } = made('id', '-Wl,--build-id');
  const descriptor = openSync(program, 'r');
  const id = buildId(ElfFile.read(descriptor)) ?? '';
  closeSync(descriptor);
  const below = join(folder, 'all');
  mkdirSync(join(below, '.build-id', id.slice(0, 2)), { recursive: true });
  renameSync(debug, join(below, '.build-id', id.slice(0, 2), `${id.slice(2)}.debug`));
  expect(isFound(program, below)).toBe(true);
});

it('is not looked for in a folder that the program names', () => {
  const { program } = made('far', '-Wl,--build-id');
  const section = join(folder, 'link');
  for (const name of ['../far/a.debug', '/etc/passwd', '..', '.', '']) {
    const bytes = Buffer.alloc(Math.ceil((name.length + 1) / 4) * 4 + 4);
    bytes.write(name);
    writeFileSync(section, bytes);
    execFileSync('objcopy', [`--update-section=.gnu_debuglink=${section}`, program]);
    expect(isFound(program)).toBe(false);
  }
});
