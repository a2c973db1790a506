// A server that makes one call for each that it answers, to the address in its argument. It reports its
// port; a message asks it for the CPU time that it has used.
import { Agent, createServer, get } from 'node:http';

const [target] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true, maxSockets: 32 });

function ask(path) {
  return new Promise((resolve) => {
    get(`${target}${path}`, { agent }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode));
    }).on('error', () => resolve(502));
  });
}

const server = createServer(async (request, response) => {
  response.writeHead(await ask(request.url));
  response.end('ok');
});
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
process.on('message', () => process.send({ cpu: process.cpuUsage() }));
