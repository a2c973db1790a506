/** `gateway PORT ORDERS`: on loopback, calls ORDERS for each request. `stock PORT`: answers. `call PORT WAY COUNT`. */
import { createServer, get as httpGet } from 'node:http';

const [what, port, other, count] = process.argv.slice(2);

/** Another parent-id in the same trace, as instrumented programs do; nothing where nothing came. */
function handedOn(context) {
  return context === undefined
    ? {}
    : { traceparent: `${context.slice(0, 36)}00000000000000aa${context.slice(52)}` };
}

const get = (at, path, headers = {}) =>
  new Promise((done, failed) => {
    httpGet({ host: '127.0.0.1', port: at, path, headers }, (response) => {
      let text = '';
      response.on('data', (bytes) => (text += bytes)).on('end', () => done(text));
    }).on('error', failed);
  });

if (what === 'gateway') {
  createServer(async ({ url, headers }, response) => {
    const body = await get(other, `/orders${url}`, handedOn(headers.traceparent));
    response.end(body);
  }).listen(port, '127.0.0.1');
} else if (what === 'stock') {
  // Slowly, so that calls overlap.
  createServer(({ url }, response) => setTimeout(() => response.end(url), 20)).listen(port, '127.0.0.1');
} else {
  const calls = Array.from({ length: Number(count) }, (_, number) => number);
  const trace = (number) => ({
    traceparent: `00-${String(number + 1).padStart(32, '0')}-00000000000000cc-01`,
  });
  if (other === 'traced') await Promise.all(calls.map((number) => get(port, `/${number}`, trace(number))));
  else for (const number of calls) await get(port, `/${number}`);
}
