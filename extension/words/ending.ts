/** How a call ended: a word for lists, and a sentence. */

import type { CallEnding, EndingDetail, EndingKind, Side } from '../engine/exchange.ts';
import { localized } from './localized.ts';
import { t } from './translate.ts';

/** The relevant parts of a row or of its JSON. */
export interface Ended {
  readonly ending: CallEnding | null;
  /** The TLS library's error, for a call without a response. */
  readonly tlsFailure: string | null;
  /** Connection attempts; 0: not a failed connection. */
  readonly connectAttempts: number;
}

/** The request or the response is not HTTP: one of the violations. */
export function isForeign({ ending }: Pick<Ended, 'ending'>): boolean {
  return ending?.how === 'not-http' || ending?.detail === 'request-not-http';
}

/** In place of a status, if there is none; null: nothing worth mentioning. */
export function endingWord({ ending, connectAttempts, tlsFailure }: Ended): string | null {
  if (ending === null) return null;
  if (connectAttempts > 0 && ending.detail === 'by-proxy') {
    if (ending.how === 'refused') return t('proxy refused');
    return ending.by === 'client' ? t('connecting given up') : t('proxy failed');
  }
  if (connectAttempts > 0) return CONNECT_WORDS[ending.how] ?? t('not connected');
  if (ending.detail === 'request-not-http') return t('not HTTP');
  const word = WORDS[ending.how] ?? null;
  return word !== null && tlsFailure !== null ? t('TLS failed') : word;
}

const WORDS: Partial<Record<EndingKind, string>> = {
  cancelled: t('cancelled'),
  reset: t('reset'),
  closed: t('closed without an answer'),
  'not-http': t('not HTTP'),
  refused: t('refused'),
  unreachable: t('unreachable'),
  'timed-out': t('timed out'),
  'process-ended': t('process ended'),
};

const CONNECT_WORDS: Partial<Record<EndingKind, string>> = {
  cancelled: t('connecting given up'),
  refused: t('connection refused'),
  unreachable: t('unreachable'),
  'timed-out': t('connect timed out'),
  'process-ended': t('process ended'),
};

/** One sentence; null for a plain answer, and for what other notes say (TLS, the trace's end). */
export function endingSentence({ ending, connectAttempts, tlsFailure }: Ended): string | null {
  if (ending === null) return null;
  const { detail } = ending;
  const text = connectAttempts > 0 ? connectText(ending) : sentence(ending);
  if (text === null) return null;
  const error = ending.error === null ? '' : ` (${localized(ending.error)})`;
  const sentences = [
    ...(tlsFailure === null ? [] : [t('TLS failed: {0}.', localized(tlsFailure))]),
    ...(connectAttempts > 0 ? connectSentences(text, connectAttempts, error) : [`${text}${error}.`]),
    ...(detail === null ? [] : [DETAILS[detail]]),
  ];
  return sentences.join(' ');
}

function sentence(ending: CallEnding): string | null {
  const { how, by } = ending;
  switch (how) {
    case 'answered':
      return ending.detail === 'request-not-http' ? t('The server answered in HTTP') : null;
    case 'cancelled':
      return t('The client ended the connection or the request before the response was complete');
    case 'reset':
      return RESET[by ?? 'unknown'];
    case 'closed':
      return CLOSED[by ?? 'unknown'];
    case 'not-http':
      return t('What the server answered is not HTTP: another kind of server may listen at this address');
    case 'refused':
      return REFUSED[by ?? 'unknown'];
    case 'unreachable':
      return t('The network lost its route to the peer before the response was complete');
    case 'timed-out':
      return t('The peer’s host stopped answering, and the kernel gave up the connection');
    case 'process-ended':
      return processEnded(by, exitText(ending));
    case 'unknown':
      return t('What ended the call was not seen');
    default:
      return null;
  }
}

/** @param error in parentheses, or empty. */
function connectSentences(what: string, attempts: number, error: string): string[] {
  const unknown = t('No call could be made, so it is not known which protocol was meant');
  return [`${attempts > 1 ? t('{0}, {1} times', what, attempts) : what}.`, `${unknown}${error}.`];
}

const RESET: Readonly<Record<Side | 'unknown', string>> = {
  client: t('The client reset the connection or the request before the response was complete'),
  server: t('The server reset the connection or the request before the response was complete'),
  unknown: t('The connection was reset before the response was complete'),
};

const CLOSED: typeof RESET = {
  client: t('The client closed the connection before the response was complete'),
  server: t('The server closed the connection before the response was complete'),
  unknown: t('The connection was closed before the response was complete'),
};

const REFUSED: typeof RESET = {
  client: t('The client refused the request without acting on it: it is safe to retry'),
  server: t('The server refused the request without acting on it: it is safe to retry'),
  unknown: t('The request was refused without acting on it: it is safe to retry'),
};

/** @param how with a leading space, or empty. */
function processEnded(by: Side | null, how: string): string {
  if (by === 'client') return t('The client process ended{0} before the response was complete', how);
  if (by === 'server') return t('The server process ended{0} before the response was complete', how);
  return t('The traced process ended{0} before the response was complete', how);
}

/** By whom, and why: ip(7), and the kernel's mapping of ICMP messages. */
const UNREACHABLE: Readonly<Record<string, string>> = {
  ENETUNREACH: t('The network cannot be reached: this machine, or a router, has no route to the address'),
  EHOSTUNREACH: t(
    'The host cannot be reached: nothing answers at the address in its network, or a router or firewall says so',
  ),
  ENETDOWN: t('The network cannot be reached: its interface on this machine is down'),
  EHOSTDOWN: t('The host cannot be reached: it is down'),
};

/** Outcome of a connection attempt: `The connection was refused`. */
export function connectText(ending: CallEnding): string {
  if (ending.detail === 'by-proxy') return t('The proxy did not connect to the address');
  switch (ending.how) {
    case 'refused':
      return t('The connection was refused: nothing listens at the address, or a firewall refuses it');
    case 'unreachable':
      return UNREACHABLE[ending.error ?? ''] ?? t('The address cannot be reached');
    case 'timed-out':
      return t('Nothing answered at the address until the kernel gave up');
    case 'cancelled':
      return t('The process gave up before there was an answer');
    case 'process-ended':
      return t('The process ended before there was an answer');
    default:
      return t('The connection could not be made');
  }
}

function exitText({ signal, exitCode }: CallEnding): string {
  if (signal !== null) return ` (${signal})`;
  return exitCode === null ? '' : ` (${t('exit status {0}', exitCode)})`;
}

const DETAILS: Readonly<Record<EndingDetail, string>> = {
  'by-proxy': t('The proxy itself was reached.'),
  'request-not-http': t(
    'What the client sent is not HTTP: it speaks another protocol, or bytes precede its request.',
  ),
  'stale-connection': t('The server had closed the connection already when the request was sent on it.'),
  'not-delivered': t('The client had closed its side before the response began, so it has not read it.'),
  'no-close-notify': t(
    'The body ends with the connection, without close_notify from TLS: it may be truncated.',
  ),
};
