// Other tools that see HTTP, where they are installed: what they cost the same server. `--no-peers` leaves them out.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { freePort } from '../../scripts/freePort.mjs';
import { answers, end, folder, lineWith, root, start } from './processes.mjs';

/** mockttp is a package of npm and no dependency of the project: `npm install --prefix .cache/peers mockttp`. */
const MOCKTTP = join(root, '.cache/peers/node_modules/mockttp');

const NOTHING = { parts: () => ({}), programs: [] };
const packets = join(folder, 'packets');

const BPFTRACE = `tracepoint:syscalls:sys_enter_write, tracepoint:syscalls:sys_enter_writev, tracepoint:syscalls:sys_enter_sendto
/pid == $1/ { printf("%d %s\\n", pid, probe); }`;

/** `start` gets the server's processes and its port; a proxy gives a `url` through which the calls then go. */
const PEERS = [
  {
    name: 'tcpdump',
    installed: () => command('tcpdump'),
    async start(_, server) {
      const args = ['-i', 'lo', '-s', '0', '-B', '65536', '-w', packets, `tcp port ${server.port}`];
      const child = start('tcpdump', args, { stdio: ['ignore', 'ignore', 'pipe'] });
      await lineWith(child, child.stderr, 'listening on');
      return { ...NOTHING, stop: () => ended(child, 'SIGINT') };
    },
  },
  {
    name: 'strace',
    installed: () => command('strace'),
    async start(pids) {
      const processes = pids.flatMap((pid) => ['-p', String(pid)]);
      const args = [
        '-f',
        '-s',
        '4096',
        '-e',
        'trace=%network,read,write,readv,writev',
        '-o',
        packets,
        ...processes,
      ];
      const child = start('strace', args, { stdio: ['ignore', 'ignore', 'pipe'] });
      await lineWith(child, child.stderr, 'attached');
      return { ...NOTHING, stop: () => ended(child, 'SIGINT') };
    },
  },
  {
    name: 'bpftrace',
    installed: () => command('bpftrace'),
    async start([pid]) {
      const child = start('bpftrace', ['-e', `BEGIN { printf("begun\\n"); } ${BPFTRACE}`, String(pid)], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      await lineWith(child, child.stdout, 'begun');
      return { ...NOTHING, stop: () => ended(child, 'SIGINT') };
    },
  },
  {
    name: 'mitmproxy',
    installed: () => command('mitmdump'),
    async start(_, server) {
      const port = await freePort();
      const args = [
        '--mode',
        `reverse:${server.url}`,
        '--listen-host',
        '127.0.0.1',
        '-p',
        String(port),
        '-w',
        packets,
        '-q',
      ];
      const child = start('mitmdump', args);
      await answers(port);
      return { ...NOTHING, url: `http://127.0.0.1:${port}/`, stop: () => ended(child, 'SIGTERM') };
    },
  },
  {
    name: 'mockttp',
    installed: () => existsSync(MOCKTTP),
    async start(_, server) {
      const entry = createRequire(join(MOCKTTP, 'package.json')).resolve(MOCKTTP);
      const port = await freePort();
      const code = `const proxy = require(${JSON.stringify(entry)}).getLocal();
        proxy.start(${port}).then(() => proxy.forAnyRequest().thenForwardTo('http://127.0.0.1:${server.port}')).then(() => console.log('begun'))`;
      const child = start(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'ignore'] });
      await lineWith(child, child.stdout, 'begun');
      return { ...NOTHING, url: `http://127.0.0.1:${port}/`, stop: () => ended(child, 'SIGTERM') };
    },
  },
];

/** Those that are here, and the names of those that are not. */
export function installedPeers() {
  const here = PEERS.filter(({ installed }) => installed());
  return { here, missing: PEERS.filter((peer) => !here.includes(peer)).map(({ name }) => name) };
}

async function ended(child, signal) {
  await end(child, signal);
  return {};
}

function command(name) {
  return spawnSync('which', [name]).status === 0;
}
