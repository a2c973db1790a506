// A client that writes exactly the given bytes. Usage: raw.mjs HOST PORT PIECE-SIZE
// Sends all of its standard input. Writes what it receives as it arrives, and ends when the other side does.
import net from 'node:net';

const [host, port, piece] = process.argv.slice(2);
const input = [];
for await (const bytes of process.stdin) input.push(bytes);
const all = Buffer.concat(input);
const socket = net.connect({ host, port: Number(port), noDelay: true });
socket.on('data', (bytes) => process.stdout.write(bytes));
socket.on('error', (error) => console.error(String(error)));
socket.on('connect', async () => {
  const size = Number(piece) || all.length;
  for (let at = 0; at < all.length && !socket.destroyed; at += size) {
    await new Promise((resolve) => socket.write(all.subarray(at, at + size), resolve));
  }
});
