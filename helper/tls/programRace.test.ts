/** A process that ends after it was seen to run and before its program is opened. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it, onTestFinished, vi } from 'vitest';
import type { Native } from '../native.ts';
import type { Tls } from '../protocol.ts';
import type * as program from './program.ts';

vi.setConfig({ testTimeout: 60_000 });

/** The process that is ended once it has been seen to run. */
let doomed: ChildProcess | null = null;

// Test files share loaded modules (`isolate: false`): attachments.ts may already be loaded with the real program.ts.
vi.resetModules();
vi.doMock('./program.ts', async (original) => {
  const real = await original<typeof program>();
  return {
    ...real,
    runningProgram(pid: number) {
      const running = real.runningProgram(pid);
      if (doomed !== null && doomed.pid === pid) {
        doomed.kill('SIGKILL');
        doomed = null;
        while (existsSync(`/proc/${pid}/exe`));
      }
      return running;
    },
  };
});
const { Attachments } = await import('./attachments.ts');
const { TlsFinder } = await import('./finder.ts');

const folder = mkdtempSync(join(tmpdir(), 'http-trace-race-'));
const executed = join(folder, 'app');
copyFileSync(process.execPath, executed);
const inode = statSync(executed, { bigint: true }).ino;
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(() => {
  vi.doUnmock('./program.ts');
  vi.resetModules();
  rmSync(folder, { recursive: true });
});

async function started(command: string, args: readonly string[]): Promise<ChildProcess> {
  const child = spawn(command, args, { cwd: folder, stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  if (child.stdout !== null) await once(child.stdout, 'data');
  return child;
}

const SHELL = ['sh', '-c', 'echo ready; read -r _'];
const IN_ROOT = 'import os, sys; os.chroot(sys.argv[1]); print("ready", flush=True); input()';
const asRoot = process.getuid?.() === 0 ? ['env'] : ['unshare', '--map-root-user'];
const [asRootCommand = '', ...asRootArgs] = asRoot;
const canChangeRoot = spawnSync(asRootCommand, [...asRootArgs, 'true']).status === 0;

it('is found by its absolute path', () => expectFound(executed, executed, SHELL));
it('is found by a path in the folder of its shell', () => expectFound('./app', executed, SHELL));
it.skipIf(!canChangeRoot)('is found by a path in the root of another process', () =>
  expectFound('/app', '/app', [...asRoot, 'python3', '-c', IN_ROOT, folder]),
);

async function expectFound(
  written: string,
  shown: string,
  [command = '', ...args]: readonly string[],
): Promise<void> {
  const native = { detachProbes: () => {} } as unknown as Native;
  const reported: Tls[] = [];
  const client = { libraries: (tls: Tls) => reported.push(tls), file: vi.fn(), goProgram: vi.fn() };
  const missing = { waiting: '', begun: '', tls: '', hooks: '', callers: '', stacks: '' };
  const facts = { tlsAttach: 'none', tlsWanted: true, missing } as const;
  const attachments = new Attachments(native, facts, await TlsFinder.create(), client);
  onTestFinished(() => attachments.close());
  const shell = await started(command, args);
  attachments.consider(shell.pid ?? 0);
  const app = await started(executed, ['-e', 'console.log("ready"); process.stdin.resume()']);
  doomed = app;
  attachments.executed(app.pid ?? 0, written, inode);
  expect(doomed).toBe(null);
  const ofApp = reported.filter(({ pid }) => pid === app.pid);
  expect(ofApp.map(({ libraries }) => libraries.map(({ kind, path }) => [kind, path]))).toEqual([
    [['openssl', shown]],
  ]);
}
