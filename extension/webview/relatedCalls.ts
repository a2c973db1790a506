/** Calls related to a call: its cause and the calls it caused, redirects, and attempts before and after. */
import type { ExchangeJson } from '../engine/exchangeJson.ts';
import { type ExchangeRow, isError } from '../engine/row.ts';
import { urlOf } from '../words/address.ts';
import { causeText } from '../words/cause.ts';
import type { RowStore } from './rowStore.ts';

export interface RelatedCall {
  readonly how: 'caused by' | 'caused' | 'redirected to' | 'sent again as' | 'sent before as';
  readonly row: ExchangeRow;
  /** The evidence, or why it is not certain. */
  readonly remark?: string;
}

/** Maximum caused calls listed. */
const MAX_LISTED = 50;

/** The cause of a call, and the calls it caused; both sides of a call share them. */
export function causalCalls(row: ExchangeRow, store: Pick<RowStore, 'get' | 'causedBy'>): RelatedCall[] {
  const other = row.peer === null ? undefined : store.get(row.peer);
  const found: RelatedCall[] = [];
  const caused = row.cause ?? other?.cause ?? null;
  const by = caused === null ? undefined : store.get(caused.id);
  if (caused !== null && by !== undefined)
    found.push({ how: 'caused by', row: by, remark: causeText(caused) });
  for (const one of store.causedBy(row).slice(0, MAX_LISTED))
    found.push({ how: 'caused', row: one, ...(one.cause === null ? {} : { remark: causeText(one.cause) }) });
  return found;
}

/** Milliseconds within which a request counts as a retry or a redirect. */
const RETRY_WINDOW = 60_000;
const REDIRECT_WINDOW = 10_000;

export function relatedCalls(
  row: ExchangeRow,
  exchange: Pick<ExchangeJson, 'url' | 'response'>,
  rows: Iterable<ExchangeRow>,
): RelatedCall[] {
  const target = redirectTarget(row, exchange);
  const url = urlOf(row);
  if (url === null || row.duration === null) return [];
  const end = row.start + row.duration;
  const failed = isError(row);
  let redirected: ExchangeRow | null = null;
  let again: ExchangeRow | null = null;
  let before: ExchangeRow | null = null;
  for (const other of rows) {
    if (other.id === row.id || other.pid !== row.pid || other.side !== row.side) continue;
    const after = other.start - end;
    if (after >= 0 && after <= RETRY_WINDOW) {
      if (
        target !== null &&
        after <= REDIRECT_WINDOW &&
        isEarlier(other, redirected) &&
        urlOf(other) === target
      )
        redirected = other;
      if (failed && other.method === row.method && isEarlier(other, again) && urlOf(other) === url)
        again = other;
    } else if (other.start < row.start && row.start - other.start <= RETRY_WINDOW) {
      const ended = other.duration !== null && other.start + other.duration <= row.start;
      if (ended && other.method === row.method && (before === null || other.start > before.start)) {
        if (urlOf(other) === url) before = other;
      }
    }
  }
  const found: RelatedCall[] = [];
  if (redirected !== null) found.push({ how: 'redirected to', row: redirected });
  // A retry only if the earlier call failed.
  if (before !== null && isError(before)) found.push({ how: 'sent before as', row: before });
  if (again !== null) found.push({ how: 'sent again as', row: again });
  return found;
}

function isEarlier(row: ExchangeRow, than: ExchangeRow | null): boolean {
  return than === null || row.start < than.start;
}

/** RFC 9110 section 10.2.2; without a fragment, which is not sent. */
function redirectTarget(
  { status }: ExchangeRow,
  { url, response }: Pick<ExchangeJson, 'url' | 'response'>,
): string | null {
  if (status === null || status < 300 || status > 399 || url === null) return null;
  const location = response?.headers.find(([name]) => name?.toLowerCase() === 'location')?.[1] ?? null;
  if (location === null) return null;
  try {
    const target = new URL(location, url);
    target.hash = '';
    return target.href;
  } catch {
    return null;
  }
}
