/** Sockets that a process outside the trace disconnects and reconnects: their bytes are not the traced connection's. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PYTHON } from '../kit/peers.ts';
import { Child } from '../kit/process.ts';
import type { Trace } from '../kit/tracing.ts';
import { CallTracing, describeTraced, PEERS, temporaryFolder, tracingIn } from './support/environment.ts';

const folder = temporaryFolder();
const context = tracingIn(folder);
const ROUNDS = 12;

describeTraced('sockets that are connected anew', () => {
  it('the calls before are complete, and no bytes are unseen', async () => {
    const server = createServer((_, response) => response.end('answered'));
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    const peer = join(PEERS, 'reconnecting.py');
    const path = join(folder, 'giver');
    let trace: Trace;
    const taker = new Child(PYTHON, [peer, 'taker', path, String(port)]);
    try {
      await taker.until(() => taker.lines.includes('ready'), 'ready');
      const giver = [PYTHON, peer, 'giver', path, String(port)];
      trace = await CallTracing.run(context, giver).result({ whole: false });
      expect(await taker.status).toBe(0);
    } finally {
      taker.kill('SIGKILL');
      server.close();
    }
    const { exchanges, summary, recorded } = trace;
    const calls = exchanges.map(({ url, status, completeness }) => [url, status, completeness]);
    expect(calls).toEqual(Array(ROUNDS).fill([expect.stringMatching(/\/given$/), 200, ['complete']]));
    // Each is closed once, where its last call ended.
    expect(recorded.unseen).toEqual([]);
    expect(summary).toMatchObject({ dropped: 0, note: null, bytes: { unseen: 0 } });
  });
});
