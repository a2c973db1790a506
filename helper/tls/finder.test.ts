import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, fstatSync, mkdtempSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { describe as describeLibraries, TlsFinder } from './finder.ts';

// A busy machine needs its time.
vi.setConfig({ testTimeout: 60_000 });

const folder = mkdtempSync(join(tmpdir(), 'http-trace-finder-'));
const children: ChildProcess[] = [];
let finder: TlsFinder;
beforeAll(async () => {
  finder = await TlsFinder.create();
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(() => {
  finder.close();
  rmSync(folder, { recursive: true });
});

interface Started {
  readonly pid: number;
  /** The next line that it prints. */
  readonly line: () => Promise<string>;
  readonly goOn: () => void;
  readonly end: () => Promise<unknown>;
}

/** Started, and has printed a first line. */
async function start(command: string, args: readonly string[]): Promise<Started> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => String((await lines.next()).value);
  await line();
  const end = (): Promise<unknown> => {
    child.kill('SIGKILL');
    return once(child, 'exit');
  };
  return { pid: child.pid ?? 0, line, goOn: () => child.stdin.write('\n'), end };
}

const PYTHON = `
import sys
def say(what):
    print(what, flush=True)
    sys.stdin.readline()
say("ready")
import ssl
say(ssl.OPENSSL_VERSION)
`;

describe('the TLS libraries of a process', () => {
  it("are, of this one, the one inside Node's executable", () => {
    const found = finder.find(process.pid);
    const executable = statSync('/proc/self/exe', { bigint: true });
    expect(describeLibraries(found, () => true)).toEqual([
      {
        kind: 'openssl',
        version: process.versions.openssl?.replace(/\+.*/, ''),
        path: process.execPath,
        inExecutable: true,
        attached: true,
        returns: 'instructions',
        reason: null,
      },
    ]);
    const [library] = found.filter(({ file }) => file.part === 'tls');
    expect(library?.file).toMatchObject({ device: executable.dev, inode: executable.ino });
    expect(fstatSync(library?.file.descriptor ?? -1, { bigint: true }).ino).toBe(executable.ino);
  });

  it('stay the same array until something is loaded', async () => {
    const { pid, line, goOn } = await start('python3', ['-c', PYTHON]);
    const before = finder.find(pid);
    expect(finder.find(pid)).toBe(before);
    expect(describeLibraries(before, () => true)).toEqual([]);
    goOn();
    const said = await line();
    const after = finder.find(pid);
    const libraries = describeLibraries(after, () => false);
    expect(libraries).toHaveLength(1);
    expect(libraries[0]).toMatchObject({
      kind: 'openssl',
      inExecutable: false,
      attached: false,
      returns: null,
      reason: 'its probes could not be attached',
    });
    expect(libraries[0]?.path).toMatch(/libssl\.so/);
    // libssl does not hold it: it is that of libcrypto.
    expect(said).toContain(`OpenSSL ${libraries[0]?.version} `);
  });

  it('stay known when it ends', async () => {
    const { pid, end } = await start(process.execPath, ['-e', 'console.log(1); setInterval(() => {}, 1000)']);
    const before = finder.find(pid);
    expect(describeLibraries(before, () => true)).toHaveLength(1);
    await end();
    expect(finder.find(pid)).toBe(before);
    finder.forget(pid);
    expect(finder.find(pid)).toEqual([]);
  });

  it('are found in an executable that has been removed', async () => {
    const copy = join(folder, 'node');
    copyFileSync(process.execPath, copy);
    const { pid } = await start(copy, ['-e', 'console.log(1); setInterval(() => {}, 1000)']);
    rmSync(copy);
    expect(describeLibraries(finder.find(pid), () => true)).toMatchObject([
      { kind: 'openssl', path: copy, inExecutable: true, attached: true },
    ]);
  });

  const biome = 'node_modules/@biomejs/cli-linux-x64/biome';
  it.runIf(existsSync(biome))('are named where they cannot be decrypted', async () => {
    const child = spawn(biome, ['format', '--stdin-file-path=a.js'], { stdio: ['pipe', 'ignore', 'ignore'] });
    children.push(child);
    const pid = child.pid ?? 0;
    await expect
      .poll(async () => describeLibraries(await finder.findAll(pid), () => true), { timeout: 20_000 })
      .toEqual([
        {
          kind: 'rustls',
          version: expect.stringMatching(/^0\.\d+\.\d+$/),
          path: realpathSync(biome),
          inExecutable: true,
          attached: false,
          returns: null,
          reason: 'rustls is not supported, as Rust has no fixed calling convention',
        },
      ]);
    // What has been recognised once is known at once.
    expect(finder.find(pid)).toHaveLength((await finder.findAll(pid)).length);
  });

  it('are empty for a process that does not exist', async () => {
    expect(finder.find(2 ** 22 + 1)).toEqual([]);
    expect(await finder.findAll(2 ** 22 + 1)).toEqual([]);
  });
});
