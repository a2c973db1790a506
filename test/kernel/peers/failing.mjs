// Calls that fail: `failing.mjs http|fetch (METHOD URL MILLISECONDS BYTES)...`, as failing.py makes them.
import { subscribe } from 'node:diagnostics_channel';
import http from 'node:http';
import https from 'node:https';

const [library, ...words] = process.argv.slice(2);
const ANY = '+any';
const agents = {
  http: new http.Agent({ keepAlive: true }),
  https: new https.Agent({ keepAlive: true }),
};

/** Gives up some time after the last `begin`. */
function limited(milliseconds) {
  const controller = new AbortController();
  let timer;
  const begin = () => {
    clearTimeout(timer);
    if (milliseconds > 0) timer = setTimeout(() => controller.abort(), milliseconds);
  };
  return { signal: controller.signal, begin, end: () => clearTimeout(timer) };
}

/** The call that fetch is making: it reports its progress only in these channels. */
let fetching = null;
subscribe('undici:client:beforeConnect', () => fetching?.begin());
subscribe('undici:client:sendHeaders', () => fetching?.begin());

function byHttp(method, url, milliseconds, body) {
  const limit = limited(milliseconds);
  return new Promise((done) => {
    const secure = url.startsWith('https');
    const options = {
      method,
      agent: secure ? agents.https : agents.http,
      rejectUnauthorized: !url.includes(ANY),
      signal: limit.signal,
    };
    const req = (secure ? https : http).request(url.replace(ANY, ''), options, (res) => {
      res.resume();
      res.on('end', () => done(res.statusCode));
      res.on('error', (error) => done(error.code));
    });
    req.on('error', (error) => done(error.code));
    req.on('socket', (socket) => {
      limit.begin();
      socket.once('connect', limit.begin);
    });
    req.end(body);
  }).finally(limit.end);
}

async function byFetch(method, url, milliseconds, body) {
  // The only way to say so to the fetch that Node has built in.
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = url.includes(ANY) ? '0' : '1';
  fetching = limited(milliseconds);
  try {
    const answer = await fetch(url.replace(ANY, ''), { method, body, signal: fetching.signal });
    await answer.text();
    return answer.status;
  } catch (error) {
    return error.cause?.code ?? error.message;
  } finally {
    fetching.end();
  }
}

process.removeAllListeners('warning');
const call = library === 'fetch' ? byFetch : byHttp;
for (let at = 0; at < words.length; at += 4) {
  const [method, url, milliseconds, size] = words.slice(at, at + 4);
  const body = size === '0' ? undefined : Buffer.alloc(Number(size), 'u');
  console.log(url, await call(method, url, Number(milliseconds), body));
  // Until a connection that is free again has been put back.
  await new Promise((resolve) => setImmediate(resolve));
}
process.exit();
