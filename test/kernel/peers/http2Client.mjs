// An HTTP/2 client: `node http2Client.mjs ORIGIN COUNT`. COUNT streams at once on one connection, each with its own
// mark in path, field and body; prints what it sent and received, one line each. With `-` as COUNT it requests one path
// per line of its input, one after the other, on one connection.
import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:http2';
import { createInterface } from 'node:readline';

const [origin, count] = process.argv.slice(2);
const session = connect(origin, { rejectUnauthorized: false });
const sha = (bytes) => createHash('sha256').update(bytes).digest('hex');

function ask(path, size) {
  return new Promise((resolve) => {
    const mark = randomBytes(8).toString('hex');
    const sent = randomBytes(size).toString('base64').slice(0, size);
    const stream = session.request({ ':method': 'POST', ':path': path, 'x-mark': mark });
    const said = {
      path,
      mark,
      sent: sha(sent),
      status: null,
      answer: null,
      trailer: null,
      hints: null,
      reset: null,
    };
    const parts = [];
    stream.on('headers', (headers) => {
      said.hints = headers.link ?? null;
    });
    stream.on('response', (headers) => {
      said.status = headers[':status'];
    });
    stream.on('trailers', (trailers) => {
      said.trailer = trailers['x-sum'];
    });
    stream.on('data', (bytes) => parts.push(bytes));
    stream.on('error', () => {});
    stream.on('close', () => {
      said.answer = sha(Buffer.concat(parts));
      if (stream.rstCode !== 0) said.reset = stream.rstCode;
      console.log(JSON.stringify(said));
      resolve();
    });
    stream.end(sent);
  });
}

if (count === '-') {
  for await (const path of createInterface({ input: process.stdin })) await ask(path, 100);
} else {
  const kinds = ['plain', 'plain', 'hints', 'large', 'plain', 'reset'];
  await Promise.all(
    Array.from({ length: Number(count) }, (_, number) => {
      const kind = kinds[number % kinds.length];
      return ask(`/${kind}/${randomBytes(6).toString('hex')}/${number}`, (number * 37) % 5000);
    }),
  );
}
session.close();
