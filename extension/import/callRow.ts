/** The row of a call that was read from a file. */
import { operationText } from '../engine/operations/operation.ts';
import type { ExchangeRow } from '../engine/row.ts';
import { shortType } from '../http/contentType.ts';
import type { AiRead } from './aiOf.ts';

/** Characters: a row is sent and drawn as a whole, and a file may hold images as `data:` URLs of megabytes. */
const MAX_PATH = 64 * 1024;
const MAX_WORD = 1_024;

const ABSOLUTE = /^(https?):\/\/([^/?#]*)([^#]*)/i;

/** @param read a call with its secrets masked. @param start milliseconds since the earliest call of the file. */
export function callRow({ call, model, operation }: AiRead, start: number): ExchangeRow {
  const { url, timings, response } = call;
  const [, scheme, authority = '', rest = ''] = ABSOLUTE.exec(url ?? '') ?? [];
  const type = response?.headers.find(([name]) => name?.toLowerCase() === 'content-type')?.[1] ?? null;
  return {
    id: call.id,
    revision: 1,
    method: upTo(MAX_WORD, call.method),
    status: call.status,
    statusText: upTo(MAX_WORD, call.statusText),
    scheme: scheme === undefined ? null : scheme.toLowerCase() === 'https' ? 'https' : 'http',
    host: upTo(MAX_WORD, authority.slice(authority.lastIndexOf('@') + 1) || null),
    path: upTo(MAX_PATH, scheme === undefined ? url : rest === '' ? '/' : rest),
    protocol: call.protocol,
    type:
      upTo(MAX_WORD, shortType(type)) ?? (call.messageStream?.format === 'websocket' ? 'websocket' : null),
    requestSize: call.request?.bodySize ?? null,
    responseSize: response?.bodySize ?? null,
    start,
    duration: call.durationMs,
    phases: {
      lookupMs: timings.lookupMs,
      connectMs: timings.connectMs,
      tlsMs: timings.tlsMs,
      sendMs: timings.sendMs,
      waitMs: timings.waitMs,
      receiveMs: timings.receiveMs,
      overlapMs: timings.overlapMs,
    },
    pid: call.process?.pid ?? null,
    processName: call.process?.name ?? null,
    side: call.side,
    state: 'ended',
    completeness: call.completeness,
    ending: call.ending,
    tlsFailure: null,
    connectAttempts: 0,
    violations: 0,
    connection: call.connection.id,
    localPort: null,
    stream: null,
    messageFormat: call.messageStream?.format ?? null,
    messages: call.messageStream === null ? 0 : call.messageStream.out + call.messageStream.in,
    grpcStatus: call.grpc?.status ?? null,
    encrypted: null,
    failure: null,
    proxy: null,
    file: null,
    peer: null,
    cause: null,
    debug: call.debug === null ? null : { ...call.debug, pausedMs: timings.pausedMs },
    model,
    operation: operation ?? (call.operation === null ? null : operationText(call.operation)),
    pinned: false,
  };
}

function upTo(most: number, text: string | null): string | null {
  return text === null || text.length <= most ? text : `${text.slice(0, most)}…`;
}
