/** How one exchange is put into words: shared by the tree, the quick pick, the panel and screen readers. */
import { grpcStatusText } from '../engine/grpc/status.ts';
import { type ExchangeRow, isError, isRunning } from '../engine/row.ts';
import { addressText } from './address.ts';
import { notesOfEnded, violationsText } from './completeness.ts';
import { endingWord } from './ending.ts';
import { countText, durationText, sizeText, UNKNOWN } from './numbers.ts';
import { labelText } from './visible.ts';

/** What a row without messages stands for: `TLS`, a connection that is not decrypted, or `DNS`, a failed lookup; null for a call. */
export function insteadOfCall({
  encrypted,
  failure,
}: Pick<ExchangeRow, 'encrypted' | 'failure'>): string | null {
  if (failure !== null) return 'DNS';
  return encrypted === null ? null : 'TLS';
}

/** Why there are no messages, in one line; null for a call. */
export function reasonOf({ encrypted, failure }: Pick<ExchangeRow, 'encrypted' | 'failure'>): string | null {
  return failure?.reason ?? encrypted;
}

/** `GET`, a dash when the request was not seen, `TLS` or `DNS` where there are no messages. */
export function methodText(row: ExchangeRow): string {
  const instead = insteadOfCall(row);
  if (instead !== null) return instead;
  return row.method === null ? UNKNOWN : labelText(row.method, 24);
}

/** `201 Created`, of gRPC `200 NOT_FOUND`, `…` while running, else in a word why there is none. */
export function statusText(row: ExchangeRow): string {
  if (row.status !== null) {
    const phrase = grpcStatusText(row.grpcStatus) || labelText(row.statusText ?? '', 60);
    return phrase === '' ? String(row.status) : `${row.status} ${phrase}`;
  }
  if (row.failure !== null) return isError(row) ? 'failed' : 'not finished';
  if (row.encrypted !== null) return isError(row) ? 'failed' : 'encrypted';
  if (isRunning(row)) return '…';
  return endingWord(row) ?? (row.completeness.includes('aborted') ? 'aborted' : 'no response seen');
}

/** `12 messages`; an empty text for a call that has no messages. */
export function messagesText(row: ExchangeRow): string {
  return row.messageFormat === null ? '' : countText(row.messages, 'message');
}

/** `node (4242)`. */
export function processText({
  name,
  pid,
}: {
  readonly name: string | null;
  readonly pid: number | null;
}): string {
  const label = name === null ? null : labelText(name, 40);
  if (pid === null) return label ?? 'unknown process';
  return label === null ? `process ${pid}` : `${label} (${pid})`;
}

/** {@link processText} of the process that made or answered a call, and the file that it is from: `node (4242) · a.har`. */
export function rowProcessText({
  processName,
  pid,
  file,
}: Pick<ExchangeRow, 'pid' | 'processName' | 'file'>): string {
  if (file !== null) {
    const name = labelText(file, 40);
    return pid === null && processName === null
      ? name
      : `${processText({ name: processName, pid })} · ${name}`;
  }
  return processText({ name: processName, pid });
}

/** The whole call in a few lines of plain text. */
export function tooltipText(row: ExchangeRow): string {
  const took = row.duration === null ? '' : ` · ${durationText(row.duration)}`;
  const lines = [
    `${methodText(row)} ${labelText(addressText(row) ?? 'unknown address', 600)}`,
    ...(row.operation === null ? [] : [labelText(row.operation, 300)]),
    `${statusText(row)} · ${row.protocol}${took}`,
    `${sideText(row)} ${rowProcessText(row)}`,
  ];
  const reason = reasonOf(row);
  if (reason !== null) lines.push(labelText(reason, 600));
  const [request, response] =
    row.encrypted === null ? ['Request body', 'Response body'] : ['From the client', 'From the server'];
  if (row.requestSize) lines.push(`${request}: ${sizeText(row.requestSize)}`);
  if (row.responseSize) lines.push(`${response}: ${sizeText(row.responseSize)}`);
  if (row.messageFormat !== null) lines.push(messagesText(row));
  lines.push(...notesOfEnded(row).map(({ sentence }) => sentence));
  if (row.violations > 0) lines.push(violationsText(row.violations));
  return lines.join('\n');
}

function sideText(row: ExchangeRow): string {
  if (row.side === null) return 'Seen in';
  return row.side === 'client' ? 'Made by' : 'Answered by';
}

/** The call in one breath, for screen readers. */
export function spokenText(row: ExchangeRow): string {
  const how = row.side === null ? '' : row.side === 'client' ? ', made' : ', answered';
  const error = isError(row) ? ', error' : '';
  const took = row.duration === null ? ', running' : `, ${durationText(row.duration)}`;
  if (row.failure !== null) {
    return `Lookup of ${labelText(row.host ?? 'unknown host')}, ${labelText(row.failure.reason)}${error}${took}, by ${rowProcessText(row)}`;
  }
  if (row.encrypted !== null) {
    return `TLS connection to ${labelText(row.host ?? 'unknown host')}, ${labelText(row.encrypted)}${error}${took}, of ${rowProcessText(row)}`;
  }
  const messages = row.messageFormat === null ? '' : `, ${messagesText(row)}`;
  const operation = row.operation === null ? '' : ` ${labelText(row.operation, 100)}`;
  return `${methodText(row)} ${labelText(row.path ?? 'unknown path')}${operation}, ${statusText(row)}${error}${took}${messages}${how} by ${rowProcessText(row)}`;
}
