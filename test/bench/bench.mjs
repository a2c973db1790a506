// `npm run bench [-- --quick]`: what tracing costs a saturated server. Traced and untraced rounds alternate in
// one run on one server process, so that a busy machine disturbs both alike; medians are compared. wrk, the
// server, the helper and http-trace share the machine's cores: the ratio is that of the whole, not of the
// kernel programs alone. Over TLS, wrk itself pays for the probes where it uses the server's library. Prints a table,
// writes test-output/bench.json.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { availableParallelism, cpus, release, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../scripts/freePort.mjs';
import { makeCertificates } from '../tls/certificates.mjs';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const httpTrace = join(root, 'dist/http-trace');
const quick = process.argv.includes('--quick');
const ROUNDS = quick ? 3 : 7;
const SECONDS = quick ? 1 : 4;
const CONNECTIONS = 32;
/** Bytes of each response's body. */
const BODY = 1024;

if (process.geteuid?.() !== 0) fail('needs root, as tracing does.');
if (!existsSync(httpTrace)) fail('dist/ is not built: npm run build');

const folder = mkdtempSync(join(tmpdir(), 'http-trace-bench-'));
makeCertificates(folder);
const started = new Set();
process.on('exit', () => {
  for (const child of started) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

function fail(message) {
  console.error(`bench: ${message}`);
  process.exit(1);
}

function start(command, args, stdio) {
  const child = spawn(command, args, { stdio });
  started.add(child);
  child.on('error', (error) => fail(`${command} cannot be started: ${error.message}`));
  child.on('exit', () => started.delete(child));
  return child;
}

const servers = {
  'Node http': () => nodeServer('http', '{}'),
  nginx: () => nginx('', ''),
  'Node https': () => nodeServer('https', "{ cert: read('cert.pem'), key: read('key.pem') }"),
  'nginx https': () =>
    nginx('ssl', `ssl_certificate ${folder}/cert.pem; ssl_certificate_key ${folder}/key.pem;`),
};

async function nodeServer(scheme, options) {
  const port = await freePort();
  const code = `const read = (name) => require('fs').readFileSync('${folder}/' + name);
    require('${scheme}').createServer(${options}, (q, r) => r.end('x'.repeat(${BODY}))).listen(${port}, '127.0.0.1')`;
  const child = start(process.execPath, ['-e', code], 'ignore');
  return { child, port, scheme, pids: () => [child.pid] };
}

async function nginx(ssl, certificate) {
  const port = await freePort();
  const config = join(folder, 'nginx.conf');
  writeFileSync(
    config,
    `daemon off; user root; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log;
     events { worker_connections 256; }
     http {
       access_log off; keepalive_requests 100000000; ${certificate}
       client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder};
       uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
       server { listen 127.0.0.1:${port} ${ssl}; location / { return 200 "${'x'.repeat(BODY)}"; } }
     }`,
  );
  const child = start('nginx', ['-p', folder, '-c', config, '-e', `${folder}/error.log`], 'ignore');
  return { child, port, scheme: ssl === '' ? 'http' : 'https', pids: () => childrenOf(child.pid) };
}

function childrenOf(pid) {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1').split(' ').filter(Boolean).map(Number),
  );
}

async function answers(port) {
  for (let attempt = 0; attempt < 200; attempt++) {
    const socket = connect(port, '127.0.0.1');
    const open = await new Promise((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  fail(`the server on port ${port} does not answer`);
}

/** Requests a second, as wrk counts them. */
async function load({ port, scheme }) {
  const args = ['-t1', `-c${CONNECTIONS}`, `-d${SECONDS}s`, `${scheme}://127.0.0.1:${port}/`];
  const wrk = start('wrk', args, ['ignore', 'pipe', 'inherit']);
  let text = '';
  wrk.stdout.on('data', (piece) => {
    text += piece;
  });
  await once(wrk, 'close');
  const [, rate] = /Requests\/sec:\s*([\d.]+)/.exec(text) ?? [];
  if (rate === undefined) fail(`wrk said: ${text}`);
  return Number(rate);
}

/** The same while the processes are traced to a file, as a script would. */
async function tracedLoad(server, options) {
  const output = join(folder, 'trace.jsonl');
  const args = ['attach', ...server.pids().map(String), '--format', 'json', '--output', output, '--verbose'];
  args.push(...options);
  const trace = start(httpTrace, args, ['ignore', 'ignore', 'pipe']);
  let ready = false;
  let words = '';
  const lines = createInterface({ input: trace.stderr });
  await new Promise((resolve) => {
    lines.on('line', (line) => {
      words += `${line}\n`;
      if (line.includes('Ctrl+C stops')) ready = true;
      if (ready) resolve();
    });
    lines.on('close', resolve);
  });
  if (!ready) fail(`http-trace said: ${words}`);
  const rate = await load(server);
  trace.kill('SIGINT');
  await once(trace, 'exit');
  return { rate, summary: JSON.parse(lastLine(output)).summary };
}

/** The summary is far shorter than this, and the file may be longer than a string can be. */
function lastLine(path) {
  const file = openSync(path, 'r');
  const tail = Buffer.alloc(64 * 1024);
  const length = readSync(file, tail, 0, tail.length, Math.max(0, fstatSync(file).size - tail.length));
  closeSync(file);
  return tail.toString('utf8', 0, length).trimEnd().split('\n').at(-1);
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Ways to trace: what is added to the server's name, and the options. */
const HTTP = [['', []]];
const HTTPS = [...HTTP, [', --tls none', ['--tls', 'none']]];

const results = [];
for (const [name, make] of Object.entries(servers)) {
  const server = await make();
  await answers(server.port);
  await load(server); // Warm up: the first round is slower for everybody.
  const ways = server.scheme === 'https' ? HTTPS : HTTP;
  const rounds = ways.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    // The order changes, so that a drift of the machine favours neither.
    const first = round % 2 === 0 ? await load(server) : null;
    const traced = [];
    for (const [, options] of ways) traced.push(await tracedLoad(server, options));
    const untraced = first ?? (await load(server));
    for (const [index, { rate, summary }] of traced.entries()) {
      const { produced, delivered, dropped, exchanges } = summary;
      if (produced !== delivered + dropped) fail(`${name}: ${produced} ≠ ${delivered} + ${dropped}`);
      rounds[index].push({ untraced, traced: rate, ratio: rate / untraced, produced, dropped, exchanges });
    }
  }
  server.child.kill('SIGTERM');
  await once(server.child, 'exit');
  for (const [index, [suffix]] of ways.entries()) {
    const own = rounds[index];
    results.push({
      name: name + suffix,
      untraced: median(own.map((round) => round.untraced)),
      traced: median(own.map((round) => round.traced)),
      ratio: median(own.map((round) => round.ratio)),
      droppedShare: median(own.map((round) => (round.produced === 0 ? 0 : round.dropped / round.produced))),
      rounds: own,
    });
  }
}

const machine = {
  kernel: release(),
  cores: availableParallelism(),
  processor: cpus()[0]?.model ?? null,
  node: process.version,
};
mkdirSync(join(root, 'test-output'), { recursive: true });
const settings = { rounds: ROUNDS, seconds: SECONDS, connections: CONNECTIONS, bodyBytes: BODY };
writeFileSync(
  join(root, 'test-output/bench.json'),
  `${JSON.stringify({ machine, settings, results }, null, 2)}\n`,
);

const WIDTH = Math.max(...results.map(({ name }) => name.length));
console.log(
  `${ROUNDS} rounds of ${SECONDS} s, ${CONNECTIONS} connections, ${machine.cores} cores; medians, requests/s`,
);
console.log(['server'.padEnd(WIDTH), 'untraced', '  traced', 'traced/untraced', 'records lost'].join('  '));
for (const { name, untraced, traced, ratio, droppedShare } of results) {
  const cells = [
    untraced.toFixed(0).padStart(8),
    traced.toFixed(0).padStart(8),
    ratio.toFixed(2).padStart(15),
  ];
  console.log([name.padEnd(WIDTH), ...cells, `${(100 * droppedShare).toFixed(2)} %`.padStart(12)].join('  '));
}
process.exit(0);
