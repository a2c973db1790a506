/** HTTP/2 frames split at any point, followed in the kernel: content is left out and nothing else is lost. */
import http2 from 'node:http2';
import { expect, it } from 'vitest';
import { Child } from '../kit/process.ts';
import { CallTracing, describeTraced, temporaryFolder, tracingIn } from './support/environment.ts';

const folder = temporaryFolder();
const context = tracingIn(folder);

/** More than a frame of HEADERS can hold: CONTINUATION follows. */
const LONG = 'h'.repeat(40_000);
const CALLS = 6;
const SENT = 3_000;
const ANSWERED = 5_000;

/** Every frame that may be padded is, by up to 255 bytes. */
const SERVER = `
const http2 = require('node:http2');
const server = http2.createServer({
  paddingStrategy: http2.constants.PADDING_STRATEGY_MAX,
  maxSendHeaderBlockLength: 100000,
  settings: { maxHeaderListSize: 100000 },
});
server.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  stream.resume().on('end', () => {
    if (stream.destroyed) return;
    stream.respond({ ':status': 200, 'x-long': headers['x-long'] });
    const rest = Buffer.alloc(${ANSWERED} - 10, 'r');
    stream.write(Buffer.alloc(10, 'r'));
    if (headers[':path'] !== '/cancelled') stream.end(rest);
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.resume().on('end', () => process.exit());`;

/** Moves bytes on in pieces of 1 to 13 bytes, each by a call of its own, and reads as little at once. */
const RELAY = `
const net = require('node:net');
const [target] = process.argv.slice(1).map(Number);
const move = (from, to) => {
  let next = 0;
  from.on('readable', () => {
    for (;;) {
      const size = Math.min(1 + (next++ % 13), from.readableLength);
      const piece = size === 0 ? null : from.read(size);
      if (piece === null) return;
      to.write(piece);
    }
  });
  from.on('end', () => to.end()).on('error', () => to.destroy());
};
const relay = net.createServer((client) => {
  const server = net.connect(target, '127.0.0.1');
  for (const socket of [client, server]) socket.setNoDelay(true);
  move(client, server);
  move(server, client);
});
relay.listen(0, '127.0.0.1', () => console.log(relay.address().port));
process.stdin.resume().on('end', () => process.exit());`;

/** Agrees to an upgrade (RFC 7540 section 3.2) and answers each stream with the next size; all of an answer in one call. */
const UPGRADED = `
const net = require('node:net');
const sizes = process.argv.slice(1).map(Number);
const frame = (type, flags, stream, payload) => {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
};
const answer = (stream) => {
  const frames = [frame(1, 4, stream, Buffer.from([0x88]))];
  let left = sizes.shift();
  for (; left > 16000; left -= 16000) frames.push(frame(0, 0, stream, Buffer.alloc(16000, 'r')));
  return Buffer.concat([...frames, frame(0, 1, stream, Buffer.alloc(left, 'r'))]);
};
const server = net.createServer((socket) => {
  let received = Buffer.alloc(0);
  let skip = -1;
  socket.on('error', () => {}).on('data', (bytes) => {
    received = Buffer.concat([received, bytes]);
    if (skip < 0) {
      const end = received.indexOf('\\r\\n\\r\\n');
      if (end < 0) return;
      received = received.subarray(end + 4);
      skip = 24;
      const switching = 'HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: h2c\\r\\n\\r\\n';
      socket.write(Buffer.concat([Buffer.from(switching), frame(4, 0, 0, Buffer.alloc(0)), answer(1)]));
    }
    if (received.length < skip) return;
    received = received.subarray(skip);
    skip = 0;
    while (received.length >= 9 && received.length >= 9 + received.readUIntBE(0, 3)) {
      const [type, flags, stream] = [received[3], received[4], received.readUInt32BE(5)];
      received = received.subarray(9 + received.readUIntBE(0, 3));
      if (type === 4 && flags === 0) socket.write(frame(4, 1, 0, Buffer.alloc(0)));
      if (type === 1) socket.write(answer(stream));
    }
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.resume().on('end', () => process.exit());`;

function call(session: http2.ClientHttp2Session, path: string): Promise<number> {
  return new Promise((done, failed) => {
    const stream = session.request({ ':method': 'POST', ':path': path, 'x-long': LONG });
    let size = 0;
    stream.on('data', (bytes: Buffer) => {
      size += bytes.length;
      if (path === '/cancelled') stream.close(http2.constants.NGHTTP2_CANCEL);
    });
    stream.on('close', () => done(size)).on('error', failed);
    stream.end(Buffer.alloc(SENT, 's'));
  });
}

describeTraced('frames of HTTP/2', () => {
  it('are followed through calls of some bytes, padding, CONTINUATION and reset streams', async () => {
    const server = new Child(process.execPath, ['-e', SERVER]);
    const relay = new Child(process.execPath, ['-e', RELAY, await server.line()]);
    const port = await relay.line();
    const tracing = await CallTracing.attach(context, [relay.pid, server.pid], ['--capture', 'heads']);
    const session = http2.connect(`http://127.0.0.1:${port}`, {
      paddingStrategy: http2.constants.PADDING_STRATEGY_MAX,
      maxSendHeaderBlockLength: 100_000,
      settings: { maxHeaderListSize: 100_000 },
    });
    const paths = Array.from({ length: CALLS }, (_, at) => `/${at}`);
    for (const path of paths) {
      expect(await call(session, path)).toBe(ANSWERED);
      await call(session, '/cancelled');
    }
    // At the same time, so that their frames take turns.
    await Promise.all(paths.map(async (path) => expect(await call(session, `/all${path}`)).toBe(ANSWERED)));
    await new Promise<void>((done) => session.close(done));
    const { exchanges, summary } = await tracing.stop();
    for (const child of [relay, server]) child.endInput();
    expect([summary.dropped, summary.bytes?.unseen]).toEqual([0, 0]);
    // Of each call's content, three times each way, nothing but the length of its padding.
    expect(summary.bytes?.omitted).toBeGreaterThan(3 * 2 * CALLS * (SENT + ANSWERED));
    // Both ends of the relay, and the server.
    const rows = exchanges.filter(({ url }) => !url?.endsWith('/cancelled'));
    expect(rows).toHaveLength(3 * 2 * CALLS);
    expect(exchanges).toHaveLength(3 * 3 * CALLS);
    for (const { request, response, status, violations } of rows) {
      expect([status, violations]).toEqual([200, []]);
      expect([request?.bodySize, response?.bodySize]).toEqual([SENT, ANSWERED]);
      expect([request?.bodyCaptured, response?.bodyCaptured]).toEqual([0, 0]);
      expect(request?.headers).toContainEqual(['x-long', LONG]);
      expect(response?.headers).toContainEqual(['x-long', LONG]);
    }
    for (const { url, request, violations } of exchanges) {
      if (!url?.endsWith('/cancelled')) continue;
      expect([request?.bodySize, violations]).toEqual([SENT, []]);
    }
  });

  it.each([
    // More than a message of HTTP/1 may have: with the 101, and in a call behind it.
    ['with the 101', [45_000, 10_000]],
    ['behind it', [1_000, 50_000]],
  ])('are recognised after an upgrade from HTTP/1: much %s', async (_where, sizes) => {
    const server = new Child(process.execPath, ['-e', UPGRADED, ...sizes.map(String)]);
    const port = await server.line();
    const tracing = await CallTracing.attach(context, [server.pid], ['--capture', 'heads']);
    const urls = sizes.map((_, at) => `http://127.0.0.1:${port}/${at}`);
    const client = new Child('nghttp', ['-nu', ...urls]);
    expect(await client.ended).toMatchObject({ code: 0, stderr: '' });
    const { exchanges } = await tracing.stop();
    server.endInput();
    expect(
      exchanges.map(({ url, status, response, violations }) => [url, status, response?.bodySize, violations]),
    ).toEqual(urls.map((url, at) => [url, 200, sizes[at], []]));
    for (const { response, completeness } of exchanges) {
      expect(response?.bodyCaptured).toBe(0);
      expect(completeness).toEqual(['response-truncated']);
    }
  });
});
