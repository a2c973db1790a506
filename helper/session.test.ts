import { type Duplex, duplexPair } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Descriptors, Facts } from './facts.ts';
import { decodeJson, encodeFrameHeader, encodeJson, FrameDecoder } from './frames.ts';
import type { Native } from './native.ts';
import { type Counters, FRAME_HEADER_SIZE, FrameType, type Hello, type Status } from './protocol.ts';
import { MAX_UNSENT, Session } from './session.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const NO_DESCRIPTOR = -1;

const FACTS: Facts = {
  links: 0,
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
  missing: { waiting: 'refused', begun: '', tls: 'not allowed', hooks: '' },
};

const DESCRIPTORS: Descriptors = {
  dataRing: NO_DESCRIPTOR,
  structureRing: NO_DESCRIPTOR,
  targets: 1,
  counters: NO_DESCRIPTOR,
  namedTargets: 2,
  processRing: NO_DESCRIPTOR,
  waiting: NO_DESCRIPTOR,
  waitingUnix: NO_DESCRIPTOR,
  links: [],
};

/** The addon without a kernel: records are what a test puts into `batches`. */
class Rings {
  readonly batches: Buffer[] = [];
  readonly targets = new Set<number>();
  offset = 5_000n;
  onRecords: () => void = () => {};

  readonly native = {
    readClocks: () => [7n, this.offset],
    openRings: (_data: number, _structure: number, _process: number, onRecords: () => void) => {
      this.onRecords = onRecords;
    },
    drain: () => {
      const batch = this.batches.shift() ?? null;
      return { batch, records: batch === null ? 0 : 3, upTo: batch === null ? 0n : 99n };
    },
    closeRings: () => {},
    readCounters: () => Array.from({ length: 12 }, (_, index) => 100 + index),
    countTargets: (map: number) => (map === DESCRIPTORS.targets ? this.targets.size : 0),
    clearTargets: () => this.targets.clear(),
  } as unknown as Native;

  add(count: number, size: number): void {
    for (let i = 0; i < count; i++) this.batches.push(Buffer.alloc(FRAME_HEADER_SIZE + size));
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
    await vi.waitFor(() => expect(json<Hello>(FrameType.Hello)).toMatchObject([{ bodyLimit, layout: 5 }]));
  });

  it.each([
    { tlsWanted: true, missing: { waiting: 'refused', tls: 'not allowed' } },
    { tlsWanted: false, missing: { waiting: 'refused' } },
  ])('names the parts that are missing, of TLS only when it is wanted: $tlsWanted', async (one) => {
    read();
    await started({ tlsWanted: one.tlsWanted });
    await vi.waitFor(() => expect(json<Hello>(FrameType.Hello)[0]?.missing).toEqual(one.missing));
  });
});

describe('a clock', () => {
  it('is reported at the start, and again only when wall time jumps by a millisecond', async () => {
    read();
    await started();
    await vi.waitFor(() => expect(json(FrameType.Clock)).toEqual([{ offset: '5000', bootTime: '7' }]));
    rings.offset = 5_000n + 999_999n;
    await vi.waitFor(() => expect(json(FrameType.Status).length).toBeGreaterThan(0), 3_000);
    expect(json(FrameType.Clock)).toHaveLength(1);
    rings.offset = 5_000n + 1_000_000n;
    await vi.waitFor(() => expect(json(FrameType.Clock)).toHaveLength(2), 3_000);
  });
});

describe('records', () => {
  it('are sent as they come, and counted', async () => {
    read();
    await started();
    rings.add(2, 10);
    rings.onRecords();
    await vi.waitFor(() => expect(received.filter(({ type }) => type === FrameType.Records)).toHaveLength(2));
    const [status] = json<Status>(FrameType.Status);
    expect(status).toMatchObject({ sent: 6, upTo: '99', final: false });
    const expected: Partial<Counters> = { produced: 100, unseenBytes: 107, filteredBytes: 111 };
    expect(status?.counters).toMatchObject(expected);
  });

  it('stay in the kernel while the client does not read, and follow when it does', async () => {
    await started();
    rings.add(80, MIB);
    rings.onRecords();
    expect(rings.batches.length).toBeGreaterThan(80 - MAX_UNSENT / MIB - 5);
    expect(helperEnd.writableLength).toBeLessThan(MAX_UNSENT + 2 * MIB);
    read();
    await vi.waitFor(
      () => expect(received.filter(({ type }) => type === FrameType.Records)).toHaveLength(80),
      10_000,
    );
  });
});

describe('the end', () => {
  it('reports everything that is left although the client does not read, then the final status', async () => {
    const session = await started();
    rings.targets.add(1).add(2);
    rings.add(80, MIB);
    rings.onRecords();
    await session.stop();
    expect(rings.batches).toEqual([]);
    expect(rings.targets.size).toBe(0);
    read();
    await vi.waitFor(() => expect(exit).toHaveBeenCalledWith(0), 10_000);
    expect(received.filter(({ type }) => type === FrameType.Records)).toHaveLength(80);
    expect(received.at(-1)?.type).toBe(FrameType.Status);
    const last = json<Status>(FrameType.Status).at(-1);
    expect(last).toMatchObject({ final: true, sent: 240, targets: 2 });
  });

  it('comes once, however often it is asked for', async () => {
    read();
    await started();
    client.write(encodeJson(FrameType.Stop, {}));
    client.write(encodeJson(FrameType.Stop, {}));
    await vi.waitFor(() => expect(exit).toHaveBeenCalled(), 3_000);
    expect(json<Status>(FrameType.Status).filter(({ final }) => final)).toHaveLength(1);
  });

  it('comes with the client', async () => {
    await started();
    client.destroy();
    await vi.waitFor(() => expect(exit).toHaveBeenCalledWith(0));
  });
});

describe('a client that breaks the protocol', () => {
  it.each([
    ['an attach without a process', encodeJson(FrameType.Attach, { request: 1, children: true })],
    ['a process id out of range', encodeJson(FrameType.Detach, { pid: 2 ** 32 })],
    ['a frame that only a helper sends', encodeJson(FrameType.Status, {})],
    ['a frame that is too long', Buffer.from(encodeFrameHeader(FrameType.Attach, 64 * MIB))],
  ])('%s: the client learns why, and the trace ends', async (_, bytes) => {
    read();
    await started();
    client.write(bytes);
    await vi.waitFor(() => expect(exit).toHaveBeenCalledWith(1));
    expect(json<{ code: string }>(FrameType.Fault)).toMatchObject([{ code: 'client' }]);
  });
});
