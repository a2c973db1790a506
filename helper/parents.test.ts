import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, onTestFinished } from 'vitest';
import { Parents } from './parents.ts';

const proc = mkdtempSync(join(tmpdir(), 'parents-'));
afterAll(() => rmSync(proc, { recursive: true }));

function put(pid: number, stat: string): void {
  mkdirSync(join(proc, String(pid)), { recursive: true });
  writeFileSync(join(proc, `${pid}/stat`), stat);
}

it('finds parents whatever a process is called, and nothing in what is no process', () => {
  put(7, '7 (node) S 1 7 7 0');
  put(8, '8 (a) S 99 (b\n c) S 7 8 8 0');
  put(9, '');
  put(10, '10 (cut');
  mkdirSync(join(proc, '11'), { recursive: true });
  mkdirSync(join(proc, 'self'), { recursive: true });
  expect([...new Parents(proc).refresh()]).toEqual([
    [7, 1],
    [8, 7],
  ]);
});

it('sees children that were started meanwhile, and forgets those that have ended', async () => {
  const parents = new Parents();
  parents.refresh();
  const child = spawn('sleep', ['60']);
  onTestFinished(() => void child.kill());
  expect(parents.refresh().get(child.pid ?? 0)).toBe(process.pid);
  child.kill();
  await once(child, 'exit');
  expect(parents.refresh().has(child.pid ?? 0)).toBe(false);
  expect(parents.refresh().get(process.pid)).toBe(process.ppid);
});
