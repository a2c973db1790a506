import { spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, openSync, readlinkSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, type MockInstance, onTestFinished, vi } from 'vitest';
import type { Native } from '../native.ts';
import type { Tls } from '../protocol.ts';
import { Attachments } from './attachments.ts';
import { TlsFinder } from './finder.ts';
import { readCodeMappings } from './maps.ts';

const FACTS = {
  tlsAttach: 'multi',
  tlsWanted: true,
  missing: { waiting: '', begun: '', tls: '', hooks: '', callers: '', stacks: '' },
} as const;

it('attaches nothing once it is closed, not even to a process under inspection: its helper may be kept', async () => {
  const child = spawn('sleep', ['60']);
  onTestFinished(() => void child.kill());
  const pid = child.pid ?? 0;
  // Until it has its C library, which gets probes.
  const finder = await TlsFinder.create();
  while (finder.find(pid).length === 0) await sleep(10);
  const attachProbes = vi.fn(() => ({ set: 0, links: [] }));
  const native = {
    attachProbes,
    openPidfd: () => -1,
    mapExecutable: () => [0n, 0n],
    readClocks: () => [0n, 0n, 0n],
  } as unknown as Native;
  const client = { libraries: vi.fn(), file: vi.fn(), goProgram: vi.fn() };
  const attachments = new Attachments(native, FACTS, finder, client);
  const program = readlinkSync(`/proc/${pid}/exe`);
  attachments.executed(pid, program, statSync(program, { bigint: true }).ino);
  const recognised = attachments.recognised();
  const closed = attachments.close();
  attachProbes.mockClear();
  await Promise.all([recognised, closed]);
  attachments.consider(pid);
  await sleep(50);
  expect(attachProbes).not.toHaveBeenCalled();
});

it('attaches to files of earlier traces between other work, or all at once before a process is traced', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'expected-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const finder = await TlsFinder.create();
  const library = finder.systemLibraries().find(({ file }) => file.probes.length > 0)?.path ?? '';
  const attachProbes = vi.fn(() => ({ set: 0, links: [] }));
  const native = {
    attachProbes,
    detachProbes: () => {},
    openPidfd: () => openSync('/dev/null', 'r'),
    mapExecutable: () => [0n, 0n],
    unmap: () => {},
    readClocks: () => [0n, 0n, 0n],
  } as unknown as Native;
  const client = { libraries: vi.fn(), file: vi.fn(), goProgram: vi.fn() };
  const attachments = new Attachments(native, FACTS, finder, client);
  onTestFinished(() => attachments.close());
  const paths = ['one', 'two', 'three'].map((name) => {
    copyFileSync(library, join(folder, name));
    return join(folder, name);
  });
  attachments.expect(paths);
  expect(attachProbes).not.toHaveBeenCalled();
  await new Promise(setImmediate);
  expect(attachProbes).toHaveBeenCalledOnce();
  attachments.attachExpected();
  expect(attachProbes).toHaveBeenCalledTimes(3);
  await new Promise(setImmediate);
  expect(attachProbes).toHaveBeenCalledTimes(3);
});

it('attaches first to what reads and writes: each file may have to wait for the removal of other probes', async () => {
  const finder = await TlsFinder.create();
  const system = finder.systemLibraries().filter(({ file }) => file.probes.length > 0);
  // As a program has them in memory: what it was linked with last comes first.
  const parts = ['loader', 'bio', 'tls'] as const;
  const found = parts.flatMap((part) => {
    const one = system.find(({ file }) => file.part === part);
    return one === undefined ? [] : [{ ...one, inExecutable: false }];
  });
  expect(found).toHaveLength(parts.length);
  vi.spyOn(finder, 'find').mockReturnValue(found);
  const attachProbes = vi.fn((_channel: number, request: { readonly descriptor: number }) => ({
    ...{ set: 0, links: [], request },
  }));
  const native = {
    attachProbes,
    detachProbes: () => {},
    openPidfd: () => openSync('/dev/null', 'r'),
    mapExecutable: () => [0n, 0n],
    unmap: () => {},
    readClocks: () => [0n, 0n, 0n],
  } as unknown as Native;
  const client = { libraries: vi.fn(), file: vi.fn(), goProgram: vi.fn() };
  const attachments = new Attachments(native, FACTS, finder, client);
  onTestFinished(() => attachments.close());
  attachments.consider(process.pid);
  const order = attachProbes.mock.calls.map(([, { descriptor }]) => descriptor);
  expect(order.slice(0, 3)).toEqual(found.toReversed().map(({ file }) => file.descriptor));
});

describe('a process that ends before it is examined again', () => {
  const SLEEP = realpathSync('/bin/sleep');
  const { ino } = statSync(SLEEP, { bigint: true });

  async function examined(command: string, args: readonly string[]) {
    const child = spawn(command, args, { stdio: ['pipe', 'ignore', 'inherit'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    const pid = child.pid ?? 0;
    const finder = await TlsFinder.create();
    const program = realpathSync(command);
    const executes = (): boolean => {
      const mappings = readCodeMappings(pid);
      return mappings.length > 1 && mappings.some(({ executed, path }) => executed && path === program);
    };
    while (!executes()) await sleep(10);
    const reported: Omit<Tls, 'pid'>[] = [];
    const client = {
      libraries: ({ pid: _, ...tls }: Tls) => reported.push(tls),
      ...{ file: vi.fn(), goProgram: vi.fn() },
    };
    const facts = { ...FACTS, tlsAttach: 'none' } as const;
    const native = { detachProbes: () => {} } as unknown as Native;
    const attachments = new Attachments(native, facts, finder, client);
    onTestFinished(() => attachments.close());
    const end = (): void => {
      child.kill('SIGKILL');
      while (readCodeMappings(pid).length > 0);
    };
    return { pid, attachments, reported, end };
  }

  const OPENSSL = expect.objectContaining({ kind: 'openssl', inExecutable: true });

  it('does not keep the libraries of the program that it executed before', async () => {
    const { pid, attachments, reported, end } = await examined(process.execPath, [
      '-e',
      'process.stdin.resume()',
    ]);
    attachments.consider(pid);
    expect(reported).toEqual([expect.objectContaining({ libraries: [OPENSSL] })]);
    end();
    attachments.executed(pid, SLEEP, ino);
    expect(reported.slice(1)).toEqual([{ libraries: [], partial: true }]);
    await attachments.recognised();
    expect(reported.slice(2)).toEqual([{ libraries: [], unseen: true }]);
  });

  it('keeps what was found if a later program of it has been reported already', async () => {
    const { pid, attachments, reported } = await examined(process.execPath, ['-e', 'process.stdin.resume()']);
    attachments.consider(pid);
    attachments.executed(pid, SLEEP, ino, false);
    expect(reported).toEqual([expect.objectContaining({ libraries: [OPENSSL] })]);
  });

  it('is reported as unseen if it has loaded something since, though it had no TLS library before', async () => {
    const { pid, attachments, reported, end } = await examined(SLEEP, ['60']);
    attachments.executed(pid, SLEEP, ino);
    attachments.consider(pid);
    attachments.loaded(pid);
    end();
    await attachments.recognised();
    expect(reported).toEqual([{ libraries: [], unseen: true }]);
  });

  it('is examined if it still has its memory', async () => {
    const { pid, attachments, reported } = await examined(process.execPath, ['-e', 'process.stdin.resume()']);
    attachments.loaded(pid);
    attachments.ended(pid);
    expect(reported).toEqual([expect.objectContaining({ libraries: [OPENSSL] })]);
  });
});

describe('a process whose end was not reported, as its event was lost', () => {
  const PID = 4_194_303;

  async function known(): Promise<{
    attachments: Attachments;
    find: MockInstance<TlsFinder['find']>;
    forget: MockInstance<TlsFinder['forget']>;
    start: { at: string | null };
  }> {
    const finder = await TlsFinder.create();
    const find = vi.spyOn(finder, 'find').mockReturnValue([]);
    const forget = vi.spyOn(finder, 'forget');
    const start: { at: string | null } = { at: '5' };
    const client = { libraries: vi.fn(), file: vi.fn(), goProgram: vi.fn() };
    const native = { detachProbes: () => {} } as unknown as Native;
    const attachments = new Attachments(native, FACTS, finder, client, () => start.at);
    onTestFinished(() => attachments.close());
    attachments.consider(PID);
    attachments.considerAll();
    expect(find).toHaveBeenCalledTimes(2);
    return { attachments, find, forget, start };
  }

  it('is forgotten, but not before a late event could have come', async () => {
    const { attachments, find, forget, start } = await known();
    start.at = null;
    attachments.considerAll();
    expect(forget).not.toHaveBeenCalled();
    attachments.considerAll();
    expect(forget).toHaveBeenCalledExactlyOnceWith(PID);
    attachments.considerAll();
    expect(find).toHaveBeenCalledTimes(2);
  });

  it('is not taken for a later one that is not traced', async () => {
    const { attachments, find, forget, start } = await known();
    start.at = '9';
    attachments.considerAll();
    attachments.considerAll();
    expect(forget).toHaveBeenCalledExactlyOnceWith(PID);
    expect(find).toHaveBeenCalledTimes(2);
  });

  it('is not taken for a later one that is', async () => {
    const { attachments, find, forget, start } = await known();
    start.at = '9';
    attachments.consider(PID);
    expect(forget).toHaveBeenCalledExactlyOnceWith(PID);
    attachments.considerAll();
    expect(find).toHaveBeenCalledTimes(4);
    // It has ended when the report of its beginning is read.
    start.at = null;
    attachments.begun(PID);
    expect(forget).toHaveBeenCalledTimes(2);
  });
});
