/** Data that the kernel omits on request, and that it must not count as missed. */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { PYTHON } from '../kit/peers.ts';
import { Child } from '../kit/process.ts';
import { variants } from '../kit/tier.mjs';
import { Tracing } from '../kit/tracing.ts';
import { bodyOf, field } from '../kit/truth.ts';
import { CallTracing, describeTraced, temporaryFolder, tracingIn } from './support/environment.ts';

const folder = temporaryFolder();
const context = tracingIn(folder);
const secret = (): string => randomBytes(8).toString('hex');

/** A server and a keep-alive client in one process: 400 calls, of which every hundredth takes so many milliseconds. */
const MIXED = `
const http = require('node:http');
const [id, ms] = process.argv.slice(1);
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const slow = (i) => i % 100 === 50;
const server = http.createServer((request, response) => {
  request.resume();
  request.on('end', () => setTimeout(() => response.end('answer ' + request.url), request.url.includes('slow') ? Number(ms) : 0));
});
server.listen(0, '127.0.0.1', async () => {
  const { port } = server.address();
  for (let i = 0; i < 400; i++) {
    await new Promise((done) => {
      const options = { port, host: '127.0.0.1', agent, method: 'POST', path: '/' + (slow(i) ? 'slow' : 'fast') + i + '-' + id };
      const request = http.request({ ...options, headers: { 'x-id': id + i, 'content-length': 4 } }, (response) => {
        response.resume();
        response.on('end', done);
      });
      request.end('body');
    });
  }
  server.close();
  agent.destroy();
});`;

describeTraced('what is left out on purpose', () => {
  it('with a latency filter only the slow exchanges cross the ring, whole and with their own heads', async () => {
    const id = secret();
    // Far enough apart that a busy machine does not make a fast call slow.
    const [slow, threshold] = [2500, 2000];
    const all = await CallTracing.run(context, [process.execPath, '-e', MIXED, id, '0']).result();
    expect(all.exchanges).toHaveLength(800);
    const filtered = await CallTracing.run(
      context,
      [process.execPath, '-e', MIXED, id, String(slow)],
      ['--min-latency', `${threshold}ms`],
    ).result();
    for (const side of ['client', 'server'] as const) {
      const seen = filtered.exchanges.filter((exchange) => exchange.side === side);
      const slowOnes = seen.filter(({ url }) => url?.includes('/slow'));
      expect(slowOnes.map((exchange) => new URL(exchange.url ?? '').pathname)).toEqual(
        [50, 150, 250, 350].map((i) => `/slow${i}-${id}`),
      );
      for (const exchange of seen) {
        const path = new URL(exchange.url ?? '').pathname;
        expect(field(exchange.request, 'x-id')).toEqual([id + path.slice(5, path.indexOf('-'))]);
        expect(bodyOf(exchange.response).toString()).toBe(`answer ${path}`);
        expect(exchange.status).toBe(200);
        // A busy machine may make another one slow, too.
        expect(exchange.durationMs).toBeGreaterThanOrEqual(path.startsWith('/slow') ? slow - 1 : threshold);
        expect(exchange.completeness.filter((one) => one !== 'request-truncated')).toEqual(
          exchange.completeness.includes('request-truncated') ? [] : ['complete'],
        );
      }
    }
    // Records and bytes of 8 of 800 exchanges, not of all.
    expect(filtered.summary.produced).toBeLessThan((all.summary.produced ?? 0) / 20);
    expect(filtered.summary.bytes?.seen).toBeLessThan((all.summary.bytes?.seen ?? 0) / 20);
    expect(filtered.summary.bytes?.unseen).toBe(0);
  });

  it('a call that hangs until its connection is closed is shown, too, as unanswered', async () => {
    const id = secret();
    const script = `
      const net = require('node:net');
      const server = net.createServer((socket) => { socket.resume(); socket.on('error', () => {}); });
      server.listen(0, '127.0.0.1', () => {
        const client = net.connect(server.address().port, '127.0.0.1', () => client.write('GET /hang-' + process.argv[1] + ' HTTP/1.1\\r\\nHost: h\\r\\n\\r\\n', () => {
          setTimeout(() => { client.destroy(); server.close(); }, 300);
        }));
      });`;
    const { exchanges } = await CallTracing.run(
      context,
      [process.execPath, '-e', script, id],
      ['--min-latency', '100ms'],
    ).result();
    const client = exchanges.filter((exchange) => exchange.side === 'client');
    expect(client.map((exchange) => [exchange.url, exchange.status])).toEqual([
      [`http://h/hang-${id}`, null],
    ]);
    expect(client[0]?.completeness).toContain('unanswered');
  });

  it('a call that hangs when the trace is stopped is shown as unanswered; one that has just begun is not', async () => {
    const id = secret();
    const script = `
      import socket, sys
      id, path = sys.argv[1:]
      def ask(family, address, name):
        client = socket.socket(family)
        client.connect(address)
        client.sendall(("GET /%s-%s HTTP/1.1\\r\\nHost: h\\r\\n\\r\\n" % (name, id)).encode())
        return client
      tcp = socket.create_server(("127.0.0.1", 0))
      unix = socket.socket(socket.AF_UNIX)
      unix.bind(path)
      unix.listen()
      sys.stdin.readline()
      old = [ask(socket.AF_INET, tcp.getsockname(), "tcp"), ask(socket.AF_UNIX, path, "unix")]
      print("asked", flush=True)
      sys.stdin.readline()
      young = ask(socket.AF_INET, tcp.getsockname(), "young")
      print("asked again", flush=True)
      sys.stdin.readline()`.replaceAll('\n      ', '\n');
    const program = new Child(PYTHON, ['-c', script, id, join(folder, id)]);
    // Longer than a busy machine needs to stop the trace.
    const tracing = await CallTracing.attach(context, [program.pid], ['--min-latency', '12s']);
    program.write('\n');
    expect(await program.line()).toBe('asked');
    await sleep(12_500);
    program.write('\n');
    expect(await program.line()).toBe('asked again');
    const { exchanges, summary } = await tracing.stop();
    program.endInput('\n');
    expect(exchanges.map(({ url, status }) => [url, status])).toEqual([
      [`http://h/tcp-${id}`, null],
      [`http://h/unix-${id}`, null],
    ]);
    for (const exchange of exchanges) expect(exchange.completeness).toContain('unanswered');
    expect(summary.note).toBeNull();
  });

  it('requests in flight can be looked at in http_events', async () => {
    const id = secret();
    const tracing = Tracing.run(
      context,
      [
        process.execPath,
        '-e',
        `require('node:http').createServer((q, r) => { console.error('flying'); process.stdin.once('data', () => r.end('x')); }).listen(0, '127.0.0.1', function () {
          require('node:http').get({ port: this.address().port, host: '127.0.0.1', path: '/flying-' + process.argv[1] }, (r) => { r.resume(); r.on('end', () => process.exit()); });
        });`,
        id,
      ],
      ['--min-latency', '1s'],
    );
    // Printed by the server: from then on both ends wait.
    await tracing.process.untilStderr('flying');
    const begin = Date.now();
    let dump = '';
    while (!dump.includes(id) && Date.now() < begin + 15_000) {
      const raw = spawnSync('bpftool', ['map', 'dump', 'name', 'http_events'], {
        encoding: 'utf8',
        maxBuffer: 1 << 28,
      });
      // Characters or byte values, as the version of bpftool has it.
      const bytes = [...raw.stdout.matchAll(/"head": (\[[^\]]*\]|"[^"]*")/g)].map(([, value]) => value ?? '');
      dump = bytes.map((value) => (value.startsWith('[') ? characters(value) : value)).join('\n');
    }
    expect(dump).toContain(`/flying-${id}`);
    await sleep(Math.max(0, begin + 1100 - Date.now()));
    tracing.process.endInput('answer\n');
    const { exchanges } = await tracing.result();
    expect(exchanges.map((exchange) => exchange.side).sort()).toEqual(['client', 'server']);
  });

  it.each(variants(['requests', 'responses'] as const, 1))(
    '--capture %s copies only their bodies',
    async (which) => {
      const id = secret();
      const script = `
      const http = require('node:http');
      const big = process.argv[1].repeat(10000);
      const server = http.createServer((request, response) => { request.resume(); request.on('end', () => response.end(big)); });
      server.listen(0, '127.0.0.1', () => {
        const request = http.request({ port: server.address().port, host: '127.0.0.1', method: 'PUT', path: '/p' }, (response) => {
          response.resume();
          response.on('end', () => process.exit());
        });
        request.end(big);
      });`;
      const traced = await CallTracing.run(
        context,
        [process.execPath, '-e', script, id],
        ['--capture', which, '--max-body', 'all'],
      ).result();
      // 160,000 bytes each way, seen at both ends: one way is copied whole, of the other little more than the head.
      const copied = traced.summary.bytes?.copied ?? 0;
      expect(copied).toBeGreaterThan(320_000);
      expect(copied).toBeLessThan(420_000);
      for (const exchange of traced.exchanges) {
        expect(exchange.method).toBe('PUT');
        const [kept, left] =
          which === 'requests'
            ? [exchange.request, exchange.response]
            : [exchange.response, exchange.request];
        expect(bodyOf(kept).toString()).toBe(id.repeat(10_000));
        expect(bodyOf(left)).toHaveLength(0);
      }
    },
  );

  it('a FIN is not a byte: after shutdown(), close() does not count an unseen one', async () => {
    const script = `
      import socket, threading
      server = socket.create_server(("127.0.0.1", 0))
      def answer():
        for _ in range(30):
          peer, _ = server.accept()
          while b"\\r\\n\\r\\n" not in peer.recv(1000): pass
          peer.sendall(b"HTTP/1.0 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
          peer.shutdown(socket.SHUT_WR)
          peer.recv(1)
          peer.close()
      thread = threading.Thread(target=answer)
      thread.start()
      for i in range(30):
        client = socket.create_connection(server.getsockname())
        client.sendall(b"GET /%d HTTP/1.0\\r\\n\\r\\n" % i)
        client.recv(1000)
        if i % 2: client.recv(1)
        client.close()
      thread.join()`.replaceAll('\n      ', '\n');
    const { exchanges, summary } = await CallTracing.run(context, [PYTHON, '-c', script]).result();
    expect(exchanges).toHaveLength(60);
    expect(summary.bytes?.unseen).toBe(0);
    expect(exchanges.flatMap((exchange) => exchange.completeness)).toEqual(Array(60).fill('complete'));
  });

  it('Unix sockets, by path and abstract, are named by their paths', async () => {
    const path = join(folder, 'socket');
    const script = `
      import socket, sys, threading
      def serve(server):
        peer, _ = server.accept()
        peer.recv(1000)
        peer.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
        peer.close()
      for i, address in enumerate([sys.argv[1], "\\0" + sys.argv[2]]):
        server = socket.socket(socket.AF_UNIX)
        server.bind(address)
        server.listen()
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        client = socket.socket(socket.AF_UNIX)
        client.connect(address)
        client.sendall(b"GET /%d HTTP/1.1\\r\\nHost: unix\\r\\n\\r\\n" % i)
        while client.recv(1000): pass
        client.close()
        thread.join()`.replaceAll('\n      ', '\n');
    const name = `http-trace-${secret()}`;
    const { exchanges } = await CallTracing.run(context, [PYTHON, '-c', script, path, name]).result();
    const seen = exchanges.map(({ side, url, status, connection, completeness }) => ({
      side,
      url,
      status,
      ...connection,
      completeness,
    }));
    const common = { transport: 'unix', status: 200, joinedLate: false, completeness: ['complete'] };
    for (const [i, address] of [path, `@${name}`].entries()) {
      const url = `http://unix/${i}`;
      expect(seen).toContainEqual(
        expect.objectContaining({ ...common, url, side: 'client', remote: address, local: null }),
      );
      expect(seen).toContainEqual(
        expect.objectContaining({ ...common, url, side: 'server', local: address, remote: null }),
      );
    }
    expect(exchanges).toHaveLength(4);
  });
});

/** bpftool prints characters as `["G","E",…]` or as numbers. */
function characters(list: string): string {
  const values = JSON.parse(list) as (string | number)[];
  return values.map((value) => (typeof value === 'number' ? String.fromCharCode(value) : value)).join('');
}
