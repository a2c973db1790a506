// WebSocket echo. Usage: echo.mjs server PORT | echo.mjs client URL SECONDS SOCKETS. The client sends a message on each
// socket when the previous one has come back, and prints messages per second and their latency in milliseconds as JSON.
import { WebSocket, WebSocketServer } from 'ws';

const SIZE = 200;
const options = { perMessageDeflate: false };
const [role, place, seconds, sockets] = process.argv.slice(2);

if (role === 'server') {
  const server = new WebSocketServer({ host: '127.0.0.1', port: Number(place), ...options });
  server.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
} else {
  const message = Buffer.alloc(SIZE, 'e');
  const times = [];
  const begin = performance.now();
  const limit = begin + Number(seconds) * 1000;
  await Promise.all(
    Array.from({ length: Number(sockets) }, async () => {
      const socket = new WebSocket(place, options);
      let sent = 0;
      const next = () => {
        sent = performance.now();
        socket.send(message);
      };
      socket.on('open', next);
      socket.on('message', () => {
        times.push(performance.now() - sent);
        if (performance.now() < limit) next();
        else socket.close();
      });
      await new Promise((resolve) => socket.on('close', resolve));
    }),
  );
  const taken = (performance.now() - begin) / 1000;
  times.sort((a, b) => a - b);
  const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))];
  console.log(
    JSON.stringify({ calls: times.length, rate: times.length / taken, p50: at(0.5), p99: at(0.99) }),
  );
}
