/** Processes in namespaces of their own, and processes chosen by their control group. */

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Child } from '../kit/process.ts';
import { parseOutput, Tracing } from '../kit/tracing.ts';
import { bodyOf } from '../kit/truth.ts';
import {
  CallTracing,
  describeTraced,
  HTTP_TRACE,
  temporaryFolder,
  tracingIn,
} from './support/environment.ts';

const folder = temporaryFolder();
const context = tracingIn(folder);
const secret = (): string => randomBytes(8).toString('hex');
const server = createServer((request, response) => response.end(`answer ${request.url}`));
let base = '';

/** Where control groups of version 2 are. */
const CGROUPS = existsSync('/sys/fs/cgroup/cgroup.procs') ? '/sys/fs/cgroup' : '/sys/fs/cgroup/unified';

/** A control group can be removed only after the last of its processes has ended completely. */
async function removeGroup(path: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      return rmdirSync(path);
    } catch (error) {
      if (tries === 100) throw error;
      await sleep(100);
    }
  }
}

describeTraced('containers', () => {
  beforeAll(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => void server.close());

  it('inside a pid namespace, process ids are those of that namespace', async () => {
    const id = secret();
    // The second curl begins when the trace reports that it is attached.
    const script = `
      ${HTTP_TRACE} run --format json -- sh -c 'curl -s ${base}/run-${id} >&2; true'
      cd ${folder} && mkfifo go said
      (read -r _ <go; exec curl -s ${base}/attach-${id}) >&2 &
      pid=$!; echo pid $pid
      { while read -r line; do echo "$line" >&2; case "$line" in *'Ctrl+C stops'*) echo >go;; esac; done <said; } &
      ${HTTP_TRACE} attach $pid --format json --verbose 2>said`;
    const { stdout, stderr } = await new Child('unshare', [
      '--pid',
      '--fork',
      '--mount-proc',
      'sh',
      '-c',
      script,
    ]).ended;
    expect(stderr).toContain(`answer /attach-${id}`);
    const [ran = '', attached = ''] = stdout.split(/^pid \d+\n/m);
    const pid = Number(/^pid (\d+)$/m.exec(stdout)?.[1]);
    const [first] = parseOutput(ran).exchanges;
    expect(first).toMatchObject({ url: `${base}/run-${id}`, status: 200, process: { name: 'curl' } });
    // A new namespace counts from 1.
    expect(first?.process?.pid).toBeLessThan(100);
    const [second] = parseOutput(attached).exchanges;
    expect(second).toMatchObject({ url: `${base}/attach-${id}`, status: 200, process: { pid } });
  });

  it('from outside, processes in a pid namespace are traced, too', async () => {
    const id = secret();
    const command = ['unshare', '--pid', '--fork', '--mount-proc', 'curl', '-s', `${base}/${id}`];
    const { exchanges } = await CallTracing.run(context, command).result();
    expect(exchanges).toHaveLength(1);
    expect(exchanges[0]).toMatchObject({ url: `${base}/${id}`, status: 200, completeness: ['complete'] });
    expect(bodyOf(exchanges[0]?.response ?? null).toString()).toBe(`answer /${id}`);
  });

  it('the same loopback ports in two network namespaces are kept apart', async () => {
    const ids = [secret(), secret()];
    const program = `
      const http = require('node:http');
      const id = process.argv[1];
      const server = http.createServer((q, r) => setTimeout(() => r.end(id + q.url), 5));
      server.listen(8123, '127.0.0.1', async () => {
        for (let i = 0; i < 40; i++)
          await new Promise((done) => http.get({ agent: false, port: 8123, host: '127.0.0.1', localPort: 30000 + i, path: '/' + i + '-' + id }, (r) => { r.resume(); r.on('end', done); }));
        server.close();
      });`;
    const one = (id: string): string =>
      `unshare --net sh -c 'ip link set lo up && exec "$0" -e "$1" ${id}' "$NODE" "$PROGRAM"`;
    const script = `NODE='${process.execPath}' PROGRAM='${program.replaceAll("'", `'\\''`)}'; ${ids.map((id) => `${one(id)} &`).join(' ')} wait`;
    const { exchanges, summary } = await CallTracing.run(context, ['sh', '-c', script]).result();
    expect(exchanges).toHaveLength(160);
    for (const exchange of exchanges) {
      const path = new URL(exchange.url ?? '').pathname;
      expect(bodyOf(exchange.response).toString()).toBe(path.slice(path.indexOf('-') + 1) + path);
      expect(exchange.completeness).toEqual(['complete']);
    }
    expect(summary.connections).toBe(160);
  });

  it('--cgroup traces the processes of a control group and no others', async () => {
    const id = secret();
    const group = `http-trace-test-${id}`;
    const path = join(CGROUPS, group);
    mkdirSync(join(path, 'below'), { recursive: true });
    const call = (name: string): ReturnType<typeof spawn> =>
      spawn('sh', ['-c', `read _; curl -s ${base}/${name}-${id}; sleep 1`], {
        stdio: ['pipe', 'ignore', 'ignore'],
      });
    const [inside, below, outside] = [call('inside'), call('below'), call('outside')];
    try {
      writeFileSync(join(path, 'cgroup.procs'), String(inside?.pid));
      writeFileSync(join(path, 'below/cgroup.procs'), String(below?.pid));
      const tracing = await Tracing.attach(context, [], ['--cgroup', `/${group}`]);
      for (const child of [inside, below, outside]) child?.stdin?.end('\n');
      const { exchanges } = await tracing.result();
      expect(exchanges.map((exchange) => exchange.url).sort()).toEqual([
        `${base}/below-${id}`,
        `${base}/inside-${id}`,
      ]);
    } finally {
      for (const child of [inside, below, outside]) child?.kill('SIGKILL');
      for (const group of [join(path, 'below'), path]) await removeGroup(group);
    }
  });

  it('--cgroup traces also what has begun in the group while the trace started', async () => {
    const id = secret();
    const path = join(CGROUPS, `http-trace-test-${id}`);
    mkdirSync(path);
    const [script, go] = [join(folder, `chain-${id}.sh`), join(folder, `go-${id}`)];
    // Each process lives for a tenth of a second and starts the next one.
    writeFileSync(script, `[ -e ${go} ] && exec curl -s ${base}/late-${id}\nsleep 0.1; sh ${script} &\n`);
    const first = spawn('sh', ['-c', `read _; sh ${script} &`], { stdio: ['pipe', 'ignore', 'ignore'] });
    try {
      writeFileSync(join(path, 'cgroup.procs'), String(first.pid));
      first.stdin.end('\n');
      const tracing = await Tracing.attach(context, [], ['--cgroup', path]);
      writeFileSync(go, '');
      const { exchanges } = await tracing.result();
      expect(exchanges.map(({ url }) => url)).toEqual([`${base}/late-${id}`]);
    } finally {
      first.kill('SIGKILL');
      writeFileSync(go, '');
      await removeGroup(path);
    }
  });
});
