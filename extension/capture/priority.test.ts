import { execFileSync } from 'node:child_process';
import { getPriority } from 'node:os';
import { Worker } from 'node:worker_threads';
import { build, buildSync } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { Priority } from './priority.ts';

const KIB = 1024;

describe('a thread that dissects', () => {
  it('lowers its priority once, when much arrives within a second', () => {
    let given = 0;
    const priority = new Priority(() => given++);
    for (let second = 0; second < 10; second++) priority.worked(200 * KIB, second * 1_000);
    expect(given).toBe(0);
    priority.worked(100 * KIB, 9_500);
    expect(given).toBe(1);
    priority.worked(1024 * KIB, 9_600);
    expect(given).toBe(1);
  });

  it('lowers its own priority, not that of its process', async () => {
    const { outputFiles } = await build({
      stdin: {
        contents: `
          import { getPriority } from 'node:os';
          import { parentPort } from 'node:worker_threads';
          import { Priority } from './priority.ts';
          new Priority().worked(1 << 20, 0);
          parentPort.postMessage(getPriority(0));
        `,
        resolveDir: import.meta.dirname,
      },
      bundle: true,
      platform: 'node',
      format: 'cjs',
      write: false,
    });
    const before = getPriority(0);
    const worker = new Worker(outputFiles[0]?.text ?? '', { eval: true });
    const lowered = await new Promise((resolve) => worker.once('message', resolve));
    expect(lowered).toBe(Math.max(before, 10));
    expect(getPriority(0)).toBe(before);
    await worker.terminate();
  });

  it.each([0, 15])(
    'lowers all threads of a process that does nothing else, nice %i, and raises none',
    (nice) => {
      const { outputFiles } = buildSync({
        stdin: {
          contents: `
          import { readdirSync } from 'node:fs';
          import { getPriority } from 'node:os';
          import { lowerProcess, Priority } from './priority.ts';
          new Priority(lowerProcess).worked(1 << 20, 0);
          console.log(JSON.stringify(readdirSync('/proc/self/task').map((thread) => getPriority(Number(thread)))));
        `,
          resolveDir: import.meta.dirname,
        },
        bundle: true,
        platform: 'node',
        format: 'cjs',
        write: false,
      });
      const program = [process.execPath, '-e', outputFiles[0]?.text ?? ''];
      const printed = execFileSync('nice', ['-n', String(nice), ...program], { encoding: 'utf8' });
      const priorities = JSON.parse(printed) as number[];
      expect(priorities.length).toBeGreaterThan(1);
      expect(new Set(priorities)).toEqual(new Set([Math.max(Math.min(getPriority(0) + nice, 19), 10)]));
    },
  );
});
