/** By what it was found that one call caused another, and why it is only probable. */
import type { Cause, CauseDoubt } from '../engine/exchange.ts';

const DOUBTS: Readonly<Record<CauseDoubt, string>> = {
  others:
    'the process was answering other calls, too, when it made this one, which lies inside that one alone',
  outlived: 'it began while the process was answering that call alone, but went on after it',
  'own-calls': 'the process also makes calls while it answers none',
  stream: 'a long stream was open meanwhile, which may have caused it',
  encrypted: 'a connection was open to the process whose calls are not seen',
  'joined-late':
    'not all that the process was answering was seen: a connection had been open before the trace',
};

/** `by traceparent`, `by time`, `probably, by time: …`. */
export function causeText({ by, doubt }: Cause): string {
  return doubt === null ? `by ${by}` : `probably, by ${by}: ${DOUBTS[doubt]}`;
}
