import { describe, expect, it } from 'vitest';
import { type OrderedSink, Reassembly, type StreamRecord } from './reassembly.ts';
import { Direction, Ending } from './record.ts';
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
