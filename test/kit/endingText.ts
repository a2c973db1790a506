/** The end of a call according to its row, in one line. */
import type { ExchangeJson } from '../../extension/engine/exchangeJson.ts';

/** `200 aborted, closed by server`; for an attempt that never became a call, with its reason. */
export function endingText({ status, completeness, ending, encrypted, failure, tls }: ExchangeJson): string {
  const how =
    ending === null ? 'running' : [ending.how, ...(ending.by === null ? [] : ['by', ending.by])].join(' ');
  const reason = encrypted?.reason ?? (failure?.phase === 'lookup' ? failure.reason : null);
  if (reason !== null) return `- ${completeness.join('+')}, ${how}: ${reason}`;
  const more = [ending?.error, ending?.detail, ending?.signal, tls?.failure].filter((word) => word != null);
  return `${status ?? '-'} ${completeness.join('+')}, ${[how, ...more].join(', ')}`;
}
