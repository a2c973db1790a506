import { spawn } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { compile } from './testing.ts';
import { upcomingPrograms } from './upcoming.ts';

// A busy machine needs its time.
vi.setConfig({ testTimeout: 60_000 });

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'http-trace-upcoming-')));
afterAll(() => rmSync(folder, { recursive: true }));

const gate = compile('#include <unistd.h>\nint main(void) { return pause(); }', join(folder, 'gate'));
const bin = join(folder, 'bin');
mkdirSync(bin);
const real = compile('int main(void) { return 0; }', join(folder, 'python-9.9'));
symlinkSync(real, join(bin, 'python'));
writeFileSync(join(bin, 'script'), '#!/usr/bin/env -S DEBUG=1 python -u\n', { mode: 0o755 });

/** What is told of a gate that was given the command. */
async function upcoming(command: readonly string[], environment: Readonly<Record<string, string>>) {
  const child = spawn(gate, command, { env: environment, stdio: 'ignore', cwd: folder });
  const { pid = 0 } = child;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  try {
    // Before its exec it is a copy of this process.
    while (readlinkSync(`/proc/${pid}/exe`) !== gate) await new Promise((resolve) => setTimeout(resolve, 5));
    return upcomingPrograms(pid);
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
}

const ENV = realpathSync('/usr/bin/env');

it('a command is looked up as it will be', async () => {
  const expected = [{ path: real, view: '', root: '', libraryPath: '/a:/b' }];
  expect(await upcoming(['python', '-c', ''], { PATH: bin, LD_LIBRARY_PATH: '/a:/b' })).toEqual(expected);
  expect(await upcoming(['bin/python'], { LD_LIBRARY_PATH: '/a:/b' })).toEqual(expected);
  expect(await upcoming(['nowhere'], { PATH: bin })).toEqual([]);
});

it('with env, what env executes, in the environment that it makes', async () => {
  const found = await upcoming(['env', '-i', 'LD_LIBRARY_PATH=/x', 'A=B', 'python', 'LD_LIBRARY_PATH=/y'], {
    ...{ PATH: `${bin}:/usr/bin`, LD_LIBRARY_PATH: '/a' },
  });
  expect(found).toEqual([ENV, real].map((path) => ({ path, view: '', root: '', libraryPath: '/x' })));
});

it('a script, and its interpreters', async () => {
  const found = await upcoming(['script'], { PATH: `${bin}:/usr/bin` });
  expect(found.map(({ path }) => path)).toEqual([join(bin, 'script'), ENV, real]);
});

it('nothing of a process that is no gate, or none', () => {
  expect(upcomingPrograms(process.pid)).toEqual([]);
  expect(upcomingPrograms(0)).toEqual([]);
});
