// Clients that leave before they are answered, and some that stay: `leavingClients.mjs FOLDER (NAME PORT SITUATION,…)...`.
// Waits until each server listens. A client leaves when its server has made the file NAME-SITUATION in the folder.
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds after which the servers have answered: they take two seconds, so that a busy machine does not answer before. */
const ANSWERED_AFTER = 2_100;
/** Milliseconds in which a server can read the rest of a body. */
const REST = 100;
/** Bytes of a body that a server does not want. */
const LARGE = 3_000_000;
const LEAVING = {
  closes: (socket) => socket.destroy(),
  resets: (socket) => socket.resetAndDestroy(),
  halves: (socket) => socket.end(),
};

async function listens(port) {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const connected = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (connected) return;
    await sleep(50);
  }
}

async function call(name, port, situation) {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const ended = new Promise((resolve) => {
    socket.once('end', resolve);
    socket.once('close', resolve);
  });
  const answered = new Promise((resolve) => socket.once('data', resolve));
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.resume();
  const early = situation === 'early';
  const field = early ? `Content-Length: ${LARGE}` : 'Connection: close';
  socket.write(`${early ? 'POST' : 'GET'} /${name}/${situation} HTTP/1.1\r\nHost: a\r\n${field}\r\n\r\n`);
  if (early) socket.write(Buffer.alloc(LARGE));
  const leave = LEAVING[situation];
  if (leave !== undefined) {
    for (
      const end = performance.now() + 60_000;
      !existsSync(join(folder, `${name}-${situation}`));
      await sleep(10)
    ) {
      if (performance.now() < end) continue;
      console.error(`${name} has not read “${situation}”`);
      process.exit(1);
    }
    leave(socket);
    // The server answers into the void.
    await sleep(ANSWERED_AFTER);
  }
  // aiohttp waits for all of a body that it does not want, for a minute.
  if (early) await Promise.race([ended, answered.then(() => sleep(REST))]);
  else if (leave === undefined || situation === 'halves') await ended;
  socket.destroy();
}

const [folder, ...words] = process.argv.slice(2);
const servers = [];
for (let at = 0; at < words.length; at += 3) servers.push(words.slice(at, at + 3));
for (const [, port] of servers) await listens(port);
await Promise.all(
  servers.map(async ([name, port, situations]) => {
    for (const situation of situations.split(',')) await call(name, Number(port), situation);
  }),
);
