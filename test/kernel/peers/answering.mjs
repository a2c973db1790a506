// A server whose clients fail, or that fails itself: `answering.mjs PORT FOLDER`. By the last part of the path: `whole`
// is answered at once, `early` before its body is read, the response to `cut` is truncated in its body; all others are
// answered after two seconds, and a file in FOLDER, named by the path, shows that the request was read.
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';

const [port, folder] = process.argv.slice(2);

http
  .createServer((request, response) => {
    switch (request.url.slice(request.url.lastIndexOf('/') + 1)) {
      case 'whole':
        response.end('ok');
        break;
      case 'early':
        response.writeHead(413, { connection: 'close' }).end('big');
        break;
      case 'cut':
        response.writeHead(200, { 'content-length': 100 }).write('part', () => request.socket.destroy());
        break;
      default:
        writeFileSync(join(folder, request.url.slice(1).replace('/', '-')), '');
        setTimeout(() => response.writeHead(500).end('error'), 2_000);
    }
  })
  .listen(Number(port), '127.0.0.1');
