/** Servers whose clients leave, or that leave themselves: what each row says, and how the call ended. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { ExchangeJson } from '../../extension/engine/exchangeJson.ts';
import { endingText } from '../kit/endingText.ts';
import { PYTHON } from '../kit/peers.ts';
import { Tracing } from '../kit/tracing.ts';
import { describeTraced, PEERS, temporaryFolder, tracingIn } from './support/environment.ts';

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return address === null || typeof address === 'string' ? 0 : address.port;
}

function byPath(exchanges: readonly ExchangeJson[]): Record<string, string> {
  return Object.fromEntries(
    exchanges.map((one) => [
      one.url === null ? '(none)' : one.url.replace(/^\w+:\/\/[^/]*/, ''),
      endingText(one),
    ]),
  );
}

const folder = temporaryFolder();
const context = tracingIn(folder);

/** Sends a request, and leaves in this way when the server has read it; `null`: waits for the server to close. */
async function ask(
  tracing: Tracing,
  place: number | string,
  path: string,
  leave: ((socket: Socket) => void) | null,
): Promise<void> {
  const socket = typeof place === 'number' ? connect(place, '127.0.0.1') : connect(place);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  if (path !== '') socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
  if (leave !== null) {
    if (path !== '') await tracing.process.untilStdout(`read ${path}`);
    leave(socket);
  }
  socket.resume();
  // A reset is an error besides.
  if (!socket.closed) await once(socket, 'close').catch(() => undefined);
}

describeTraced('a server', () => {
  it('whose clients leave, and that is killed', async () => {
    const free = createServer();
    const port = await listening(free);
    free.close();
    const tracing = Tracing.run(context, [PYTHON, join(PEERS, 'leaving.py'), 'tcp', String(port)]);
    await tracing.process.untilStdout('ready', tracing.patience);
    await ask(tracing, port, '/fast', null);
    await ask(tracing, port, '/closes', (socket) => socket.destroy());
    await tracing.process.untilStdout('/closes', tracing.patience);
    await ask(tracing, port, '/resets', (socket) => socket.resetAndDestroy());
    await tracing.process.untilStdout('/resets', tracing.patience);
    await ask(tracing, port, '/drop', null);
    await ask(tracing, port, '/cut', null);
    await ask(tracing, port, '', (socket) => socket.destroy());
    await tracing.process.untilStdout('(none)', tracing.patience);
    await ask(tracing, port, '/kill', null);
    const traced = await tracing.result();
    expect(byPath(traced.exchanges)).toEqual({
      '/fast': '500 complete, answered',
      '/closes': expect.stringMatching(/^500 complete, cancelled by client, E\w+, not-delivered$/),
      '/resets': '- unanswered, cancelled by client, ECONNRESET',
      '/drop': '- unanswered, closed by server',
      // Its body ends with the connection, which the server resets.
      '/cut': '200 aborted, reset by server',
      // An answer to a client that only looked whether the port is open.
      '(none)': expect.stringMatching(/^500 one-sided, cancelled by client, E\w+, not-delivered$/),
      '/kill': '- unanswered, process-ended by server, SIGKILL',
    });
    for (const { connection } of traced.exchanges) {
      expect(connection).toMatchObject({ local: `127.0.0.1:${port}`, joinedLate: false });
    }
    expect(traced.summary.note).toBeNull();
  });

  it('on a Unix socket that exits without closing it', async () => {
    const path = join(folder, 'leaving.sock');
    const tracing = Tracing.run(context, [
      'sh',
      '-c',
      `${PYTHON} "$@"; sleep 1`,
      'sh',
      join(PEERS, 'leaving.py'),
      'unix',
      path,
    ]);
    await tracing.process.untilStdout('ready', tracing.patience);
    await ask(tracing, path, '/fast', null);
    await ask(tracing, path, '/closes', (socket) => socket.destroy());
    await tracing.process.untilStdout('/closes', tracing.patience);
    await ask(tracing, path, '/end', null);
    const traced = await tracing.result();
    expect(byPath(traced.exchanges)).toEqual({
      '/fast': '500 complete, answered',
      '/closes': expect.stringMatching(/^- unanswered, cancelled by client, E\w+$/),
      '/end': '- unanswered, process-ended by server',
    });
    const ended = traced.exchanges.find(({ url }) => url?.endsWith('/end') === true);
    expect(ended?.ending?.exitCode).toBe(3);
    // It ends with its process, not with the trace, a second later.
    expect(ended?.durationMs).toBeLessThan(900);
  });

  it('that listens with MPTCP has its clients once each', async () => {
    const free = createServer();
    const port = await listening(free);
    free.close();
    const client = `import socket
for kind in (0, 262):
    c = socket.socket(socket.AF_INET, socket.SOCK_STREAM, kind)
    c.connect(('127.0.0.1', ${port}))
    c.sendall(b'GET /fast HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n')
    while c.recv(1000): pass
    c.close()`;
    const script = '"$0" "$1" mptcp "$2" & until "$0" -c "$3" 2>/dev/null; do sleep 0.1; done; kill $!';
    const tracing = Tracing.run(context, [
      'sh',
      '-c',
      script,
      PYTHON,
      join(PEERS, 'leaving.py'),
      String(port),
      client,
    ]);
    const traced = await tracing.result();
    const calls = traced.exchanges.filter(({ failure }) => failure === null);
    const of = (side: string): string[] => calls.filter((one) => one.side === side).map(endingText);
    expect([of('client'), of('server')]).toEqual([
      ['500 complete, answered', '500 complete, answered'],
      ['500 complete, answered', '500 complete, answered'],
    ]);
    for (const { side, connection } of calls) {
      expect(side === 'server' ? connection.local : connection.remote).toBe(`127.0.0.1:${port}`);
      expect(connection.joinedLate).toBe(false);
    }
    expect(traced.summary.note).toBeNull();
  });
});
