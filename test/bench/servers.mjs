// The servers that are measured. Each answers every request with BODY bytes; `pids` are the processes that answer.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../scripts/freePort.mjs';
import { makeCertificates } from '../tls/certificates.mjs';
import { answers, fail, folder, root, start } from './processes.mjs';

/** Bytes of each response's body. */
export const BODY = 1024;
/** The same of HTTP/2. */
const BODY_2 = 14 * 1024;

let certificates = false;
/** The folder of cert.pem and key.pem. */
function certified() {
  if (!certificates) makeCertificates(folder);
  certificates = true;
  return folder;
}

export const nodeHttp = () => nodeServer('http', '{}');

export function nodeHttps() {
  certified();
  return nodeServer('https', "{ cert: read('cert.pem'), key: read('key.pem') }");
}

async function nodeServer(scheme, options) {
  const port = await freePort();
  const code = `const read = (name) => require('fs').readFileSync('${folder}/' + name);
    require('${scheme}').createServer(${options}, (q, r) => r.end('x'.repeat(${BODY}))).listen(${port}, '127.0.0.1')`;
  const child = start(process.execPath, ['-e', code]);
  await answers(port);
  return { child, port, url: `${scheme}://127.0.0.1:${port}/`, pids: [child.pid] };
}

export const nginx = () => nginxWith('http', '', '');

export function nginxHttps() {
  const own = certified();
  return nginxWith('https', 'ssl', `ssl_certificate ${own}/cert.pem; ssl_certificate_key ${own}/key.pem;`);
}

async function nginxWith(scheme, ssl, certificate) {
  const port = await freePort();
  const own = join(folder, `nginx-${port}`);
  mkdirSync(own);
  const config = join(own, 'nginx.conf');
  writeFileSync(
    config,
    // One process, so that none outlives it.
    `daemon off; master_process off; user root; pid ${own}/pid; error_log ${own}/error.log;
     events { worker_connections 1024; }
     http {
       access_log off; keepalive_requests 100000000; ${certificate}
       client_body_temp_path ${own}; proxy_temp_path ${own}; fastcgi_temp_path ${own};
       uwsgi_temp_path ${own}; scgi_temp_path ${own};
       server { listen 127.0.0.1:${port} ${ssl}; location / { return 200 "${'x'.repeat(BODY)}"; } }
     }`,
  );
  const child = start('nginx', ['-p', own, '-c', config, '-e', `${own}/error.log`]);
  await answers(port);
  return { child, port, url: `${scheme}://127.0.0.1:${port}/`, pids: [child.pid] };
}

/** HTTP/2 without TLS. */
export async function nghttpd() {
  const port = await freePort();
  const own = join(folder, `nghttpd-${port}`);
  mkdirSync(own);
  writeFileSync(join(own, 'body'), 'x'.repeat(BODY_2));
  const child = start('nghttpd', ['--no-tls', '--address=127.0.0.1', '-d', own, String(port)]);
  await answers(port);
  return { child, port, url: `http://127.0.0.1:${port}/body`, pids: [child.pid] };
}

export async function goHttp() {
  const port = await freePort();
  const program = join(folder, 'go-server');
  const source = `${program}.go`;
  writeFileSync(
    source,
    `package main

import ("net/http"; "bytes")

func main() {
	body := bytes.Repeat([]byte("x"), ${BODY})
	http.ListenAndServe("127.0.0.1:${port}", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(body) }))
}
`,
  );
  const { status, stderr } = spawnSync('go', ['build', '-o', program, source], { encoding: 'utf8' });
  if (status !== 0) fail(`go build: ${stderr}`);
  const child = start(program, []);
  await answers(port);
  return { child, port, url: `http://127.0.0.1:${port}/`, pids: [child.pid] };
}

/** Sends each WebSocket message back. */
export async function echo() {
  const port = await freePort();
  const child = start(process.execPath, [join(root, 'test/bench/peers/echo.mjs'), 'server', String(port)]);
  await answers(port);
  return { child, port, url: `ws://127.0.0.1:${port}/`, pids: [child.pid] };
}
