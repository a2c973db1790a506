/** Processes that a test run started end with it, even if their parent has ended before. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { endTree, environmentOfRun, ofRun } from '../../scripts/processTree.mjs';

const module = join(import.meta.dirname, '../../scripts/processTree.mjs');
/** Leaves a process behind in a session of its own, and ends when its input does. */
const LEAVES_ONE = 'setsid sleep 300 >/dev/null & echo $!; read line';

const started: number[] = [];
afterEach(() => {
  for (const pid of started.splice(0)) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
});

function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
}

async function gone(pid: number): Promise<void> {
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** The number that a child writes first. */
async function numberFrom({ stdout }: ChildProcess): Promise<number> {
  const [said] = await once(stdout as NodeJS.ReadableStream, 'data');
  const pid = Number(said);
  started.push(pid);
  return pid;
}

test('an orphan of a run ends with it, and nothing else does', async () => {
  const run = randomUUID();
  const env = environmentOfRun(process.env, run);
  const child = spawn('sh', ['-c', LEAVES_ONE], { env, stdio: ['pipe', 'pipe', 'ignore'] });
  const orphan = await numberFrom(child);
  const other = spawn('sleep', ['300'], { env: environmentOfRun(process.env, randomUUID()) });
  started.push(other.pid ?? 0);
  child.stdin?.end('\n');
  await once(child, 'exit');
  expect(ofRun(run)).toEqual([orphan]);
  await endTree(child, run);
  await gone(orphan);
  expect(isAlive(other.pid ?? 0)).toBe(true);
});

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
  'a run that %s ends takes its orphans along',
  async (name) => {
    const script = `
    import { spawn } from 'node:child_process';
    import { endWithThisProcess, environmentOfRun, exitOnSignals } from ${JSON.stringify(module)};
    exitOnSignals();
    const env = environmentOfRun(process.env, ${JSON.stringify(randomUUID())});
    const child = spawn('sh', ['-c', ${JSON.stringify(LEAVES_ONE)}], { env, stdio: ['pipe', 'pipe', 'ignore'] });
    endWithThisProcess(child, env.HTTP_TRACE_RUN);
    child.stdout.once('data', (said) => {
      child.stdin.end('\\n');
      child.once('exit', () => console.log(String(said)));
    });
    setInterval(() => {}, 1_000);
  `;
    const run = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    started.push(run.pid ?? 0);
    const orphan = await numberFrom(run);
    expect(isAlive(orphan)).toBe(true);
    run.kill(name);
    await once(run, 'exit');
    await gone(orphan);
  },
);
