// A server on 127.0.0.1 that reads and answers nothing. Writes {port, pid}, then a line with the number of
// bytes for each connection that ended; ends when its standard input ends.
import net from 'node:net';

const server = net.createServer((socket) => {
  let received = 0;
  const end = () => {
    process.stdout.write(`${JSON.stringify({ received })}\n`);
    socket.destroy();
  };
  socket.on('data', (bytes) => {
    received += bytes.length;
  });
  socket.on('error', () => {});
  socket.on('end', end);
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ port: server.address().port, pid: process.pid })}\n`);
});
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
