import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeJson, type Frame } from '../../helper/frames.ts';
import { FrameType, type Hello } from '../../helper/protocol.ts';
import { HELLO as HELPER_HELLO } from '../../helper/testing/messages.ts';
import { RECORD_LAYOUT } from '../engine/recordLayout.ts';
import { conversation, recordBatch, START } from '../engine/testing/records.ts';
import { copyOf } from './keptCopy.ts';
import { byTrace, comesBack, joined, keptParts, makeFolder, takeOver, thisRun } from './keptFiles.ts';
import { readFile } from './openFile.ts';
import { TraceKeeper } from './traceKeeper.ts';

const HELLO: Hello = { ...HELPER_HELLO, layout: RECORD_LAYOUT };
const json = (type: FrameType, value: unknown): Frame => ({
  type,
  payload: encodeJson(type, value).slice(6),
});
const OPENING = [
  json(FrameType.Hello, HELLO),
  json(FrameType.Clock, { offset: '1700000000000000000', bootTime: String(START) }),
  json(FrameType.Process, { request: 1, pid: 4242, error: null, message: '', name: 'node', seed: false }),
];
const call = (path: string, connection: number, body = 'ok'): Frame => ({
  type: FrameType.Records,
  payload: recordBatch(
    conversation(
      [
        { out: `GET ${path} HTTP/1.1\r\nHost: shop.test\r\n\r\n` },
        { in: `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}` },
      ],
      { connection: BigInt(connection), pid: 4242 },
    ),
  ),
});

let folder: string;
let keeper: TraceKeeper;
const LIMIT = 1_000_000;
const begin = (limit = LIMIT, now = 1_000): void => {
  keeper.begin({ folder, limit, run: thisRun() }, now);
  for (const frame of OPENING) keeper.frame(frame);
};
const shown = async (): Promise<(string | null | undefined)[][]> => {
  const traces: (string | null | undefined)[][] = [];
  for (const parts of byTrace(await keptParts(folder))) {
    const { source, note } = await readFile(joined(parts, 100), { cancelled: () => false, unended: true });
    expect(note).toBeNull();
    const rows = source.takeChanges().changed.map((id) => source.row(id));
    expect(rows.every((row) => row?.processName === 'node')).toBe(true);
    traces.push(rows.map((row) => row?.path));
  }
  return traces;
};

beforeEach(async () => {
  folder = join(mkdtempSync(join(tmpdir(), 'http-trace-kept-')), 'kept');
  await makeFolder(folder);
  keeper = new TraceKeeper();
});
afterEach(() => {
  keeper.end();
  rmSync(join(folder, '..'), { recursive: true, force: true });
});

describe('what is kept of a trace', () => {
  it('is there without an end, for its owner only', async () => {
    begin();
    keeper.frame(call('/a', 1));
    keeper.flush();
    keeper.frame(call('/lost', 2));
    expect(await shown()).toEqual([['/a']]);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
  });

  it('is within the limit: the oldest is dropped, and the rest can be read', async () => {
    const limit = 200_000;
    begin(limit);
    for (let i = 1; i <= 50; i++) keeper.frame(call(`/${i}`, i, 'x'.repeat(20_000)));
    keeper.end();
    const parts = await keptParts(folder);
    expect(parts.reduce((sum, { size }) => sum + size, 0)).toBeLessThan(limit * 1.2);
    expect(parts[0]?.part).toBeGreaterThan(1);
    const [paths = []] = await shown();
    expect(paths.at(-1)).toBe('/50');
    expect(paths.length).toBeGreaterThan(4);
    expect(paths).not.toContain('/1');
  });

  it('does not start a part for each frame, however many processes are known', async () => {
    begin(200_000);
    for (let pid = 1; pid <= 2_000; pid++)
      keeper.frame(
        json(FrameType.Process, { request: 1, pid, error: null, message: '', name: 'x', seed: false }),
      );
    const before = await keptParts(folder);
    for (let i = 1; i <= 20; i++) keeper.frame(call(`/${i}`, i));
    keeper.end();
    const after = await keptParts(folder);
    expect((after.at(-1)?.part ?? 0) - (before.at(-1)?.part ?? 0)).toBeLessThanOrEqual(1);
    expect((await shown())[0]?.at(-1)).toBe('/20');
  });

  it('has older traces, as long as there is room', async () => {
    const limit = 200_000;
    for (const [i, path] of ['/a', '/b', '/c', '/d'].entries()) {
      begin(limit, i + 1);
      keeper.frame(call(path, 1, 'x'.repeat(60_000)));
    }
    keeper.end();
    expect(await shown()).toEqual([['/b'], ['/c'], ['/d']]);
  });

  it('is deleted by Clear, except for what comes after it', async () => {
    begin(LIMIT, 1);
    keeper.frame(call('/sesame', 1));
    begin(LIMIT, 2);
    keeper.frame(call('/sesame2', 1));
    keeper.flush();
    keeper.clear();
    keeper.frame(call('/after', 2));
    keeper.end();
    expect(await shown()).toEqual([['/after']]);
    for (const name of readdirSync(folder)) {
      expect(readFileSync(join(folder, name), 'latin1')).not.toContain('sesame');
    }
    keeper.clear();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is nothing where nothing is to be kept, or it cannot be', () => {
    keeper.begin(null, 1);
    for (const frame of OPENING) keeper.frame(frame);
    keeper.end();
    expect(readdirSync(folder)).toEqual([]);
    expect(keeper.problem).toBeNull();
    keeper.begin({ folder: join(folder, 'none'), limit: LIMIT, run: '1-1' }, 1);
    for (const frame of OPENING) keeper.frame(frame);
    expect(keeper.problem).toContain('not kept');
  });

  it('is taken over by the next window, removed by its Clear, and can be saved', async () => {
    begin(200_000);
    for (let i = 1; i <= 9; i++) keeper.frame(call(`/${i}`, i, 'x'.repeat(20_000)));
    keeper.end();
    const parts = await takeOver(
      folder,
      (await keptParts(folder)).map((part) => ({ ...part, pid: 1 })),
    );
    expect(parts.every(({ pid }) => pid === process.pid)).toBe(true);
    const written: Uint8Array[] = [];
    await copyOf(parts).write(
      (bytes) => written.push(Uint8Array.from(bytes)),
      () => true,
    );
    async function* whole() {
      yield Buffer.concat(written);
    }
    const file = await readFile(whole(), { cancelled: () => false });
    expect(file.note).toBeNull();
    expect(file.calls).toBe((await shown())[0]?.length);
    await expect(
      copyOf(parts).write(
        () => {},
        () => false,
      ),
    ).rejects.toMatchObject({ code: 'cancelled' });
    const next = new TraceKeeper();
    next.adopt(parts);
    next.clear();
    expect(readdirSync(folder)).toEqual([]);
  });
});

it.each([
  ['never', false, false],
  ['reload', true, false],
  ['always', true, true],
] as const)(
  'with %s a trace comes back after a reload: %s, after the end of VS Code: %s',
  async (keep, reload, end) => {
    begin();
    keeper.frame(call('/a', 1));
    keeper.end();
    const [part] = await keptParts(folder);
    // The run is in the file's name: as the next window reads it.
    expect(comesBack(keep, part?.run ?? '', thisRun())).toBe(reload);
    expect(comesBack(keep, part?.run ?? '', '1-2')).toBe(end);
  },
);
