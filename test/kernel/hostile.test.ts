/** Bytes that no friendly peer sends, and requests that are not allowed. */

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Child } from '../kit/process.ts';
import { Tracing } from '../kit/tracing.ts';
import { expectReported, findExchange } from '../kit/truth.ts';
import {
  CallTracing,
  describeTraced,
  HTTP_TRACE,
  PEERS,
  temporaryFolder,
  tracingIn,
} from './support/environment.ts';
import { CLIENTS, Client, plan, Server } from './support/peers.ts';

const folder = temporaryFolder();
const context = tracingIn(folder);

/** What scanners and confused clients send to a port. */
const PROBES: readonly Buffer[] = [
  Buffer.from('\r\n\r\n'),
  Buffer.from('OPTIONS / RTSP/1.0\r\n\r\n'),
  Buffer.from('GET / HTTP/9.9\r\nHost: x\r\n\r\n'),
  Buffer.from('GET  /two  spaces HTTP/1.1\r\n\r\n'),
  Buffer.from('HELP\r\n'),
  Buffer.from('SSH-2.0-OpenSSH_9.2\r\n'),
  Buffer.from('EHLO scanner\r\n'),
  Buffer.from('160301010001000000fc0303', 'hex'),
  Buffer.from('\x00\x0e\x38\xd2\x00\x00\x01\x00', 'latin1'),
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00', 'latin1'),
  Buffer.from(`GET /${'../'.repeat(40)}etc/passwd HTTP/1.1\r\nHost: \x1b]0;owned\x07\r\n\r\n`, 'latin1'),
  Buffer.from(
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ),
  Buffer.from('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n'),
  Buffer.from('GET / HTTP/1.1\nHost: bare\n\n'),
  Buffer.alloc(0),
];

async function probe(port: number, bytes: Buffer): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.on('data', () => {});
  await once(socket, 'connect');
  socket.end(bytes);
  await new Promise<void>((resolve) => {
    socket.on('close', () => resolve());
    setTimeout(resolve, 1000);
  });
  socket.destroy();
}

describeTraced('hostile bytes', () => {
  it('a port scan: nothing breaks, nothing leaks to the terminal, and the next request is right', async () => {
    const server = await Server.node();
    const tracing = await CallTracing.attach(context, [server.pid]);
    for (const bytes of [...PROBES, ...PROBES.map(() => randomBytes(300))]) await probe(server.port, bytes);
    const client = new Client(CLIENTS['Node http'](`http://127.0.0.1:${server.port}`));
    const one = plan('POST', 'echo', { size: 100 });
    await client.ask(one);
    await client.end();
    const traced = await tracing.stop();
    const said = (await server.end()).find((line) => line.id === one.id);
    if (said === undefined) throw new Error('not served');
    expectReported(findExchange(traced.exchanges, one.id, 'server'), said);
    const table = await new Child(HTTP_TRACE, ['replay', traced.recording]).ended;
    expect(table.code).toBe(0);
    expect(table.stdout).toMatch(/^[\n\x20-\x7e]*$/);
  });

  it('a header line of 256 MB: memory stays bounded, and the reason is shown', async () => {
    const sink = new Child(process.execPath, [join(PEERS, 'sink.mjs')]);
    const { port, pid } = JSON.parse(await sink.line());
    const tracing = await Tracing.attach(context, [pid]);
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write('GET /endless HTTP/1.1\r\nX-Endless: ');
    const piece = Buffer.alloc(1024 * 1024, 'a');
    for (let i = 0; i < 256; i++) {
      if (!socket.write(piece)) await once(socket, 'drain');
    }
    socket.end();
    expect(JSON.parse(await sink.line()).received).toBeGreaterThan(256 * 1024 * 1024);
    await sleep(500);
    const [, peak] =
      /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${tracing.process.pid}/status`, 'utf8')) ?? [];
    const traced = await tracing.stop();
    expect(Number(peak)).toBeLessThan(400 * 1024);
    expect(traced.exchanges.length).toBeLessThanOrEqual(1);
    for (const exchange of traced.exchanges) expect(exchange.completeness).not.toContain('complete');
    expect(traced.summary.bytes?.seen).toBeGreaterThan(256 * 1024 * 1024);
    sink.endInput();
    await sink.ended;
  });
});

describeTraced('without privilege', () => {
  const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups', '--no-new-privs'];

  it.each([
    [['attach', String(process.pid)], 1],
    [['run', '--', 'touch', join(folder, 'never')], 125],
  ])('%j prints what to do and starts nothing', async (args, status) => {
    const ended = await new Child('setpriv', [...nobody, process.execPath, HTTP_TRACE, ...args]).ended;
    expect(ended).toMatchObject({ code: status, stdout: '' });
    expect(ended.stderr).toMatch(/^http-trace: [^\n]+\n$/);
    expect(() => readFileSync(join(folder, 'never'))).toThrow();
  });

  it('doctor reports that', async () => {
    const ended = await new Child('setpriv', [
      ...nobody,
      process.execPath,
      HTTP_TRACE,
      'doctor',
      '--format',
      'json',
    ]).ended;
    const rights = JSON.parse(ended.stdout).checks.find((check: { id: string }) => check.id === 'rights');
    expect(rights.detail).toContain('user 65534');
  });
});
