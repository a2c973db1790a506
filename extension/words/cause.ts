/** The evidence that one call caused another, and why it is only probable. */

import type { Cause, CauseDoubt } from '../engine/exchange.ts';
import { t } from './translate.ts';

const DOUBTS: Readonly<Record<CauseDoubt, string>> = {
  others: t(
    'the process was answering several calls at the time; only that one was open from the start to the end of this one',
  ),
  outlived: t('it began while the process was answering only that call, but ended after it'),
  'own-calls': t('the process also makes calls while it is not answering any'),
  stream: t('a long stream was open meanwhile, which may have caused it'),
  encrypted: t('a connection to the process was open on which calls are not seen'),
  'joined-late': t(
    'the process may have been answering a call that was not seen: a connection was open before the trace',
  ),
};

/** `by traceparent`, `by time`, `probably, by time: …`. */
export function causeText({ by, doubt }: Cause): string {
  if (by === 'time') return doubt === null ? t('by time') : t('probably, by time: {0}', DOUBTS[doubt]);
  return doubt === null ? t('by {0}', by) : t('probably, by {0}: {1}', by, DOUBTS[doubt]);
}
