/** The summary at the end of a trace: records produced, delivered and lost. */
import type { Status } from '../../helper/protocol.ts';
import type { EngineStats } from '../engine/engine.ts';
import type { SummaryJson } from '../engine/exchangeJson.ts';
import { visible } from '../escape/terminal.ts';
import { countText, numberText, sizeText } from '../words/numbers.ts';

export interface SummaryFacts {
  /** The latest of the helper; only a final one has all that the kernel counted. */
  readonly status: Status | null;
  readonly stats: Pick<EngineStats, 'records' | 'connections' | 'fileBytes'>;
  /** Exchanges that were over when the trace ended, shown or not. */
  readonly exchanges: number;
  /** Connections that ended without plaintext, shown or not. */
  readonly encrypted: number;
  readonly backend: string;
  /** Sentences on what went wrong during the trace (the helper died, the recording is truncated). */
  readonly troubles: readonly string[];
}

export function summarize(facts: SummaryFacts): SummaryJson {
  const { stats, troubles } = facts;
  const final = facts.status?.final === true ? facts.status : null;
  const common = {
    delivered: stats.records,
    exchanges: facts.exchanges,
    encrypted: facts.encrypted,
    connections: stats.connections,
    backend: facts.backend,
  };
  if (final === null) {
    const notes = [
      ...troubles,
      'The final counters of the kernel are missing, so how much was lost is unknown.',
    ];
    return { summary: { produced: null, dropped: null, bytes: null, ...common, note: notes.join(' ') } };
  }
  const { counters } = final;
  const notes = [...troubles, ...balanceNotes(final, stats.records)];
  return {
    summary: {
      produced: counters.produced,
      delivered: common.delivered,
      dropped: counters.droppedData + counters.droppedStructure,
      exchanges: common.exchanges,
      encrypted: common.encrypted,
      connections: common.connections,
      bytes: {
        seen: counters.seenBytes,
        copied: counters.copiedBytes,
        omitted: counters.omittedBytes,
        fromFiles: stats.fileBytes,
        dropped: counters.droppedBytes,
        unseen: counters.unseenBytes,
        other: counters.otherBytes,
      },
      backend: common.backend,
      note: notes.length === 0 ? null : notes.join(' '),
    },
  };
}

function balanceNotes({ counters: c, sent }: Status, delivered: number): string[] {
  const notes: string[] = [];
  const dropped = c.droppedData + c.droppedStructure;
  if (dropped > 0) {
    notes.push(
      `${countText(dropped, 'record')} (${sizeText(c.droppedBytes)} of data) were lost because the buffer was full; use a larger --ring-size.`,
    );
  }
  if (c.unseenBytes > 0) {
    notes.push(`${sizeText(c.unseenBytes)} were moved by system calls that this backend does not see.`);
  }
  if (c.connectionsUntracked > 0) {
    notes.push(
      `${countText(c.connectionsUntracked, 'connection')} could not be traced because a table in the kernel was full.`,
    );
  }
  if (c.callsUntracked > 0) {
    notes.push(
      `${countText(c.callsUntracked, 'call')} could not be followed because a table in the kernel was full.`,
    );
  }
  const missing = c.produced - dropped - delivered;
  if (missing !== 0) {
    const where = sent === delivered ? 'between kernel and helper' : 'between helper and engine';
    notes.push(`The counts differ by ${missing} records ${where}: this is a bug in HTTP Trace.`);
  }
  const bytes = c.seenBytes - c.copiedBytes - c.omittedBytes - c.droppedBytes - c.unseenBytes;
  if (bytes !== 0) {
    notes.push(`The counts differ by ${bytes} bytes: this is a bug in HTTP Trace.`);
  }
  return notes;
}

/** The same for people: two or three lines. */
export function summaryText({ summary: s }: SummaryJson): string {
  const records =
    s.produced === null
      ? `${countText(s.delivered, 'record')} delivered`
      : `${countText(s.produced, 'record')} = ${numberText(s.delivered)} delivered + ${numberText(s.dropped ?? 0)} dropped`;
  const encrypted = s.encrypted === 0 ? '' : ` and ${numberText(s.encrypted)} encrypted`;
  const lines = [
    `${countText(s.exchanges, 'exchange')}${encrypted} on ${countText(s.connections, 'connection')}; ${records} (${s.backend})`,
  ];
  if (s.note !== null) lines.push(visible(s.note));
  return `${lines.join('\n')}\n`;
}
