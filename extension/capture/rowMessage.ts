/**
 * Rows as the worker thread posts them: their values without names. Structured cloning writes and reads the name of each
 * property of each object: for rows as they are, that took more than twice as long as this, on both threads together
 * (9 µs a row, 3 so).
 */
import type { ExchangeRow } from '../engine/row.ts';
import type { FromWorker } from './workerProtocol.ts';

/** In the order of {@link unpackedRow}. */
function packedRow(row: ExchangeRow) {
  const { phases, ending } = row;
  return [
    row.id,
    row.revision,
    row.method,
    row.status,
    row.statusText,
    row.scheme,
    row.host,
    row.path,
    row.protocol,
    row.type,
    row.requestSize,
    row.responseSize,
    row.start,
    row.duration,
    phases.lookupMs,
    phases.connectMs,
    phases.tlsMs,
    phases.sendMs,
    phases.waitMs,
    phases.receiveMs,
    phases.overlapMs,
    row.pid,
    row.processName,
    row.side,
    row.state,
    row.completeness,
    ending === null
      ? null
      : ([ending.how, ending.by, ending.error, ending.detail, ending.signal, ending.exitCode] as const),
    row.tlsFailure,
    row.connectAttempts,
    row.violations,
    row.connection,
    row.localPort,
    row.stream,
    row.messageFormat,
    row.messages,
    row.grpcStatus,
    row.encrypted,
    row.failure,
    row.operation,
    row.model,
    row.proxy,
    row.file,
    row.peer,
    row.cause,
    row.pinned,
    row.debug,
  ] as const;
}

type PackedRow = ReturnType<typeof packedRow>;
type Rows = Extract<FromWorker, { type: 'rows' }>;

/** What is posted. */
export type PackedMessage =
  | Exclude<FromWorker, Rows>
  | { readonly type: 'rows'; readonly rows: readonly PackedRow[]; readonly removed: Rows['removed'] };

export function packed(message: FromWorker): PackedMessage {
  return message.type === 'rows' ? { ...message, rows: message.rows.map(packedRow) } : message;
}

export function unpacked(message: PackedMessage): FromWorker {
  return message.type === 'rows' ? { ...message, rows: message.rows.map(unpackedRow) } : message;
}

function unpackedRow([
  id,
  revision,
  method,
  status,
  statusText,
  scheme,
  host,
  path,
  protocol,
  type,
  requestSize,
  responseSize,
  start,
  duration,
  lookupMs,
  connectMs,
  tlsMs,
  sendMs,
  waitMs,
  receiveMs,
  overlapMs,
  pid,
  processName,
  side,
  state,
  completeness,
  ending,
  tlsFailure,
  connectAttempts,
  violations,
  connection,
  localPort,
  stream,
  messageFormat,
  messages,
  grpcStatus,
  encrypted,
  failure,
  operation,
  model,
  proxy,
  file,
  peer,
  cause,
  pinned,
  debug,
]: PackedRow): ExchangeRow {
  return {
    id,
    revision,
    method,
    status,
    statusText,
    scheme,
    host,
    path,
    protocol,
    type,
    requestSize,
    responseSize,
    start,
    duration,
    phases: { lookupMs, connectMs, tlsMs, sendMs, waitMs, receiveMs, overlapMs },
    pid,
    processName,
    side,
    state,
    completeness,
    ending: ending === null ? null : endingOf(ending),
    tlsFailure,
    connectAttempts,
    violations,
    connection,
    localPort,
    stream,
    messageFormat,
    messages,
    grpcStatus,
    encrypted,
    failure,
    operation,
    model,
    proxy,
    file,
    peer,
    cause,
    pinned,
    debug,
  };
}

function endingOf([how, by, error, detail, signal, exitCode]: NonNullable<
  PackedRow[26]
>): ExchangeRow['ending'] {
  return { how, by, error, detail, signal, exitCode };
}
