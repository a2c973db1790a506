/** How a call ended: a word for lists, and a sentence. */
import type { CallEnding, EndingDetail, EndingKind, Side } from '../engine/exchange.ts';

/** The parts of a row or of its JSON that say it. */
export interface Ended {
  readonly ending: CallEnding | null;
  /** What the TLS library said went wrong, of a call without an answer. */
  readonly tlsFailure: string | null;
  /** Attempts to connect; 0: it is not about a connection that failed. */
  readonly connectAttempts: number;
}

/** In place of a status, where there is none; null: nothing that is worth a word. */
export function endingWord({ ending, connectAttempts, tlsFailure }: Ended): string | null {
  if (ending === null) return null;
  if (connectAttempts > 0 && ending.detail === 'by-proxy') return 'refused by the proxy';
  if (connectAttempts > 0) return CONNECT_WORDS[ending.how] ?? 'not connected';
  const word = WORDS[ending.how] ?? null;
  return word !== null && tlsFailure !== null ? 'TLS failed' : word;
}

const WORDS: Partial<Record<EndingKind, string>> = {
  cancelled: 'cancelled',
  reset: 'reset',
  closed: 'closed without an answer',
  'not-http': 'not HTTP',
  refused: 'refused',
  unreachable: 'unreachable',
  'timed-out': 'timed out',
  'process-ended': 'process ended',
};

const CONNECT_WORDS: Partial<Record<EndingKind, string>> = {
  cancelled: 'connecting given up',
  refused: 'connection refused',
  unreachable: 'unreachable',
  'timed-out': 'connect timed out',
  'process-ended': 'process ended',
};

/** One sentence; null for a plain answer, and for what other notes say (TLS, the trace's end). */
export function endingSentence({ ending, connectAttempts, tlsFailure }: Ended): string | null {
  if (ending === null) return null;
  const { detail } = ending;
  const text = connectAttempts > 0 ? connectSentence(ending, connectAttempts) : sentence(ending);
  if (text === null) return null;
  const more = detail === null ? '' : ` ${DETAILS[detail]}`;
  const tls = tlsFailure === null ? '' : `TLS failed: ${tlsFailure}. `;
  return `${tls}${text}${ending.error === null ? '' : ` (${ending.error})`}.${more}`;
}

function sentence(ending: CallEnding): string | null {
  const { how, by } = ending;
  switch (how) {
    case 'cancelled':
      return 'The client ended the connection or the request before the response was complete';
    case 'reset':
      return `${who(by, 'The connection was reset', 'reset the connection or the request')} before the response was complete`;
    case 'closed':
      return `${who(by, 'The connection was closed', 'closed the connection')} before the response was complete`;
    case 'not-http':
      return 'What the server answered is not HTTP: another kind of server may listen at this address';
    case 'refused':
      return `${who(by, 'The request was refused', 'refused the request')} without acting on it: it is safe to retry`;
    case 'unreachable':
      return 'The network lost the way to the peer before the response was complete';
    case 'timed-out':
      return 'The peer’s host did not answer any more, and the kernel gave the connection up';
    case 'process-ended':
      return `The ${by ?? 'traced'} process ended${exitText(ending)} before the response was complete`;
    case 'unknown':
      return 'What ended the call was not seen';
    default:
      return null;
  }
}

function connectSentence(ending: CallEnding, attempts: number): string {
  const times = attempts > 1 ? `, ${attempts} times` : '';
  return `${connectText(ending)}${times}. No call could be made, so it is not known which protocol was meant`;
}

/** By whom, and why: ip(7), and what the kernel makes of ICMP messages. */
const UNREACHABLE: Readonly<Record<string, string>> = {
  ENETUNREACH: 'The network cannot be reached: this machine, or a router, has no route to the address',
  EHOSTUNREACH:
    'The host cannot be reached: nothing answers at the address in its network, or a router or firewall says so',
  ENETDOWN: 'The network cannot be reached: its interface on this machine is down',
  EHOSTDOWN: 'The host cannot be reached: it is down',
};

/** What became of an attempt to connect: `The connection was refused`. */
export function connectText(ending: CallEnding): string {
  if (ending.detail === 'by-proxy') return 'The proxy did not connect to the address';
  switch (ending.how) {
    case 'refused':
      return 'The connection was refused: nothing listens at the address, or a firewall refuses it';
    case 'unreachable':
      return UNREACHABLE[ending.error ?? ''] ?? 'The address cannot be reached';
    case 'timed-out':
      return 'Nothing answered at the address until the kernel gave up';
    case 'cancelled':
      return 'The process gave up before there was an answer';
    case 'process-ended':
      return 'The process ended before there was an answer';
    default:
      return 'The connection could not be made';
  }
}

function who(by: Side | null, passive: string, verb: string): string {
  return by === null ? passive : `The ${by} ${verb}`;
}

function exitText({ signal, exitCode }: CallEnding): string {
  if (signal !== null) return ` (${signal})`;
  return exitCode === null ? '' : ` (exit status ${exitCode})`;
}

const DETAILS: Readonly<Record<EndingDetail, string>> = {
  'by-proxy': 'The proxy itself was reached.',
  'stale-connection': 'The server had closed the connection already when the request was sent on it.',
  'not-delivered': 'The client had closed its side before the response began, so it has not read it.',
  'no-close-notify':
    'The body ends with the connection, which TLS did not confirm (no close_notify): it may have been cut.',
};
