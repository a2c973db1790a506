// Not HTTP: a server on 127.0.0.1 that answers with bytes of no known protocol. Writes {port, pid}; ends
// when its standard input ends.
import { randomBytes } from 'node:crypto';
import net from 'node:net';

const server = net.createServer((socket) => {
  socket.write('220 mail.example ESMTP\r\n');
  socket.on('data', () => socket.write(randomBytes(5000)));
  socket.on('error', () => {});
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ port: server.address().port, pid: process.pid })}\n`);
});
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
