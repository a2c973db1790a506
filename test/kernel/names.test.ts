/** Lookups by real resolvers, answered by the test's own name server. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import type { ExchangeJson } from '../../extension/engine/exchangeJson.ts';
import { NamedNetwork } from '../kit/namedNetwork.ts';
import { PYTHON } from '../kit/peers.ts';
import { Child } from '../kit/process.ts';
import { variants, WHOLE } from '../kit/tier.mjs';
import { type Trace, Tracing, type TracingContext } from '../kit/tracing.ts';
import { describeTraced, PEERS, temporaryFolder, tracingIn } from './support/environment.ts';

const folder = temporaryFolder();
const go = join(folder, 'lookups');
const goEnvironment = { ...process.env, CGO_ENABLED: '0', GO111MODULE: 'off', GOFLAGS: '' };

let context: TracingContext;

const run = (command: readonly string[]): Promise<Trace> => Tracing.run(context, command).result();

/** The names in the trace: those of calls, and those that were not found. */
function called(trace: Trace): Record<string, ExchangeJson> {
  const calls = trace.exchanges.filter(({ failure }) => failure === null);
  return Object.fromEntries(calls.map((one) => [new URL(one.url ?? '').hostname, one]));
}

function failed(trace: Trace): Record<string, string> {
  const rows = trace.exchanges.filter(({ failure }) => failure !== null);
  for (const row of rows) {
    expect(row).toMatchObject({
      side: 'client',
      protocol: 'DNS',
      request: null,
      completeness: ['lookup-failed'],
    });
    expect(row.timings.lookupMs).toBe(row.durationMs);
  }
  return Object.fromEntries(rows.map(({ lookup, failure }) => [lookup?.name, failure?.reason]));
}

function expectPhase(exchange: ExchangeJson | undefined, lookup: object): void {
  expect(exchange).toMatchObject({
    completeness: ['complete'],
    lookup: { server: '127.0.0.1:53', transport: 'udp', alias: null, alsoTried: [], ...lookup },
  });
  expect(exchange?.timings.lookupMs).toBeGreaterThan(0);
  expect(exchange?.timings.connectMs).toBeGreaterThan(0);
}

const NAMES = ['web.example', 'six.example', 'alias.example', 'long.example'];
const LOST = ['nowhere.example', 'broken.example', 'empty.example', 'silent.example'];
const BOTH = { types: expect.arrayContaining(['A', 'AAAA']), addresses: ['127.0.0.1'] };

describeTraced('names that are looked up', () => {
  beforeAll(() => {
    const built = spawnSync('go', ['build', '-o', go, `${PEERS}/lookups.go`], {
      encoding: 'utf8',
      env: goEnvironment,
    });
    if (built.status !== 0) throw new Error(built.stderr);
  });

  beforeEach(async () => {
    context = (await NamedNetwork.make(tracingIn(folder), PEERS)).context;
  });

  const GLIBC = `
import http.client, sys
for name in sys.argv[1:]:
    try:
        connection = http.client.HTTPConnection(name)
        connection.request('GET', '/')
        connection.getresponse().read()
        print(name, 'ok')
    except OSError as error:
        print(name, error)
`;

  it.each([
    ...variants<[string, string[]]>([
      ['glibc, of Python', [PYTHON, '-c', GLIBC]],
      ['glibc, of Node', [process.execPath, `${PEERS}/lookups.mjs`, 'lookup']],
    ]),
    ['Go', [go]],
  ] as [string, string[]][])('by %s', async (_, command) => {
    const trace = await run([...command, ...NAMES, 'web', ...LOST]);
    const calls = called(trace);
    expect(Object.keys(calls).sort()).toEqual([...NAMES, 'web'].sort());
    expectPhase(calls['web.example'], { ...BOTH, queries: 2 });
    expectPhase(calls['six.example'], { ...BOTH, addresses: ['::1'], queries: 2 });
    expectPhase(calls['alias.example'], { ...BOTH, alias: 'target.example' });
    expectPhase(calls['long.example'], { ...BOTH, transport: 'tcp', queries: 4 });
    expectPhase(calls['web'], { ...BOTH, alsoTried: ['web.search.test'], queries: 4 });
    expect(failed(trace)).toEqual({
      'nowhere.example': 'name lookup failed: the name does not exist (NXDOMAIN from 127.0.0.1:53)',
      'broken.example': 'name lookup failed: the name server failed (SERVFAIL from 127.0.0.1:53)',
      'empty.example': 'name lookup failed: the name has no address (answer from 127.0.0.1:53)',
      'silent.example': expect.stringMatching(
        /^name lookup failed: no answer from 127\.0\.0\.1:53 \([24] queries\)$/,
      ),
    });
    expect(trace.summary.exchanges).toBe(NAMES.length + 1 + LOST.length);
  });

  it.each(WHOLE ? ['curl'] : [])('by %s, each in a process of its own', async () => {
    const names = [...NAMES, 'nowhere.example'];
    const trace = await run(['sh', '-c', `for n in ${names.join(' ')}; do curl -s http://$n/; done; true`]);
    const calls = called(trace);
    expect(Object.keys(calls).sort()).toEqual([...NAMES].sort());
    for (const name of ['web.example', 'alias.example', 'long.example']) {
      expect(calls[name]?.lookup).toMatchObject({ name, addresses: ['127.0.0.1'] });
      expect(calls[name]?.timings.lookupMs).toBeGreaterThan(0);
    }
    expect(Object.keys(failed(trace))).toEqual(['nowhere.example']);
    expect(trace.exchanges.find(({ failure }) => failure !== null)?.process?.name).toBe('curl');
  });

  it('by musl, which asks from one socket, and in parallel', async () => {
    const program = join(folder, 'lookups-musl');
    const built = spawnSync('musl-gcc', ['-static', '-o', program, `${PEERS}/lookups.c`], {
      encoding: 'utf8',
    });
    expect([built.status, built.stderr]).toEqual([0, '']);
    const trace = await run([
      program,
      'web.example',
      'alias.example',
      'six.example',
      'nowhere.example',
      'broken.example',
    ]);
    const calls = called(trace);
    expect(Object.keys(calls).sort()).toEqual(['alias.example', 'six.example', 'web.example']);
    expectPhase(calls['web.example'], { ...BOTH, queries: 2 });
    expectPhase(calls['six.example'], { ...BOTH, addresses: ['::1'], queries: 2 });
    expectPhase(calls['alias.example'], { ...BOTH, alias: 'target.example' });
    expect(failed(trace)).toMatchObject({
      'nowhere.example': expect.stringContaining('NXDOMAIN'),
      'broken.example': expect.stringMatching(/SERVFAIL|no answer/),
    });
  });

  it('by c-ares, of Node', async () => {
    const names = [
      'web.example',
      'alias.example',
      'long.example',
      'nowhere.example',
      'broken.example',
      'silent.example',
    ];
    const trace = await run([process.execPath, `${PEERS}/lookups.mjs`, 'resolve', ...names]);
    const calls = called(trace);
    expectPhase(calls['web.example'], { types: ['A'], queries: 1 });
    expectPhase(calls['alias.example'], { types: ['A'], alias: 'target.example' });
    expectPhase(calls['long.example'], { types: ['A'], transport: 'tcp', queries: 2 });
    expect(failed(trace)).toMatchObject({
      'nowhere.example': expect.stringContaining('NXDOMAIN'),
      'broken.example': expect.stringContaining('SERVFAIL'),
      'silent.example': expect.stringContaining('no answer from 127.0.0.1:53'),
    });
  });

  it('by a socket that is not connected, in every way to send and receive', async () => {
    const script = `
import socket, struct
def query(id, name):
    labels = b''.join(bytes([len(l)]) + l.encode() for l in name.split('.')) + b'\\0'
    return struct.pack('>6H', id, 0x100, 1, 0, 0, 0) + labels + struct.pack('>2H', 1, 1)
at = ('127.0.0.1', 53)
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.sendto(query(1, 'nowhere.one'), at); s.recvfrom(512)
q = query(2, 'nowhere.two'); s.sendmsg([q[:3], q[3:]], [], 0, at); s.recvmsg(512)
s.sendto(query(3, 'nowhere.three'), at); s.recvfrom(512, socket.MSG_PEEK); s.recv_into(bytearray(512))
s.close()
c = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); c.connect(at)
import os
os.write(c.fileno(), query(4, 'nowhere.four')); os.read(c.fileno(), 512)
q = query(5, 'nowhere.five'); os.writev(c.fileno(), [q[:20], q[20:]]); os.readv(c.fileno(), [bytearray(5), bytearray(500)])
c.send(query(6, 'nowhere.six')); c.recv(512)
six = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
six.sendto(query(7, 'nowhere.seven'), ('::ffff:127.0.0.1', 53)); six.recvfrom(512)
t = socket.create_connection(at)
q = query(8, 'nowhere.eight'); t.sendall(struct.pack('>H', len(q))); t.sendall(q[:10]); t.sendall(q[10:]); t.recv(512)
`;
    const names = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight'].map(
      (one) => `nowhere.${one}`,
    );
    const trace = await run([PYTHON, '-c', script]);
    const reasons = failed(trace);
    expect(Object.keys(reasons).sort()).toEqual([...names].sort());
    // Received without an address: the sender is unknown.
    const known = 'name lookup failed: the name does not exist (NXDOMAIN from 127.0.0.1:53)';
    for (const name of names) {
      expect(reasons[name]).toBe(name === 'nowhere.three' ? known.replace(' from 127.0.0.1:53', '') : known);
    }
  });

  it('where no name server listens', async () => {
    const script = `
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(('127.0.0.2', 53))
s.send(bytes.fromhex('00070100000100000000000003776562076578616d706c650000010001'))
try: s.recv(512)
except ConnectionRefusedError: print('refused')
`;
    expect(failed(await run([PYTHON, '-c', script]))).toEqual({
      'web.example': 'name lookup failed: no name server listens there (connection refused): 127.0.0.2:53',
    });
  });

  it("by systemd-resolved's socket, as nss-resolve does", async () => {
    const script = `
import http.client, json, socket
for name in ('web.example', 'nowhere.example'):
    s = socket.socket(socket.AF_UNIX); s.connect('/run/systemd/resolve/io.systemd.Resolve')
    call = {'method': 'io.systemd.Resolve.ResolveHostname', 'parameters': {'name': name, 'flags': 0}}
    s.sendall(json.dumps(call).encode() + b'\\0')
    answer = json.loads(s.recv(4096).rstrip(b'\\0')); s.close()
    if 'error' in answer: continue
    connection = http.client.HTTPConnection('.'.join(map(str, answer['parameters']['addresses'][0]['address'])))
    connection.request('GET', '/', headers={'Host': name}); connection.getresponse().read()
`;
    const trace = await run([PYTHON, '-c', script]);
    const ofResolved = { server: null, transport: 'resolved', queries: 1, types: ['A', 'AAAA'] };
    expectPhase(called(trace)['web.example'], { ...ofResolved, addresses: ['127.0.0.1'] });
    expect(failed(trace)).toEqual({
      'nowhere.example': 'name lookup failed: the name does not exist (NXDOMAIN from systemd-resolved)',
    });
  });

  it('nothing of a process that is not traced, and no row of a lookup that leads to no call', async () => {
    const other = context.program.slice(0, context.program.indexOf('--') + 1);
    const lookup = 'import socket, sys; socket.getaddrinfo(sys.argv[1], 80)';
    const tracing = Tracing.run(context, [
      'sh',
      '-c',
      `${PYTHON} -c '${lookup}' web.example; echo done; cat`,
    ]);
    await tracing.process.until(() => tracing.process.lines.includes('done'), 'the lookup', tracing.patience);
    await Child.of([...other, PYTHON, '-c', lookup, 'nowhere.example']).ended;
    tracing.process.endInput();
    const trace = await tracing.result();
    expect(trace.exchanges).toEqual([]);
  });
});
