// `node test/bench/dissect.mjs [--quick]`: how fast the engine alone makes exchanges of records, on one core: calls
// as real peers said them (HTTP/1 as Node does, HTTP/2 as recorded from h2load and nghttpd), over and over. Prints a
// table, writes test-output/dissect.json. Of a WebSocket the messages are counted, each as large as a body is. Nothing is traced and no right is needed.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { constants, deflateRawSync } from 'node:zlib';
import { build } from 'esbuild';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const quick = process.argv.includes('--quick');
/** Only kinds whose name contains this. */
const only = process.argv.find((argument) => argument.startsWith('--only='))?.slice('--only='.length) ?? '';
const ROUNDS = quick ? 3 : 7;
const CALLS = quick ? 20_000 : 100_000;
/** Calls on one connection, and records in one push, as the helper's batches have. */
const CALLS_PER_CONNECTION = 1_000;
const BATCH = 256;
const START = 1_000_000_000_000n;

const folder = mkdtempSync(join(tmpdir(), 'http-trace-dissect-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
await build({
  stdin: {
    contents: `export { Engine } from './extension/engine/engine.ts';
      export { conversation, recordBatch } from './extension/engine/testing/records.ts';
      export { WireProtocol } from './extension/engine/record.ts';
      export * as frames from './extension/engine/testing/http2.ts';
      export * as webSocket from './extension/engine/testing/webSocket.ts';`,
    resolveDir: root,
    loader: 'ts',
  },
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  outfile: join(folder, 'engine.mjs'),
  logLevel: 'warning',
});
const { Engine, conversation, recordBatch, WireProtocol, frames, webSocket } = await import(
  pathToFileURL(join(folder, 'engine.mjs')).href
);

const body = 'x'.repeat(1_024);
const date = (n) => `Sun, 22 Nov 2026 18:00:${String(Math.floor(n / 500) % 60).padStart(2, '0')} GMT`;

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

function http2() {
  const client = new frames.FieldEncoder();
  const server = new frames.FieldEncoder();
  const ends = frames.END_STREAM | frames.END_HEADERS;
  const call = (i) => ({
    request: frames.headers(
      1 + 2 * i,
      client.block([
        [':method', 'GET'],
        [':scheme', 'http'],
        [':authority', 'api.example'],
        [':path', `/items/${i % 50}`],
        ['user-agent', 'node'],
        ['accept', 'application/json'],
      ]),
      ends,
    ),
    response: Buffer.concat([
      frames.headers(
        1 + 2 * i,
        server.block([
          [':status', '200'],
          ['content-type', 'application/json'],
          ['date', date(i)],
          ['content-length', String(body.length)],
        ]),
      ),
      frames.data(1 + 2 * i, body),
    ]),
  });
  const steps = [
    { out: Buffer.concat([frames.PREFACE, frames.settings([3, 100])]) },
    { in: Buffer.concat([frames.settings([3, 100]), frames.settingsAck()]) },
  ];
  return { steps, call };
}

function batchesOf({ steps, protocol, messages = false }) {
  const specs = conversation([...steps, { close: true }], { protocol });
  const bytes = specs.reduce((sum, spec) => sum + (spec.type === 'data' ? spec.bytes.length : 0), 0);
  const batches = [];
  for (let at = 0; at < specs.length; at += BATCH) batches.push(recordBatch(specs.slice(at, at + BATCH)));
  return { batches, bytes, messages };
}

const HEADER_LENGTH = 0;
const HEADER_CONNECTION = 32;

/** The same records for another connection. */
function retarget(batch, connection) {
  for (let at = 0; at < batch.length; at += batch.readUInt32LE(at + HEADER_LENGTH)) {
    batch.writeBigUInt64LE(connection, at + HEADER_CONNECTION);
  }
}

function measure({ batches, bytes, messages }) {
  const engine = new Engine();
  engine.setClock({ offset: 0n, bootTime: START });
  const connections = Math.ceil(CALLS / CALLS_PER_CONNECTION);
  let nanoseconds = 0n;
  for (let i = 1; i <= connections; i++) {
    for (const batch of batches) retarget(batch, BigInt(i));
    const started = process.hrtime.bigint();
    for (const batch of batches) engine.push(batch);
    engine.takeChanges();
    nanoseconds += process.hrtime.bigint() - started;
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
  const seconds = Number(nanoseconds) / 1e9;
  return { perSecond: units / seconds, megabytes: (connections * bytes) / 1e6 / seconds };
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

const made = Object.entries(kinds)
  .filter(([name]) => name.includes(only))
  .map(([name, make]) => ({ name, input: batchesOf(make()), rounds: [] }));
for (const { input } of made) measure(input); // Warm up: compiled for all of them alike.
for (let round = 0; round < ROUNDS; round++) for (const kind of made) kind.rounds.push(measure(kind.input));

const results = made.map(({ name, input, rounds }) => ({
  name,
  unit: input.messages ? 'messages' : 'exchanges',
  perSecond: median(rounds.map(({ perSecond }) => perSecond)),
  megabytesPerSecond: median(rounds.map(({ megabytes }) => megabytes)),
  rounds,
}));
const machine = { processor: cpus()[0]?.model ?? null, node: process.version };
mkdirSync(join(root, 'test-output'), { recursive: true });
writeFileSync(
  join(root, 'test-output/dissect.json'),
  `${JSON.stringify({ machine, settings: { rounds: ROUNDS, calls: CALLS }, results }, null, 2)}\n`,
);
console.log(`${ROUNDS} rounds of ${CALLS} calls with ${body.length} bytes of body each; medians, one core`);
console.log(['protocol'.padEnd(22), 'a second'.padStart(18), '  µs each', '    MB/s'].join('  '));
for (const { name, unit, perSecond, megabytesPerSecond } of results) {
  const cells = [
    `${perSecond.toFixed(0)} ${unit}`.padStart(18),
    (1e6 / perSecond).toFixed(1).padStart(9),
    megabytesPerSecond.toFixed(0).padStart(8),
  ];
  console.log([name.padEnd(22), ...cells].join('  '));
}
