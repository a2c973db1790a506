// A client that a debugger stops inside the callbacks of a TLS connection: inspected.mjs PORT FOLDER PATH ID.
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';

const [port, folder, path, id] = process.argv.slice(2);

function innermostCallback() {
  // biome-ignore lint/suspicious/noDebugger: it is what this program is for
  debugger;
}

function middleCallback() {
  innermostCallback();
}

const sent = request(
  {
    host: 'localhost',
    family: 4,
    port,
    method: 'POST',
    path,
    ca: readFileSync(join(folder, 'ca.pem')),
    headers: { 'X-Trace-Id': id },
  },
  function onResponse(response) {
    middleCallback();
    response.on('data', function onData() {
      middleCallback();
    });
  },
);
sent.on('socket', (socket) => {
  socket.on('secureConnect', function onSecure() {
    middleCallback();
    sent.end('the body');
  });
});
