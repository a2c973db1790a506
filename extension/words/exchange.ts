/** How one exchange is put into words: shared by the tree, the quick pick, the panel and screen readers. */
import { grpcStatusText } from '../engine/grpc/status.ts';
import {
  activeMs,
  type DebugFacts,
  type ExchangeRow,
  isError,
  isRunning,
  type SourceLine,
} from '../engine/row.ts';
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

/** `via SOCKS5 127.0.0.1:1080`; empty: no proxy was seen. */
export function proxyText({ proxy }: Pick<ExchangeRow, 'proxy'>): string {
  return proxy === null ? '' : `via ${labelText(proxy, 200)}`;
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

/** What a process is called: `shop.js`, else the name that the kernel has, `node`. */
export function rowProcessName({
  processName,
  debug,
}: Pick<ExchangeRow, 'processName' | 'debug'>): string | null {
  return debug?.script ?? processName;
}

/** {@link processText} of the process that made or answered a call, and the file that it is from: `node (4242) · a.har`. */
export function rowProcessText(row: Pick<ExchangeRow, 'pid' | 'processName' | 'debug' | 'file'>): string {
  const { pid } = row;
  const name = rowProcessName(row);
  if (row.file === null) return processText({ name, pid });
  const file = labelText(row.file, 40);
  return pid === null && name === null ? file : `${processText({ name, pid })} · ${file}`;
}

/** The debug session of a call, where its process is not called so anyway; empty: none. */
export function sessionText(row: Pick<ExchangeRow, 'processName' | 'debug'>): string {
  const session = row.debug?.session ?? null;
  return session === null || session === rowProcessName(row) ? '' : labelText(session, 60);
}

/** `1.2 s + 3.0 s paused`; the time that a program and its peer took comes first. */
export function rowDurationText(row: Pick<ExchangeRow, 'duration' | 'debug'>): string {
  const paused = row.debug?.pausedMs ?? 0;
  const active = durationText(activeMs(row));
  return paused === 0 ? active : `${active} + ${durationText(paused)} paused`;
}

/** That the session which answered was paused; empty: it was not. */
export function pausedPeerText(debug: Pick<DebugFacts, 'pausedPeer'> | null): string {
  const peer = debug?.pausedPeer ?? null;
  if (peer === null) return '';
  return `“${labelText(peer.session, 60)}”, which answers, was paused for about ${durationText(peer.ms)} meanwhile.`;
}

/** `pay.ts:12`. */
export function sourceText({ path, line }: Pick<SourceLine, 'path' | 'line'>): string {
  return `${labelText(path.slice(path.lastIndexOf('/') + 1), 60)}:${line}`;
}

/** The whole call in a few lines of plain text. */
export function tooltipText(row: ExchangeRow): string {
  const took = row.duration === null ? '' : ` · ${rowDurationText(row)}`;
  const session = sessionText(row);
  const peer = pausedPeerText(row.debug);
  const lines = [
    `${methodText(row)} ${labelText(addressText(row) ?? 'unknown address', 600)}`,
    ...(row.operation === null ? [] : [labelText(row.operation, 300)]),
    `${statusText(row)} · ${row.protocol}${took}`,
    `${sideText(row)} ${rowProcessText(row)}${session === '' ? '' : ` · ${session}`}`,
    ...(row.debug?.source == null ? [] : [`at ${sourceText(row.debug.source)}`]),
    ...(peer === '' ? [] : [peer]),
    ...(row.proxy === null ? [] : [proxyText(row)]),
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
  const took = row.duration === null ? ', running' : `, ${rowDurationText(row)}`;
  const proxy = row.proxy === null ? '' : `, ${proxyText(row)}`;
  if (row.failure !== null) {
    return `Lookup of ${labelText(row.host ?? 'unknown host')}, ${labelText(row.failure.reason)}${error}${took}, by ${rowProcessText(row)}`;
  }
  if (row.encrypted !== null) {
    return `TLS connection to ${labelText(row.host ?? 'unknown host')}, ${labelText(row.encrypted)}${error}${took}${proxy}, of ${rowProcessText(row)}`;
  }
  const messages = row.messageFormat === null ? '' : `, ${messagesText(row)}`;
  const operation = row.operation === null ? '' : ` ${labelText(row.operation, 100)}`;
  return `${methodText(row)} ${labelText(row.path ?? 'unknown path')}${operation}, ${statusText(row)}${error}${took}${messages}${proxy}${how} by ${rowProcessText(row)}`;
}
