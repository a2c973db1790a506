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
import { localized } from './localized.ts';
import { counted, durationText, sizeText, UNKNOWN } from './numbers.ts';
import { t } from './translate.ts';
import { labelText } from './visible.ts';

/**
 * What a row without messages is: `TLS`, a connection that is not decrypted, or `DNS`, a failed lookup; null for a
 * call.
 */
export function insteadOfCall({
  encrypted,
  failure,
}: Pick<ExchangeRow, 'encrypted' | 'failure'>): string | null {
  if (failure !== null) return 'DNS';
  return encrypted === null ? null : 'TLS';
}

/** Why there are no messages, in one line of English; null for a call. */
export function reasonOf({ encrypted, failure }: Pick<ExchangeRow, 'encrypted' | 'failure'>): string | null {
  return failure?.reason ?? encrypted;
}

/** `GET`, a dash when the request was not seen, `TLS` or `DNS` where there are no messages. */
export function methodText(row: ExchangeRow): string {
  const instead = insteadOfCall(row);
  if (instead !== null) return instead;
  return row.method === null ? UNKNOWN : labelText(row.method, 24);
}

/** `201 Created`, for gRPC `200 NOT_FOUND`, `…` while running, else a word for the reason. */
export function statusText(row: ExchangeRow): string {
  if (row.status !== null) {
    const phrase = grpcStatusText(row.grpcStatus) || labelText(row.statusText ?? '', 60);
    return phrase === '' ? String(row.status) : `${row.status} ${phrase}`;
  }
  if (row.failure !== null) return isError(row) ? t('failed') : t('not finished');
  if (row.encrypted !== null) return isError(row) ? t('failed') : t('encrypted');
  if (isRunning(row)) return '…';
  return endingWord(row) ?? (row.completeness.includes('aborted') ? t('aborted') : t('no response seen'));
}

/** `via SOCKS5 127.0.0.1:1080`; empty: no proxy was seen. */
export function proxyText({ proxy }: Pick<ExchangeRow, 'proxy'>): string {
  return proxy === null ? '' : t('via {0}', labelText(proxy, 200));
}

/** `12 messages`; an empty text for a call that has no messages. */
export function messagesText(row: ExchangeRow): string {
  return row.messageFormat === null ? '' : counted(row.messages, '{0} message', '{0} messages');
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
  if (pid === null) return label ?? t('unknown process');
  return label === null ? t('process {0}', pid) : `${label} (${pid})`;
}

/** The name of a process: its script, `shop.js`, else the kernel's name for it, `node`. */
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
  const file = labelText(localized(row.file), 40);
  return pid === null && name === null ? file : `${processText({ name, pid })} · ${file}`;
}

/** The debug session of a call, unless its process has the same name; empty: none. */
export function sessionText(row: Pick<ExchangeRow, 'processName' | 'debug'>): string {
  const session = row.debug?.session ?? null;
  return session === null || session === rowProcessName(row) ? '' : labelText(session, 60);
}

/** `1.2 s + 3.0 s paused`; the time that a program and its peer took comes first. */
export function rowDurationText(row: Pick<ExchangeRow, 'duration' | 'debug'>): string {
  const paused = row.debug?.pausedMs ?? 0;
  const active = durationText(activeMs(row));
  return paused === 0 ? active : t('{0} + {1} paused', active, durationText(paused));
}

/** A note that the answering session was paused; empty: it was not. */
export function pausedPeerText(debug: Pick<DebugFacts, 'pausedPeer'> | null): string {
  const peer = debug?.pausedPeer ?? null;
  if (peer === null) return '';
  return t(
    '“{0}”, which answers, was paused for about {1} meanwhile.',
    labelText(peer.session, 60),
    durationText(peer.ms),
  );
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
    `${methodText(row)} ${labelText(addressText(row) ?? t('unknown address'), 600)}`,
    ...(row.operation === null ? [] : [labelText(row.operation, 300)]),
    `${statusText(row)} · ${row.protocol}${took}`,
    `${sideText(row)}${session === '' ? '' : ` · ${session}`}`,
    ...(row.debug?.source == null ? [] : [t('at {0}', sourceText(row.debug.source))]),
    ...(peer === '' ? [] : [peer]),
    ...(row.proxy === null ? [] : [proxyText(row)]),
  ];
  const reason = reasonOf(row);
  if (reason !== null) lines.push(labelText(localized(reason), 600));
  const [request, response] =
    row.encrypted === null
      ? [t('Request body'), t('Response body')]
      : [t('From the client'), t('From the server')];
  if (row.requestSize) lines.push(`${request}: ${sizeText(row.requestSize)}`);
  if (row.responseSize) lines.push(`${response}: ${sizeText(row.responseSize)}`);
  if (row.messageFormat !== null) lines.push(messagesText(row));
  lines.push(...notesOfEnded(row).map(({ sentence }) => sentence));
  if (row.violations > 0) lines.push(violationsText(row.violations));
  return lines.join('\n');
}

function sideText(row: ExchangeRow): string {
  const process = rowProcessText(row);
  if (row.side === null) return t('Seen in {0}', process);
  return row.side === 'client' ? t('Made by {0}', process) : t('Answered by {0}', process);
}

/** The call in one line, for screen readers. */
export function spokenText(row: ExchangeRow): string {
  const outcome = [
    ...(isError(row) ? [t('error')] : []),
    row.duration === null ? t('running') : rowDurationText(row),
  ];
  const proxy = row.proxy === null ? [] : [proxyText(row)];
  const process = rowProcessText(row);
  const host = labelText(row.host ?? t('unknown host'));
  if (row.failure !== null) {
    const reason = labelText(localized(row.failure.reason));
    return [t('Lookup of {0}', host), reason, ...outcome, t('by {0}', process)].join(', ');
  }
  if (row.encrypted !== null) {
    const reason = labelText(localized(row.encrypted));
    return [t('TLS connection to {0}', host), reason, ...outcome, ...proxy, t('of {0}', process)].join(', ');
  }
  const messages = row.messageFormat === null ? [] : [messagesText(row)];
  const operation = row.operation === null ? '' : ` ${labelText(row.operation, 100)}`;
  const target = `${methodText(row)} ${labelText(row.path ?? t('unknown path'))}${operation}`;
  return [target, statusText(row), ...outcome, ...messages, ...proxy, spokenSide(row, process)].join(', ');
}

function spokenSide({ side }: ExchangeRow, process: string): string {
  if (side === null) return t('by {0}', process);
  return side === 'client' ? t('made by {0}', process) : t('answered by {0}', process);
}
