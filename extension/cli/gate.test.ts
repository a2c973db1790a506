/**
 * Scripts in the place of the gate: each announces itself, or does not, when the test says. test/kernel/run.test.ts has the
 * real one.
 */
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openGate, spawnGate } from './gate.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'http-trace-gate-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function start(script: string) {
  writeFileSync(join(folder, 'gate'), `#!/bin/sh\n${script}`, { mode: 0o755 });
  return spawnGate(folder, [join(folder, 'ready')], ['ignore', 'ignore', 'ignore']);
}

it('is attached to only after it has announced that it waits, and executes its command after that', async () => {
  const child = start(`
    while [ ! -e "$1" ]; do [ -d "\${0%/*}" ] || exit 3; sleep 0.01; done
    printf x >&3
    [ "$(head -c 1 <&3 | wc -l)" = 1 ] || exit 1
    [ -e "$1.attached" ] || exit 2
    exit 42`);
  const exit = once(child, 'exit');
  const attached: unknown[] = [];
  const opened = openGate(child, async (pid) => {
    attached.push([pid, existsSync(join(folder, 'ready'))]);
    writeFileSync(join(folder, 'ready.attached'), '');
  });
  writeFileSync(join(folder, 'ready'), '');
  await opened;
  expect(attached).toEqual([[child.pid, true]]);
  expect(await exit).toEqual([42, null]);
});

it('is not attached to when it ends before it waits', async () => {
  const attached: number[] = [];
  const opened = openGate(start('exit 0'), async (pid) => attached.push(pid));
  await expect(opened).rejects.toThrow('could not be started');
  expect(attached).toEqual([]);
});

it('does not execute its command when it cannot be attached to', async () => {
  const child = start('printf x >&3; [ "$(head -c 1 <&3 | wc -c)" = 0 ] && exit 7; exit 0');
  const exit = once(child, 'exit');
  await expect(openGate(child, () => Promise.reject(new Error('refused')))).rejects.toThrow('refused');
  expect(await exit).toEqual([7, null]);
});
