// A program that calls itself: bothEnds.mjs HOW COUNT [CERTIFICATE KEY]
// HOW: serial, parallel, pipelined, reused-port, unix, tls, h2c, h2, mapped, late.

import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import { connect as connectTo } from 'node:net';

const [how, count, certificate, key] = process.argv.slice(2);
const answer = (request, response) => {
  request.resume();
  request.on('end', () => setTimeout(() => response.end(`answer to ${request.url}`), Math.random() * 5));
};
const tls = certificate === undefined ? {} : { cert: readFileSync(certificate), key: readFileSync(key) };
const trusted = { rejectUnauthorized: false };
const server =
  how === 'tls'
    ? https.createServer(tls, answer)
    : how === 'h2'
      ? http2.createSecureServer(tls, answer)
      : how === 'h2c'
        ? http2.createServer(answer)
        : http.createServer(answer);
// A trace may take longer to attach than Node keeps a connection that is idle: five seconds.
if (how === 'late') server.keepAliveTimeout = 0;
const path = `/tmp/http-trace-both-ends-${process.pid}`;
if (how === 'unix') server.listen(path);
else server.listen(0, how === 'mapped' ? '::' : '127.0.0.1');
await once(server, 'listening');
const { port } = how === 'unix' ? {} : server.address();
const place = how === 'unix' ? { socketPath: path } : { host: '127.0.0.1', port };
const targets = Array.from({ length: Number(count) }, (_, number) => `/${how}/${number}`);

const get = async (target, options = {}) => {
  const { request } = how === 'tls' ? https : http;
  const call = request({ ...place, ...trusted, path: target, ...options }).end();
  const [response] = await once(call, 'response');
  response.resume();
  await once(response, 'end');
  // The socket must be closed before its port is used again.
  if (options.localPort !== undefined) await once(call, 'close');
};

if (how === 'h2' || how === 'h2c') {
  const session = http2.connect(`${how === 'h2' ? 'https' : 'http'}://127.0.0.1:${port}`, trusted);
  const ask = async (target) => {
    const stream = session.request({ ':path': target });
    stream.resume().end();
    await once(stream, 'close');
  };
  await Promise.all(targets.map(ask));
  session.close();
} else if (how === 'pipelined') {
  const socket = connectTo({ port, host: '127.0.0.1' });
  let text = '';
  socket.setEncoding('latin1').on('data', (part) => {
    text += part;
    if (text.split('answer to').length === targets.length + 1) socket.end();
  });
  for (const target of targets) socket.write(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
  await once(socket, 'close');
} else if (how === 'reused-port') {
  // The client resets, so that the port is free at once.
  const localPort = 20_000 + (process.pid % 10_000);
  for (const target of targets) {
    const socket = connectTo({ port, host: '127.0.0.1', localPort });
    socket.write(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await once(socket, 'data');
    socket.resetAndDestroy();
    await once(socket, 'close');
  }
} else if (how === 'late') {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
  await Promise.all(targets.slice(0, 8).map((target) => get(target, { agent })));
  console.log('ready');
  await once(process.stdin, 'data');
  await Promise.all(targets.slice(8).map((target) => get(target, { agent })));
  agent.destroy();
  console.log('done');
  await once(process.stdin, 'data');
  process.stdin.destroy();
} else if (how === 'parallel') await Promise.all(targets.map((target) => get(target)));
else for (const target of targets) await get(target);
server.close();
server.closeAllConnections?.();
if (how === 'unix') rmSync(path, { force: true });
