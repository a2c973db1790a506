/** A process that executes another program while its mappings are read. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type * as fs from 'node:fs';
import { readFileSync, realpathSync } from 'node:fs';
import { afterAll, expect, it, onTestFinished, vi } from 'vitest';

/** What happens once it has been read which program a process executes. */
let afterReading: (() => void) | null = null;

// Test files share loaded modules (`isolate: false`): maps.ts may already be loaded with the real node:fs.
vi.resetModules();
vi.doMock('node:fs', async (original) => {
  const real = await original<typeof fs>();
  const intercepted = (path: string): string => {
    const target = real.readlinkSync(path);
    const act = path.endsWith('/exe') ? afterReading : null;
    if (act !== null) afterReading = null;
    act?.();
    return target;
  };
  return { ...real, readlinkSync: intercepted };
});
const { readCodeMappings } = await import('./maps.ts');
afterAll(() => {
  vi.doUnmock('node:fs');
  vi.resetModules();
});

it('is reported as executing the program whose mappings were read', async () => {
  const child = spawn('sh', ['-c', 'echo ready; read -r _; exec sleep 60'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill());
  await once(child.stdout, 'data');
  const pid = child.pid ?? 0;
  const sleep = realpathSync('/bin/sleep');
  afterReading = () => {
    child.stdin.write('\n');
    // Its code is mapped a moment after it is named.
    const until = performance.now() + 10_000;
    while (!readFileSync(`/proc/${pid}/maps`, 'utf8').includes(sleep) && performance.now() < until);
  };
  const executed = readCodeMappings(pid).filter((mapping) => mapping.executed);
  expect(afterReading).toBe(null);
  expect(executed.map(({ path }) => path)).toEqual([sleep]);
});
