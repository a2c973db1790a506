// Both ends: starts a server and a client as its children and lets them talk. Usage: both.mjs HOST PLAN…
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const [host, ...plans] = process.argv.slice(2);
const server = spawn(process.execPath, [join(here, 'server.mjs'), host], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
const [first] = await once(server.stdout, 'data');
const { port } = JSON.parse(first.toString().split('\n')[0]);
server.stdout.pipe(process.stdout);
const base = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
const client = spawn(process.execPath, [join(here, 'client.mjs'), 'http', base], {
  stdio: ['pipe', 'inherit', 'inherit'],
});
client.stdin.end(`${plans.join('\n')}\n`);
await once(client, 'exit');
server.stdin.end();
await once(server, 'close');
