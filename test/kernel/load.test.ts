/** nginx under wrk: every count exact, every exchange right. */

import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { ExchangeJson } from '../../extension/engine/exchangeJson.ts';
import { freePort } from '../../scripts/freePort.mjs';
import { helperOf } from '../kit/kernel.ts';
import { nginxIn } from '../kit/nginx.ts';
import { sha } from '../kit/peers.ts';
import { Child } from '../kit/process.ts';
import { variants } from '../kit/tier.mjs';
import { Tracing } from '../kit/tracing.ts';
import { bodyOf, field } from '../kit/truth.ts';
import {
  CallTracing,
  describeTraced,
  LOAD_PACE,
  LOAD_SECONDS,
  temporaryFolder,
  tracingIn,
} from './support/environment.ts';

const folder = temporaryFolder();
const context = tracingIn(folder);
const CONNECTIONS = 20;

interface Nginx {
  readonly child: Child;
  readonly port: number;
  readonly files: string;
  readonly log: string;
}

/** nginx with a configuration, a port and files of its own. */
async function nginx(): Promise<Nginx> {
  const port = await freePort();
  const own = join(folder, `nginx-${port}`);
  const files = join(own, 'files');
  mkdirSync(files, { recursive: true });
  const log = join(own, 'access.log');
  const http = `keepalive_requests 1000000; default_type text/plain;
    log_format own escape=json '{"id":"$http_x_trace_id","status":$status,"size":$body_bytes_sent,"request":"$request_id","ms":$request_time}';
    server {
      listen 127.0.0.1:${port}; listen [::1]:${port};
      location /load { access_log off; return 200 "you asked for $request_uri\\n"; }
      location /file { alias ${files}; sendfile off; access_log ${log} own; add_header X-Answer $request_id; }
      location /sendfile { alias ${files}; sendfile on; access_log ${log} own; add_header X-Answer $request_id; }
    }`;
  const child = Child.of(nginxIn(own, http, 'worker_processes 1;'));
  for (let attempt = 0; attempt < 100; attempt++) {
    const probe = new Child('curl', ['-s', '-o', '/dev/null', `http://127.0.0.1:${port}/load`]);
    if ((await probe.ended).code === 0) return { child, port, files, log };
    await sleep(100);
  }
  throw new Error(`nginx does not answer: ${child.stderr}`);
}

describeTraced('nginx', () => {
  it.each(variants(['127.0.0.1', '[::1]'], 1))('files with and without sendfile, over %s', async (host) => {
    const server = await nginx();
    const content = randomBytes(150_000);
    writeFileSync(join(server.files, 'f'), content);
    chmodSync(join(server.files, 'f'), 0o644);
    const tracing = await CallTracing.attach(
      context,
      [server.child.pid, ...workers(server.child.pid)],
      ['--max-body', 'all'],
    );
    for (const kind of ['file', 'sendfile', 'missing']) {
      const path = kind === 'missing' ? '/file/none' : `/${kind}/f`;
      const url = `http://${host}:${server.port}${path}`;
      await new Child('curl', ['-sS', '-o', '/dev/null', '-H', `X-Trace-Id: ${kind}`, url]).ended;
    }
    const traced = await tracing.stop();
    const logged = readFileSync(server.log, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(logged).toHaveLength(3);
    expect(traced.exchanges).toHaveLength(3);
    for (const line of logged) {
      const exchange = traced.exchanges.find((e) => field(e.request, 'X-Trace-Id').includes(line.id));
      expect(exchange).toMatchObject({
        side: 'server',
        status: line.status,
        response: { bodySize: line.size },
      });
      if (line.status === 200) expect(field(exchange?.response ?? null, 'X-Answer')).toEqual([line.request]);
      if (line.id === 'missing') continue;
      expect(exchange?.completeness).toEqual(['complete']);
      expect(sha(bodyOf(exchange?.response ?? null))).toBe(sha(content));
      // The bytes never were in nginx's memory.
      expect(exchange?.response?.bodyFromFile).toBe(line.id === 'sendfile');
    }
    server.child.kill('SIGTERM');
    await server.child.ended;
  });

  it('under load: the balance is exact, nothing delivered is wrong, the count is wrk’s', async () => {
    const server = await nginx();
    const tracing = await CallTracing.attach(context, workers(server.child.pid), ['--ring-size', '64MiB']);
    const script = join(folder, 'load.lua');
    writeFileSync(
      script,
      `${LOAD_PACE}local threads = 0
       function setup(thread) thread:set("number", threads); threads = threads + 1 end
       local n = 0
       request = function() n = n + 1; return wrk.format("GET", "/load/" .. number .. "/" .. n) end\n`,
    );
    const wrk = new Child('wrk', [
      '-t2',
      `-c${CONNECTIONS}`,
      `-d${LOAD_SECONDS}s`,
      '--timeout=60s', // waiting long is not an error of the trace
      '-s',
      script,
      `http://127.0.0.1:${server.port}`,
    ]);
    const { stdout, code } = await wrk.ended;
    expect(code).toBe(0);
    const [, counted] = /(\d+) requests in/.exec(stdout) ?? [];
    const own = Number(counted);
    expect(own).toBeGreaterThan(CONNECTIONS);
    expect(stdout).not.toMatch(/Non-2xx|Socket errors/);
    const traced = await tracing.stop();
    const right = traced.exchanges.filter(isRight);
    const paths = new Set(right.map((exchange) => exchange.url));
    expect(paths.size, 'every request is there once').toBe(right.length);
    // wrk stops counting while up to one request on each connection is in flight.
    expect(right.length).toBeLessThanOrEqual(own + CONNECTIONS);
    if (traced.summary.dropped === 0) {
      expect(traced.exchanges.length - right.length).toBeLessThanOrEqual(CONNECTIONS);
      expect(right.length).toBeGreaterThanOrEqual(own);
      expect(traced.summary.note).toBeNull();
    } else {
      // Incomplete ones are reported as incomplete; none is mixed up.
      for (const exchange of traced.exchanges) {
        if (!right.includes(exchange)) expect(exchange.completeness).not.toContain('complete');
      }
    }
    server.child.kill('SIGTERM');
    await server.child.ended;
  }, 180_000);

  it('a ring that is too small: losses are counted exactly and nothing is mixed up', async () => {
    const server = await nginx();
    const tracing = await Tracing.attach(context, workers(server.child.pid), ['--ring-size', '64KiB']);
    const script = join(folder, 'pace.lua');
    writeFileSync(script, LOAD_PACE);
    const load = async (): Promise<void> => {
      const words = ['-t1', `-c${CONNECTIONS}`, `-d${LOAD_SECONDS}s`, '-s', script];
      await new Child('wrk', [...words, `http://127.0.0.1:${server.port}/load/x`]).ended;
    };
    // Nobody reads the ring, and what comes then follows a gap.
    const helper = helperOf(tracing.process.pid);
    process.kill(helper, 'SIGSTOP');
    await load().finally(() => process.kill(helper, 'SIGCONT'));
    await load();
    const traced = await tracing.stop();
    for (const exchange of traced.exchanges) {
      if (exchange.completeness.includes('complete')) expect(isRight(exchange)).toBe(true);
    }
    expect(traced.summary.dropped).toBeGreaterThan(0);
    expect(traced.summary.note).toContain('the buffer was full');
    expect(traced.exchanges.some(isRight)).toBe(true);
    server.child.kill('SIGTERM');
    await server.child.ended;
  }, 120_000);
});

/** Complete, and with the answer to its own request. */
function isRight(exchange: ExchangeJson): boolean {
  if (exchange.completeness.join() !== 'complete' || exchange.status !== 200 || exchange.url === null)
    return false;
  const { pathname } = new URL(exchange.url);
  return bodyOf(exchange.response).toString() === `you asked for ${pathname}\n`;
}

function workers(master: number): number[] {
  const listed = readFileSync(`/proc/${master}/task/${master}/children`, 'latin1')
    .split(' ')
    .filter(Boolean)
    .map(Number);
  expect(listed.length).toBeGreaterThan(0);
  return listed;
}
