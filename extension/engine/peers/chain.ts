/** The chain of calls that led to a call: its cause, the cause of that, and so on. */
import type { ExchangeJson } from '../exchangeJson.ts';
import { MAX_CHAIN } from '../limits.ts';
import type { StoredExchange } from '../storedExchange.ts';
import { traceContextOf } from './causes.ts';

/** Follows causes back to the first call, except doubtful ones. */
export function chainOf(
  exchange: StoredExchange,
  held: (id: number) => StoredExchange | undefined,
): ExchangeJson['trace'] {
  let first = exchange;
  let traceId = traceContextOf(exchange)?.traceId ?? null;
  for (let length = 1; length < MAX_CHAIN; length++) {
    const before = beforeOf(first);
    const call = before === null ? undefined : held(before);
    if (call === undefined) break;
    first = call;
    traceId ??= traceContextOf(call)?.traceId ?? null;
  }
  return { id: traceId, first: first.id };
}

/** The previous call in the chain: for an incoming call the client's view of it, for an outgoing call its cause. */
function beforeOf({ side, peer, cause }: StoredExchange): number | null {
  if (side === 'server' && peer !== null) return peer;
  return cause === null || cause.doubt !== null ? null : cause.id;
}
