// Many connections of one thread, in turn: interleaved.mjs all|nested PORT FOLDER. Each input line is a connection,
// with its requests (see ../plan.ts) separated by tabs; an empty line starts them. Prints `on ID LOCAL-PORT STATUS SIZE
// SHA256` for each response. `nested`: each callback of a connection writes to the next one.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { connect } from 'node:tls';

const [kind, port, folder] = process.argv.slice(2);
const ca = readFileSync(join(folder, 'ca.pem'));

class Connection {
  received = Buffer.alloc(0);
  written = 0;
  answered = 0;
  /** Whose turn it is when something happens here. */
  next = this;

  constructor(rounds) {
    this.rounds = rounds.map((round) => round.split(' '));
    this.socket = connect({
      host: '127.0.0.1',
      port,
      servername: 'localhost',
      ca,
      ALPNProtocols: ['http/1.1'],
    });
    this.ready = new Promise((resolve) =>
      this.socket.once('secureConnect', () => resolve(this.next.write(kind === 'nested'))),
    );
    this.over = new Promise((resolve) => {
      this.end = resolve;
    });
    this.socket.on('data', (bytes) => this.take(bytes));
  }

  /** The next request, unless all are under way or one is not answered yet. */
  write(now) {
    if (!now || this.socket.connecting || this.written === this.rounds.length || this.written > this.answered)
      return;
    const [method, path, id, , file] = this.rounds[this.written++];
    const body = readFileSync(file);
    this.socket.write(
      `${method} ${path} HTTP/1.1\r\nHost: localhost:${port}\r\nX-Trace-Id: ${id}\r\nContent-Length: ${body.length}\r\n\r\n`,
    );
    const half = body.length >> 1;
    this.socket.write(body.subarray(0, half));
    // The rest when all others have had their turn.
    setImmediate(() => this.socket.write(body.subarray(half)));
  }

  take(bytes) {
    this.received = Buffer.concat([this.received, bytes]);
    const end = this.received.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = this.received.toString('latin1', 0, end);
    const length = Number(/content-length: (\d+)/i.exec(head)[1]);
    const body = this.received.subarray(end + 4);
    if (body.length < length) return;
    const [, , id] = this.rounds[this.answered++];
    const hash = createHash('sha256').update(body).digest('hex');
    console.log(`on ${id} ${this.socket.localPort} ${head.split(' ')[1]} ${length} ${hash}`);
    this.received = Buffer.alloc(0);
    this.next.write(true);
    this.write(true);
    if (this.answered === this.rounds.length) this.end();
  }
}

console.log(`pid ${process.pid}`);
const connections = [];
for await (const line of createInterface({ input: process.stdin })) {
  if (line === '') break;
  connections.push(new Connection(line.split('\t')));
}
if (kind === 'nested') {
  for (const [index, connection] of connections.entries()) {
    connection.next = connections[(index + 1) % connections.length];
  }
}
await Promise.all(connections.map(({ ready }) => ready));
for (const connection of connections) connection.write(true);
await Promise.all(connections.map(({ over }) => over));
for (const { socket } of connections) socket.destroy();
// What is printed here fills a pipe whose reader is busy. An exit would drop what waits for room in it.
process.stdout.write('end\n', () => process.exit(0));
