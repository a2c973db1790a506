/**
 * Reads back what HTTP Trace adds to an archive (`_httpTrace`). Other programs may have changed it: everything is
 * checked.
 */
import type { CauseDoubt, Completeness, EndingDetail, EndingKind, Side } from '../engine/exchange.ts';
import type { ExchangeJson, MessageStreamJson } from '../engine/exchangeJson.ts';
import type { MessageFormat } from '../engine/messages/messageList.ts';
import type { SourceLine } from '../engine/row.ts';
import type { StatedLinks } from './links.ts';
import { amountOf, countOf, type JsonObject, listOf, member, objectOf, oneOf, textOf } from './values.ts';

export type OwnFields = Pick<
  ExchangeJson,
  'side' | 'process' | 'debug' | 'completeness' | 'operation' | 'grpc' | 'ending' | 'messageStream'
> & { readonly requestNote: string | null };

const SIDES: readonly Side[] = ['client', 'server'];
const LABELS: Readonly<Record<Completeness, true>> = {
  complete: true,
  'request-truncated': true,
  'response-truncated': true,
  'request-gap': true,
  'response-gap': true,
  'joined-late': true,
  'headers-incomplete': true,
  'socket-unknown': true,
  unanswered: true,
  aborted: true,
  'one-sided': true,
  encrypted: true,
  'handshake-failed': true,
  'connect-failed': true,
  'lookup-failed': true,
};
const ENDINGS: Readonly<Record<EndingKind, true>> = {
  answered: true,
  cancelled: true,
  reset: true,
  closed: true,
  'not-http': true,
  refused: true,
  unreachable: true,
  'timed-out': true,
  'process-ended': true,
  failed: true,
  'trace-ended': true,
  unknown: true,
};
const DETAILS: Readonly<Record<EndingDetail, true>> = {
  'stale-connection': true,
  'not-delivered': true,
  'no-close-notify': true,
  'by-proxy': true,
  'request-not-http': true,
};
const FORMATS: Readonly<Record<MessageFormat, true>> = {
  websocket: true,
  'server-sent-events': true,
  'json-lines': true,
  multipart: true,
  grpc: true,
};
const DOUBTS: Readonly<Record<CauseDoubt, true>> = {
  others: true,
  outlived: true,
  'own-calls': true,
  stream: true,
  encrypted: true,
  'joined-late': true,
};
/** Names of a batch: as many as the engine keeps. */
const MAX_NAMES = 16;

/** The call's id in the trace that it was exported from, and its relations to other calls there. */
export function statedLinks(entry: JsonObject): StatedLinks {
  const own = objectOf(member(entry, '_httpTrace'));
  const causedBy = present(member(own, 'causedBy'));
  const cause = causedBy === null ? null : countOf(member(causedBy, 'id'));
  const by = causedBy === null ? null : oneOf(['traceparent', 'time'] as const, member(causedBy, 'by'));
  const doubt = causedBy === null ? null : member(causedBy, 'doubt');
  return {
    id: countOf(member(own, 'id')),
    peer: countOf(member(own, 'peer')),
    causedBy:
      cause === null || by === null
        ? null
        : { id: cause, by, doubt: doubt === null ? null : keyOf(DOUBTS, doubt) },
  };
}

/** null: the entry is from another program. */
export function ownFields(entry: JsonObject): OwnFields | null {
  const value = member(entry, '_httpTrace');
  if (typeof value !== 'object' || value === null) return null;
  const own = objectOf(value);
  return {
    side: oneOf(SIDES, member(own, 'side')),
    process: processOf(member(own, 'process')),
    debug: debugOf(member(own, 'debug')),
    completeness: listOf(member(own, 'completeness')).flatMap((label) => keyOf(LABELS, label) ?? []),
    operation: operationOf(member(own, 'operation')),
    grpc: grpcOf(member(own, 'grpc')),
    ending: endingOf(member(own, 'ending')),
    messageStream: streamOf(member(own, 'messageStream')),
    requestNote: textOf(member(own, 'requestNote')),
  };
}

function keyOf<Key extends string>(table: Readonly<Record<Key, true>>, value: unknown): Key | null {
  return typeof value === 'string' && Object.hasOwn(table, value) ? (value as Key) : null;
}

/** null if the value is not an object. */
function present(value: unknown): JsonObject | null {
  return typeof value === 'object' && value !== null ? objectOf(value) : null;
}

function processOf(value: unknown): OwnFields['process'] {
  const process = present(value);
  const pid = process === null ? null : countOf(member(process, 'pid'));
  return process === null || pid === null ? null : { pid, name: textOf(member(process, 'name')) };
}

function debugOf(value: unknown): OwnFields['debug'] {
  const debug = present(value);
  if (debug === null) return null;
  const peer = present(member(debug, 'pausedPeer'));
  const session = peer === null ? null : textOf(member(peer, 'session'));
  const ms = peer === null ? null : amountOf(member(peer, 'ms'));
  return {
    session: textOf(member(debug, 'session')),
    script: textOf(member(debug, 'script')),
    waitPausedMs: amountOf(member(debug, 'waitPausedMs')) ?? 0,
    pausedPeer: session === null || ms === null ? null : { session, ms },
    source: sourceOf(member(debug, 'source')),
  };
}

/** Frames of a stack that are read. */
const MAX_FRAMES = 100;

function sourceOf(value: unknown): NonNullable<OwnFields['debug']>['source'] {
  const line = lineOf(value);
  if (line === null) return null;
  const frames = listOf(member(objectOf(value), 'stack'))
    .slice(0, MAX_FRAMES)
    .map(lineOf);
  return { ...line, stack: frames.filter((frame) => frame !== null) };
}

function lineOf(value: unknown): SourceLine | null {
  const source = objectOf(value);
  const path = textOf(member(source, 'path'));
  const line = countOf(member(source, 'line'));
  if (path === null || line === null) return null;
  return {
    path,
    line,
    column: countOf(member(source, 'column')),
    function: textOf(member(source, 'function')),
  };
}

function operationOf(value: unknown): OwnFields['operation'] {
  const operation = present(value);
  if (operation === null) return null;
  const protocol = oneOf(['graphql', 'json-rpc'] as const, member(operation, 'protocol'));
  const count = countOf(member(operation, 'count'));
  if (protocol === null || count === null) return null;
  const names = listOf(member(operation, 'names'))
    .slice(0, MAX_NAMES)
    .map((one) => ({
      type: oneOf(['query', 'mutation', 'subscription'] as const, member(objectOf(one), 'type')),
      name: textOf(member(objectOf(one), 'name')),
    }));
  return { protocol, count, names };
}

function grpcOf(value: unknown): OwnFields['grpc'] {
  const grpc = present(value);
  if (grpc === null) return null;
  const timeout = member(grpc, 'timeoutMs');
  return {
    service: textOf(member(grpc, 'service')),
    method: textOf(member(grpc, 'method')),
    status: countOf(member(grpc, 'status')),
    statusName: textOf(member(grpc, 'statusName')),
    message: textOf(member(grpc, 'message')),
    timeoutMs: typeof timeout === 'number' ? timeout : null,
  };
}

function endingOf(value: unknown): OwnFields['ending'] {
  const ending = present(value);
  const how = ending === null ? null : keyOf(ENDINGS, member(ending, 'how'));
  if (ending === null || how === null) return null;
  const exitCode = member(ending, 'exitCode');
  return {
    how,
    by: oneOf(SIDES, member(ending, 'by')),
    error: textOf(member(ending, 'error')),
    detail: keyOf(DETAILS, member(ending, 'detail')),
    signal: textOf(member(ending, 'signal')),
    exitCode: Number.isSafeInteger(exitCode) ? (exitCode as number) : null,
  };
}

function streamOf(value: unknown): MessageStreamJson | null {
  const stream = present(value);
  const format = stream === null ? null : keyOf(FORMATS, member(stream, 'format'));
  if (stream === null || format === null) return null;
  const omitted = present(member(stream, 'omitted'));
  const after = omitted === null ? null : countOf(member(omitted, 'after'));
  const count = omitted === null ? null : countOf(member(omitted, 'count'));
  return {
    format,
    out: countOf(member(stream, 'out')) ?? 0,
    in: countOf(member(stream, 'in')) ?? 0,
    note: textOf(member(stream, 'note')),
    omitted: after === null || count === null ? null : { after, count },
  };
}
