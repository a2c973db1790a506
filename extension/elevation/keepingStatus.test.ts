import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { keepingStatus } from './keepingStatus.ts';

const folder = mkdtempSync(join(tmpdir(), 'http-trace-status-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(...command: string[]) {
  const file = join(folder, "a status's file");
  const [program = '', ...args] = keepingStatus(command, file);
  const { status, stdout } = spawnSync(program, args, { encoding: 'utf8' });
  return { ended: status, reported: Number(readFileSync(file, 'utf8')), stdout };
}

it("exits with 0 whatever the command's status, and reports that status", () => {
  expect(run('true')).toEqual({ ended: 0, reported: 0, stdout: '' });
  expect(run('sh', '-c', 'exit 77')).toEqual({ ended: 0, reported: 77, stdout: '' });
  expect(run('no-such-program-anywhere').reported).toBe(127);
});

it('gives the arguments as they are', () => {
  expect(run('printf', '%s|', "it's $HOME", 'a b', '', ';exit 5').stdout).toBe("it's $HOME|a b||;exit 5|");
});

it('survives when the group is interrupted, as by Ctrl+C', () => {
  const interrupted = run('sh', '-c', 'kill -INT $PPID; kill -INT $$');
  expect(interrupted).toEqual({ ended: 0, reported: 130, stdout: '' });
});
