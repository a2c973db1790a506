/** By what it was found that one call caused another, and why it is only probable. */

import type { Cause, CauseDoubt } from '../engine/exchange.ts';
import { t } from './translate.ts';

const DOUBTS: Readonly<Record<CauseDoubt, string>> = {
  others: t(
    'the process was answering other calls, too, when it made this one, which lies inside that one alone',
  ),
  outlived: t('it began while the process was answering that call alone, but went on after it'),
  'own-calls': t('the process also makes calls while it answers none'),
  stream: t('a long stream was open meanwhile, which may have caused it'),
  encrypted: t('a connection was open to the process whose calls are not seen'),
  'joined-late': t(
    'not all that the process was answering was seen: a connection had been open before the trace',
  ),
};

/** `by traceparent`, `by time`, `probably, by time: …`. */
export function causeText({ by, doubt }: Cause): string {
  if (by === 'time') return doubt === null ? t('by time') : t('probably, by time: {0}', DOUBTS[doubt]);
  return doubt === null ? t('by {0}', by) : t('probably, by {0}: {1}', by, DOUBTS[doubt]);
}
