// A server and a client of WebSockets and event streams that report each message that they sent and received.
// Usage: streams.mjs server HOST [OPTIONS] | streams.mjs client BASE [OPTIONS]
// OPTIONS: JSON, permessage-deflate as the package ws takes it.
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { constants, createGzip } from 'node:zlib';
import { WebSocket, WebSocketServer } from 'ws';

const [role, place, options = 'false'] = process.argv.slice(2);
const perMessageDeflate = JSON.parse(options);

const sha = (bytes) => createHash('sha256').update(bytes).digest('hex');
const write = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
function say(path, direction, kind, content) {
  const bytes = Buffer.from(content);
  write({ path, direction, kind, size: bytes.length, sha: sha(bytes) });
}

function sayAll(socket, path) {
  const { send } = socket;
  socket.send = (data, ...rest) => {
    say(path, 'out', typeof data === 'string' ? 'text' : 'binary', data);
    send.call(socket, data, ...rest);
  };
  socket.on('message', (data, isBinary) => say(path, 'in', isBinary ? 'binary' : 'text', data));
  socket.on('ping', (data) => say(path, 'in', 'ping', data));
  socket.on('pong', (data) => say(path, 'in', 'pong', data));
}

/** Sizes around where the length is written otherwise; texts that repeat, so that there is a past to refer to. */
const MESSAGES = [
  '',
  'a',
  'ä€😀',
  '{"n":1,"kind":"update"}',
  Buffer.from(Array.from({ length: 256 }, (_, i) => i)),
  'x'.repeat(125),
  'x'.repeat(126),
  'not the same, '.repeat(300),
  Buffer.alloc(60_000, 'some bytes that repeat'),
  ...Array.from({ length: 20 }, (_, i) => `{"n":${i},"kind":"update","of":"something longer that repeats"}`),
];
/** More in one direction than the kernel copies of one HTTP message. */
const BURST = 300;
const burst = (i) => `burst ${i} ${'z'.repeat(700)}`;

const EVENTS = [
  { data: 'plain' },
  { event: 'price', id: '7', data: '{"symbol":"ABC","price":101.25}' },
  { data: 'two\nlines' },
  { data: 'ä€😀' },
  ...Array.from({ length: 30 }, (_, i) => ({ id: String(i), data: `event ${i}` })),
];

function eventText({ event, id, data }) {
  const lines = data.split('\n').map((line) => `data: ${line}\n`);
  return `${event === undefined ? '' : `event: ${event}\n`}${id === undefined ? '' : `id: ${id}\n`}${lines.join('')}\n`;
}

function serve() {
  const server = createServer(async (request, response) => {
    const path = request.url;
    const packed = path === '/gzip-events';
    const type = path === '/lines' ? 'application/x-ndjson' : 'text/event-stream';
    response.writeHead(200, { 'Content-Type': type, ...(packed ? { 'Content-Encoding': 'gzip' } : {}) });
    const gzip = packed ? createGzip() : null;
    gzip?.on('data', (bytes) => response.write(bytes));
    for (const [i, event] of EVENTS.entries()) {
      const line = JSON.stringify(event);
      say(path, 'out', path === '/lines' ? 'line' : 'event', path === '/lines' ? line : event.data);
      const text = path === '/lines' ? `${line}\n` : eventText(event);
      if (gzip === null) response.write(text);
      else {
        gzip.write(text);
        await new Promise((done) => gzip.flush(constants.Z_SYNC_FLUSH, done));
      }
      if (i % 5 === 0) await new Promise((done) => setTimeout(done, 5));
    }
    if (gzip !== null) await new Promise((done) => gzip.end(done));
    response.end();
  });
  const sockets = new WebSocketServer({ server, perMessageDeflate });
  sockets.on('connection', (socket, request) => {
    sayAll(socket, request.url);
    socket.on('message', (data, isBinary) => socket.send(isBinary ? data : data.toString()));
  });
  server.listen(0, place, () => write({ port: server.address().port, pid: process.pid }));
  process.stdin.resume().on('end', () => process.exit());
}

async function call() {
  const socket = new WebSocket(`${place.replace(/^http/, 'ws')}/ws`, { perMessageDeflate });
  const received = [];
  let wake = () => {};
  socket.on('message', () => {
    received.push(1);
    wake();
  });
  sayAll(socket, '/ws');
  await new Promise((done) => socket.on('open', done));
  const echoes = async (count) => {
    while (received.length < count) await new Promise((done) => (wake = done));
  };
  for (const [i, message] of MESSAGES.entries()) {
    socket.send(message);
    await echoes(i + 1);
  }
  for (let i = 0; i < BURST; i++) socket.send(burst(i));
  await echoes(MESSAGES.length + BURST);
  say('/ws', 'out', 'ping', 'p');
  const pong = new Promise((done) => socket.on('pong', done));
  socket.ping('p');
  await pong;
  const closed = new Promise((done) => socket.on('close', done));
  socket.close(4001, 'enough');
  await closed;
  for (const path of ['/events', '/gzip-events', '/lines']) {
    for await (const _ of (await fetch(`${place}${path}`)).body) {
    }
  }
}

if (role === 'server') serve();
else await call();
