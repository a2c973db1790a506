/** A capture whose loader or helper misbehaves: real processes on the real socket, in the loader's place. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, describe, expect, it } from 'vitest';
import { type Capture, startCapture } from '../../extension/capture/capture.ts';
import { RECORD_LAYOUT } from '../../extension/engine/recordLayout.ts';
import { encodeFrame, encodeJson } from '../../helper/frames.ts';
import { FrameType, type Hello, PROTOCOL_VERSION, type Status } from '../../helper/protocol.ts';
import { HELLO as HELPER_HELLO, NO_BACKLOG } from '../../helper/testing/messages.ts';

const folder = mkdtempSync(join(tmpdir(), 'http-trace-capture-'));
afterAll(() => rmSync(folder, { recursive: true }));
const isRoot = process.geteuid?.() === 0;
if (!isRoot) console.warn('skipped: captures with a broken loader need root, as sudo would ask otherwise');

const HELLO: Hello = { ...HELPER_HELLO, layout: RECORD_LAYOUT };
const FINAL: Status = {
  counters: {
    produced: 0,
    droppedData: 0,
    droppedStructure: 0,
    seenBytes: 0,
    copiedBytes: 0,
    omittedBytes: 0,
    droppedBytes: 0,
    unseenBytes: 0,
    otherBytes: 0,
    connectionsUntracked: 0,
    callsUntracked: 0,
    filteredBytes: 0,
  },
  backlog: NO_BACKLOG,
  sent: 0,
  upTo: '0',
  targets: 0,
  final: true,
};

/** A loader that connects, sends these bytes, and goes on as `then` says. */
async function start(bytes: Uint8Array | null, then = '', words = ''): Promise<Capture> {
  const nativePath = mkdtempSync(join(folder, 'native-'));
  mkdirSync(nativePath, { recursive: true });
  const script = `#!${process.execPath}
const path = process.argv[process.argv.indexOf('--socket') + 1];
${words === '' ? '' : `process.stderr.write(${JSON.stringify(words)}); process.exit(1);`}
const socket = require('node:net').connect(path, () => { ${bytes === null ? '' : `socket.write(Buffer.from('${Buffer.from(bytes).toString('hex')}', 'hex'));`} ${then} });
socket.on('error', () => {}); socket.on('close', () => process.exit(0)); socket.resume();`;
  writeFileSync(join(nativePath, 'loader'), script);
  chmodSync(join(nativePath, 'loader'), 0o755);
  return startCapture({ ...OPTIONS, nativePath });
}

const OPTIONS = { helperPath: '/nonexistent', bodyLimit: 65536, backend: 'auto' } as const;

const hello = encodeJson(FrameType.Hello, HELLO);
const join_ = (...parts: Uint8Array[]): Uint8Array => Buffer.concat(parts);

describe.skipIf(!isRoot)('a capture', () => {
  it.each([
    ['garbage', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), /not part of the protocol/],
    ['a length of 4 GiB', Buffer.from([255, 255, 255, 255, PROTOCOL_VERSION, 1]), /impossible length/],
    ['records before a hello', encodeFrame(FrameType.Records, new Uint8Array(8)), /not a hello/],
    ['a hello that is no JSON', encodeFrame(FrameType.Hello, Buffer.from('{')), /JSON/],
    ['a hello without its fields', encodeJson(FrameType.Hello, {}), /hello frame/],
    ['another version', encodeJson(FrameType.Hello, { ...HELLO, layout: 99 }), /a different version/],
    ['a fault', encodeJson(FrameType.Fault, { code: 'kernel', message: 'No BTF here.' }), /^No BTF here\.$/],
  ])('does not start on %s, and says why', async (_what, bytes, message) => {
    await expect(start(bytes)).rejects.toThrow(message);
  });

  it('says what the loader said when it ends without connecting', async () => {
    await expect(start(null, '', 'http-trace loader: something is wrong\n')).rejects.toThrow(
      'something is wrong',
    );
  });

  it('ends with a reason when the helper dies, and refuses what is asked of it afterwards', async () => {
    const capture = await start(hello, 'setTimeout(() => process.kill(process.pid, "SIGKILL"), 100);');
    expect(capture.hello.kernel).toBe('6.18');
    const attaching = capture.attach(1, true);
    await expect(attaching).rejects.toThrow(/ended by the signal SIGKILL/);
    expect(await capture.ended).toEqual({ fault: expect.stringContaining('when memory runs out') });
    await expect(capture.attach(1, true)).rejects.toThrow();
    expect(await capture.stop()).toBeNull();
  });

  it.each([
    ['by another signal', 'process.kill(process.pid, "SIGSEGV")', 'ended by the signal SIGSEGV; what it'],
    ['by itself', 'process.exit(0)', 'ended unexpectedly'],
  ])('says what is known of a helper that ends %s', async (_how, ends, message) => {
    const capture = await start(hello, `setTimeout(() => { ${ends}; }, 100);`);
    expect(await capture.ended).toEqual({ fault: expect.stringContaining(message) });
  });

  it('a stop soon after the helper’s end, before it is known how it ended, does not hide that', async () => {
    const closed = join(folder, 'closed');
    const capture = await start(
      hello,
      `setInterval(() => {}, 1000); setTimeout(() => socket.destroy(), 100); socket.removeAllListeners('close');
       socket.on('close', () => require('node:fs').writeFileSync('${closed}', String(process.pid)));`,
    );
    await expect
      .poll(() => existsSync(closed) && readFileSync(closed, 'utf8'), { timeout: 60_000 })
      .toMatch(/\d/);
    // Before this, the capture has noticed that its socket is closed.
    await sleep(50);
    const stopping = capture.stop();
    process.kill(Number(readFileSync(closed, 'utf8')), 'SIGKILL');
    expect(await stopping).toBeNull();
    expect(await capture.ended).toEqual({ fault: expect.stringContaining('ended by the signal SIGKILL') });
  });

  it('a helper that is kept holds nothing of the traces before', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    let capture: Capture = await start(
      encodeJson(FrameType.Hello, { ...HELLO, keepable: true }),
      `const [hello, final] = ${JSON.stringify(
        [encodeJson(FrameType.Hello, { ...HELLO, keepable: true }), encodeJson(FrameType.Status, FINAL)].map(
          (frame) => Buffer.from(frame).toString('hex'),
        ),
      )}.map((hex) => Buffer.from(hex, 'hex'));
      let rest = Buffer.alloc(0);
      socket.on('data', (piece) => {
        for (rest = Buffer.concat([rest, piece]); rest.length >= 6; ) {
          const [size, type] = [4 + rest.readUInt32LE(0), rest[5]];
          if (rest.length < size) return;
          rest = rest.subarray(size);
          if (type === ${FrameType.Resume}) socket.write(hello);
          if (type === ${FrameType.Pause}) socket.write(final);
          if (type === ${FrameType.Stop}) socket.end(final);
        }
      });`,
    );
    const before: WeakRef<Capture>[] = [];
    for (let trace = 0; trace < 3; trace++) {
      await capture.stop(60_000);
      expect(capture.kept).not.toBeNull();
      before.push(new WeakRef(capture));
      capture = await startCapture({ ...OPTIONS, nativePath: '/nonexistent', kept: capture.kept ?? null });
    }
    for (let tries = 0; tries < 20 && before.some((one) => one.deref() !== undefined); tries++) {
      await sleep(20);
      collect();
    }
    expect(before.map((one) => one.deref() === undefined)).toEqual([true, true, true]);
    await capture.stop();
  });

  it('keeps what came before garbage', async () => {
    const info = { request: 0, pid: 7, error: null, message: '', name: 'seven' };
    const capture = await start(
      join_(hello, encodeJson(FrameType.Process, info), Buffer.from('garbage garbage')),
    );
    const seen: FrameType[] = [];
    capture.onEvent(({ type }) => seen.push(type));
    expect((await capture.ended).fault).toContain('not part of the protocol');
    expect(seen).toEqual([FrameType.Hello, FrameType.Process]);
  });

  it('gives the final status of an orderly end, and no fault', async () => {
    const capture = await start(
      hello,
      `socket.on('data', () => socket.end(Buffer.from('${Buffer.from(encodeJson(FrameType.Status, FINAL)).toString('hex')}', 'hex')));`,
    );
    expect(await capture.stop()).toEqual(FINAL);
    expect(await capture.ended).toEqual({ fault: null });
  });
});
