// `node test/bench/dissect.mjs [--quick] [--only=REGEX] [--against=FOLDER]`: how fast the engine alone turns records
// into exchanges: calls of real peers, repeated (HTTP/1 as by Node, HTTP/2 as recorded from h2load and nghttpd), and
// calls of browsers and their servers: 30 fields, cookies, 20 KB of JSON in gzip. "as JSON" also creates the lines of
// `--format json`. Measures processor time of all threads (including garbage collection): a busy machine changes it
// little. Prints a table with the memory that is held at the end, writes test-output/dissect.json. For WebSocket,
// messages are counted, each as large as a body. Nothing is traced and no privilege is needed.
// --against: the engine of another checkout also runs in each round. The ratio of two that alternate in one process is
// more reliable than the figures of two runs: on a busy machine those differ by half.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { constants, deflateRawSync, gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const quick = process.argv.includes('--quick');
/** Only kinds with such a name. */
const only = new RegExp(
  process.argv.find((argument) => argument.startsWith('--only='))?.slice('--only='.length) ?? '',
);
const ROUNDS = quick ? 3 : 7;
const CALLS = quick ? 20_000 : 100_000;
/** Calls on one connection, and records in one push, as the helper's batches have. */
const CALLS_PER_CONNECTION = 1_000;
const BATCH = 256;
const START = 1_000_000_000_000n;

/** Where another engine is; null: none. */
const against =
  process.argv.find((argument) => argument.startsWith('--against='))?.slice('--against='.length) ?? null;

const folder = mkdtempSync(join(tmpdir(), 'http-trace-dissect-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

/** What a checkout's engine offers, and what the test data is made with. */
async function bundled(checkout, name) {
  const outfile = join(folder, `${name}.mjs`);
  await build({
    stdin: {
      contents: `export { Engine } from './extension/engine/engine.ts';
      export { conversation, recordBatch } from './extension/engine/testing/records.ts';
      export { WireProtocol } from './extension/engine/record.ts';
      export { jsonLine } from './extension/escape/jsonLine.ts';
      export * as frames from './extension/engine/testing/http2.ts';
      export * as webSocket from './extension/engine/testing/webSocket.ts';`,
      resolveDir: checkout,
      loader: 'ts',
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    outfile,
    logLevel: 'warning',
  });
  return import(pathToFileURL(outfile).href);
}

const here = await bundled(root, 'engine');
const other = against === null ? null : await bundled(resolve(against), 'other');
const { conversation, recordBatch, WireProtocol, frames, webSocket } = here;

const body = 'x'.repeat(1_024);
const date = (n) => `Sun, 22 Nov 2026 18:00:${String(Math.floor(n / 500) % 60).padStart(2, '0')} GMT`;

const LARGE = JSON.stringify(
  Array.from({ length: 200 }, (_, i) => ({
    id: 7_919 * i,
    name: `Lamp ${(i * 2_654_435_761) % 9_973}`,
    price: ((i * 48_271) % 10_000) / 100,
    tags: ['desk', 'brass', `batch-${(i * 16_807) % 997}`],
    available: i % 3 !== 0,
  })),
);
const ZIPPED = gzipSync(LARGE);
/** Of a request and of its response: as many as a browser and a server behind a proxy send. */
const REQUEST_FIELDS = [
  [
    'user-agent',
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  ],
  ['accept', 'application/json, text/plain, */*'],
  ['accept-encoding', 'gzip, deflate, br, zstd'],
  ['accept-language', 'en-GB,en;q=0.9,de;q=0.8'],
  ['cache-control', 'no-cache'],
  [
    'cookie',
    `session=${'4f9a'.repeat(16)}; csrf=${'b71c'.repeat(8)}; theme=dark; consent=a%3D1%26b%3D0; _id=GA1.1.1203.1763`,
  ],
  ['dnt', '1'],
  ['origin', 'https://shop.example'],
  ['referer', 'https://shop.example/lamps?sort=price&page=2'],
  ['sec-ch-ua', '"Chromium";v="142", "Not A(Brand";v="24"'],
  ['sec-ch-ua-mobile', '?0'],
  ['sec-ch-ua-platform', '"Linux"'],
  ['sec-fetch-dest', 'empty'],
  ['sec-fetch-mode', 'cors'],
  ['sec-fetch-site', 'same-site'],
];
const RESPONSE_FIELDS = [
  ['access-control-allow-credentials', 'true'],
  ['access-control-allow-origin', 'https://shop.example'],
  ['cache-control', 'private, max-age=0, must-revalidate'],
  ['content-encoding', 'gzip'],
  ['content-length', String(ZIPPED.length)],
  ['content-security-policy', "default-src 'self'; img-src 'self' data: https:"],
  ['content-type', 'application/json; charset=utf-8'],
  ['etag', 'W/"4e6f-9Qx2mVb7"'],
  ['server', 'nginx'],
  ['set-cookie', `session=${'4f9a'.repeat(16)}; Path=/; HttpOnly; Secure; SameSite=Lax`],
  ['strict-transport-security', 'max-age=31536000; includeSubDomains'],
  ['vary', 'Accept-Encoding, Origin'],
  ['x-content-type-options', 'nosniff'],
  ['x-request-id', '0c7f4b1e-55a2-4a35-9d0e-8a6b0b0f4f11'],
];
const lines = (fields) => fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
const realPath = (i) => `/api/v2/lamps?sort=price&page=${i % 50}&token=${'c0ffee'.repeat(4)}`;

/** Steps of one connection. */
const kinds = {
  'HTTP/1.1'() {
    const steps = [];
    for (let i = 0; i < CALLS_PER_CONNECTION; i++) {
      steps.push({
        out: `GET /items/${i % 50} HTTP/1.1\r\nHost: api.example\r\nUser-Agent: node\r\nAccept: application/json\r\nConnection: keep-alive\r\n\r\n`,
      });
      steps.push({
        in: `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: ${date(i)}\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      });
    }
    return { steps, protocol: WireProtocol.Http1 };
  },
  // The same calls, one at a time.
  'HTTP/2'() {
    const { steps, call } = http2();
    for (let i = 0; i < CALLS_PER_CONNECTION; i++) {
      const { request, response } = call(i);
      steps.push({ out: request }, { in: response });
    }
    return { steps, protocol: WireProtocol.Http2 };
  },
  // As h2load -m 50 makes them: many streams in one record.
  'HTTP/2, 50 streams'() {
    const { steps, call } = http2();
    for (let i = 0; i < CALLS_PER_CONNECTION; i += 50) {
      const calls = Array.from({ length: 50 }, (_, n) => call(i + n));
      steps.push({ out: Buffer.concat(calls.map(({ request }) => request)) });
      steps.push({ in: Buffer.concat(calls.map(({ response }) => response)) });
    }
    return { steps, protocol: WireProtocol.Http2 };
  },
  'HTTP/1.1, realistic'() {
    const steps = [];
    for (let i = 0; i < CALLS_PER_CONNECTION; i++) {
      steps.push({ out: `GET ${realPath(i)} HTTP/1.1\r\nHost: api.example\r\n${lines(REQUEST_FIELDS)}\r\n` });
      const head = `HTTP/1.1 200 OK\r\nDate: ${date(i)}\r\n${lines(RESPONSE_FIELDS)}\r\n`;
      steps.push({ in: Buffer.concat([Buffer.from(head), ZIPPED]) });
    }
    return { steps, protocol: WireProtocol.Http1 };
  },
  'HTTP/2, realistic'() {
    const { steps, call } = http2(
      (i) => [[':path', realPath(i)], ...REQUEST_FIELDS],
      (i) => [['date', date(i)], ...RESPONSE_FIELDS],
      ZIPPED,
    );
    for (let i = 0; i < CALLS_PER_CONNECTION; i++) {
      const { request, response } = call(i);
      steps.push({ out: request }, { in: response });
    }
    return { steps, protocol: WireProtocol.Http2 };
  },
  'HTTP/1.1, as JSON'() {
    return { ...kinds['HTTP/1.1'](), print: true };
  },
  'HTTP/1.1, realistic, as JSON'() {
    return { ...kinds['HTTP/1.1, realistic'](), print: true };
  },
  // Messages asked for and answered, one at a time.
  WebSocket() {
    const { switching, text, MASK, UPGRADE } = webSocket;
    const steps = [{ out: UPGRADE }, { in: switching() }];
    for (let i = 0; i < CALLS_PER_CONNECTION; i += 2) {
      steps.push({ out: text(`{"id":${i}}`, { mask: MASK }) }, { in: text(body) });
    }
    return { steps, protocol: WireProtocol.Http1, messages: true };
  },
  // As permessage-deflate sends them when each refers to the ones before.
  'WebSocket, compressed'() {
    const { frame, switching, MASK, UPGRADE } = webSocket;
    const steps = [{ out: UPGRADE }, { in: switching('permessage-deflate') }];
    const past = { out: '', in: '' };
    const squeezed = (way, text, mask) => {
      const payload = deflateRawSync(text, {
        finishFlush: constants.Z_SYNC_FLUSH,
        ...(past[way] === '' ? {} : { dictionary: Buffer.from(past[way]) }),
      });
      past[way] = (past[way] + text).slice(-32_768);
      return frame({ opcode: 1, reserved: 4, payload: payload.subarray(0, -4), mask });
    };
    for (let i = 0; i < CALLS_PER_CONNECTION; i += 2) {
      steps.push({ out: squeezed('out', `{"id":${i}}`, MASK) });
      steps.push({
        in: squeezed('in', `{"id":${i},"items":[${Array.from({ length: 200 }, (_, n) => (n * i) % 997)}]}`),
      });
    }
    return { steps, protocol: WireProtocol.Http1, messages: true };
  },
};

function http2(
  requestFields = (i) => [
    [':path', `/items/${i % 50}`],
    ['user-agent', 'node'],
    ['accept', 'application/json'],
  ],
  responseFields = (i) => [
    ['content-type', 'application/json'],
    ['date', date(i)],
    ['content-length', String(body.length)],
  ],
  content = Buffer.from(body),
) {
  const client = new frames.FieldEncoder();
  const server = new frames.FieldEncoder();
  const ends = frames.END_STREAM | frames.END_HEADERS;
  const asked = [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':authority', 'api.example'],
  ];
  const call = (i) => ({
    request: frames.headers(1 + 2 * i, client.block([...asked, ...requestFields(i)]), ends),
    response: Buffer.concat([
      frames.headers(1 + 2 * i, server.block([[':status', '200'], ...responseFields(i)])),
      frames.data(1 + 2 * i, content),
    ]),
  });
  const steps = [
    { out: Buffer.concat([frames.PREFACE, frames.settings([3, 100])]) },
    { in: Buffer.concat([frames.settings([3, 100]), frames.settingsAck()]) },
  ];
  return { steps, call };
}

function batchesOf({ steps, protocol, messages = false, print = false }) {
  const specs = conversation([...steps, { close: true }], { protocol });
  const bytes = specs.reduce((sum, spec) => sum + (spec.type === 'data' ? spec.bytes.length : 0), 0);
  const batches = [];
  for (let at = 0; at < specs.length; at += BATCH) batches.push(recordBatch(specs.slice(at, at + BATCH)));
  return { batches, bytes, messages, print };
}

const HEADER_LENGTH = 0;
const HEADER_CONNECTION = 32;

/** The same records for another connection. */
function retarget(batch, connection) {
  for (let at = 0; at < batch.length; at += batch.readUInt32LE(at + HEADER_LENGTH)) {
    batch.writeBigUInt64LE(connection, at + HEADER_CONNECTION);
  }
}

function measure({ batches, bytes, messages, print }, { Engine, jsonLine } = here) {
  const before = memory();
  const engine = new Engine();
  engine.setClock({ offset: 0n, bootTime: START });
  // Making JSON takes ten times as long, and longer.
  const connections = Math.ceil(CALLS / (print ? 10 : 1) / CALLS_PER_CONNECTION);
  let microseconds = 0;
  for (let i = 1; i <= connections; i++) {
    for (const batch of batches) retarget(batch, BigInt(i));
    const started = process.cpuUsage();
    for (const batch of batches) engine.push(batch);
    const { changed } = engine.takeChanges();
    if (print) {
      let characters = 0;
      for (const id of changed) characters += jsonLine(engine.json(id)).length;
      if (characters === 0) throw new Error('nothing was printed');
      // As the command does (cli/printer.ts).
      engine.clear();
    }
    const { user, system } = process.cpuUsage(started);
    microseconds += user + system;
  }
  const { exchanges, running, errors } = engine.stats();
  let units = exchanges;
  if (messages) {
    units = 0;
    for (let id = 1; id <= exchanges; id++) units += engine.row(id)?.messages ?? 0;
  }
  if (units !== connections * CALLS_PER_CONNECTION || running !== 0 || errors !== 0) {
    console.error('dissect: the engine did not read what was said', engine.stats());
    process.exit(1);
  }
  const seconds = microseconds / 1e6;
  return {
    perSecond: units / seconds,
    megabytes: (connections * bytes) / 1e6 / seconds,
    held: (memory() - before) / 1e6,
  };
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');

/** Bytes that are in use, those outside of the heap included. */
function memory() {
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

const made = Object.entries(kinds)
  .filter(([name]) => only.test(name))
  .map(([name, make]) => ({ name, input: batchesOf(make()), rounds: [], others: [] }));
const engines = other === null ? [here] : [here, other];
// Warm up: compiled for all of them alike.
for (const { input } of made) for (const engine of engines) measure(input, engine);
for (let round = 0; round < ROUNDS; round++)
  for (const { input, rounds, others } of made) {
    // Each is the first one in turn.
    for (const engine of round % 2 === 0 ? engines : engines.toReversed())
      (engine === here ? rounds : others).push(measure(input, engine));
  }

const results = made.map(({ name, input, rounds, others }) => ({
  name,
  unit: input.messages ? 'messages' : 'exchanges',
  perSecond: median(rounds.map(({ perSecond }) => perSecond)),
  megabytesPerSecond: median(rounds.map(({ megabytes }) => megabytes)),
  megabytesHeld: median(rounds.map(({ held }) => held)),
  rounds,
  // Of the same round.
  ratio:
    others.length === 0 ? null : median(rounds.map(({ perSecond }, i) => perSecond / others[i].perSecond)),
}));
const machine = { processor: cpus()[0]?.model ?? null, node: process.version };
mkdirSync(join(root, 'test-output'), { recursive: true });
writeFileSync(
  join(root, 'test-output/dissect.json'),
  `${JSON.stringify({ machine, settings: { rounds: ROUNDS, calls: CALLS }, results }, null, 2)}\n`,
);
console.log(
  `${ROUNDS} rounds of ${CALLS} calls, ${body.length} bytes of body (realistic: ${LARGE.length} in gzip); medians`,
);
console.log(
  ['protocol'.padEnd(30), 'a core and second'.padStart(18), '  µs each', '    MB/s', ' MB held']
    .concat(other === null ? [] : ['× other'])
    .join('  '),
);
for (const { name, unit, perSecond, megabytesPerSecond, megabytesHeld, ratio } of results) {
  const cells = [
    `${perSecond.toFixed(0)} ${unit}`.padStart(18),
    (1e6 / perSecond).toFixed(1).padStart(9),
    megabytesPerSecond.toFixed(0).padStart(8),
    megabytesHeld.toFixed(0).padStart(8),
    ...(ratio === null ? [] : [ratio.toFixed(2).padStart(7)]),
  ];
  console.log([name.padEnd(30), ...cells].join('  '));
}
