/** The missing or broken parts of an exchange: a badge and a sentence for each label. */

import type { Completeness } from '../engine/exchange.ts';
import type { ExchangeRow } from '../engine/row.ts';
import { type Ended, endingSentence, endingWord, isForeign } from './ending.ts';
import { counted } from './numbers.ts';
import { t } from './translate.ts';

export interface Note {
  /** For a badge. */
  readonly label: string;
  /** What is missing, and why. */
  readonly sentence: string;
  /** `limit`: as configured. `fault`: something was lost or went wrong. */
  readonly tone: 'limit' | 'fault';
}

/** Most important first: a badge shows the first. */
const NOTES: Readonly<Record<Exclude<Completeness, 'complete'>, Note>> = {
  'connect-failed': {
    label: t('not connected'),
    sentence: t('The connection could not be made.'),
    tone: 'fault',
  },
  'handshake-failed': {
    label: t('TLS failed'),
    sentence: t('The TLS handshake failed, so no request was sent.'),
    tone: 'fault',
  },
  'lookup-failed': {
    label: t('name not found'),
    sentence: t('The name could not be resolved, so there was nothing to connect to.'),
    tone: 'fault',
  },
  encrypted: {
    label: t('encrypted'),
    sentence: t('The connection is encrypted and was not decrypted.'),
    tone: 'limit',
  },
  aborted: {
    label: t('aborted'),
    sentence: t('The connection closed before the call was complete.'),
    tone: 'fault',
  },
  unanswered: {
    label: t('unanswered'),
    sentence: t('No response was seen before the connection or the trace ended.'),
    tone: 'fault',
  },
  'headers-incomplete': {
    label: t('headers incomplete'),
    sentence: t(
      'Some header fields are missing or unknown: they were not captured, or were sent before the trace started.',
    ),
    tone: 'fault',
  },
  'request-gap': {
    label: t('gap'),
    sentence: t('Some bytes of the request could not be captured.'),
    tone: 'fault',
  },
  'response-gap': {
    label: t('gap'),
    sentence: t('Some bytes of the response could not be captured.'),
    tone: 'fault',
  },
  'joined-late': {
    label: t('joined late'),
    sentence: t(
      'The connection was open before the trace started; what it carried before is unknown, and bytes that may belong to it are not shown.',
    ),
    tone: 'fault',
  },
  'socket-unknown': {
    label: t('socket unknown'),
    sentence: t('The call could not be matched to a connection, so its addresses are unknown.'),
    tone: 'fault',
  },
  'one-sided': {
    label: t('one-sided'),
    sentence: t('Only one direction of the connection was seen.'),
    tone: 'fault',
  },
  'request-truncated': {
    label: t('truncated'),
    sentence: t(
      'Only the beginning of the request body was kept: it exceeds the capture limit, there was too much data at once, or its chunks cannot be read.',
    ),
    tone: 'limit',
  },
  'response-truncated': {
    label: t('truncated'),
    sentence: t(
      'Only the beginning of the response body was kept: it exceeds the capture limit, there was too much data at once, or its chunks cannot be read.',
    ),
    tone: 'limit',
  },
};

const ORDER = Object.keys(NOTES) as (keyof typeof NOTES)[];

/** Most important first; none for a complete exchange. */
export function notesOf(completeness: readonly Completeness[]): readonly Note[] {
  return ORDER.filter((name) => completeness.includes(name)).map((name) => NOTES[name]);
}

/** `Violates 2 HTTP rules; see Summary.` */
export function violationsText(violations: number): string {
  return counted(violations, 'Violates {0} HTTP rule; see Summary.', 'Violates {0} HTTP rules; see Summary.');
}

/** Labels that the ending explains better. */
const ENDED: ReadonlySet<string> = new Set(
  (['connect-failed', 'aborted', 'unanswered'] as const).map((name) => NOTES[name].label),
);

/** {@link notesOf}, with what is known of the end. */
export function notesOfEnded(
  call: Ended & { readonly completeness: readonly Completeness[] },
): readonly Note[] {
  const ended = endingSentence(call);
  if (ended === null) return notesOf(call.completeness);
  const others = notesOf(call.completeness).filter(({ label }) => !ENDED.has(label));
  return [{ label: endingWord(call) ?? t('ended'), sentence: ended, tone: 'fault' }, ...others];
}

/** The cause if known, in equally few words; for a plain close, the label already says it. */
function endedLabel(call: Ended, { label }: Note): string {
  return call.ending?.how === 'closed' ? label : (endingWord(call) ?? label);
}

/** The one badge of a row, or null when nothing is missing. */
export function badgeOf(row: ExchangeRow): Note | null {
  const ended = endingSentence(row);
  const notes = notesOf(row.completeness).map((note) =>
    ended !== null && ENDED.has(note.label)
      ? { ...note, label: endedLabel(row, note), sentence: ended }
      : note,
  );
  const foreign = isForeign(row);
  if (foreign)
    notes.unshift({ label: endingWord(row) ?? t('not HTTP'), sentence: ended ?? '', tone: 'fault' });
  // Not being HTTP counts as a violation.
  if (row.violations > (foreign ? 1 : 0)) {
    notes.push({ label: t('malformed'), sentence: violationsText(row.violations), tone: 'fault' });
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
