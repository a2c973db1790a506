// A server and its client in one process: burst.mjs CALLS SIZE. Each call has a path and a body of its own. Begins at
// the first line of its standard input, and ends at its end.
import { Agent, createServer, get } from 'node:http';

const [calls, size] = process.argv.slice(2, 4).map(Number);
const agent = new Agent({ keepAlive: true, maxSockets: 32 });
const server = createServer((request, response) => {
  response.setHeader('X-Call', request.url);
  response.end(Buffer.alloc(size, request.url));
});
server.listen(0, '127.0.0.1', async () => {
  await new Promise((resolve) => process.stdin.once('data', resolve));
  const { port } = server.address();
  let next = 0;
  const ask = (path) =>
    new Promise((resolve, reject) => {
      get({ port, path, agent }, (response) => {
        if (response.headers['x-call'] !== path) reject(new Error(`${path} was answered wrong`));
        response.resume().on('end', resolve);
      }).on('error', reject);
    });
  await Promise.all(
    Array.from({ length: 32 }, async () => {
      while (next < calls) await ask(`/call/${next++}`);
    }),
  );
  console.log(`${calls} calls`);
  await new Promise((resolve) => process.stdin.on('end', resolve));
  server.close();
  agent.destroy();
});
