// A server whose clients fail, or that fails itself: `answering.mjs PORT`. By the last part of the path: `whole` is answered at
// once, `early` before its body is read, `cut` is broken off within its body; all else is answered after a second.
import http from 'node:http';

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
        setTimeout(() => response.writeHead(500).end('error'), 1_000);
    }
  })
  .listen(Number(process.argv[2]), '127.0.0.1');
