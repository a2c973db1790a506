// Client and server in one process that move more than any reader can follow, once a line of input says so.
// Usage: flood.mjs grpc | websocket | response | uploads. Says `listening PID PORT`; `done` when all is moved, where it is the
// client as well. Exits with 1 when something did not arrive.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import grpc from '@grpc/grpc-js';
import { WebSocket, WebSocketServer } from 'ws';
import {
  GRPC_MESSAGE,
  GRPC_MESSAGES,
  RESPONSE,
  SOCKET_MESSAGE,
  SOCKET_MESSAGES,
  SOCKETS,
  UPLOAD,
} from './sizes.mjs';

const [what] = process.argv.slice(2);
const input = createInterface({ input: process.stdin });

function fail(message) {
  console.error(message);
  process.exit(1);
}

/** Says that it listens, and waits for the word. */
async function ready(port) {
  console.log(`listening ${process.pid} ${port}`);
  await once(input, 'line');
}

async function listen(server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address().port;
}

async function write(stream, piece) {
  if (!stream.write(piece)) await once(stream, 'drain');
}

async function grpcFlood() {
  const bytes = { serialize: (value) => value, deserialize: (value) => value };
  const method = (name, requestStream, responseStream) => ({
    path: `/flood.Flood/${name}`,
    requestStream,
    responseStream,
    requestSerialize: bytes.serialize,
    requestDeserialize: bytes.deserialize,
    responseSerialize: bytes.serialize,
    responseDeserialize: bytes.deserialize,
  });
  const message = Buffer.alloc(GRPC_MESSAGE, 'm');
  const server = new grpc.Server();
  server.addService(
    { Up: method('Up', true, false), Down: method('Down', false, true), Both: method('Both', true, true) },
    {
      Up(call, done) {
        let count = 0;
        call.on('data', () => count++);
        call.on('end', () => done(count === GRPC_MESSAGES ? null : { code: 13 }, message));
      },
      async Down(call) {
        for (let n = 0; n < GRPC_MESSAGES; n++) await write(call, message);
        call.end();
      },
      Both(call) {
        call.on('data', (piece) => call.write(piece));
        call.on('end', () => call.end());
      },
    },
  );
  const port = await new Promise((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  await ready(port);
  const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  const { serialize, deserialize } = bytes;
  const counted = async (call) => {
    let count = 0;
    call.on('data', () => count++);
    const [status] = await once(call, 'status');
    if (status.code !== 0 || count !== GRPC_MESSAGES) fail(`${count} messages, status ${status.code}`);
  };
  const send = async (call) => {
    for (let n = 0; n < GRPC_MESSAGES; n++) await write(call, message);
    call.end();
  };
  const up = async () => {
    let call;
    const answered = new Promise((resolve, reject) => {
      call = client.makeClientStreamRequest('/flood.Flood/Up', serialize, deserialize, (error) =>
        error ? reject(error) : resolve(),
      );
    });
    await send(call);
    await answered;
  };
  const down = () =>
    counted(client.makeServerStreamRequest('/flood.Flood/Down', serialize, deserialize, message));
  const both = async () => {
    const call = client.makeBidiStreamRequest('/flood.Flood/Both', serialize, deserialize);
    await Promise.all([send(call), counted(call)]);
  };
  await Promise.all([up(), down(), both()]);
  client.close();
  await new Promise((resolve) => server.tryShutdown(resolve));
}

/** Each side sends all its messages at once, and closes once it has all of the other's. */
async function websocketFlood() {
  const server = createServer();
  const sockets = new WebSocketServer({ server, perMessageDeflate: false });
  const message = Buffer.alloc(SOCKET_MESSAGE, 'w');
  const all = (socket) =>
    new Promise((resolve) => {
      let count = 0;
      socket.on('message', () => {
        if (++count === SOCKET_MESSAGES) resolve();
      });
    });
  const send = async (socket) => {
    for (let n = 0; n < SOCKET_MESSAGES; n++) {
      socket.send(message);
      // The program's own memory is bounded as well.
      if (socket.bufferedAmount > 1 << 20) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  sockets.on('connection', (socket) => {
    void send(socket);
  });
  const port = await listen(server);
  await ready(port);
  await Promise.all(
    Array.from({ length: SOCKETS }, async (_, n) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/flood/${n}`, { perMessageDeflate: false });
      const received = all(socket);
      await once(socket, 'open');
      await send(socket);
      await received;
      socket.close();
      await once(socket, 'close');
    }),
  );
  sockets.close();
  server.close();
}

/** To each request, whatever it is, RESPONSE bytes. */
async function response() {
  const piece = Buffer.alloc(64 * 1024, 'r');
  const server = createServer(async (_, answer) => {
    answer.writeHead(200, { 'Content-Length': RESPONSE });
    for (let sent = 0; sent < RESPONSE; sent += piece.length) await write(answer, piece);
    answer.end();
  });
  await ready(await listen(server));
}

/** A body of UPLOAD bytes each way. */
async function uploads() {
  const body = Buffer.alloc(UPLOAD, 'u');
  const server = createServer({ requestTimeout: 0 }, (request, answer) => {
    let received = 0;
    request.on('data', (piece) => {
      received += piece.length;
    });
    request.on('end', () => {
      answer.writeHead(received === UPLOAD ? 200 : 400, { 'Content-Length': UPLOAD });
      answer.end(body);
    });
  });
  await ready(await listen(server));
}

const floods = { grpc: grpcFlood, websocket: websocketFlood, response, uploads };
await floods[what]();
if (what === 'grpc' || what === 'websocket') {
  console.log('done');
  process.exit(0);
}
