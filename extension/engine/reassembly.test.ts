import { describe, expect, it } from 'vitest';
import { type OrderedSink, Reassembly, type StreamRecord } from './reassembly.ts';
import { Direction, Ending, FLAG_UNORDERED } from './record.ts';
import { readRecords } from './recordReader.ts';
import { type RecordSpec, recordBatch, START } from './testing/records.ts';

function recordsOf(specs: readonly RecordSpec[]): StreamRecord[] {
  return [...readRecords(recordBatch(specs))] as StreamRecord[];
}

describe('a connection that is closed', () => {
  it('delivers nothing that arrives later, and still counts it', () => {
    const calls: string[] = [];
    const sink: OrderedSink = {
      bytes: (_record, bytes) => calls.push(`bytes ${bytes}`),
      missing: (_direction, length) => calls.push(`missing ${length}`),
      directionEnded: ({ direction }) => calls.push(`ended ${direction}`),
      connectionClosed: () => calls.push('closed'),
    };
    const counters = { copied: 0, omitted: 0, fromFiles: 0, shed: 0, unseen: 0, lost: 0 };
    const reassembly = new Reassembly(sink, counters);
    reassembly.opened();
    const at = { connection: 1n, time: START, emitted: START, pid: 7 };
    for (const record of recordsOf([
      { type: 'data', ...at, direction: Direction.Out, position: 0, bytes: Buffer.from('GET') },
      { type: 'closed', ...at, sent: 3, received: 0 },
      { type: 'data', ...at, direction: Direction.Out, position: 5, bytes: Buffer.from('late') },
      { type: 'ended', ...at, direction: Direction.Out, position: 9, ending: Ending.Fin },
      { type: 'closed', ...at, sent: 9, received: 0 },
    ]))
      reassembly.push(record);
    reassembly.finish();
    expect(calls).toEqual(['bytes GET', 'closed']);
    expect(counters).toEqual({ copied: 7, omitted: 0, fromFiles: 0, shed: 0, unseen: 0, lost: 2 });
  });
});

describe('bytes that no call was seen to move', () => {
  const MS = 1_000_000n;

  /** @param late when the record with these bytes is emitted, in milliseconds after the one behind them; null: never */
  function delivered(late: number | null, advance: boolean): { calls: string[]; unseen: number } {
    const calls: string[] = [];
    const sink: OrderedSink = {
      bytes: (_record, bytes) => calls.push(`${bytes}`),
      missing: (_direction, length) => calls.push(`missing ${length}`),
      directionEnded: () => calls.push('ended'),
      connectionClosed: () => calls.push('closed'),
    };
    const counters = { copied: 0, omitted: 0, fromFiles: 0, shed: 0, unseen: 0, lost: 0 };
    const reassembly = new Reassembly(sink, counters);
    reassembly.opened();
    const at = (ms: number) => ({
      ...{ connection: 1n, time: START, emitted: START + BigInt(ms) * MS, pid: 7 },
    });
    const out = { type: 'data', direction: Direction.Out } as const;
    const unordered: RecordSpec[] =
      late === null
        ? []
        : [{ ...out, ...at(late), position: 0, bytes: Buffer.from('one'), flags: FLAG_UNORDERED }];
    for (const record of recordsOf([
      { ...out, ...at(0), position: 3, unseen: 3, bytes: Buffer.from('two') },
      { type: 'ended', ...at(1), direction: Direction.In, position: 0, ending: Ending.Fin },
      ...unordered,
      { ...out, ...at(500), position: 6, bytes: Buffer.from('three') },
    ])) {
      reassembly.push(record);
      if (advance) reassembly.advance(record.emitted);
    }
    reassembly.finish();
    return { calls, unseen: counters.unseen };
  }

  it.each([true, false])('are waited for: another thread reports them later (advance: %s)', (advance) => {
    expect(delivered(20, advance)).toEqual({ calls: ['one', 'two', 'ended', 'three'], unseen: 0 });
  });

  it.each([true, false])('are missing if nobody reports them soon (advance: %s)', (advance) => {
    const missing = ['missing 3', 'two', 'ended', 'three'];
    expect(delivered(null, advance)).toEqual({ calls: missing, unseen: 3 });
    expect(delivered(300, advance)).toEqual({ calls: missing, unseen: 0 });
  });
});
