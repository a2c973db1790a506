/** HTTP/1.1, by Node's client. */
import { type ClientRequest, type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import type { FieldLine, HttpRequest } from '../export/replay.ts';
import { remoteOf, serverOf } from './authority.ts';
import { outgoingFields } from './outgoing.ts';
import { ResponseBody } from './responseBody.ts';
import { type Received, SendError, type Sending } from './sent.ts';

export function sendHttp1(request: HttpRequest, sending: Sending): Promise<Received> {
  return new Promise((resolve, reject) => {
    const client = open(request, sending);
    client.on('error', reject);
    client.on('socket', (socket) => socket.on('connect', sending.alive).on('secureConnect', sending.alive));
    client.on('upgrade', (_response, socket) => {
      socket.destroy();
      reject(
        new SendError(
          'failed',
          'The server switches to another protocol (101), which is not supported here.',
        ),
      );
    });
    client.on('response', (response) => {
      sending.alive();
      read(response, sending).then(resolve, reject);
    });
    client.end(request.body ?? undefined);
  });
}

function open(request: HttpRequest, { signal, checkCertificate }: Sending): ClientRequest {
  const { host, port } = serverOf(request);
  const options = {
    host,
    port,
    method: request.method,
    path: request.target,
    // Node sends a list unchanged.
    headers: outgoingFields(request).flat(),
    setHost: false,
    agent: false,
    insecureHTTPParser: false,
    signal,
  } as const;
  if (request.scheme === 'http') return requestPlain(options);
  return requestTls({ ...options, rejectUnauthorized: checkCertificate });
}

async function read(response: IncomingMessage, { alive }: Sending): Promise<Received> {
  const remote = remoteOf(response.socket);
  const body = new ResponseBody();
  for await (const chunk of response) {
    alive();
    if (!body.add(chunk as Buffer)) break;
  }
  return {
    protocol: `HTTP/${response.httpVersion}`,
    status: response.statusCode ?? 0,
    statusText: response.statusMessage ?? '',
    fields: pairs(response.rawHeaders),
    trailers: pairs(response.rawTrailers),
    remote,
    ...body.result(),
  };
}

function pairs(raw: readonly string[]): FieldLine[] {
  const fields: FieldLine[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) fields.push([raw[i] as string, raw[i + 1] as string]);
  return fields;
}
