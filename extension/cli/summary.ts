/** The last words of a trace: what was made, what arrived, what was lost. Pure. */
import type { Status } from '../../helper/protocol.ts';
import type { EngineStats } from '../engine/engine.ts';
import type { SummaryJson } from '../engine/exchangeJson.ts';
import { visible } from '../escape/terminal.ts';
import { formatSize } from './units.ts';

export interface SummaryFacts {
  /** The newest of the helper; only a final one says what the kernel counted in the end. */
  readonly status: Status | null;
  readonly stats: Pick<EngineStats, 'records' | 'connections'>;
  /** Exchanges that were over when the trace ended, shown or not. */
  readonly exchanges: number;
  /** Connections that ended without plaintext, shown or not. */
  readonly encrypted: number;
  readonly backend: string;
  /** Sentences on what went wrong on the way (a helper that died, a cut recording); empty when nothing did. */
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
      'The final counts of the kernel are missing, so nothing can be said about what was lost.',
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
      `${dropped} records (${formatSize(c.droppedBytes)} of data) were lost because the buffer was full; a larger --ring-size helps.`,
    );
  }
  if (c.unseenBytes > 0) {
    notes.push(`${formatSize(c.unseenBytes)} moved by system calls that this backend does not see.`);
  }
  if (c.connectionsUntracked > 0) {
    notes.push(
      `${c.connectionsUntracked} connections were not followed because the kernel's table was full.`,
    );
  }
  if (c.callsUntracked > 0) {
    notes.push(`${c.callsUntracked} calls were not followed because a table in the kernel was full.`);
  }
  const missing = c.produced - dropped - delivered;
  if (missing !== 0) {
    const where = sent === delivered ? 'between kernel and helper' : 'between helper and engine';
    notes.push(`The balance is off by ${missing} records, ${where}: this is a defect of HTTP Trace.`);
  }
  const bytes = c.seenBytes - c.copiedBytes - c.omittedBytes - c.droppedBytes - c.unseenBytes;
  if (bytes !== 0) {
    notes.push(`The balance is off by ${bytes} bytes: this is a defect of HTTP Trace.`);
  }
  return notes;
}

/** The same for people: two or three lines. */
export function summaryText({ summary: s }: SummaryJson): string {
  const count = (n: number, one: string): string => `${n} ${one}${n === 1 ? '' : 's'}`;
  const records =
    s.produced === null
      ? `${count(s.delivered, 'record')} delivered`
      : `${count(s.produced, 'record')} = ${s.delivered} delivered + ${s.dropped} dropped`;
  const encrypted = s.encrypted === 0 ? '' : ` and ${s.encrypted} encrypted`;
  const lines = [
    `${count(s.exchanges, 'exchange')}${encrypted} on ${count(s.connections, 'connection')}; ${records} (${s.backend})`,
  ];
  if (s.note !== null) lines.push(visible(s.note));
  return `${lines.join('\n')}\n`;
}
