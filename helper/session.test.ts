import { openSync } from 'node:fs';
import { type Duplex, duplexPair } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Descriptors, Facts } from './facts.ts';
import { decodeJson, encodeFrameHeader, encodeJson, FrameDecoder } from './frames.ts';
import { BATCH_SIZE, type Native } from './native.ts';
import { type Counters, FrameType, type Hello, type Status } from './protocol.ts';
import { MAX_UNSENT, Session } from './session.ts';
import { NO_BACKLOG } from './testing/messages.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const NO_DESCRIPTOR = -1;

const FACTS: Facts = {
  links: 0,
  keepable: false,
  tlsAttach: 'none',
  tlsWanted: true,
  groups: [],
  owner: 1000,
  foreignPids: false,
  ringSize: 8 * MIB,
  requestCopyLimit: 32 * KIB + 100,
  responseCopyLimit: 32 * KIB + 200,
  backend: 'tracepoint',
  refused: { fentry: 'no BTF', kprobe: '', tracepoint: '' },
  missing: { waiting: 'refused', begun: '', tls: 'not allowed', hooks: '', callers: '', stacks: '' },
};

const DESCRIPTORS: Descriptors = {
  dataRing: NO_DESCRIPTOR,
  structureRing: NO_DESCRIPTOR,
  targets: 1,
  counters: NO_DESCRIPTOR,
  namedTargets: 2,
  processRing: NO_DESCRIPTOR,
  waiting: NO_DESCRIPTOR,
  breaks: NO_DESCRIPTOR,
  automaton: NO_DESCRIPTOR,
  stacks: NO_DESCRIPTOR,
  links: [],
};

/** On a busy machine, milliseconds become seconds. */
const waitFor = <T>(check: () => T): Promise<T> => vi.waitFor(check, 60_000);

/** The addon without a kernel: what a test puts into `batches`, the lengths of three records each. */
class Rings {
  readonly batches: number[] = [];
  dropped = 0;
  limit: number | null = null;
  readonly targets = new Set<number>();
  counted = 100;
  pauses = 0;
  pauseFails = false;
  /** Links of the broker. */
  links = 0;
  offset = 5_000n;
  suspended = 3n;
  onRecords: () => void = () => {};

  readonly native = {
    readClocks: () => [7n, this.offset, this.suspended],
    openRings: (_data: number, _structure: number, _process: number, onRecords: () => void) => {
      this.onRecords = onRecords;
    },
    reportProcesses: () => undefined,
    takeBatch: () => {
      const length = this.batches.shift() ?? 0;
      return { length, records: length === 0 ? 0 : 3, upTo: length === 0 ? 0n : 99n };
    },
    drainNow: () => true,
    dropBacklog: () => {
      this.dropped += 3 * this.batches.length;
      this.batches.length = 0;
    },
    setBacklogLimit: (bytes: number) => {
      this.limit = bytes;
    },
    readBacklog: () => ({
      ...NO_BACKLOG,
      records: 3 * this.batches.length,
      newest: 123n,
      droppedRecords: this.dropped,
    }),
    closeRings: () => {},
    readCounters: () => Array.from({ length: 12 }, (_, index) => this.counted + index),
    pauseTrace: () => {
      if (this.pauseFails) throw new Error('the broker is gone');
      this.pauses++;
      this.links = Math.max(0, this.links - 1);
      return this.links;
    },
    listTargets: (map: number) =>
      map === DESCRIPTORS.targets ? [...this.targets].flatMap((pid) => [pid, 0]) : [],
    clearTargets: () => this.targets.clear(),
  } as unknown as Native;

  add(count: number, size: number): void {
    for (let i = 0; i < count; i++) this.batches.push(size);
  }
}

interface Frame {
  readonly type: FrameType;
  readonly payload: Uint8Array;
}

let rings: Rings;
let helperEnd: Duplex;
let client: Duplex;
let received: Frame[];
let exit: ReturnType<typeof vi.fn<(status: number) => void>>;

beforeEach(() => {
  rings = new Rings();
  [helperEnd, client] = duplexPair();
  received = [];
  exit = vi.fn<(status: number) => void>();
});

afterEach(() => {
  helperEnd.destroy();
  client.destroy();
});

function read(): void {
  const decoder = new FrameDecoder(64 * MIB, new Set(Object.values(FrameType)) as ReadonlySet<FrameType>);
  client.on('data', (piece: Buffer) => {
    for (const { type, payload } of decoder.push(piece)) {
      received.push({ type, payload: Uint8Array.from(payload) });
    }
  });
}

async function started(facts: Partial<Facts> = {}): Promise<Session> {
  const session = new Session(rings.native, { ...FACTS, ...facts }, DESCRIPTORS, helperEnd, exit);
  await session.start();
  return session;
}

function json<T>(type: FrameType): T[] {
  return received
    .filter((frame) => frame.type === type)
    .map(({ payload }) => decodeJson(payload) as unknown as T);
}

describe('hello', () => {
  it.each([
    { limits: {}, bodyLimit: 200 },
    { limits: { requestCopyLimit: 0xffff_ffff }, bodyLimit: null },
    { limits: { requestCopyLimit: 32 * KIB, responseCopyLimit: 32 * KIB }, bodyLimit: 0 },
  ])('says the body limit: $bodyLimit', async ({ limits, bodyLimit }) => {
    read();
    await started(limits);
    await waitFor(() => expect(json<Hello>(FrameType.Hello)).toMatchObject([{ bodyLimit, layout: 5 }]));
  });

  it.each([
    { tlsWanted: true, missing: { waiting: 'refused', tls: 'not allowed' } },
    { tlsWanted: false, missing: { waiting: 'refused' } },
  ])('names the parts that are missing, of TLS only when it is wanted: $tlsWanted', async (one) => {
    read();
    await started({ tlsWanted: one.tlsWanted });
    await waitFor(() => expect(json<Hello>(FrameType.Hello)[0]?.missing).toEqual(one.missing));
  });
});

describe('a clock', () => {
  it('is reported at the start, and again only when wall time jumps by a millisecond, or the machine slept', async () => {
    read();
    await started();
    await waitFor(() =>
      expect(json(FrameType.Clock)).toEqual([{ offset: '5000', bootTime: '7', suspended: '3' }]),
    );
    rings.offset = 5_000n + 999_999n;
    await waitFor(() => expect(json(FrameType.Status).length).toBeGreaterThan(0));
    expect(json(FrameType.Clock)).toHaveLength(1);
    rings.offset = 5_000n + 1_000_000n;
    await waitFor(() => expect(json(FrameType.Clock)).toHaveLength(2));
    rings.suspended += 60_000_000_000n;
    await waitFor(() => expect(json(FrameType.Clock)).toHaveLength(3));
  });
});

describe('records', () => {
  it('are sent as they come, and counted', async () => {
    read();
    await started();
    rings.add(2, 10);
    rings.onRecords();
    await waitFor(() => expect(received.filter(({ type }) => type === FrameType.Records)).toHaveLength(2));
    const [status] = json<Status>(FrameType.Status);
    expect(status).toMatchObject({ sent: 6, upTo: '99', final: false });
    const expected: Partial<Counters> = { produced: 100, unseenBytes: 107, filteredBytes: 111 };
    expect(status?.counters).toMatchObject(expected);
  });

  it('stay in the backlog while the client does not read, and follow when it does', async () => {
    await started();
    rings.add(80, BATCH_SIZE);
    rings.onRecords();
    expect(rings.batches.length).toBeGreaterThanOrEqual(80 - MAX_UNSENT / BATCH_SIZE - 1);
    expect(helperEnd.writableLength).toBeLessThan(MAX_UNSENT + MIB);
    // Statuses do not pile up meanwhile.
    for (let i = 0; i < 50; i++) rings.onRecords();
    expect(helperEnd.writableLength).toBeLessThan(MAX_UNSENT + MIB);
    read();
    await waitFor(() => expect(received.filter(({ type }) => type === FrameType.Records)).toHaveLength(80));
    await waitFor(() => expect(json<Status>(FrameType.Status).at(-1)).toMatchObject({ sent: 240 }));
  });

  it('may take as much room as the client says', async () => {
    await started();
    client.write(encodeJson(FrameType.Options, { backlog: 7 * MIB }));
    await waitFor(() => expect(rings.limit).toBe(7 * MIB));
  });
});

describe('the end', () => {
  it('reports everything that is left although the client does not read, then the final status', async () => {
    const session = await started();
    rings.targets.add(1).add(2);
    rings.add(80, BATCH_SIZE);
    rings.onRecords();
    const stopped = session.stop();
    await waitFor(() => expect(rings.targets.size).toBe(0));
    expect(exit).not.toHaveBeenCalled();
    read();
    await stopped;
    expect(rings.batches).toEqual([]);
    // Meanwhile it reports how much is left.
    expect(json<Status>(FrameType.Status).some(({ backlog, final }) => !final && backlog.records > 0)).toBe(
      true,
    );
    await waitFor(() => expect(exit).toHaveBeenCalledWith(0));
    expect(received.filter(({ type }) => type === FrameType.Records)).toHaveLength(80);
    expect(received.at(-1)?.type).toBe(FrameType.Status);
    const last = json<Status>(FrameType.Status).at(-1);
    expect(last).toMatchObject({ final: true, sent: 240, targets: 2 });
  });

  it.each([
    ['first', false],
    ['later', true],
  ])(
    'is heard of while it takes long, as the kernel waits for each program that it removes: of a %s trace',
    async (_, resumed) => {
      read();
      const links = resumed ? [] : Array.from({ length: 5 }, () => openSync('/dev/null', 'r'));
      rings.links = resumed ? 5 : 0;
      const descriptors = { ...DESCRIPTORS, links };
      const session = new Session(rings.native, FACTS, descriptors, helperEnd, exit, { resumed });
      await session.start();
      // Two seconds pass between any two looks at the clock.
      let now = performance.now();
      const clock = vi.spyOn(performance, 'now').mockImplementation(() => {
        now += 2_000;
        return now;
      });
      try {
        await session.stop();
      } finally {
        clock.mockRestore();
      }
      await waitFor(() => expect(json<Status>(FrameType.Status).at(-1)).toMatchObject({ final: true }));
      expect(json<Status>(FrameType.Status).filter(({ final }) => !final).length).toBeGreaterThanOrEqual(5);
      expect(rings.links).toBe(0);
    },
  );

  it('does not wait for the remaining records when it is cut short, and counts them', async () => {
    const session = await started();
    rings.add(80, BATCH_SIZE);
    rings.onRecords();
    const taken = 80 - rings.batches.length;
    client.write(encodeJson(FrameType.Stop, {}));
    client.write(encodeJson(FrameType.CutShort, {}));
    await waitFor(() => expect(rings.batches).toEqual([]));
    read();
    await session.stop();
    await waitFor(() => expect(exit).toHaveBeenCalledWith(0));
    expect(received.filter(({ type }) => type === FrameType.Records)).toHaveLength(taken);
    expect(json<Status>(FrameType.Status).at(-1)).toMatchObject({
      final: true,
      sent: 3 * taken,
      backlog: { records: 0, droppedRecords: 240 - 3 * taken },
    });
  });

  it('comes once, however often it is asked for', async () => {
    read();
    await started();
    client.write(encodeJson(FrameType.Stop, {}));
    client.write(encodeJson(FrameType.Stop, {}));
    await waitFor(() => expect(exit).toHaveBeenCalled());
    expect(json<Status>(FrameType.Status).filter(({ final }) => final)).toHaveLength(1);
  });

  it('comes with the client', async () => {
    await started();
    client.destroy();
    await waitFor(() => expect(exit).toHaveBeenCalledWith(0));
  });
});

describe('a pause', () => {
  const KEEPABLE = { ...FACTS, keepable: true };

  it('ends the trace as a stop does, and the process stays', async () => {
    read();
    const onPaused = vi.fn<(forMs: number) => void>();
    const session = new Session(rings.native, KEEPABLE, DESCRIPTORS, helperEnd, exit, { onPaused });
    await session.start();
    await waitFor(() => expect(json<Hello>(FrameType.Hello)).toMatchObject([{ keepable: true }]));
    rings.targets.add(1);
    rings.add(2, BATCH_SIZE);
    client.write(encodeJson(FrameType.Pause, { forMs: 5_000 }));
    await waitFor(() => expect(onPaused).toHaveBeenCalledWith(5_000));
    expect(rings.targets.size).toBe(0);
    expect(rings.pauses).toBe(1);
    await waitFor(() =>
      expect(json<Status>(FrameType.Status).at(-1)).toMatchObject({ final: true, sent: 6 }),
    );
    expect(helperEnd.listenerCount('data')).toBe(0);
    expect(exit).not.toHaveBeenCalled();
  });

  it.each([
    ['cannot be kept', FACTS, false],
    ['has lost its broker', KEEPABLE, true],
  ])('is a stop where the helper %s', async (_, facts, fails) => {
    read();
    rings.pauseFails = fails;
    const onPaused = vi.fn<(forMs: number) => void>();
    const session = new Session(rings.native, facts, DESCRIPTORS, helperEnd, exit, { onPaused });
    await session.start();
    client.write(encodeJson(FrameType.Pause, { forMs: 5_000 }));
    await waitFor(() => expect(exit).toHaveBeenCalledWith(0));
    expect(onPaused).not.toHaveBeenCalled();
    expect(json<Status>(FrameType.Status).at(-1)).toMatchObject({ final: true });
  });

  it('is followed by a trace whose counters begin at zero, and which ends with its broker', async () => {
    read();
    const session = new Session(rings.native, KEEPABLE, DESCRIPTORS, helperEnd, exit, { resumed: true });
    rings.counted += 7;
    await session.start();
    rings.onRecords();
    await waitFor(() => expect(json<Status>(FrameType.Status).length).toBeGreaterThan(0));
    expect(json<Status>(FrameType.Status)[0]?.counters).toMatchObject({
      produced: 7,
      seenBytes: 7,
      filteredBytes: 7,
    });
    session.endWithBroker();
    await waitFor(() => expect(exit).toHaveBeenCalledWith(1));
    expect(json<{ code: string }>(FrameType.Fault)).toMatchObject([{ code: 'helper' }]);
  });
});

describe('a client that breaks the protocol', () => {
  it.each([
    ['a pause without an end', encodeJson(FrameType.Pause, { forMs: 0 })],
    ['a pause for a day', encodeJson(FrameType.Pause, { forMs: 86_400_000 })],
    ['a word to go on while a trace runs', encodeJson(FrameType.Resume, {})],
    ['an attach without a process', encodeJson(FrameType.Attach, { request: 1, children: true })],
    ['options without a number', encodeJson(FrameType.Options, { backlog: -1 })],
    ['a stop that is cut short before it was asked for', encodeJson(FrameType.CutShort, {})],
    ['a process id out of range', encodeJson(FrameType.Detach, { pid: 2 ** 32 })],
    ['relative paths that are expected', encodeJson(FrameType.Expected, { paths: ['bin/tool'] })],
    ['very many paths', encodeJson(FrameType.Expected, { paths: Array.from({ length: 65 }, () => '/a') })],
    ['a frame that only a helper sends', encodeJson(FrameType.Status, {})],
    ['a frame that is too long', Buffer.from(encodeFrameHeader(FrameType.Attach, 64 * MIB))],
  ])('%s: the client learns why, and the trace ends', async (_, bytes) => {
    read();
    await started();
    client.write(bytes);
    await waitFor(() => expect(exit).toHaveBeenCalledWith(1));
    expect(json<{ code: string }>(FrameType.Fault)).toMatchObject([{ code: 'client' }]);
  });
});
