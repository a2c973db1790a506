// Answers what load.mjs asks. Prints its port.
import { createServer } from 'node:http';

const STATUS = { '/missing': 404, '/broken': 500 };
const body = JSON.stringify({
  id: 7,
  note: 'with a bow — danke',
  lamps: Array.from({ length: 20 }, (_, i) => i),
});
const server = createServer((request, response) => {
  response.writeHead(STATUS[request.url] ?? 200, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
});
// The load is silent for longer than Node's 5 s between its parts.
server.keepAliveTimeout = 0;
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
