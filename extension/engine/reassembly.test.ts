import { describe, expect, it } from 'vitest';
import { type OrderedSink, Reassembly, type StreamRecord } from './reassembly.ts';
import { Direction, Ending, FLAG_UNORDERED, WireProtocol } from './record.ts';
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
  const at = (ms: number) => ({
    ...{ connection: 1n, time: START, emitted: START + BigInt(ms) * 1_000_000n, pid: 7 },
  });
  const out = { type: 'data', direction: Direction.Out } as const;
  /** The first three bytes were unseen when this was recorded. */
  const two = { ...out, ...at(0), position: 3, unseen: 3, bytes: Buffer.from('two'), claim: 4 };
  const eof = { type: 'ended', ...at(1), direction: Direction.In, position: 0, ending: Ending.Fin } as const;
  const one = { ...out, ...at(20), position: 0, bytes: Buffer.from('one'), flags: FLAG_UNORDERED, claim: 4 };
  const six = { ...out, ...at(500), position: 6, bytes: Buffer.from('six') };

  /** @param advance whether every record is followed by the word that all before it have been pushed */
  function delivered(advance: boolean, specs: readonly RecordSpec[]): { calls: string[]; unseen: number } {
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
    for (const record of recordsOf(specs)) {
      reassembly.push(record);
      if (advance) reassembly.advance(record.emitted);
    }
    reassembly.finish();
    expect(counters.lost).toBe(0);
    return { calls, unseen: counters.unseen };
  }

  describe.each([true, false])('(advance: %s)', (advance) => {
    it('are waited for: a thread that was preempted reports them later', () => {
      const calls = ['one', 'two', 'ended', 'six'];
      expect(delivered(advance, [two, eof, one, six])).toEqual({ calls, unseen: 0 });
    });

    it('are waited for again', () => {
      const nine = { ...out, ...at(600), position: 9, unseen: 3, bytes: Buffer.from('nine'), claim: 5 };
      const late = { ...six, ...at(601), flags: FLAG_UNORDERED, claim: 5 };
      const calls = ['one', 'two', 'ended', 'six', 'nine'];
      expect(delivered(advance, [two, eof, one, nine, late])).toEqual({ calls, unseen: 0 });
      const soon = [two, { ...nine, ...at(10) }, one, { ...late, ...at(25) }, { ...eof, ...at(30) }];
      const order = ['one', 'two', 'six', 'nine', 'ended'];
      expect(delivered(advance, soon)).toEqual({ calls: order, unseen: 0 });
    });

    it('are missing if nobody reports them soon', () => {
      const calls = ['missing 3', 'two', 'ended', 'six'];
      expect(delivered(advance, [two, eof, six])).toEqual({ calls, unseen: 3 });
      expect(delivered(advance, [two, eof, { ...one, ...at(251) }, six])).toEqual({ calls, unseen: 0 });
    });

    it('are missing if it is not certain that a late record holds them', () => {
      const calls = ['missing 3', 'two', 'ended', 'six'];
      const others = [
        { ...one, bytes: Buffer.from('on') },
        { ...one, position: 1, bytes: Buffer.from('ne') },
        // Other calls' claims came in between.
        { ...one, claim: 5 },
        { ...one, claim: 0 },
      ];
      for (const other of others) {
        const unseen = 3 - other.bytes.length;
        expect(delivered(advance, [two, eof, other, six])).toEqual({ calls, unseen });
      }
    });

    it('are missing if a late record of the other direction is uncertain', () => {
      const hello = { ...one, direction: Direction.In, position: 0, bytes: Buffer.from('in') };
      const read = {
        ...hello,
        ...at(10),
        position: 2,
        unseen: 2,
        bytes: Buffer.from('in, too'),
        flags: 0,
        claim: 0,
      };
      const calls = ['missing 3', 'two', 'missing 2', 'in, too'];
      expect(delivered(advance, [two, read, hello])).toEqual({ calls, unseen: 3 });
      const alike = { ...one, ...at(10), direction: Direction.In, bytes: Buffer.from('in!') };
      const both = ['missing 3', 'two', 'in!'];
      expect(delivered(advance, [two, alike, one])).toEqual({ calls: both, unseen: 0 });
    });

    it('are waited for no more on a connection if they did not come', () => {
      const nine = { ...out, ...at(600), position: 9, unseen: 3, bytes: Buffer.from('nine'), claim: 5 };
      const late = { ...six, ...at(601), flags: FLAG_UNORDERED, claim: 5 };
      const calls = ['missing 3', 'two', 'missing 3', 'nine'];
      expect(delivered(advance, [two, nine, late])).toEqual({ calls, unseen: 3 });
    });

    it('are missing at once if the position behind them is uncertain', () => {
      const calls = ['missing 3', 'two', 'ended', 'six'];
      for (const claim of [4, 0]) {
        const specs = [{ ...two, claim: 0 }, eof, { ...one, claim }, six];
        expect(delivered(advance, specs)).toEqual({ calls, unseen: 0 });
      }
    });

    it('are missing at once in another protocol', () => {
      const first = { ...out, ...at(0), position: 0, bytes: Buffer.from('tls'), protocol: WireProtocol.Tls };
      const calls = ['tls', 'missing 3', 'two', 'ended'];
      const specs = [
        first,
        { ...two, position: 6, protocol: WireProtocol.Tls },
        eof,
        { ...one, position: 3, bytes: Buffer.from('xxx') },
      ];
      expect(delivered(advance, specs)).toEqual({ calls, unseen: 0 });
      const begins = [{ ...two, protocol: WireProtocol.Tls }, eof, one];
      expect(delivered(advance, begins)).toEqual({ calls: ['missing 3', 'two', 'ended'], unseen: 0 });
    });
  });

  it('hold up what is said to have been delivered', () => {
    const sink: OrderedSink = { bytes() {}, missing() {}, directionEnded() {}, connectionClosed() {} };
    const counters = { copied: 0, omitted: 0, fromFiles: 0, shed: 0, unseen: 0, lost: 0 };
    const reassembly = new Reassembly(sink, counters);
    reassembly.opened();
    const [record] = recordsOf([two]) as [StreamRecord];
    reassembly.push(record);
    expect(reassembly.advance(record.emitted + 249_000_000)).toBeLessThan(record.emitted);
    expect(reassembly.advance(record.emitted + 250_000_000)).toBe(record.emitted + 250_000_000);
  });
});
