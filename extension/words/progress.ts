/** How far the display is behind the program. */

import { counted, durationText } from './numbers.ts';
import { t } from './translate.ts';

/** Milliseconds; less is not reported. */
const NOTABLE_MS = 1_000;

/** `3 s behind`; null when it keeps up. */
export function behindText(ms: number): string | null {
  if (ms < NOTABLE_MS) return null;
  return t('{0} behind', durationText(Math.round(ms / 1000) * 1000).replace(/\.0+ s$/, ' s'));
}

/** While a trace stops: `4,200 records left`; null when nothing is. */
export function leftText(records: number): string | null {
  return records === 0 ? null : counted(records, '{0} record left', '{0} records left');
}

/** The text for a status; null: none. */
export function progressText(status: {
  readonly phase: string;
  readonly behindMs: number;
  readonly waitingRecords: number;
}): string | null {
  return status.phase === 'stopping' ? leftText(status.waitingRecords) : behindText(status.behindMs);
}
