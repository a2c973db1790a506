import { execFileSync, spawn } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { compile } from './testing/binaries.ts';
import { upcomingPrograms } from './upcomingPrograms.ts';

// Compiling takes long on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'http-trace-upcoming-')));
afterAll(() => rmSync(folder, { recursive: true }));

const gate = compile('#include <unistd.h>\nint main(void) { return pause(); }', join(folder, 'gate'));
const bin = join(folder, 'bin');
mkdirSync(bin);
const real = compile('int main(void) { return 0; }', join(folder, 'python-9.9'));
symlinkSync(real, join(bin, 'python'));
writeFileSync(join(bin, 'script'), '#!/usr/bin/env -S DEBUG=1 python -u\n', { mode: 0o755 });

/** What is predicted for a gate with that command. */
async function upcoming(command: readonly string[], environment: Readonly<Record<string, string>>) {
  const child = spawn(gate, command, { env: environment, stdio: 'ignore', cwd: folder });
  const { pid = 0 } = child;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  try {
    // Before its exec it is a copy of this process, and while it is executed it has no arguments yet.
    const isExecuted = (): boolean =>
      readlinkSync(`/proc/${pid}/exe`) === gate && readFileSync(`/proc/${pid}/cmdline`, 'utf8') !== '';
    while (!isExecuted()) await new Promise((resolve) => setTimeout(resolve, 5));
    return upcomingPrograms(pid);
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
}

const ENV = realpathSync('/usr/bin/env');

it('a command is looked up as execvp would', async () => {
  const expected = [{ path: real, view: '', root: '', libraryPath: '/a:/b' }];
  expect(await upcoming(['python', '-c', ''], { PATH: bin, LD_LIBRARY_PATH: '/a:/b' })).toEqual(expected);
  expect(await upcoming(['bin/python'], { LD_LIBRARY_PATH: '/a:/b' })).toEqual(expected);
  expect(await upcoming(['nowhere'], { PATH: bin })).toEqual([]);
});

it('after env comes the program that env executes, with the environment that env sets', async () => {
  const found = await upcoming(['env', '-i', 'LD_LIBRARY_PATH=/x', 'A=B', 'python', 'LD_LIBRARY_PATH=/y'], {
    ...{ PATH: `${bin}:/usr/bin`, LD_LIBRARY_PATH: '/a' },
  });
  expect(found).toEqual([ENV, real].map((path) => ({ path, view: '', root: '', libraryPath: '/x' })));
});

it('a script is followed by its interpreters', async () => {
  const found = await upcoming(['script'], { PATH: `${bin}:/usr/bin` });
  expect(found.map(({ path }) => path)).toEqual([join(bin, 'script'), ENV, real]);
});

it('a shell is followed by the commands that its text names, each once', async () => {
  writeFileSync(join(bin, 'shell-script'), '#!/bin/sh\n# nothing\nfor i in 1 2; do python $i; done\n', {
    mode: 0o755,
  });
  const environment = { PATH: `${bin}:/usr/bin:/bin` };
  const paths = async (...command: string[]): Promise<string[]> =>
    (await upcoming(command, environment)).map(({ path }) => path).slice(0, 3);
  const sh = realpathSync('/bin/sh');
  expect(await paths('sh', '-c', 'X=1 "python" a; ./bin/script|python')).toEqual([
    sh,
    real,
    join(bin, 'script'),
  ]);
  expect(await paths('shell-script')).toEqual([join(bin, 'shell-script'), sh, real]);
  expect(await paths('sh', '-e', 'bin/shell-script')).toEqual([sh, real]);
  expect(await paths('env', 'A=B', 'sh', '-ec', 'python')).toEqual([ENV, sh, real]);
  expect(await paths('cat', 'bin/shell-script')).toEqual([realpathSync('/usr/bin/cat')]);
});

it('what a script runs is followed through the scripts that it runs', async () => {
  writeFileSync(join(bin, 'inner'), '#!/bin/sh\npython x\n', { mode: 0o755 });
  writeFileSync(join(bin, 'outer'), '#!/bin/sh\ninner && true\n', { mode: 0o755 });
  writeFileSync(join(bin, 'itself'), '#!/bin/sh\nitself\n', { mode: 0o755 });
  const environment = { PATH: `${bin}:/usr/bin:/bin` };
  const names = async (...command: string[]): Promise<string[]> =>
    (await upcoming(command, environment)).map(({ path }) => path);
  expect(await names('sh', '-c', 'outer; true')).toContain(real);
  expect(await names('itself')).toContain(join(bin, 'itself'));
});

it('an interpreter is followed by the commands in the literals of its text, make by those of its rules', async () => {
  const node = join(bin, 'node');
  const make = join(bin, 'make');
  for (const path of [node, make]) symlinkSync(realpathSync('/usr/bin/cat'), path);
  const environment = { PATH: `${bin}:/usr/bin:/bin` };
  const follows = async (...command: string[]): Promise<boolean> =>
    (await upcoming(command, environment)).some(({ path }) => path === real);
  expect(await follows('node', '-e', `spawnSync("bin/python", ['x'])`)).toBe(true);
  expect(await follows('node', '--eval', "execSync('A=1 python x')")).toBe(true);
  expect(await follows('node', '-e', 'python(1)')).toBe(false);
  expect(await follows('make', 'all')).toBe(false);
  writeFileSync(join(folder, 'Makefile'), 'all:\n\t@python x\n');
  expect(await follows('make', 'all')).toBe(true);
  writeFileSync(join(bin, 'Makefile'), 'all:\n\t./python x\n');
  expect(await follows('make', '-C', 'bin')).toBe(true);
  expect(await follows('make', `--directory=${bin}`, 'all')).toBe(true);
  writeFileSync(join(folder, 'script.js'), "run('python', 1);\n");
  expect(await follows('node', '--enable-source-maps', 'script.js')).toBe(true);
  writeFileSync(join(folder, 'package.json'), '{ "scripts": { "go": "python x" } }');
  expect(await follows('node', '/somewhere/npm-cli.js', 'run', 'go')).toBe(true);
});

it('of a long script only the beginning is read, and a few of its commands are looked at', async () => {
  const links = Array.from({ length: 60 }, (_, at) => join(bin, `link-${at}`));
  for (const link of links) symlinkSync(real, link);
  writeFileSync(join(folder, 'long'), `${links.join('\n')}\n${'x '.repeat(1_000_000)}`);
  const found = await upcoming(['sh', 'long'], { PATH: `${bin}:/usr/bin:/bin` });
  expect(found.length).toBeGreaterThan(10);
  expect(found.length).toBeLessThanOrEqual(33);
});

it('a file without execute permission is not opened: no pipe, no kernel file that blocks', async () => {
  execFileSync('mkfifo', ['-m', '755', join(bin, 'pipe')]);
  writeFileSync(join(bin, 'readme'), '#!/bin/sh\npython\n', { mode: 0o644 });
  const environment = { PATH: `${bin}:/usr/bin:/bin` };
  const sh = realpathSync('/bin/sh');
  for (const path of ['/proc/kmsg', '/proc/kcore', '/dev/tty', '/dev/zero', join(bin, 'pipe'), 'readme']) {
    const found = await upcoming(['sh', '-c', `${path}; python`], environment);
    expect(found.map((program) => program.path)).toEqual([sh, real]);
    const [first] = await upcoming([path], environment);
    expect(first).toBeUndefined();
  }
  for (const path of ['/proc/kmsg', '/dev/zero', join(bin, 'pipe'), '/proc/self/cmdline']) {
    const found = await upcoming(['sh', path], environment);
    expect(found.map((program) => program.path)).toEqual([sh]);
  }
});

it('the number of lookups is bounded: a text may have very many names, and PATH very many folders', async () => {
  const nowhere = Array.from({ length: 400 }, (_, at) => `nowhere-${at}`).join('\n');
  writeFileSync(join(bin, 'far'), `#!/bin/sh\n${nowhere}\npython\n`, { mode: 0o755 });
  const paths = async (folders: number): Promise<string[]> => {
    const path = [bin, '/bin', ...Array.from({ length: folders }, (_, at) => `/nowhere/${at}`)].join(':');
    return (await upcoming(['far'], { PATH: path })).map((program) => program.path);
  };
  expect(await paths(8)).toContain(real);
  expect(await paths(400)).not.toContain(real);
});

it('there is nothing for a process that is not a gate, or does not exist', () => {
  expect(upcomingPrograms(process.pid)).toEqual([]);
  expect(upcomingPrograms(0)).toEqual([]);
});
