// A gRPC client and server in one process (@grpc/grpc-js). Makes calls of every kind and prints for each what both
// sides sent: method, messages, status. With `tls` as argument, over TLS.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import grpc from '@grpc/grpc-js';
import protobuf from 'protobufjs';

const SOURCE = readFileSync(new URL('shop.proto', import.meta.url), 'utf8');
const { root } = protobuf.parse(SOURCE, { keepCase: true });
const codec = (name) => {
  const type = root.lookupType(`shop.v1.${name}`);
  return {
    serialize: (value) => Buffer.from(type.encode(type.fromObject(value)).finish()),
    deserialize: (bytes) =>
      type.toObject(type.decode(bytes), { longs: String, enums: String, bytes: String }),
  };
};
const [order, receipt] = [codec('Order'), codec('Receipt')];
const method = (name, requestStream, responseStream) => ({
  path: `/shop.v1.Orders/${name}`,
  requestStream,
  responseStream,
  requestSerialize: order.serialize,
  requestDeserialize: order.deserialize,
  responseSerialize: receipt.serialize,
  responseDeserialize: receipt.deserialize,
});
const service = {
  Place: method('Place', false, false),
  Collect: method('Collect', true, false),
  Watch: method('Watch', false, true),
  Talk: method('Talk', true, true),
};

const answer = ({ name, count }, n = 0) => ({
  kind: n % 2 ? 'GIFT' : 'PLAIN',
  text: `${name}#${n}`,
  total: count,
});

const server = new grpc.Server();
server.addService(service, {
  Place(call, done) {
    const { name } = call.request;
    if (name === 'slow') return;
    if (name === 'none') {
      done({ code: grpc.status.NOT_FOUND, details: 'no such thing: 100% “gone”\n' });
      return;
    }
    done(null, answer(call.request));
  },
  Collect(call, done) {
    let count = 0;
    call.on('data', (request) => {
      count += request.count;
    });
    call.on('end', () => done(null, { text: 'all', total: count }));
  },
  Watch(call) {
    for (let n = 0; n < call.request.count; n++) call.write(answer(call.request, n));
    if (call.request.name === 'breaks') call.emit('error', { code: grpc.status.DATA_LOSS, details: 'lost' });
    else call.end();
  },
  Talk(call) {
    let n = 0;
    call.on('data', (request) => call.write(answer(request, n++)));
    call.on('end', () => call.end());
  },
});

let serverCredentials = grpc.ServerCredentials.createInsecure();
let credentials = grpc.credentials.createInsecure();
if (process.argv[2] === 'tls') {
  const folder = mkdtempSync(join(tmpdir(), 'http-trace-grpc-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
    ...['-keyout', key, '-out', cert, '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'],
  ]);
  const certificate = readFileSync(cert);
  serverCredentials = grpc.ServerCredentials.createSsl(null, [
    { private_key: readFileSync(key), cert_chain: certificate },
  ]);
  credentials = grpc.credentials.createSsl(certificate);
  rmSync(folder, { recursive: true });
}
const port = await new Promise((resolve, reject) => {
  server.bindAsync('localhost:0', serverCredentials, (error, bound) =>
    error ? reject(error) : resolve(bound),
  );
});
const Client = grpc.makeGenericClientConstructor(service, 'Orders');
const client = new Client(`localhost:${port}`, credentials);
const compressing = new Client(`localhost:${port}`, credentials, {
  'grpc.default_compression_algorithm': 2,
});

/** Resolves when the status has come. */
function call(name, requests, { with: chosen = client, deadline } = {}) {
  const id = `${name}-${Math.random().toString(36).slice(2)}`;
  const metadata = new grpc.Metadata();
  metadata.set('x-call', id);
  const options = deadline === undefined ? {} : { deadline: Date.now() + deadline };
  const { requestStream, responseStream } = service[name];
  return new Promise((resolve) => {
    const responses = [];
    const over = ({ code, details }) =>
      resolve({ id, name, requests, responses, code, details, compressed: chosen === compressing });
    const done = (_error, response) => response && responses.push(response);
    const stream = requestStream
      ? responseStream
        ? chosen[name](metadata, options)
        : chosen[name](metadata, options, done)
      : responseStream
        ? chosen[name](requests[0], metadata, options)
        : chosen[name](requests[0], metadata, options, done);
    if (responseStream) {
      stream.on('data', (response) => responses.push(response));
      stream.on('error', () => {});
    }
    stream.on('status', (status) => setImmediate(() => over(status)));
    if (requestStream) {
      for (const request of requests) stream.write(request);
      stream.end();
    }
  });
}

const item = (name, count) => ({
  name,
  count,
  tags: { size: 'xl', colour: 'grün' },
  password: 'open sesame',
});
const many = Array.from({ length: 50 }, (_, i) => item(`hat ${i} ${'x'.repeat(i * 20)}`, i + 1));
const calls = [
  await call('Place', [item('hat', 3)]),
  await call('Place', [item('none', 1)]),
  await call('Place', [item('slow', 1)], { deadline: 300 }),
  await call('Collect', many),
  await call('Watch', [item('coat', 40)]),
  await call('Watch', [item('breaks', 3)]),
  await call('Talk', many),
  await call('Talk', []),
  await call('Talk', many, { with: compressing }),
  ...(await Promise.all(Array.from({ length: 20 }, (_, i) => call('Place', [item(`many ${i}`, i + 1)])))),
];
client.close();
compressing.close();
server.forceShutdown();
console.log(JSON.stringify(calls));
