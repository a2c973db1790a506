import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Below the ephemeral ports of Linux (net.ipv4.ip_local_port_range begins at 32768): no other program gets such a port
 * by chance before the intended one.
 */
const LOWEST = 20_000;
const BEHIND = 32_000;

/** A port of 127.0.0.1 that is free now, for a program that cannot choose one itself and report it. */
export async function freePort() {
  for (;;) {
    const port = randomInt(LOWEST, BEHIND);
    const server = createServer();
    const listening = once(server, 'listening').then(
      () => true,
      () => false,
    );
    server.listen(port, '127.0.0.1');
    if (!(await listening)) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}
