/** Summarises the calls made by each line of a file, over the rows that are held. */

import { activeMs, type ExchangeRow, isError, isRunning } from '../../engine/row.ts';
import { statusText } from '../../words/exchange.ts';
import { counted, durationText } from '../../words/numbers.ts';
import { t } from '../../words/translate.ts';

export interface CallingLine {
  readonly calls: number;
  readonly errors: number;
  /** The newest. */
  readonly last: ExchangeRow;
  /** Milliseconds without pauses; null: none has ended. */
  readonly slowest: number | null;
}

/** By line, from 1. */
export function callingLines(rows: Iterable<ExchangeRow>, path: string): Map<number, CallingLine> {
  const lines = new Map<number, CallingLine>();
  for (const row of rows) {
    const source = row.debug?.source ?? null;
    // A path from an opened file is untrusted.
    if (source === null || source.path !== path || row.file !== null) continue;
    const before = lines.get(source.line);
    const took = activeMs(row);
    lines.set(source.line, {
      calls: (before?.calls ?? 0) + 1,
      errors: (before?.errors ?? 0) + (isError(row) ? 1 : 0),
      last: before === undefined || row.start >= before.last.start ? row : before.last,
      slowest: took === null ? (before?.slowest ?? null) : Math.max(took, before?.slowest ?? 0),
    });
  }
  return lines;
}

/** `12 calls, 1 error, last 200 OK, slowest 1.20 s`. */
export function callingLineText({ calls, errors, last, slowest }: CallingLine): string {
  return [
    counted(calls, '{0} call', '{0} calls'),
    ...(errors === 0 ? [] : [counted(errors, '{0} error', '{0} errors')]),
    isRunning(last) ? t('one is running') : t('last {0}', statusText(last)),
    ...(slowest === null ? [] : [t('slowest {0}', durationText(slowest))]),
  ].join(', ');
}
