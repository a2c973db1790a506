/** Bodies that servers send from files (sendfile): read from the same file, or missing with the reason. */
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ExchangeJson, MessageJson } from '../../extension/engine/exchangeJson.ts';
import { freePort } from '../../scripts/freePort.mjs';
import { nginxIn } from '../kit/nginx.ts';
import { PYTHON } from '../kit/peers.ts';
import { Child } from '../kit/process.ts';
import { variants } from '../kit/tier.mjs';
import { type Trace, Tracing } from '../kit/tracing.ts';
import { bodyOf } from '../kit/truth.ts';
import { CallTracing, describeTraced, PEERS, temporaryFolder, tracingIn } from './support/environment.ts';

const folder = temporaryFolder();
const context = tracingIn(folder);
const site = join(folder, 'site');
const goPeer = join(folder, 'files');

interface Server {
  readonly child: Child;
  readonly port: number;
  /** Those that serve. */
  readonly pids: readonly number[];
}

const servers: Server[] = [];

/** Bytes that are neither text nor alike. */
function write(name: string, size: number): Buffer {
  const bytes = randomBytes(size);
  writeFileSync(join(site, name), bytes);
  return bytes;
}

async function start(command: readonly string[]): Promise<Server> {
  const child = Child.of(command);
  const { port, pid } = JSON.parse(await child.line());
  const server = { child, port, pids: [pid] };
  servers.push(server);
  return server;
}

const python = (): Promise<Server> => start([PYTHON, join(PEERS, 'sendfile.py'), site]);
const go = (): Promise<Server> => start([goPeer, site]);

async function nginx(): Promise<Server> {
  const port = await freePort();
  const http = `access_log off; sendfile on; tcp_nopush on;
    server { listen 127.0.0.1:${port}; root ${site}; }`;
  const child = Child.of(nginxIn(join(folder, `nginx-${port}`), http));
  for (let attempt = 0; attempt < 400; attempt++) {
    const answer = await fetch(`http://127.0.0.1:${port}/nothing`).catch(() => null);
    if (answer !== null) break;
    await sleep(50);
  }
  const server = { child, port, pids: [child.pid] };
  servers.push(server);
  return server;
}

/** @returns the body as the client got it */
async function get(server: Server, path: string, headers: Record<string, string> = {}): Promise<Buffer> {
  const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, { headers });
  return Buffer.from(await answer.arrayBuffer());
}

function responseTo(trace: Trace, path: string): MessageJson {
  const found = trace.exchanges.filter(({ url }) => url?.endsWith(path));
  expect(found).toHaveLength(1);
  return (found[0] as ExchangeJson).response as MessageJson;
}

function expectRead(response: MessageJson, bytes: Buffer): void {
  expect(response).toMatchObject({ bodySize: bytes.length, bodyNote: null, bodyFromFile: true });
  expect(bodyOf(response).equals(bytes)).toBe(true);
}

function expectMissing(response: MessageJson, size: number, reason: string): void {
  expect(response).toMatchObject({ bodySize: size, bodyCaptured: 0, body: null, bodyFromFile: false });
  expect(response.bodyNote).toContain('The body was not captured. The program sent it from a file that ');
  expect(response.bodyNote).toContain(reason);
}

/** Something happens to the files between the answer and the moment in which http-trace may look at them. */
async function changedMeanwhile(
  server: Server,
  ask: () => Promise<void>,
  change: () => void,
): Promise<Trace> {
  const tracing = await Tracing.attach(context, server.pids);
  tracing.process.kill('SIGSTOP');
  await ask();
  change();
  tracing.process.kill('SIGCONT');
  return tracing.stop();
}

describeTraced('bodies sent from files', () => {
  beforeAll(() => {
    mkdirSync(site);
    execFileSync('go', ['build', '-o', goPeer, join(PEERS, 'files.go')]);
  }, 120_000);
  afterAll(() => {
    for (const { child } of servers) child.kill('SIGTERM');
  });

  it.each(
    variants(
      [
        ['nginx', nginx],
        ['Go net/http', go],
        ['Python os.sendfile', python],
      ] as const,
      0,
    ),
  )('%s: small, 100 KB with the default limit, and its bytes in the balance', async (_, make) => {
    const small = write('small', 3_000);
    const large = write('large', 100_000);
    const server = await make();
    const tracing = await CallTracing.attach(context, server.pids);
    expect((await get(server, '/small')).equals(small)).toBe(true);
    expect((await get(server, '/large')).equals(large)).toBe(true);
    const trace = await tracing.stop();
    expectRead(responseTo(trace, '/small'), small);
    const response = responseTo(trace, '/large');
    expect(response).toMatchObject({ bodySize: 100_000, bodyCaptured: 65_536, bodyFromFile: true });
    expect(bodyOf(response).equals(large.subarray(0, 65_536))).toBe(true);
    const { bytes, note } = trace.summary;
    expect(note).toBeNull();
    expect(bytes?.fromFiles).toBeGreaterThanOrEqual(2_000 + 65_536);
    expect(bytes?.fromFiles).toBeLessThan(3_000 + 100_000);
    expect(bytes?.omitted).toBeGreaterThanOrEqual(101_900);
  });

  it.each(
    variants(
      [
        ['nginx', nginx],
        ['Go net/http', go],
        ['Python os.sendfile', python],
      ] as const,
      1,
    ),
  )('%s: 3 MB in several calls, with all of each body', async (_, make) => {
    const large = write('3mb', 3_000_000);
    const server = await make();
    const tracing = await CallTracing.attach(context, server.pids, ['--max-body', 'all']);
    expect((await get(server, '/3mb')).equals(large)).toBe(true);
    const trace = await tracing.stop();
    expectRead(responseTo(trace, '/3mb'), large);
    expect(trace.exchanges[0]?.completeness).toEqual(['complete']);
  });

  it.each(
    variants(
      [
        ['nginx', nginx],
        ['Go net/http', go],
      ] as const,
      2,
    ),
  )('%s: a range is read where it was sent from', async (_, make) => {
    const large = write('range', 50_000);
    const server = await make();
    const tracing = await CallTracing.attach(context, server.pids);
    await get(server, '/range', { Range: 'bytes=12345-34567' });
    const trace = await tracing.stop();
    expect(trace.exchanges[0]?.status).toBe(206);
    expectRead(responseTo(trace, '/range'), large.subarray(12_345, 34_568));
  });

  it("the file's own position, a name that is not UTF-8, and a file that has lost its name but is open", async () => {
    const own = write('own', 30_000);
    const gone = write('gone', 30_000);
    const strange = randomBytes(5_000);
    writeFileSync(Buffer.concat([Buffer.from(join(site, 'caf')), Buffer.from([0xe9, 0x20, 0x0a])]), strange);
    const server = await python();
    const tracing = await CallTracing.attach(context, server.pids);
    await get(server, '/own?own');
    await get(server, '/gone?gone');
    await get(server, '/caf%e9%20%0a');
    const trace = await tracing.stop();
    expectRead(responseTo(trace, '/own?own'), own);
    expectRead(responseTo(trace, '/gone?gone'), gone);
    expectRead(responseTo(trace, '/caf%e9%20%0a'), strange);
  });

  it.each(
    variants(
      [
        ['a tmpfs', 'mkdir "$1/deep" && cp "$2/served" "$1/deep/"'],
        // stat(2) shows another device than that of the file system where the layers are on different ones.
        ['an overlay', 'mkdir "$1/low" "$1/deep" && mount -t overlay none -o "lowerdir=$2:$1/low" "$1/deep"'],
      ] as const,
      1,
    ),
  )('a process with mounts of its own: %s', async (_, prepare) => {
    const layer = join(folder, 'layer');
    const served = randomBytes(20_000);
    mkdirSync(layer, { recursive: true });
    writeFileSync(join(layer, 'served'), served);
    const script = `mount -t tmpfs none "$1" && ${prepare} && shift 2 && exec "$@"`;
    const peer = [PYTHON, join(PEERS, 'sendfile.py'), site];
    const server = await start(['unshare', '-m', 'sh', '-c', script, 'sh', site, layer, ...peer]);
    const tracing = await CallTracing.attach(context, server.pids);
    await get(server, '/deep/served');
    const trace = await tracing.stop();
    expectRead(responseTo(trace, '/deep/served'), served);
  });

  it('a file that is changed, replaced, shortened or removed before it can be read', async () => {
    const names = ['touched', 'rewritten', 'replaced', 'shortened', 'removed'];
    for (const name of names) write(name, 10_000);
    const server = await python();
    const trace = await changedMeanwhile(
      server,
      async () => {
        for (const name of names) await get(server, `/${name}`);
      },
      () => {
        writeFileSync(join(site, 'rewritten'), randomBytes(10_000));
        writeFileSync(join(site, 'new'), randomBytes(10_000));
        renameSync(join(site, 'new'), join(site, 'replaced'));
        execFileSync('truncate', ['-s', '9999', join(site, 'shortened')]);
        rmSync(join(site, 'removed'));
        // Other bytes, the same size and the same times as far as a program can set them.
        const touched = join(site, 'touched');
        execFileSync('sh', [
          '-c',
          'touch -r "$1" "$2" && head -c 10000 /dev/zero > "$1" && touch -r "$2" "$1"',
          '-',
          touched,
          join(folder, 'times'),
        ]);
      },
    );
    for (const name of names.slice(0, 4))
      expectMissing(responseTo(trace, `/${name}`), 10_000, 'has changed since.');
    expectMissing(responseTo(trace, '/removed'), 10_000, 'could not be opened afterwards.');
    expect(trace.summary).toMatchObject({ note: null, bytes: { fromFiles: 0 } });
  });

  it('a link, a FIFO, a folder or a device in the place of the file', async () => {
    const names = ['link', 'fifo', 'folder', 'device'];
    for (const name of names) write(name, 10_000);
    const server = await python();
    const trace = await changedMeanwhile(
      server,
      async () => {
        for (const name of names) await get(server, `/${name}`);
      },
      () => {
        for (const name of names) rmSync(join(site, name));
        writeFileSync(join(folder, 'secret'), randomBytes(10_000));
        symlinkSync(join(folder, 'secret'), join(site, 'link'));
        mkdirSync(join(site, 'folder'));
        expect(spawnSync('mkfifo', [join(site, 'fifo')]).status).toBe(0);
        expect(spawnSync('mknod', [join(site, 'device'), 'c', '1', '5']).status).toBe(0);
      },
    );
    for (const name of names) expectMissing(responseTo(trace, `/${name}`), 10_000, 'has changed since.');
    expect(trace.ended.code).toBe(0);
  });

  it('a file that may change without a trace is not read', async () => {
    write('mapped', 10_000);
    const server = await python();
    const tracing = await CallTracing.attach(context, server.pids);
    await get(server, '/mapped?mapped');
    await get(server, '/fresh?fresh');
    const trace = await tracing.stop();
    const reason = 'was being changed, so what was sent is not certain.';
    expectMissing(responseTo(trace, '/mapped?mapped'), 10_000, reason);
    expectMissing(responseTo(trace, '/fresh?fresh'), 5_000, reason);
  });

  it.skipIf(!existsSync('/dev/fuse'))(
    'a file system that never answers, put in the place of the file',
    async () => {
      write('hang', 10_000);
      const peer = [PYTHON, join(PEERS, 'sendfile.py'), site];
      const server = await start(['unshare', '-m', ...peer]);
      const trace = await changedMeanwhile(
        server,
        async () => {
          await get(server, '/hang?hang');
        },
        () => {},
      );
      expectMissing(responseTo(trace, '/hang?hang'), 10_000, 'could not be read in time.');
      expect(trace.summary.note).toBeNull();
    },
  );

  it('leaves no file open and opens none for writing', async () => {
    write('open', 10_000);
    const server = await python();
    const tracing = await Tracing.attach(context, server.pids);
    await get(server, '/open');
    await expect.poll(() => tracing.written.includes('/open'), { timeout: 120_000 }).toBe(true);
    const pid = tracing.process.process.pid as number;
    const open = (): string[] =>
      readdirSync(`/proc/${pid}/fdinfo`).map(
        (fd) => spawnSync('readlink', [`/proc/${pid}/fd/${fd}`], { encoding: 'utf8' }).stdout,
      );
    await expect.poll(() => open().filter((name) => name.startsWith(site)), { timeout: 120_000 }).toEqual([]);
    await tracing.stop();
  });
});
