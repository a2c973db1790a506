import { describe, expect, it } from 'vitest';
import type { Counters, Status } from '../../helper/protocol.ts';
import { NO_BACKLOG } from '../../helper/testing/messages.ts';
import { type SummaryFacts, summarize, summaryText } from './summary.ts';

const counters: Counters = {
  produced: 100,
  droppedData: 0,
  droppedStructure: 0,
  seenBytes: 5000,
  copiedBytes: 4000,
  omittedBytes: 1000,
  droppedBytes: 0,
  unseenBytes: 0,
  otherBytes: 77,
  connectionsUntracked: 0,
  callsUntracked: 0,
  filteredBytes: 0,
};
const status = (changes: Partial<Counters> = {}, others: Partial<Status> = {}): Status => ({
  counters: { ...counters, ...changes },
  backlog: NO_BACKLOG,
  sent: 100,
  upTo: '1',
  targets: 0,
  final: true,
  ...others,
});
const facts = (changes: Partial<SummaryFacts> = {}): SummaryFacts => ({
  status: status(),
  stats: { records: 100, connections: 3, fileBytes: 300, shedBytes: 0 },
  exchanges: 12,
  encrypted: 0,
  backend: 'tracepoint',
  behindMs: 0,
  troubles: [],
  ...changes,
});

describe('the summary', () => {
  it('has no note when all was delivered', () => {
    expect(summarize(facts()).summary).toEqual({
      produced: 100,
      delivered: 100,
      dropped: 0,
      exchanges: 12,
      encrypted: 0,
      connections: 3,
      bytes: {
        seen: 5000,
        copied: 4000,
        omitted: 1000,
        fromFiles: 300,
        shed: 0,
        dropped: 0,
        unseen: 0,
        other: 77,
      },
      backend: 'tracepoint',
      behindMs: 0,
      note: null,
    });
  });

  it('says what the full buffer cost', () => {
    const lost = status(
      { droppedData: 8, droppedStructure: 2, copiedBytes: 3000, droppedBytes: 1000 },
      { sent: 90 },
    );
    const { summary } = summarize(
      facts({ status: lost, stats: { records: 90, connections: 3, fileBytes: 300, shedBytes: 0 } }),
    );
    expect(summary).toMatchObject({ produced: 100, delivered: 90, dropped: 10 });
    expect(summary.note).toBe(
      '10 records (1000 B of data) were lost because the buffer was full; use a larger --ring-size.',
    );
  });

  it('counts what the helper left out as omitted, and the parts of a record as one', () => {
    const shed = status(
      {},
      { sent: 107, backlog: { ...NO_BACKLOG, shedBodies: 1500, shedHeads: 500, split: 7 } },
    );
    const { summary } = summarize(
      facts({ status: shed, stats: { records: 107, connections: 3, fileBytes: 0, shedBytes: 2000 } }),
    );
    expect(summary).toMatchObject({ produced: 100, delivered: 100, dropped: 0 });
    expect(summary.bytes).toMatchObject({ seen: 5000, copied: 2000, omitted: 3000, shed: 2000, dropped: 0 });
    expect(summary.note).toBe(
      'Not captured, as there was too much data at once: 1.5 KiB of bodies and 500 B of heads and bodies; use a larger --backlog.',
    );
  });

  it('also says what the kernel left out before anything was lost', () => {
    const { summary } = summarize(
      facts({
        status: status({ omittedBytes: 1000 }, { backlog: { ...NO_BACKLOG, shedBodies: 1500 } }),
        stats: { records: 100, connections: 3, fileBytes: 0, shedBytes: 2300 },
      }),
    );
    expect(summary.bytes).toMatchObject({ omitted: 2500, shed: 2300 });
    expect(summary.note).toBe(
      "Not captured, as the kernel's buffer was filling: 800 B, of bodies first; use a larger --ring-size. " +
        'Not captured, as there was too much data at once: 1.5 KiB of bodies; use a larger --backlog.',
    );
  });

  it('counts what was left when the stop was cut short as dropped', () => {
    const cut = status({}, { sent: 60, backlog: { ...NO_BACKLOG, droppedRecords: 40, droppedBytes: 1024 } });
    const { summary } = summarize(
      facts({ status: cut, stats: { records: 60, connections: 3, fileBytes: 0, shedBytes: 0 } }),
    );
    expect(summary).toMatchObject({ produced: 100, delivered: 60, dropped: 40 });
    expect(summary.bytes).toMatchObject({ seen: 5000, copied: 2976, omitted: 1000, dropped: 1024 });
    expect(summary.note).toBe(
      '40 records (1.0 KiB of data) were left when the stop was cut short; they were dropped.',
    );
  });

  it('says how far the output was behind, from a second on', () => {
    expect(summaryText(summarize(facts({ behindMs: 999 })))).not.toContain('after it happened');
    expect(summaryText(summarize(facts({ behindMs: 3_200 })))).toContain(
      '\nShown up to 3.20 s after it happened.\n',
    );
    expect(summarize(facts({ behindMs: 3_200 })).summary.behindMs).toBe(3_200);
  });

  it('says when the balance is off, and where', () => {
    const behind = summarize(
      facts({
        status: status({}, { sent: 98 }),
        stats: { records: 98, connections: 3, fileBytes: 300, shedBytes: 0 },
      }),
    );
    expect(behind.summary.note).toContain('differ by 2 records between kernel and helper');
    const lost = summarize(facts({ stats: { records: 97, connections: 3, fileBytes: 300, shedBytes: 0 } }));
    expect(lost.summary.note).toContain('differ by 3 records between helper and engine');
    const more = summarize(facts({ stats: { records: 101, connections: 3, fileBytes: 300, shedBytes: 0 } }));
    expect(more.summary.note).toContain('differ by -1 records');
    const bytes = summarize(facts({ status: status({ seenBytes: 5005 }) }));
    expect(bytes.summary.note).toContain('differ by 5 bytes');
  });

  it('claims no count that the kernel did not report at the end', () => {
    for (const unfinished of [null, status({}, { final: false })]) {
      const { summary } = summarize(facts({ status: unfinished, troubles: ['The helper was killed.'] }));
      expect(summary).toMatchObject({ produced: null, dropped: null, bytes: null, delivered: 100 });
      expect(summary.note).toMatch(/^The helper was killed\. The final counters of the kernel are missing/);
    }
  });

  it('names what went unseen or untracked', () => {
    const { note } = summarize(
      facts({
        status: status({ unseenBytes: 2048, seenBytes: 7048, connectionsUntracked: 4, callsUntracked: 5 }),
      }),
    ).summary;
    expect(note).toContain('2.0 KiB were moved by system calls that this backend does not see.');
    expect(note).toContain('4 connections could not be traced in full: a table in the kernel was full, or ');
    expect(note).toContain('5 calls could not be followed');
  });

  it('is a line or two for people, and safe to print', () => {
    expect(summaryText(summarize(facts()))).toBe(
      '12 exchanges on 3 connections; 100 records = 100 delivered + 0 dropped (tracepoint)\n',
    );
    expect(summaryText(summarize(facts({ encrypted: 2 })))).toMatch(
      /^12 exchanges and 2 encrypted on 3 connections;/,
    );
    const text = summaryText(summarize(facts({ status: null, troubles: ['\x1b[31mred'] })));
    expect(text).toContain('100 records delivered');
    expect(text).not.toContain('\x1b');
  });
});
