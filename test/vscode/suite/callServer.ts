/** The server that the programs of test/fixtures/debuggers call: it knows what was really sent. */
import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createProbe } from 'node:net';

/** Paths with how often each was asked for. */
export const calls: Record<string, number> = {};

let server: Server | null = null;

/** Its address, for CALLS_URL. Programs give themselves different paths by a prefix. */
export async function callServer(): Promise<string> {
  server ??= createServer((request, response) => {
    const path = request.url ?? '';
    calls[path] = (calls[path] ?? 0) + 1;
    response.end('ok');
  });
  const listening = server;
  if (!listening.listening) await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
}

/** A port that nothing listens at. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createProbe().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
