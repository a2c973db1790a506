/** A process that ends after its mappings were read and before the files in them are opened. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, it, vi } from 'vitest';
import type { FoundLibrary } from './finder.ts';
import type * as maps from './maps.ts';

vi.setConfig({ testTimeout: 60_000 });

/** What happens once the mappings have been read. */
let afterReading: (() => void) | null = null;

// Test files share loaded modules (`isolate: false`): finder.ts may already be loaded with the real maps.ts.
vi.resetModules();
vi.doMock('./maps.ts', async (original) => {
  const real = await original<typeof maps>();
  return {
    ...real,
    readCodeMappings(pid: number) {
      const mappings = real.readCodeMappings(pid);
      const act = afterReading;
      afterReading = null;
      act?.();
      while (act !== null && real.readCodeMappings(pid).length > 0);
      return mappings;
    },
  };
});
const { TlsFinder } = await import('./finder.ts');

const folder = mkdtempSync(join(tmpdir(), 'http-trace-race-'));
const library = join(folder, 'libssl.so.3');
let child: ChildProcess;

beforeEach(async () => {
  const lines = execFileSync('python3', ['-c', 'import ssl; print(open("/proc/self/maps").read())'], {
    encoding: 'utf8',
  });
  copyFileSync(/\S+\/libssl\.so\S*/.exec(lines)?.[0] ?? '', library);
  const script = `import ctypes; ctypes.CDLL(${JSON.stringify(library)}); print("ready", flush=True); input()`;
  child = spawn('python3', ['-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  if (child.stdout !== null) await once(child.stdout, 'data');
});
afterAll(() => {
  vi.doUnmock('./maps.ts');
  vi.resetModules();
  rmSync(folder, { recursive: true });
});

async function findWhile(act: () => void): Promise<unknown> {
  const found = await allFoundWhile(act);
  return found.flatMap(({ path, file }) => (path === library ? [file.reason] : []));
}

async function allFoundWhile(act: () => void): Promise<readonly FoundLibrary[]> {
  const finder = await TlsFinder.create();
  try {
    afterReading = act;
    return finder.find(child.pid ?? 0);
  } finally {
    finder.close();
  }
}

it('its library is found by the path', async () => {
  expect(await findWhile(() => child.kill('SIGKILL'))).toEqual([null]);
});

it('a library that does not exist any more is not reported', async () => {
  const ending = (): void => {
    rmSync(library);
    child.kill('SIGKILL');
  };
  expect(await findWhile(ending)).toEqual([]);
});

it('a library inside its program is still reported', async () => {
  child.kill('SIGKILL');
  child = spawn(process.execPath, ['-e', 'console.log("ready"); process.stdin.resume()']);
  if (child.stdout !== null) await once(child.stdout, 'data');
  const found = await allFoundWhile(() => child.kill('SIGKILL'));
  const own = found.filter(({ file: { kind, part } }) => kind === 'openssl' && part === 'tls');
  expect(own.map(({ inExecutable }) => inExecutable)).toEqual([true]);
});
