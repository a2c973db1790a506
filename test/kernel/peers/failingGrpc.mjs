// gRPC calls that fail, with client and server in this process: each method's name says how it fails. Prints nothing.
import { once } from 'node:events';
import { createServer } from 'node:http';
import grpc from '@grpc/grpc-js';

const same = (value) => value;
const method = (name, responseStream) => ({
  path: `/failing.Calls/${name}`,
  ...{ requestStream: false, responseStream },
  ...{ requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same },
});
const SERVICE = {
  Answered: method('Answered', false),
  Internal: method('Internal', false),
  Deadline: method('Deadline', false),
  Cancelled: method('Cancelled', true),
  Gone: method('Gone', false),
  Refused: method('Refused', false),
  NotGrpc: method('NotGrpc', false),
};
const Client = grpc.makeGenericClientConstructor(SERVICE, 'Calls');
const BYTE = Buffer.from('a');
/** Milliseconds that no call reaches but `Deadline`, which has one of its own. */
const PATIENCE = 60_000;

/** @param goneArrived called when the server has `Gone` */
async function serve(goneArrived) {
  const server = new grpc.Server();
  server.addService(SERVICE, {
    Answered: (_, done) => done(null, BYTE),
    Internal: (_, done) => done({ code: grpc.status.INTERNAL, details: 'broken' }),
    Deadline: () => {},
    Cancelled: (stream) => stream.write(BYTE),
    Gone: () => goneArrived(),
  });
  const port = await new Promise((resolve, reject) => {
    const credentials = grpc.ServerCredentials.createInsecure();
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  return { server, client: clientOf(port) };
}

function clientOf(port) {
  return new Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
}

function call(client, name, milliseconds) {
  const options = { deadline: Date.now() + milliseconds };
  return new Promise((resolve) => client[name](BYTE, new grpc.Metadata(), options, resolve));
}

const { client } = await serve();
await call(client, 'Answered', PATIENCE);
await call(client, 'Internal', PATIENCE);
await call(client, 'Deadline', 300);
const stream = client.Cancelled(BYTE);
stream.on('error', () => {});
await once(stream, 'data');
stream.cancel();
await once(stream, 'end').catch(() => {});

let goneArrived;
const arrived = new Promise((resolve) => {
  goneArrived = resolve;
});
const other = await serve(goneArrived);
const gone = call(other.client, 'Gone', PATIENCE);
await Promise.race([arrived, gone]);
other.server.forceShutdown();
await gone;

const web = createServer((_, response) => response.end('no gRPC')).listen(0, '127.0.0.1');
await once(web, 'listening');
await call(clientOf(web.address().port), 'NotGrpc', PATIENCE);

const closed = createServer().listen(0, '127.0.0.1');
await once(closed, 'listening');
const { port } = closed.address();
closed.close();
await once(closed, 'close');
await call(clientOf(port), 'Refused', PATIENCE);
process.exit();
