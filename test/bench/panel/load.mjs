// The program that is debugged while the panel is measured: makes as many calls per second as the file `rate` says
// (JSON: { "perSecond", "calls", "asked": a different number each time }), spread over keep-alive connections; with
// `probe` in it, also a call every 400 ms, recorded with its time in the file `probes`.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';

const CONNECTIONS = 8;
const TICK_MS = 10;
const PROBE_MS = 400;
const folder = import.meta.dirname;
const file = (name) => join(folder, name);

/** Not traced: what it answers would be rows as well. It is started by the benchmark. */
const port = Number(readFileSync(file('port'), 'utf8'));
const sockets = Array.from({ length: CONNECTIONS }, () => {
  const socket = connect(port, '127.0.0.1');
  socket.setNoDelay(true);
  socket.resume();
  socket.once('close', () => {
    throw new Error('the server has closed a connection');
  });
  return socket;
});
const heads = ['/orders', '/products?page=1', '/catalogue', '/stock', '/missing', '/broken'].map(
  (path) =>
    `GET ${path} HTTP/1.1\r\nHost: shop.test\r\nAccept: application/json\r\nUser-Agent: bench\r\n\r\n`,
);

let asked = { perSecond: 0, calls: 0 };
let text = '';
let made = 0;
let owed = 0;
let probes = 0;
let last = performance.now();
setInterval(() => {
  const now = performance.now();
  owed += ((now - last) / 1_000) * asked.perSecond;
  last = now;
  for (; owed >= 1 && made < asked.calls; owed--, made++)
    sockets[made % CONNECTIONS].write(heads[made % heads.length]);
  if (made >= asked.calls) owed = 0;
}, TICK_MS);
setInterval(() => {
  const found = existsSync(file('rate')) ? readFileSync(file('rate'), 'utf8') : '';
  if (found === text || found === '') return;
  text = found;
  asked = JSON.parse(found);
  made = 0;
}, 50);
setInterval(() => {
  if (asked.probe === undefined) return;
  const name = `/probe-${asked.probe}-${++probes}`;
  const at = performance.timeOrigin + performance.now();
  sockets[0].write(`GET ${name} HTTP/1.1\r\nHost: shop.test\r\n\r\n`);
  appendFileSync(file('probes'), `${name} ${at}\n`);
}, PROBE_MS);
