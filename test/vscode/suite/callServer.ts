/** The servers that the programs of test/fixtures/debuggers call: they know what was really sent. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Paths with how often each was asked for. */
export const calls: Record<string, number> = {};

const servers = new Map<'http' | 'https', Promise<Server>>();

const counting =
  (counts: Record<string, number>): RequestListener =>
  (request, response) => {
    const path = request.url ?? '';
    counts[path] = (counts[path] ?? 0) + 1;
    response.end('ok');
  };
const answer = counting(calls);

/** One that programs of other tests do not call, which may go on for a while. `made`: how many calls came to it. */
export async function separateCallServer(): Promise<{ readonly url: string; readonly made: () => number }> {
  const counts: Record<string, number> = {};
  const { port } = (await listen(createServer(counting(counts)))).address() as AddressInfo;
  const made = () => Object.values(counts).reduce((sum, count) => sum + count, 0);
  return { url: `http://127.0.0.1:${port}`, made };
}

/** Its address, for CALLS_URL. Programs give themselves different paths by a prefix. */
export async function callServer(scheme: 'http' | 'https' = 'http'): Promise<string> {
  const listening = servers.get(scheme) ?? listen(scheme === 'http' ? createServer(answer) : tlsServer());
  servers.set(scheme, listening);
  return `${scheme}://127.0.0.1:${((await listening).address() as AddressInfo).port}`;
}

function tlsServer(): Server {
  return createTlsServer(selfSigned(), answer);
}

/** A key and a self-signed certificate for 127.0.0.1. */
export function selfSigned(): { key: Buffer; cert: Buffer } {
  const made = mkdtempSync(join(tmpdir(), 'http-trace-certificate-'));
  const files = { key: join(made, 'key.pem'), cert: join(made, 'cert.pem') };
  const subject = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=127.0.0.1'];
  try {
    const run = spawnSync('openssl', ['req', ...subject, '-keyout', files.key, '-out', files.cert]);
    assert.equal(run.status, 0, String(run.stderr));
    return { key: readFileSync(files.key), cert: readFileSync(files.cert) };
  } finally {
    rmSync(made, { recursive: true });
  }
}

async function listen(server: Server): Promise<Server> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
