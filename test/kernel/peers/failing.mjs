/** Calls that fail, made with node:http: `failing.mjs BASE DEAD`. */
import { request } from 'node:http';

const [base, dead] = process.argv.slice(2);

function call(method, url, { body, timeout } = {}) {
  return new Promise((done) => {
    const req = request(url, { method, agent: false }, (res) => {
      res.resume();
      res.on('end', () => done(res.statusCode));
      res.on('error', (error) => done(error.code));
    });
    req.on('error', (error) => done(error.code));
    if (timeout !== undefined) setTimeout(() => req.destroy(new Error('given up')), timeout);
    req.end(body);
  });
}

for (const path of ['close', 'reset', 'half']) console.log(path, await call('GET', `${base}/${path}`));
console.log('early', await call('POST', `${base}/early`, { body: Buffer.alloc(4_000_000, 'u') }));
console.log('never', await call('GET', `${base}/never`, { timeout: 300 }));
console.log('dead', await call('GET', `${dead}/dead`));
