import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Duplex, duplexPair } from 'node:stream';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { encodeFrame, encodeJson } from './frames.ts';
import { MAX_TRACES, mayBeKept, waitForResume } from './kept.ts';
import { FrameType } from './protocol.ts';

const RESUME = encodeFrame(FrameType.Resume, new Uint8Array());
let helper: Duplex;
let client: Duplex;
const resume = vi.fn();
const end = vi.fn();

beforeEach(() => {
  [helper, client] = duplexPair();
  resume.mockClear();
  end.mockClear();
});
afterEach(() => {
  helper.destroy();
  client.destroy();
  vi.useRealTimers();
});

it('resumes once, at the client’s request, and then leaves the socket to the trace', async () => {
  waitForResume(helper, 60_000, resume, end);
  const bytes = Buffer.from(RESUME);
  client.write(bytes.subarray(0, 3));
  client.write(bytes.subarray(3));
  await vi.waitFor(() => expect(resume).toHaveBeenCalledTimes(1));
  expect(['data', 'end', 'close', 'error'].map((event) => helper.listenerCount(event, end))).toEqual([
    0, 0, 0, 0,
  ]);
  client.destroy();
  await new Promise((later) => setTimeout(later, 20));
  expect(end).not.toHaveBeenCalled();
});

it('ignores late messages to the trace before', async () => {
  waitForResume(helper, 60_000, resume, end);
  client.write(encodeJson(FrameType.Attach, { request: 1, pid: 1, children: true }));
  client.write(Buffer.concat([encodeFrame(FrameType.CutShort, new Uint8Array()), RESUME]));
  await vi.waitFor(() => expect(resume).toHaveBeenCalledTimes(1));
  expect(end).not.toHaveBeenCalled();
});

it.each([
  ['what is no frame', () => client.write(Buffer.alloc(64, 0xff))],
  ['its client', () => client.destroy()],
])('ends with %s', async (_, happen) => {
  waitForResume(helper, 60_000, resume, end);
  happen();
  await vi.waitFor(() => expect(end).toHaveBeenCalled());
  expect(resume).not.toHaveBeenCalled();
});

it('ends when its time is over', () => {
  vi.useFakeTimers();
  waitForResume(helper, 60_000, resume, end);
  vi.advanceTimersByTime(59_999);
  expect(end).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(end).toHaveBeenCalledTimes(1);
});

it('is not kept for more traces than the broker attaches to one file', () => {
  expect(mayBeKept({ keepable: true }, MAX_TRACES - 1)).toBe(true);
  expect(mayBeKept({ keepable: true }, MAX_TRACES)).toBe(false);
  expect(mayBeKept({ keepable: false }, 1)).toBe(false);
  const broker = readFileSync(join(import.meta.dirname, 'loader/broker.c'), 'utf8');
  // Each trace of one window may attach to a file again, after it was unused for a while.
  expect(Number(/#define TIMES_MAX (\d+)/.exec(broker)?.[1])).toBeGreaterThanOrEqual(4 * MAX_TRACES);
});
