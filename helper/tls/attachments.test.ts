import { spawn } from 'node:child_process';
import { readlinkSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { Native } from '../native.ts';
import { Attachments } from './attachments.ts';
import { TlsFinder } from './finder.ts';

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
