/** What is not whole, in plain words. */
import type { Completeness } from '../engine/exchange.ts';
import type { ExchangeRow } from '../engine/row.ts';

export interface Note {
  /** For a badge. */
  readonly label: string;
  /** What and why. */
  readonly sentence: string;
  /** `limit`: as configured. `fault`: something was lost or went wrong. */
  readonly tone: 'limit' | 'fault';
}

/** In the order of importance: the first is what a badge shows. */
const NOTES: Readonly<Record<Exclude<Completeness, 'complete'>, Note>> = {
  'handshake-failed': {
    label: 'TLS failed',
    sentence: 'The TLS handshake failed, so nothing could be sent.',
    tone: 'fault',
  },
  encrypted: {
    label: 'encrypted',
    sentence: 'The connection is encrypted, and its plaintext is not seen.',
    tone: 'limit',
  },
  aborted: {
    label: 'aborted',
    sentence: 'The connection ended before the call was over.',
    tone: 'fault',
  },
  unanswered: {
    label: 'unanswered',
    sentence: 'No response was seen before the connection or the trace ended.',
    tone: 'fault',
  },
  'headers-incomplete': {
    label: 'headers cut',
    sentence:
      'Part of the header section was not captured or refers to fields that were not seen; such fields are missing or unknown.',
    tone: 'fault',
  },
  'request-gap': {
    label: 'gap',
    sentence: 'Some bytes of the request were sent but could not be captured.',
    tone: 'fault',
  },
  'response-gap': {
    label: 'gap',
    sentence: 'Some bytes of the response were received but could not be captured.',
    tone: 'fault',
  },
  'joined-late': {
    label: 'joined late',
    sentence: 'The connection was already open when the trace began, so what came before is unknown.',
    tone: 'fault',
  },
  'socket-unknown': {
    label: 'socket unknown',
    sentence: 'It is not known which connection carried the call, so its addresses are unknown.',
    tone: 'fault',
  },
  'one-sided': {
    label: 'one-sided',
    sentence: 'Only one direction of the connection was seen.',
    tone: 'fault',
  },
  'request-truncated': {
    label: 'truncated',
    sentence: 'The request body is longer than the capture limit; only its beginning was kept.',
    tone: 'limit',
  },
  'response-truncated': {
    label: 'truncated',
    sentence: 'The response body is longer than the capture limit; only its beginning was kept.',
    tone: 'limit',
  },
};

const ORDER = Object.keys(NOTES) as (keyof typeof NOTES)[];

export function notesOf(completeness: readonly Completeness[]): readonly Note[] {
  return ORDER.filter((name) => completeness.includes(name)).map((name) => NOTES[name]);
}

/** The one badge of a row, or null when everything is whole. */
export function badgeOf(row: ExchangeRow): Note | null {
  const notes = [...notesOf(row.completeness)];
  if (row.violations > 0) {
    const rules = row.violations === 1 ? 'a rule' : `${row.violations} rules`;
    notes.push({
      label: 'malformed',
      sentence: `Breaks ${rules} of HTTP; the summary names it.`,
      tone: 'fault',
    });
  }
  const [first] = notes;
  if (first === undefined) return null;
  const labels = new Set(notes.map((note) => note.label));
  return {
    label: labels.size > 1 ? `${first.label} +${labels.size - 1}` : first.label,
    sentence: notes.map((note) => note.sentence).join('\n'),
    tone: notes.some((note) => note.tone === 'fault') ? 'fault' : 'limit',
  };
}
