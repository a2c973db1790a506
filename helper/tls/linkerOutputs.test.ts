import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { LinkerOutputs, outputOf } from './linkerOutputs.ts';
import { compile } from './testing/binaries.ts';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'http-trace-linker-')));
afterAll(() => rmSync(folder, { recursive: true }));

it.each([
  [['link', '-o', '/tmp/a', '-importcfg', 'x'], '/tmp/a'],
  [['ld', '-pie', '-oout'], 'out'],
  [['ld', '-o'], null],
  [['ld', 'a.o', '-on-strike'], 'n-strike'],
  [['ld', 'a.o'], null],
])('what a linker writes: %j', (words, output) => {
  expect(outputOf(words)).toBe(output);
});

it('it is known when the linker ends, once, relative to its folder', async () => {
  const linker = compile('#include <unistd.h>\nint main(void) { return pause(); }', join(folder, 'ld.gold'));
  for (const [name, expected] of [
    [linker, [join(folder, 'made')]],
    [join(folder, 'other'), []],
  ] as const) {
    const child = spawn(linker, ['-o', 'made'], { cwd: folder, argv0: name, stdio: 'ignore' });
    await once(child, 'spawn');
    const { pid = 0 } = child;
    const outputs = new LinkerOutputs();
    outputs.executed(pid);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(outputs.ended(pid)).toEqual(expected);
    expect(outputs.ended(pid)).toEqual([]);
  }
});

it('a process that has ended is no linker', () => {
  const outputs = new LinkerOutputs();
  outputs.executed(2 ** 22 + 1);
  expect(outputs.ended(2 ** 22 + 1)).toEqual([]);
});
