/** The worker's side of a trace, with a capture whose helper is this test: real frames, a real engine. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { readEvent } from '../../helper/events.ts';
import { encodeJson, FrameDecoder, HELPER_FRAMES } from '../../helper/frames.ts';
import { type BreakState, FrameType, type Hello, MAX_FRAME, type Status } from '../../helper/protocol.ts';
import { HELLO as HELPER_HELLO, NO_BACKLOG } from '../../helper/testing/messages.ts';
import { Omission } from '../engine/record.ts';
import { RECORD_LAYOUT } from '../engine/recordLayout.ts';
import { conversation, recordBatch, START } from '../engine/testing/records.ts';
import type { Capture, CaptureOptions, EventListener } from './capture.ts';
import type { KeptHelper } from './keptHelper.ts';
import { TraceError } from './trace.ts';
import { MAX_ROWS, TraceWorker } from './traceWorker.ts';
import type { FromWorker, WorkerOptions } from './workerProtocol.ts';

const HELLO: Hello = { ...HELPER_HELLO, layout: RECORD_LAYOUT, tlsOff: 'the kernel has no uprobes' };
const COUNTERS: Status['counters'] = {
  produced: 0,
  droppedData: 0,
  droppedStructure: 0,
  seenBytes: 1_000,
  copiedBytes: 0,
  omittedBytes: 0,
  droppedBytes: 30,
  unseenBytes: 4,
  otherBytes: 0,
  connectionsUntracked: 0,
  callsUntracked: 0,
  filteredBytes: 0,
};
const CLOCK = { offset: '1700000000000000000', bootTime: String(START) };
const OPTIONS: WorkerOptions = {
  nativePath: '/native',
  helperPath: '/helper.js',
  bodyLimit: 65_536,
  backlog: 1_000_000,
  children: true,
  keepMs: 0,
  keep: null,
  debuggerScripts: [],
};
const GET = conversation([
  { out: 'GET /a HTTP/1.1\r\nHost: shop.test\r\n\r\n' },
  { in: 'HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno' },
]);

/** As above, with only the beginning of the body, because of overload. */
const SHED = conversation([
  { out: 'GET /a HTTP/1.1\r\nHost: shop.test\r\n\r\n' },
  { in: 'HTTP/1.1 404 Not Found\r\nContent-Length: 8\r\n\r\nno' },
  { omit: 'in', size: 6, omission: Omission.Pressure },
]);

/** A capture whose events are sent by the test. */
class ScriptedCapture implements Capture {
  readonly hello = HELLO;
  readonly attached: number[] = [];
  readonly seeds: number[] = [];
  refuse: TraceError | null = null;
  /** Resolves when the helper answers. */
  busy: Promise<void> | null = null;
  cuts = 0;
  #listeners: EventListener[] = [];
  #end: (end: { fault: string | null }) => void = () => {};
  readonly ended = new Promise<{ fault: string | null }>((resolve) => {
    this.#end = resolve;
  });

  onEvent(listener: EventListener): void {
    this.#listeners.push(listener);
  }

  json(type: FrameType, value: unknown): void {
    this.#bytes(encodeJson(type, value));
  }

  records(records: Uint8Array): void {
    for (const listener of this.#listeners) {
      const frame = { type: FrameType.Records, payload: records };
      listener(readEvent(frame), frame);
    }
  }

  async attach(pid: number) {
    if (this.refuse !== null) throw this.refuse;
    await this.busy;
    this.attached.push(pid);
    const info = { request: 1, pid, error: null, message: '', name: 'node' };
    this.json(FrameType.Process, info);
    return info;
  }

  async seed(pid: number) {
    this.seeds.push(pid);
    this.json(FrameType.Process, { request: 1, pid, error: null, message: '', name: 'sh', seed: true });
  }

  turnIntoSeed(pid: number): void {
    this.seeds.push(pid);
  }

  detach(): void {}

  setBreak(what: { readonly pid: number }): Promise<BreakState> {
    return Promise.resolve({ request: 1, pid: what.pid, reason: null, hit: null });
  }

  onBreak(): void {}

  cutShort(): void {
    this.cuts++;
  }

  kept: KeptHelper | null = null;
  keepMs: number | null = null;

  async stop(keepMs = 0): Promise<Status | null> {
    this.keepMs = keepMs;
    this.end(null);
    await this.ended;
    return null;
  }

  end(fault: string | null): void {
    this.#end({ fault });
  }

  #bytes(bytes: Uint8Array): void {
    for (const frame of new FrameDecoder(MAX_FRAME, HELPER_FRAMES).push(bytes)) {
      for (const listener of this.#listeners) listener(readEvent(frame), frame);
    }
  }
}

let sent: FromWorker[];
let captures: ScriptedCapture[];
let worker: TraceWorker;
let start: (options: CaptureOptions) => Promise<Capture>;

beforeEach(() => {
  sent = [];
  captures = [];
  start = async () => {
    const capture = new ScriptedCapture();
    captures.push(capture);
    return capture;
  };
  worker = new TraceWorker(
    (message) => sent.push(structuredClone(message)),
    (options) => start(options),
  );
});

/** Resolves when the request is answered. */
async function answered(request: number): Promise<FromWorker> {
  for (let turn = 0; turn < 100; turn++) {
    const answer = sent.find((one) => 'request' in one && one.request === request);
    if (answer !== undefined) return answer;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`Request ${request} was not answered.`);
}

async function begin(request = 1, pids: readonly number[] = [7]): Promise<ScriptedCapture> {
  worker.take({ type: 'start', request, options: OPTIONS, pids });
  expect(await answered(request)).toEqual({ type: 'done', request });
  return captures.at(-1)!;
}

const rows = () => sent.flatMap((message) => (message.type === 'rows' ? message.rows : []));
const status = () => sent.findLast((message) => message.type === 'status')?.status;

describe('a helper that is kept', () => {
  const KEEPING = { ...OPTIONS, keepMs: 60_000 };

  /** As KeptHelper, without a helper. */
  function keptHelper() {
    let onEnd: () => void = () => {};
    return {
      onEnd: (listener: () => void) => {
        onEnd = listener;
      },
      end: () => onEnd(),
      take: () => null,
    };
  }

  async function stopped(): Promise<ReturnType<typeof keptHelper>> {
    worker.take({ type: 'start', request: 1, options: KEEPING, pids: [7] });
    await answered(1);
    const capture = captures.at(-1)!;
    const kept = keptHelper();
    capture.kept = kept as unknown as KeptHelper;
    worker.take({ type: 'stop', request: 2 });
    await answered(2);
    expect(capture.keepMs).toBe(60_000);
    return kept;
  }

  it('is reported, and serves the next trace', async () => {
    const kept = await stopped();
    expect(status()).toMatchObject({ phase: 'stopped', helperKept: true });
    const scripted = start;
    let given: unknown = null;
    start = (options) => {
      given = options.kept;
      (options.kept as unknown as typeof kept).end(); // it is taken over
      return scripted(options);
    };
    worker.take({ type: 'start', request: 3, options: KEEPING, pids: [8] });
    await answered(3);
    expect(given).toBe(kept);
    expect(captures).toHaveLength(2);
    worker.flush();
    expect(status()).toMatchObject({ phase: 'running', helperKept: false });
  });

  it('ends when none is to be kept', async () => {
    await stopped();
    worker.take({ type: 'keepHelper', keepMs: 5_000 });
    expect(status()).toMatchObject({ helperKept: true });
    worker.take({ type: 'keepHelper', keepMs: 0 });
    expect(status()).toMatchObject({ phase: 'stopped', helperKept: false });
  });

  it('serves a launch that comes while the trace before is being stopped', async () => {
    const capture = await begin();
    const ending = capture.stop.bind(capture);
    let end: () => void = () => {};
    capture.stop = async (keepMs) => {
      await new Promise<void>((resolve) => {
        end = resolve;
      });
      return ending(keepMs);
    };
    worker.take({ type: 'stop', request: 2 });
    worker.take({ type: 'arm', request: 3, options: OPTIONS, seeds: [1] });
    end();
    expect(await answered(3)).toEqual({ type: 'done', request: 3 });
    expect(captures).toHaveLength(2);
    expect(captures[1]?.seeds).toEqual([1]);
    expect(capture.seeds).toEqual([]);
  });
});

describe('an armed trace', () => {
  /** Started by the seed 1, whose calls it makes. */
  async function armed(): Promise<ScriptedCapture> {
    worker.take({ type: 'arm', request: 1, options: OPTIONS, seeds: [1] });
    expect(await answered(1)).toEqual({ type: 'done', request: 1 });
    const capture = captures.at(-1)!;
    expect(capture.seeds).toEqual([1]);
    capture.json(FrameType.Hello, HELLO);
    capture.json(FrameType.Clock, CLOCK);
    capture.records(recordBatch([{ type: 'processStarted', pid: 4242, parent: 1, name: 'node' }, ...GET]));
    worker.flush();
    return capture;
  }

  it('holds the calls of what a seed started back until it is named', async () => {
    await armed();
    expect(status()).toMatchObject({ phase: 'running', calls: 0, errors: 0, targets: [] });
    expect(rows()).toEqual([]);
    worker.take({ type: 'confirm', pids: [4242, 4243] });
    worker.flush();
    expect(rows()).toMatchObject([{ pid: 4242, path: '/a' }]);
    expect(status()).toMatchObject({ calls: 1, errors: 1, targets: [{ pid: 4242 }] });
  });

  it('shows the calls of a process that had ended when it was named', async () => {
    const capture = await armed();
    capture.refuse = new TraceError('gone', 'Process 4242 has ended.');
    worker.take({ type: 'start', request: 2, options: OPTIONS, pids: [4242] });
    expect(await answered(2)).toEqual({ type: 'done', request: 2 });
    worker.flush();
    expect(rows()).toMatchObject([{ pid: 4242 }]);
  });

  it('keeps a process that was named, however late the helper answers', async () => {
    const capture = await armed();
    let answer: () => void = () => {};
    capture.busy = new Promise((resolve) => {
      answer = resolve;
    });
    worker.take({ type: 'start', request: 2, options: OPTIONS, pids: [4242] });
    await new Promise(setImmediate);
    worker.take({ type: 'leaveOutUnnamed', olderMs: -1 });
    answer();
    expect(await answered(2)).toEqual({ type: 'done', request: 2 });
    expect(capture.seeds).toEqual([1]);
    expect(capture.attached).toEqual([4242]);
    worker.flush();
    // Its start was seen.
    expect(status()).toMatchObject({ targets: [{ pid: 4242, parent: 1 }] });
  });

  it('keeps a process that was named before the record of its start came', async () => {
    const capture = await armed();
    worker.take({ type: 'start', request: 2, options: OPTIONS, pids: [4300] });
    expect(await answered(2)).toEqual({ type: 'done', request: 2 });
    capture.records(recordBatch([{ type: 'processStarted', pid: 4300, parent: 1, name: 'node' }]));
    worker.take({ type: 'leaveOutUnnamed', olderMs: -1 });
    expect(capture.seeds).toEqual([1, 4242]);
    // The same id once more is another process.
    capture.records(
      recordBatch([
        { type: 'processEnded', pid: 4300, parent: 1, name: 'node' },
        { type: 'processStarted', pid: 4300, parent: 1, name: 'node' },
      ]),
    );
    worker.take({ type: 'leaveOutUnnamed', olderMs: -1 });
    expect(capture.seeds).toEqual([1, 4242, 4300]);
  });

  it('leaves out processes that no debugger names, which are seeds from then on', async () => {
    const capture = await armed();
    worker.take({ type: 'leaveOutUnnamed', olderMs: -1 });
    expect(capture.seeds).toEqual([1, 4242]);
    worker.take({ type: 'confirm', pids: [4242] });
    worker.flush();
    expect(rows()).toEqual([]);
    expect(status()).toMatchObject({ calls: 0, targets: [] });
  });
});

it('does not show a script of the debugger that ran already below what is debugged', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'debugger-script-'));
  const script = join(folder, 'watchdog.js');
  writeFileSync(script, 'setTimeout(() => {}, 60_000)');
  const child = spawn(process.execPath, [script], { stdio: 'ignore' });
  try {
    // Until it has executed Node.js, it has this process's command line.
    await expect.poll(() => readFileSync(`/proc/${child.pid}/cmdline`, 'utf8')).toContain(script);
    worker.take({
      type: 'start',
      request: 1,
      options: { ...OPTIONS, debuggerScripts: [script] },
      pids: [4242, child.pid ?? 0],
    });
    expect(await answered(1)).toEqual({ type: 'done', request: 1 });
    captures.at(-1)?.json(FrameType.Hello, HELLO);
    captures.at(-1)?.json(FrameType.Clock, CLOCK);
    worker.flush();
    expect(status()).toMatchObject({ targets: [{ pid: 4242 }] });
  } finally {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  }
});

describe('a trace in the worker', () => {
  it('sends rows and its status, and the details of a call that is asked for', async () => {
    const capture = await begin();
    capture.json(FrameType.Hello, HELLO);
    capture.json(FrameType.Clock, CLOCK);
    capture.records(recordBatch(SHED));
    capture.json(FrameType.Status, {
      counters: COUNTERS,
      backlog: { ...NO_BACKLOG, records: 5, newest: String(START + 3_502_000_000n), shedBodies: 2 },
      sent: 3,
      upTo: String(START + 2_000_000n),
      targets: 1,
      final: false,
    });
    worker.flush();
    expect(rows().at(-1)).toMatchObject({ id: 1, method: 'GET', path: '/a', status: 404 });
    expect(status()).toMatchObject({
      phase: 'running',
      calls: 1,
      errors: 1,
      bytesSeen: 1_000,
      bytesLost: 40,
      behindMs: 3_500,
      waitingRecords: 5,
      now: 2,
      backend: 'tracepoint',
      startedAt: Number((START + 1_700_000_000_000_000_000n) / 1_000_000n),
    });
    worker.take({ type: 'details', request: 2, id: 1, reveal: false, messageBytes: null });
    expect(await answered(2)).toMatchObject({ exchange: { url: 'http://shop.test/a' } });
    worker.take({ type: 'details', request: 3, id: 99, reveal: false, messageBytes: null });
    expect(await answered(3)).toMatchObject({ exchange: null });
    worker.take({ type: 'search', request: 4, query: 'body:no header:host=shop* body:yes', ids: [1, 99] });
    expect(await answered(4)).toEqual({ type: 'found', request: 4, results: [[1, 0b011]] });
  });

  it('knows why TLS is not decrypted, although that is reported before the clock', async () => {
    const capture = await begin();
    capture.json(FrameType.Hello, HELLO);
    capture.json(FrameType.Clock, CLOCK);
    capture.json(FrameType.Process, { request: 2, pid: 7, error: null, message: '', name: 'node' });
    capture.json(FrameType.Tls, { pid: 7, libraries: [] });
    worker.flush();
    expect(status()?.targets).toMatchObject([{ pid: 7, tls: { off: 'the kernel has no uprobes' } }]);
  });

  it('sends many rows in bounded messages, and all of them when the trace ends', async () => {
    const capture = await begin();
    capture.json(FrameType.Clock, CLOCK);
    const calls = MAX_ROWS + 10;
    for (let connection = 1; connection <= calls; connection++) {
      capture.records(
        recordBatch(
          conversation([{ out: 'GET / HTTP/1.1\r\nHost: a\r\n\r\n' }], { connection: BigInt(connection) }),
        ),
      );
    }
    worker.take({ type: 'stop', request: 2 });
    expect(await answered(2)).toEqual({ type: 'done', request: 2 });
    const sizes = sent.map((message) => (message.type === 'rows' ? message.rows.length : 0));
    expect(Math.max(...sizes)).toBe(MAX_ROWS);
    expect(new Set(rows().map(({ id }) => id)).size).toBe(calls);
    expect(status()).toMatchObject({ phase: 'stopped', problem: null, runningCalls: 0 });
  });

  it('reports how much is left while it stops, and does not wait for it when asked again', async () => {
    const capture = await begin();
    capture.json(FrameType.Clock, CLOCK);
    const stopped = new Promise<void>((resolve) => {
      capture.stop = async () => {
        await capture.ended;
        resolve();
        return null;
      };
    });
    worker.take({ type: 'stop', request: 2 });
    capture.json(FrameType.Status, {
      counters: COUNTERS,
      backlog: { ...NO_BACKLOG, records: 4_200, newest: String(START + 9n) },
      sent: 3,
      upTo: String(START),
      targets: 1,
      final: false,
    });
    worker.flush();
    expect(status()).toMatchObject({ phase: 'stopping', waitingRecords: 4_200 });
    worker.take({ type: 'cutShort' });
    expect(capture.cuts).toBe(1);
    // One that is started meanwhile begins after it.
    worker.take({ type: 'start', request: 3, options: OPTIONS, pids: [8] });
    capture.end(null);
    await stopped;
    expect(await answered(2)).toEqual({ type: 'done', request: 2 });
    expect(await answered(3)).toEqual({ type: 'done', request: 3 });
    expect(capture.attached).not.toContain(8);
    expect(captures.at(-1)?.attached).toContain(8);
    expect(status()).toMatchObject({ phase: 'running', waitingRecords: 0 });
  });

  it('forgets everything that can be seen when it is cleared, and counts from 1 again', async () => {
    const capture = await begin();
    capture.json(FrameType.Clock, CLOCK);
    capture.records(recordBatch(GET));
    const upTo = String(START + 2_000_000n);
    capture.json(FrameType.Status, {
      counters: COUNTERS,
      backlog: NO_BACKLOG,
      sent: 3,
      upTo,
      targets: 1,
      final: false,
    });
    worker.flush();
    const before = status();
    worker.take({ type: 'clear' });
    expect(sent.findLast(({ type }) => type === 'rows')).toMatchObject({ rows: [], removed: [1] });
    expect(status()).toMatchObject({
      phase: 'running',
      list: (before?.list ?? 0) + 1,
      calls: 0,
      errors: 0,
      bytesSeen: 0,
      bytesLost: 0,
      now: 0,
      startedAt: (before?.startedAt ?? 0) + 2,
      newest: { calls: 0, bytesSeen: 0, cleared: true },
    });
    capture.records(
      recordBatch(conversation([{ out: 'GET /b HTTP/1.1\r\nHost: a\r\n\r\n' }], { connection: 9n })),
    );
    const counters = { ...COUNTERS, seenBytes: 1_500 };
    capture.json(FrameType.Status, {
      counters,
      backlog: NO_BACKLOG,
      sent: 4,
      upTo,
      targets: 1,
      final: false,
    });
    worker.flush();
    expect(rows().at(-1)).toMatchObject({ id: 1, path: '/b' });
    expect(status()).toMatchObject({ calls: 1, bytesSeen: 500, bytesLost: 0 });

    worker.take({ type: 'stop', request: 2 });
    await answered(2);
    worker.take({ type: 'clear' });
    expect(status()).toMatchObject({
      phase: 'stopped',
      startedAt: null,
      calls: 0,
      bytesSeen: 0,
      targets: [],
    });
    const next = await begin(3);
    next.json(FrameType.Clock, { ...CLOCK, bootTime: String(START + 60_000_000_000n) });
    worker.flush();
    expect(status()).toMatchObject({ bytesSeen: 0, newest: { calls: 0, bytesSeen: 0, cleared: false } });
  });

  it('fails when the helper dies, keeps what it had, and starts again', async () => {
    const capture = await begin();
    capture.json(FrameType.Clock, CLOCK);
    capture.records(recordBatch(GET));
    capture.end('The helper ended by itself.');
    await capture.ended;
    worker.flush();
    expect(status()).toMatchObject({ phase: 'failed', problem: 'The helper ended by itself.', calls: 1 });
    const next = await begin(2);
    next.json(FrameType.Clock, { ...CLOCK, bootTime: String(START + 5_000_000_000n) });
    next.records(recordBatch(GET));
    worker.flush();
    expect(status()).toMatchObject({ phase: 'running', problem: null, calls: 2 });
    expect(rows().at(-1)?.id).toBe(2);
  });

  it('ends when the one process it was started for cannot be traced', async () => {
    start = async () => {
      const capture = new ScriptedCapture();
      capture.refuse = new TraceError('not-owner', 'Process 7 belongs to somebody else.');
      captures.push(capture);
      return capture;
    };
    worker.take({ type: 'start', request: 1, options: OPTIONS, pids: [7] });
    expect(await answered(1)).toEqual({
      type: 'refused',
      request: 1,
      code: 'not-owner',
      message: 'Process 7 belongs to somebody else.',
    });
    worker.flush();
    expect(status()).toMatchObject({ phase: 'failed', problem: 'Process 7 belongs to somebody else.' });
  });

  it('is idle again when the prompt for a password was declined', async () => {
    const question = {
      offers: [{ prompt: 'terminal', command: ['sudo', 'loader'] }],
      trustedProblem: null,
    } as const;
    start = async ({ ask }) => {
      throw await ask!(question);
    };
    worker.take({ type: 'start', request: 1, options: OPTIONS, pids: [7] });
    await new Promise((resolve) => setImmediate(resolve));
    expect(sent.find(({ type }) => type === 'ask')).toEqual({ type: 'ask', question });
    worker.take({ type: 'asked', code: 'cancelled', message: 'The terminal was closed.', signal: null });
    expect(await answered(1)).toMatchObject({ type: 'refused', code: 'cancelled' });
    worker.flush();
    expect(status()).toMatchObject({ phase: 'idle', problem: null });
  });

  it('refuses records before the clock', async () => {
    const capture = await begin();
    expect(() => capture.records(recordBatch(GET))).toThrow('before the clock');
  });
});
