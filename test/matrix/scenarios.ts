/** The scenarios of one traced shell: what it runs, and how the trace of it is checked. */
import { join } from 'node:path';
import { assert, same } from '../kit/check.ts';
import type { SocketReport } from '../kit/peers.ts';
import { Child, PATIENCE_MS } from '../kit/process.ts';
import type { Trace } from '../kit/tracing.ts';
import { type Expected, type Extent, field, findExchange, mentioning } from '../kit/truth.ts';
import { expectTraced } from './check.ts';
import type { Context } from './context.ts';
import { failing } from './failing.ts';
import { names } from './names.ts';
import { expectNoneWrong } from './noneWrong.ts';

/** What is checked of a scenario after the trace has ended. */
export interface Ran {
  readonly context: Context;
  readonly id: string;
  readonly lines: readonly string[];
  readonly said: readonly SocketReport[];
}

export interface Scenario {
  readonly name: string;
  /** The command line for the traced shell; may start processes outside of it first. */
  command(context: Context, id: string): string | Promise<string>;
  /** Called while the command runs, with the lines that it has printed so far, until it returns true. */
  meanwhile?(context: Context, id: string, lines: readonly string[]): boolean;
  /** @returns anything remarkable. @throws with what is wrong */
  check(ran: Ran, trace: Trace): string | undefined;
  /** Ends what the command started outside; its lines are added to those of the shell. */
  outside?(): Promise<readonly string[]>;
  /** Why the backend cannot see it; the check then says what it does see. */
  impossible?(context: Context): string | null;
}

/** Milliseconds by which the trace's durations may exceed the peer's: a timer tick, an emulated machine. */
export function slackOf(context: Context): number {
  return context.slow ? 200 : 50;
}

interface Shape {
  /** Exchanges that each side reports. */
  readonly count?: number;
  readonly client?: Omit<Expected, 'slack'>;
  readonly server?: Omit<Expected, 'slack'>;
  also?(ran: Ran, trace: Trace): string | undefined;
}

/** Every line that the peers reported has its exchange, and there is no other one with the id. */
function expectAll(ran: Ran, trace: Trace, shape: Shape = {}): void {
  const { said, context, id } = ran;
  same('lines of the peers', said.length, 2 * (shape.count ?? 1));
  for (const line of said) {
    expectTraced(trace, line, { slack: slackOf(context), ...(shape[line.side] ?? {}) });
  }
  same('exchanges with the id', mentioning(trace.exchanges, id).length, said.length);
}

/** `peer exchange` with options, both ends traced. */
function exchange(name: string, options: string, shape: Shape = {}, prefix = ''): Scenario {
  return {
    name,
    command: ({ peer, folder }, id) =>
      `${prefix}${peer} exchange id=${id} scenario=x ${options.replaceAll('FOLDER', folder).replaceAll('ID', id)}`,
    check(ran, trace) {
      expectAll(ran, trace, shape);
      return shape.also?.(ran, trace);
    },
  };
}

const COUNTED: { response: Extent } = { response: 'counted' };
const NEVER_IN_MEMORY = 'the bytes never are in user memory: counted, not copied';

const PAIRS = [
  ['read', 'write'],
  ['readv', 'writev'],
  ['recv', 'send'],
  ['recvfrom', 'sendto'],
  ['recvmsg', 'sendmsg'],
  ['recvmmsg', 'sendmmsg'],
] as const;

const calls: Scenario[] = [
  ...PAIRS.map(([receive, send]) =>
    exchange(
      `${send} and ${receive}`,
      `csend=${send} ssend=${send} crecv=${receive} srecv=${receive} exchanges=2`,
      { count: 2 },
    ),
  ),
  ...PAIRS.filter(([, send]) => send !== 'write' && send !== 'send' && send !== 'sendto').flatMap(
    ([receive, send]) =>
      [1, 33, 64].map((segments) =>
        exchange(
          `${send} and ${receive}, ${segments} segment${segments === 1 ? '' : 's'}`,
          `csend=${send} ssend=${send} crecv=${receive} srecv=${receive} segments=${segments} reqbody=5000 resbody=9000`,
        ),
      ),
  ),
  exchange('sendfile', 'ssend=sendfile resbody=100000 file=FOLDER/ID', { also: readFromFile }),
  exchange('sendfile, short', 'ssend=sendfile resbody=300 exchanges=3 file=FOLDER/ID', {
    count: 3,
    also: readFromFile,
  }),
  exchange('sendfile, 3 MB', 'ssend=sendfile resbody=3000000 file=FOLDER/ID', { also: readFromFile }),
  exchange('sendfile from a file that has no name', 'ssend=sendfile resbody=100000', {
    server: COUNTED,
    also: () => 'the file was just written and is gone: counted, not read',
  }),
  exchange('splice into a socket', 'ssend=splice resbody=100000', {
    server: COUNTED,
    also: () => NEVER_IN_MEMORY,
  }),
  exchange('splice out of a socket', 'crecv=splice resbody=100000', {
    client: COUNTED,
    also: () => NEVER_IN_MEMORY,
  }),
  ...[4096, 8192, 16384].map((size) =>
    exchange(`messages of exactly ${size} bytes`, `csend=write ssend=write exact=${size} exchanges=2`, {
      count: 2,
    }),
  ),
  exchange('1 byte at a time', 'csend=write crecv=read ssend=write srecv=read chunk=1 reqbody=20 resbody=30'),
  exchange('3 MB each way', 'reqbody=3000000 resbody=3000000'),
  exchange(
    '3 MB each way, writev of 64 segments',
    'csend=writev ssend=writev segments=64 reqbody=3000000 resbody=3000000',
  ),
  exchange('non-blocking, EAGAIN', 'nonblock=1 delay=30 exchanges=2', {
    count: 2,
    also({ said }) {
      assert(
        said.some(({ side, again }) => side === 'client' && again > 0),
        'there was no EAGAIN',
      );
      return undefined;
    },
  }),
  exchange('short writes', 'nonblock=1 sndbuf=4608 reqbody=400000 resbody=400000', {
    also({ said }) {
      assert(
        said.some(({ shorts }) => shorts > 0),
        'no write was short',
      );
      return undefined;
    },
  }),
  exchange('MSG_PEEK', 'peek=1 exchanges=2', { count: 2 }),
  exchange('MSG_TRUNC', 'trunc=1 resbody=5000', {
    client: COUNTED,
    also: () => 'TCP throws the bytes away: counted, not copied',
  }),
  exchange('MSG_WAITALL', 'waitall=1 reqbody=200000 resbody=200000 exchanges=2', { count: 2 }),
  exchange('MSG_ZEROCOPY', 'zerocopy=1 csend=send ssend=sendmsg reqbody=200000 resbody=200000'),
  ...[
    ['TCP_FASTOPEN_CONNECT', 'fastopen=1'],
    ['sendto with MSG_FASTOPEN', 'fastopen=2'],
    ['sendto with MSG_FASTOPEN, non-blocking', 'fastopen=2 nonblock=1'],
  ].map(([name, way]) =>
    inNamespace(`${name}`, `${way} connections=2 exchanges=2`, {
      count: 4,
      also: withSyn,
    }),
  ),
];

/** The bytes never were in the server's memory: they are those of the file, and marked so. */
function readFromFile(ran: Ran, trace: Trace): undefined {
  const servers = mentioning(trace.exchanges, ran.id).filter(({ side }) => side === 'server');
  assert(
    servers.length > 0 && servers.every(({ response }) => response?.bodyFromFile === true),
    'nothing says that the body was read from the file',
  );
}

/** The server may read what came with the SYN before the handshake ends. */
function withSyn({ said }: Ran): undefined {
  assert(
    said.filter(isClient).every(({ synData }) => synData),
    'the request did not go with the SYN',
  );
}

function isClient({ side }: SocketReport): boolean {
  return side === 'client';
}

/** In a network namespace of its own, so that nothing is changed on this machine and no other program takes a port. */
function ownNetwork(prepare: string): string {
  return `unshare -n sh -c 'ip link set lo up && ${prepare} && exec "$@"' sh `;
}

function inNamespace(name: string, options: string, shape: Shape): Scenario {
  return exchange(name, options, shape, ownNetwork('echo 1543 > /proc/sys/net/ipv4/tcp_fastopen'));
}

const uring: Scenario[] = [
  {
    ...exchange('io_uring send and recv', 'csend=uring crecv=uring exchanges=2', { count: 2 }),
    impossible: blindToUring,
    check(ran, trace) {
      if (blindToUring(ran.context) === null) {
        expectAll(ran, trace, { count: 2 });
        return undefined;
      }
      const server = ran.said.filter(({ side }) => side === 'server');
      for (const line of server) expectTraced(trace, line, { slack: slackOf(ran.context) });
      same('exchanges with the id', mentioning(trace.exchanges, ran.id).length, server.length);
      return 'seen: the server, which calls recv and send; of the client nothing, and nothing is invented';
    },
  },
  {
    ...exchange('io_uring send, recv', 'csend=uring crecv=recv', {}),
    impossible: blindToUring,
    check(ran, trace) {
      if (blindToUring(ran.context) === null) {
        expectAll(ran, trace);
        return undefined;
      }
      for (const line of ran.said) {
        if (line.side === 'server') expectTraced(trace, line, { slack: slackOf(ran.context) });
      }
      const client = ran.said.find(({ side }) => side === 'client');
      assert(client !== undefined, 'the client said nothing');
      const seen = trace.exchanges.filter(
        (e) => e.side === 'client' && field(e.response, 'X-Answer').includes(client.answer),
      );
      same('exchanges with its answer', seen.length, 1);
      same('its request', seen[0]?.method, null);
      assert(!(seen[0]?.completeness ?? []).includes('complete'), 'a response alone is called complete');
      same('unseen bytes', trace.summary.bytes?.unseen, client.requestWire);
      return `seen: the server; of the client the response, and ${client.requestWire} bytes counted as unseen`;
    },
  },
];

function blindToUring({ backend }: Context): string | null {
  return backend === 'tracepoint' ? 'io_uring moves bytes without a system call of its own' : null;
}

let outside: Child[] = [];

async function endOutside(): Promise<readonly string[]> {
  const ending = outside;
  outside = [];
  for (const one of ending) one.killAfter(PATIENCE_MS);
  for (const one of ending) {
    const { signal } = await one.ended;
    assert(signal === null, `${one.process.spawnargs.join(' ')} outside of the trace did not end`);
  }
  return ending.flatMap((one) => one.lines);
}

async function serverOutside({ peer }: Context, id: string, options = ''): Promise<number> {
  const server = new Child(peer, [
    'exchange',
    'role=server',
    `id=${id}`,
    ...options.split(' ').filter(Boolean),
  ]);
  outside.push(server);
  await server.until(() => server.lines.length > 0, 'port');
  return (JSON.parse(server.lines[0] ?? '') as { port: number }).port;
}

/** Only lines of one side have an exchange. */
function oneSide(side: 'client' | 'server') {
  return ({ said, context, id }: Ran, trace: Trace): undefined => {
    same('lines of the peers', said.length, 2);
    for (const line of said) {
      if (line.side === side) expectTraced(trace, line, { slack: slackOf(context) });
    }
    same('exchanges with the id', mentioning(trace.exchanges, id).length, 1);
  };
}

const sockets: Scenario[] = [
  exchange('IPv4', 'net=ip4'),
  exchange('IPv6', 'net=ip6'),
  exchange('IPv4 mapped into IPv6', 'net=mapped'),
  exchange('Unix socket with a path', 'net=unix path=FOLDER/ID', {}),
  exchange('Unix socket with an abstract name', 'net=abstract path=ID', {}),
  ...PAIRS.map(([receive, send]) =>
    exchange(
      `Unix socket, ${send} and ${receive}`,
      `net=unix path=FOLDER/ID csend=${send} ssend=${send} crecv=${receive} srecv=${receive} segments=${send === 'write' ? 1 : 3} exchanges=2`,
      { count: 2 },
    ),
  ),
  exchange(
    'Unix socket, sendfile',
    'net=unix path=FOLDER/ID ssend=sendfile resbody=5000 exchanges=3 file=FOLDER/ID',
    {
      count: 3,
      also: readFromFile,
    },
  ),
  ...[
    ['splice into it', 'ssend=splice', 'server'],
    ['splice out of it', 'crecv=splice', 'client'],
  ].map(([name, way, side]) =>
    exchange(`Unix socket, ${name}`, `net=unix path=FOLDER/ID ${way} resbody=5000 exchanges=3`, {
      count: 3,
      ...(side === 'server' ? { server: COUNTED } : { client: COUNTED }),
      also: () => NEVER_IN_MEMORY,
    }),
  ),
  exchange('Unix socket, 3 MB each way', 'net=unix path=FOLDER/ID reqbody=3000000 resbody=3000000'),
  exchange(
    'Unix socket, non-blocking',
    'net=unix path=FOLDER/ID nonblock=1 reqbody=400000 resbody=400000 delay=20',
  ),
  exchange(
    'Unix socket, the response read by another thread',
    'net=unix path=FOLDER/ID reader=1 exchanges=2',
    { count: 2 },
  ),
  exchange('Unix socket, a descriptor used again', 'net=unix path=FOLDER/ID connections=4 exchanges=2', {
    count: 8,
  }),
  exchange('Unix socket passed by SCM_RIGHTS', 'net=unix path=FOLDER/ID client=scm exchanges=2', {
    count: 2,
  }),
  exchange('Unix socket, MSG_PEEK', 'net=unix path=FOLDER/ID peek=1 exchanges=2', { count: 2 }),
  {
    name: 'the client alone',
    command: async (context, id) =>
      `${context.peer} exchange role=client port=${await serverOutside(context, id)} id=${id} scenario=x`,
    outside: endOutside,
    check: oneSide('client'),
  },
  {
    name: 'the server alone',
    command: ({ peer }) => `${peer} exchange role=server`,
    meanwhile({ peer }, id, lines) {
      const line = lines.find((text) => text.startsWith('{"port"'));
      if (line === undefined) return false;
      const { port } = JSON.parse(line) as { port: number };
      outside.push(new Child(peer, ['exchange', 'role=client', `port=${port}`, `id=${id}`, 'scenario=x']));
      return true;
    },
    outside: endOutside,
    check: oneSide('server'),
  },
  exchange('client and server in one process', 'server=thread exchanges=3', {
    count: 3,
    also({ said }) {
      same('processes', new Set(said.map(({ pid }) => pid)).size, 1);
      return undefined;
    },
  }),
  {
    name: 'two connections with equal ports',
    command: ({ peer }, id) => `${ownNetwork('true')}${peer} equal-ports id=${id} scenario=x`,
    check(ran, trace) {
      expectAll(ran, trace, { count: 2 });
      const clients = ran.said.filter(({ side }) => side === 'client');
      const ports = clients.map(({ local, remote }) => `${portOf(local)} ${portOf(remote)}`);
      same('pairs of ports', new Set(ports).size, 1);
      same('servers', new Set(clients.map(({ remote }) => remote)).size, 2);
      return undefined;
    },
  },
  exchange('a descriptor used again', 'connections=4 exchanges=2', {
    count: 8,
    also({ said }, trace) {
      const clients = said.filter(({ side }) => side === 'client');
      same('descriptors', new Set(clients.map(({ fd }) => fd)).size, 1);
      const ids = clients.map(({ id }) => findExchange(trace.exchanges, id, 'client').connection.id);
      same('connections', new Set(ids).size, 4);
      return undefined;
    },
  }),
  exchange('a socket inherited over fork', 'client=inherit exchanges=2', { count: 2 }),
  exchange('a socket inherited over exec', 'client=exec'),
  exchange('a socket passed by SCM_RIGHTS', 'client=scm exchanges=2', { count: 2 }),
  exchange('accept4 without an address', 'accept=null'),
  exchange('accept', 'accept=accept'),
  {
    name: 'connection refused',
    command: ({ peer }) => `${peer} refused`,
    check({ lines }, trace) {
      const { remote } = JSON.parse(lines[0] ?? '') as { remote: string };
      const rows = trace.exchanges.filter(({ connection }) => connection.remote === remote);
      same('rows', rows.length, 1);
      same('calls', [rows[0]?.request, rows[0]?.response], [null, null]);
      same('its end', [rows[0]?.ending?.how, rows[0]?.ending?.error], ['refused', 'ECONNREFUSED']);
      same('attempts', [rows[0]?.failure?.phase, rows[0]?.failure?.attempts], ['connect', 1]);
      for (const { remoteAddress, remotePort } of trace.recorded.opened.values()) {
        const address = `${remoteAddress.subarray(0, 4).join('.')}:${remotePort}`;
        assert(address !== remote, 'a connection with a server that is not there');
      }
      return undefined;
    },
  },
  {
    ...exchange('the server killed in mid-response', 'die=1 resbody=40000'),
    check({ said, id, context }, trace) {
      same('lines of the peers', said.length, 2);
      for (const line of said) {
        expectTraced(trace, line, { response: 'any', slack: slackOf(context) });
        const { completeness, response } = findExchange(trace.exchanges, id, line.side);
        assert(completeness.includes('aborted'), `the ${line.side} says ${completeness}, not aborted`);
        assert(!completeness.includes('complete'), `the ${line.side} calls it complete`);
        if (line.side === 'client') same('bytes of its body', response?.bodyCaptured, line.responseSize);
      }
      same('exchanges with the id', mentioning(trace.exchanges, id).length, 2);
      return undefined;
    },
  },
];

function portOf(address: string | null): string {
  return address?.split(':').at(-1) ?? '';
}

/**
 * Several threads send on one connection at once. The order in which the kernel takes their bytes is not visible from
 * outside. Where the counters do not show it either, a request is reported as incomplete, and never as another one.
 */
const shared: Scenario = {
  name: '4 threads send on one connection at once',
  command: ({ peer, slow }, id) =>
    `${peer} shared id=${id} scenario=x threads=4 exchanges=${slow ? 5 : 25} waitall=1`,
  check({ said, id, context }, trace) {
    const servers = said.filter((line) => !isClient(line));
    const count = context.slow ? 20 : 100;
    same('lines of the peers', [said.length, servers.length], [2 * count, count]);
    for (const line of servers) expectTraced(trace, line, { slack: slackOf(context) });
    const exchanges = mentioning(trace.exchanges, id).filter(({ side }) => side === 'client');
    const { delivered, labelled } = expectNoneWrong({ exchanges }, said.filter(isClient));
    return `of the client's ${count} ${delivered} whole and right, ${labelled} said to have gaps; of the server's all whole`;
  },
};

const threads: Scenario[] = [
  exchange('the response read by another thread', 'reader=1 exchanges=3', { count: 3 }),
  exchange('4 threads, each with connections of its own', 'threads=4 connections=2 exchanges=2', {
    count: 16,
  }),
  exchange('8 threads, each with connections of its own', 'threads=8 connections=2 exchanges=2', {
    count: 32,
  }),
  // More than a kretprobe has room for (include/linux/kprobes.h: maxactive).
  exchange('100 calls of recv wait at once', 'threads=100 exchanges=2 delay=400', { count: 200 }),
  exchange('two threads on one connection in turn', 'turns=1 exchanges=6', { count: 6 }),
  exchange('8 threads wait in recv on one connection', 'waiters=8 exchanges=20', { count: 20 }),
  shared,
];

const times: Scenario[] = [
  exchange('durations as the peer measured them', 'delay=25 exchanges=8', {
    count: 8,
    also({ said, context }, trace) {
      const away = said
        .filter(({ side }) => side === 'client')
        .map(({ id, ms }) => {
          const { durationMs } = findExchange(trace.exchanges, id, 'client');
          assert(durationMs !== null && durationMs >= 25, `${durationMs} ms, though the server waited 25`);
          return Math.abs(durationMs - ms);
        })
        .sort((a, b) => a - b);
      const median = away[4] ?? Number.POSITIVE_INFINITY;
      assert(median < (context.slow ? 50 : 1), `${median} ms away from the peer's own measure`);
      return `median distance ${median.toFixed(3)} ms`;
    },
  }),
];

function spawned(way: string, name: string): Scenario {
  return {
    name,
    command: ({ peer }, id) => `${peer} spawn ${way} exchange id=${id} scenario=x`,
    check: (ran, trace) => {
      expectAll(ran, trace);
      return undefined;
    },
  };
}

const processes: Scenario[] = [
  spawned('fork', 'fork'),
  spawned('vfork', 'vfork and exec'),
  spawned('clone', 'clone'),
  spawned('clone3', 'clone3'),
  spawned('exec', 'exec'),
  spawned('daemon', 'a daemon: two forks and a session of its own'),
  {
    name: 'a short-lived child: a shell runs curl',
    command: async (context, id) => {
      const port = await serverOutside(context, id);
      const headers = `-H "X-Trace-Id: ${id}" -H "Connection: close"`;
      return `sh -c 'curl -sS -o /dev/null ${headers} -d a=1 http://127.0.0.1:${port}/x/${id}; true'`;
    },
    outside: endOutside,
    check({ said, id }, trace) {
      const [line] = said;
      assert(said.length === 1 && line !== undefined, 'the server was not asked');
      const seen = findExchange(trace.exchanges, id, 'client');
      same('process', seen.process?.name, 'curl');
      expectTraced(
        trace,
        {
          ...line,
          side: 'client',
          pid: seen.process?.pid ?? 0,
          local: line.remote,
          remote: line.local,
          ms: Number.POSITIVE_INFINITY,
        },
        { slack: 0 },
      );
      return undefined;
    },
  },
  exchange('a pid namespace', '', {}, 'unshare -p -f '),
  exchange('a mount namespace', '', {}, 'unshare -m '),
  {
    name: 'the same ports in two network namespaces at once',
    command({ peer }, id) {
      const one = (suffix: string): string =>
        `unshare -n sh -c 'ip link set lo up && exec "$@"' sh ${peer} exchange id=${id}${suffix} scenario=x port=18080 cport=18081 exchanges=10 delay=5`;
      return `{ ${one('a')} & ${one('b')} & wait; }`;
    },
    check(ran, trace) {
      expectAll(ran, trace, { count: 20 });
      const clients = ran.said.filter(({ side }) => side === 'client');
      same('addresses', new Set(clients.map(({ local, remote }) => `${local} ${remote}`)).size, 1);
      same('namespaces', new Set(clients.map(({ network }) => network)).size, 2);
      const ids = clients.map(({ id }) => findExchange(trace.exchanges, id, 'client').connection.id);
      same('connections', new Set(ids).size, 2);
      return undefined;
    },
  },
];

/** Nothing of it is in the trace. */
function unseen(name: string, command: Scenario['command'], more: Partial<Scenario> = {}): Scenario {
  return {
    name,
    command,
    ...more,
    check({ id, lines }, trace) {
      assert(
        lines.some((line) => line.startsWith('{')),
        'it said nothing',
      );
      same('exchanges with the id', mentioning(trace.exchanges, id).length, 0);
      return undefined;
    },
  };
}

const untraced: Scenario[] = [
  unseen('files, pipes and datagrams that hold HTTP', ({ peer }, id) => `${peer} quiet id=${id} scenario=x`),
  unseen('other protocols on TCP', ({ peer }, id) => `${peer} other id=${id}`),
  unseen(
    'other protocols on Unix sockets',
    ({ peer, folder }, id) => `${peer} other id=${id} net=unix path=${join(folder, id)}`,
  ),
  unseen(
    'another process',
    ({ peer }, id) => {
      outside.push(new Child(peer, ['exchange', `id=${id}`, 'scenario=x', 'exchanges=3']));
      return 'true';
    },
    { outside: endOutside },
  ),
];

/** For the trace that must have no unseen byte at all. */
export function scenarios(context: Context): readonly Scenario[] {
  const all = [
    ...calls,
    ...uring,
    ...sockets,
    ...threads,
    ...times,
    ...processes,
    ...untraced,
    names,
    ...failing,
  ];
  return all.filter(({ impossible }) => (impossible?.(context) ?? null) === null);
}

/** Run in traces of their own, as this backend misses some or all of their bytes. */
export function blindScenarios(context: Context): readonly Scenario[] {
  return uring.filter(({ impossible }) => (impossible?.(context) ?? null) !== null);
}
