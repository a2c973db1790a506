/** HTTP/2, by Node's client: over TLS, or with prior knowledge (RFC 9113 section 3.3). */
import { STATUS_CODES } from 'node:http';
import {
  type ClientHttp2Session,
  connect,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { type FieldLine, fieldOf, type HttpRequest } from '../export/replay.ts';
import { remoteOf } from './authority.ts';
import { outgoingFields } from './outgoing.ts';
import { ResponseBody } from './responseBody.ts';
import type { Received, Sending } from './sent.ts';

export async function sendHttp2(request: HttpRequest, sending: Sending): Promise<Received> {
  const session = connect(`${request.scheme}://${request.authority}`, {
    rejectUnauthorized: sending.checkCertificate,
    settings: { enablePush: false },
  });
  const abort = (): void => session.destroy(new Error('aborted'));
  sending.signal.addEventListener('abort', abort);
  try {
    return await exchange(session, request, sending);
  } finally {
    sending.signal.removeEventListener('abort', abort);
    session.destroy();
  }
}

function exchange(
  session: ClientHttp2Session,
  request: HttpRequest,
  { alive, signal }: Sending,
): Promise<Received> {
  return new Promise((resolve, reject) => {
    session.on('error', reject);
    session.on('connect', alive);
    const stream = session.request(headersOf(request), { endStream: request.body === null });
    const body = new ResponseBody();
    let head: (IncomingHttpHeaders & IncomingHttpStatusHeader) | null = null;
    let trailers: FieldLine[] = [];
    let remote: string | null = null;
    const done = (): void => {
      if (head === null) {
        reject(new Error('The stream was closed without a response.'));
        return;
      }
      const status = head[':status'] ?? 0;
      resolve({
        protocol: 'HTTP/2',
        status,
        statusText: STATUS_CODES[status] ?? '',
        fields: fieldsOf(head),
        trailers,
        remote,
        ...body.result(),
      });
    };
    stream.on('error', reject);
    stream.on('response', (headers) => {
      alive();
      head = headers;
      remote = remoteOf(session.socket);
    });
    stream.on('trailers', (headers) => {
      trailers = fieldsOf(headers);
    });
    stream.on('data', (chunk: Buffer) => {
      alive();
      if (!body.add(chunk)) stream.close();
    });
    stream.on('close', () => {
      if (signal.aborted) reject(new Error('aborted'));
      else done();
    });
    if (request.body !== null) stream.end(request.body);
  });
}

/** RFC 9113 section 8.2.2: no connection-specific fields. */
function headersOf(request: HttpRequest): OutgoingHttpHeaders {
  const fields = outgoingFields(request);
  // A field may be called `constructor`, which objects inherit.
  const headers: OutgoingHttpHeaders = Object.assign(Object.create(null), {
    ':method': request.method,
    ':scheme': request.scheme,
    ':authority': fieldOf(fields, 'host') ?? request.authority,
    ':path': request.target,
  });
  for (const [name, value] of fields) {
    const lower = name.toLowerCase();
    if (lower === 'host') continue;
    const known = headers[lower];
    headers[lower] = known === undefined ? value : [known, value].flat().map(String);
  }
  return headers;
}

function fieldsOf(headers: IncomingHttpHeaders): FieldLine[] {
  return Object.entries(headers)
    .filter(([name]) => !name.startsWith(':'))
    .flatMap(([name, value]) => [value ?? []].flat().map((one): FieldLine => [name, String(one)]));
}
