import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bootTime } from './bootTime.ts';
import { descendants, parseStat, processEntry, startOf, traceableProcesses } from './processes.ts';

const REST = 'S 6 7 7 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 98765 1000 200';

describe('parseStat', () => {
  test('name, parent, start time', () => {
    expect(parseStat(`7 (node) ${REST}`)).toEqual({
      pid: 7,
      parent: 6,
      name: 'node',
      started: 98765,
      group: 7,
      foreground: -1,
    });
  });

  test('a name with parentheses, spaces and a line end', () => {
    expect(parseStat(`7 (a) S 1 (b\n c) ${REST}`)?.name).toBe('a) S 1 (b\n c');
  });

  test.each(['', '7', '7 (node', '7 (node) S', 'x (node) S 1', ') ('])('%j is not one', (text) => {
    expect(parseStat(text)).toBeNull();
  });
});

describe('real processes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'processes-'));
  const script = join(folder, 'child.cjs');
  // A process with a child of its own; both live until their input ends.
  writeFileSync(
    script,
    "require('node:child_process').spawn(process.execPath, ['-e', 'process.stdin.resume()'], {stdio: ['pipe', 'inherit', 'inherit']}).once('spawn', () => console.log('ready')); process.stdin.resume();",
  );
  const parent = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });

  beforeAll(() => new Promise((resolve) => parent.stdout.once('data', resolve)));
  afterAll(() => {
    parent.kill();
    rmSync(folder, { recursive: true });
  });

  test('are listed with their command line, newest first, without the excepted one', async () => {
    const list = await traceableProcesses(process.pid);
    const found = list.find((entry) => entry.pid === parent.pid);
    expect(found?.command).toContain(script);
    expect(found?.parent).toBe(process.pid);
    expect(list.some((entry) => entry.pid === process.pid)).toBe(false);
    const starts = list.map((entry) => entry.started);
    expect(starts).toEqual([...starts].sort((a, b) => b - a));
  });

  test('descendants', async () => {
    const below = await descendants(process.pid);
    const child = below.find((entry) => entry.parent === parent.pid);
    expect(child).toBeDefined();
    expect(below.findIndex((entry) => entry.pid === parent.pid)).toBeLessThan(below.indexOf(child!));
  });

  test('a process that does not exist', async () => {
    expect(await processEntry(4_194_304)).toBeNull();
    expect(await descendants(4_194_304)).toEqual([]);
    expect(startOf(4_194_304)).toBeNull();
  });

  test('when a process was started', () => {
    const [own, child] = [startOf(process.pid) ?? 0, startOf(parent.pid ?? 0) ?? 0];
    expect(own).toBeGreaterThan(0);
    expect(child).toBeGreaterThanOrEqual(own);
    expect(child).toBeLessThanOrEqual(bootTime());
  });
});
