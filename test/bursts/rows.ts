/** Whether the rows are those of the calls that were made: each once, with what a list shows of it. */
import { byteBalance } from '../../extension/capture/byteBalance.ts';
import type { ExchangeRow } from '../../extension/engine/row.ts';
import type { Status } from '../../helper/protocol.ts';
import { assert, same } from '../kit/check.ts';
import { expectBalance } from '../kit/truth.ts';

/** What the rows of some calls say; calls that are alike are counted. */
export interface ExpectedCall {
  readonly side: 'client' | 'server';
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly status: number;
  /** Bytes of the bodies; a WebSocket's messages do not count. */
  readonly requestSize: number;
  readonly responseSize: number;
  readonly grpcStatus: number | null;
  readonly count: number;
}

/** Differences that an error lists. */
const LISTED = 6;

/** @throws with what was lost, the number of rows that are missing, wrong or too many, and some of them */
export function expectRows(
  rows: readonly ExchangeRow[],
  expected: readonly ExpectedCall[],
  { counters: c }: Status,
): void {
  const open = new Map<string, number>();
  let total = 0;
  for (const call of expected) {
    const key = keyOf(call);
    open.set(key, (open.get(key) ?? 0) + call.count);
    total += call.count;
  }
  const wrong: ExchangeRow[] = [];
  for (const row of rows) {
    const key = keyOf(row);
    const left = open.get(key) ?? 0;
    if (left === 0 || row.state !== 'ended' || row.violations > 0) wrong.push(row);
    else open.set(key, left - 1);
  }
  const missing = [...open].filter(([, left]) => left > 0);
  if (missing.length === 0 && wrong.length === 0) return;
  const lacking = missing.reduce((sum, [, left]) => sum + left, 0);
  const listed = [
    ...missing.slice(0, LISTED).map(([key, left]) => `missing ${left} × ${key}`),
    ...wrong
      .slice(0, LISTED)
      .map(
        (row) => `${keyOf(row)} (${row.state}, ${row.completeness.join(' ')}, ${row.violations} violations)`,
      ),
  ];
  const lost = `${c.droppedData} records of data and ${c.droppedStructure} of structure dropped, ${c.omittedBytes} of ${c.seenBytes} bytes omitted`;
  throw new Error(
    `${total - lacking} of ${total} rows are right, ${wrong.length} are wrong or too many (${lost}): ${listed.join('; ')}`,
  );
}

type Shown = Readonly<Record<Exclude<keyof ExpectedCall, 'count'>, string | number | null>>;

function keyOf(row: Shown): string {
  const { side, method, host, path, status, requestSize, responseSize, grpcStatus } = row;
  return [side, method, host, path, status, requestSize, responseSize, grpcStatus].map(String).join(' ');
}

/** In records and in bytes, from the helper's final status; nothing went past the hooks. */
export function expectCounters({ final, counters: c, backlog, sent }: Status): void {
  assert(final, 'the helper did not send its final status');
  const { shedByHelper: shed, ...bytes } = byteBalance({ counters: c, backlog });
  expectBalance({
    produced: c.produced,
    delivered: sent - backlog.split,
    dropped: c.droppedData + c.droppedStructure + backlog.droppedRecords,
    bytes: { ...bytes, fromFiles: 0, shed },
    note: null,
  });
  same('bytes unseen', c.unseenBytes, 0);
}
