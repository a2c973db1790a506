/** How one exchange is put into words: shared by the tree, the quick pick, the clipboard and screen readers. */
import { grpcStatusText } from '../engine/grpc/status.ts';
import { type ExchangeRow, isError } from '../engine/row.ts';
import { displayText } from './displayText.ts';

/** `GET`, `—` when the request was not seen, `TLS` for a connection without plaintext. */
export function methodText(row: ExchangeRow): string {
  if (row.encrypted !== null) return 'TLS';
  return row.method === null ? '—' : displayText(row.method, 24);
}

/** `201 Created`, of gRPC `200 NOT_FOUND`, `…` while running, else why there is none, in a word. */
export function statusText(row: ExchangeRow): string {
  if (row.status !== null) {
    const phrase = grpcStatusText(row.grpcStatus) || displayText(row.statusText ?? '', 60);
    return phrase === '' ? String(row.status) : `${row.status} ${phrase}`;
  }
  if (row.encrypted !== null) return isError(row) ? 'failed' : 'encrypted';
  if (row.state === 'running') return '…';
  return row.completeness.includes('aborted') ? 'aborted' : 'no answer seen';
}

/** `850 µs`, `12.3 ms`, `1.24 s`, `2 min 5 s`; an empty text for null. */
export function durationText(ms: number | null): string {
  if (ms === null) return '';
  if (ms < 0.9995) return `${Math.round(ms * 1000)} µs`;
  if (ms < 99.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_995) return `${(ms / 1000).toFixed(2)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

const UNITS = ['KiB', 'MiB', 'GiB', 'TiB'];

/** `0 B`, `999 B`, `1.5 KiB`, `12 MiB`. */
export function bytesText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  let value = bytes;
  let unit = -1;
  do {
    value /= 1024;
    unit += 1;
  } while (value >= 1023.5 && unit < UNITS.length - 1);
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`;
}

/** `1 call`, `12,340 calls`. */
export function countText(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`;
}

/** `12 messages`; an empty text for a call that can have none. */
export function messagesText(row: ExchangeRow): string {
  return row.messageFormat === null ? '' : countText(row.messages, 'message');
}

/** The path without query or fragment, which is what calls of one route share; null when unknown. */
export function routeOf(path: string | null): string | null {
  if (path === null) return null;
  const end = path.search(/[?#]/);
  return end < 0 ? path : path.slice(0, end);
}

/** Address of the call as a user would paste it; null when host or path are unknown. */
export function urlOf(row: ExchangeRow): string | null {
  if (row.path === null) return null;
  // absolute-form (RFC 9112 section 3.2.2) holds everything already.
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(row.path)) return row.path;
  if (row.host === null || row.scheme === null) return null;
  // authority-form and asterisk-form (sections 3.2.3 and 3.2.4) name no path.
  return row.path.startsWith('/') ? `${row.scheme}://${row.host}${row.path}` : `${row.scheme}://${row.host}`;
}

/** The address as far as it is known, for people. */
export function addressText(row: ExchangeRow): string {
  return urlOf(row) ?? row.path ?? (row.encrypted === null ? null : row.host) ?? 'unknown address';
}

/** `node (4242)`. */
export function processText(row: Pick<ExchangeRow, 'pid' | 'processName'>): string {
  const name = row.processName === null ? null : displayText(row.processName, 40);
  if (row.pid === null) return name ?? 'unknown process';
  return name === null ? `process ${row.pid}` : `${name} (${row.pid})`;
}

/** What a badge stands for, one sentence for each thing that is not whole. */
const NOT_WHOLE: Readonly<Record<string, string>> = {
  'request-truncated': 'The request body is longer than the limit: only its beginning is kept.',
  'response-truncated': 'The response body is longer than the limit: only its beginning is kept.',
  'request-gap': 'Bytes of the request are missing.',
  'response-gap': 'Bytes of the response are missing.',
  'joined-late': 'The connection was open already when the trace began.',
  'headers-incomplete': 'The headers were not seen in full.',
  'socket-unknown': 'The addresses of the connection are unknown.',
  unanswered: 'No response was seen.',
  aborted: 'The connection ended before the exchange was over.',
  'one-sided': 'Only one direction of the connection was seen.',
  encrypted: 'The connection is encrypted, and its plaintext is not seen.',
  'handshake-failed': 'The TLS handshake failed, so nothing could be sent.',
};

/** Sentences for what is not whole; none for a complete call. */
export function completenessSentences(row: ExchangeRow): string[] {
  return row.completeness.flatMap((item) => NOT_WHOLE[item] ?? []);
}

/** The whole call in a few lines of plain text. */
export function tooltipText(row: ExchangeRow): string {
  const lines = [
    `${methodText(row)} ${displayText(addressText(row), 600)}`,
    ...(row.operation === null ? [] : [displayText(row.operation, 300)]),
    `${statusText(row)} · ${row.protocol}${row.duration === null ? '' : ` · ${durationText(row.duration)}`}`,
    `${sideText(row)} ${processText(row)}`,
  ];
  if (row.encrypted !== null) lines.push(displayText(row.encrypted, 600));
  const [request, response] =
    row.encrypted === null ? ['Request body', 'Response body'] : ['From the client', 'From the server'];
  if (row.requestSize) lines.push(`${request}: ${bytesText(row.requestSize)}`);
  if (row.responseSize) lines.push(`${response}: ${bytesText(row.responseSize)}`);
  if (row.messageFormat !== null) lines.push(messagesText(row));
  lines.push(...completenessSentences(row));
  if (row.violations > 0)
    lines.push(`${countText(row.violations, 'rule')} of HTTP broken; the details say which.`);
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
  if (row.encrypted !== null) {
    return `TLS connection to ${displayText(row.host ?? 'unknown host')}, ${displayText(row.encrypted)}${error}${took}, of ${processText(row)}`;
  }
  const messages = row.messageFormat === null ? '' : `, ${messagesText(row)}`;
  const asked = row.operation === null ? '' : ` ${displayText(row.operation, 100)}`;
  return `${methodText(row)} ${displayText(row.path ?? 'unknown path')}${asked}, ${statusText(row)}${error}${took}${messages}${how} by ${processText(row)}`;
}
