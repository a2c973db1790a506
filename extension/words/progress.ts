/** How far what is shown is behind the program. */
import { countText, durationText } from './numbers.ts';

/** Milliseconds; less is not worth a word. */
const NOTABLE_MS = 1_000;

/** `3 s behind`; null when it keeps up. */
export function behindText(ms: number): string | null {
  if (ms < NOTABLE_MS) return null;
  return `${durationText(Math.round(ms / 1000) * 1000).replace(/\.0+ s$/, ' s')} behind`;
}

/** While a trace stops: `4,200 records left`; null when nothing is. */
export function leftText(records: number): string | null {
  return records === 0 ? null : `${countText(records, 'record')} left`;
}

/** What a status has to say of it; null: nothing. */
export function progressText(status: {
  readonly phase: string;
  readonly behindMs: number;
  readonly waitingRecords: number;
}): string | null {
  return status.phase === 'stopping' ? leftText(status.waitingRecords) : behindText(status.behindMs);
}
