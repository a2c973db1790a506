// Calls that fail: `failing.mjs http|fetch (METHOD URL MILLISECONDS BYTES)...`, as failing.py makes them.
import http from 'node:http';
import https from 'node:https';

const [library, ...words] = process.argv.slice(2);
const ANY = '+any';
const agents = {
  http: new http.Agent({ keepAlive: true }),
  https: new https.Agent({ keepAlive: true }),
};

function byHttp(method, url, milliseconds, body) {
  return new Promise((done) => {
    const secure = url.startsWith('https');
    const options = {
      method,
      agent: secure ? agents.https : agents.http,
      rejectUnauthorized: !url.includes(ANY),
      // A timer of its own would also end what has only just begun.
      signal: milliseconds === 0 ? undefined : AbortSignal.timeout(milliseconds),
    };
    const req = (secure ? https : http).request(url.replace(ANY, ''), options, (res) => {
      res.resume();
      res.on('end', () => done(res.statusCode));
      res.on('error', (error) => done(error.code));
    });
    req.on('error', (error) => done(error.code));
    req.end(body);
  });
}

async function byFetch(method, url, milliseconds, body) {
  // The only way to say so to the fetch that Node has built in.
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = url.includes(ANY) ? '0' : '1';
  const signal = milliseconds === 0 ? undefined : AbortSignal.timeout(milliseconds);
  try {
    const answer = await fetch(url.replace(ANY, ''), { method, body, signal });
    await answer.text();
    return answer.status;
  } catch (error) {
    return error.cause?.code ?? error.message;
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
