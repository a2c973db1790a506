/** The summary at the end of a trace: records produced, delivered and lost. */
import type { Status } from '../../helper/protocol.ts';
import { byteBalance } from '../capture/byteBalance.ts';
import type { EngineStats } from '../engine/engine.ts';
import type { SummaryJson } from '../engine/exchangeJson.ts';
import { visible } from '../escape/terminal.ts';
import { countText, durationText, numberText, sizeText } from '../words/numbers.ts';

/** Less is not worth a line. */
const NOTABLE_MS = 1_000;

export interface SummaryFacts {
  /** The helper's latest status; only the final one has all of the kernel's counts. */
  readonly status: Status | null;
  readonly stats: Pick<EngineStats, 'records' | 'connections' | 'fileBytes' | 'shedBytes'>;
  /** Exchanges that had ended when the trace did, shown or not. */
  readonly exchanges: number;
  /** Connections that ended without plaintext, shown or not. */
  readonly encrypted: number;
  readonly backend: string;
  /** The output's longest delay behind the program, in milliseconds. */
  readonly behindMs: number;
  /** Sentences on what went wrong during the trace (the helper died, the recording is truncated). */
  readonly troubles: readonly string[];
}

export function summarize(facts: SummaryFacts): SummaryJson {
  const { stats, troubles } = facts;
  const final = facts.status?.final === true ? facts.status : null;
  const backlog = facts.status?.backlog;
  const common = {
    // A record that the helper split counts as one.
    delivered: stats.records - (backlog?.split ?? 0),
    exchanges: facts.exchanges,
    encrypted: facts.encrypted,
    connections: stats.connections,
    backend: facts.backend,
    behindMs: facts.behindMs,
  };
  if (final === null) {
    const notes = [
      ...troubles,
      'The final counters of the kernel are missing, so how much was lost is unknown.',
    ];
    return { summary: { produced: null, dropped: null, bytes: null, ...common, note: notes.join(' ') } };
  }
  const { counters } = final;
  const bytes = byteBalance(final);
  const shedByKernel = stats.shedBytes - bytes.shedByHelper;
  const notes = [
    ...troubles,
    ...(shedByKernel > 0 ? [kernelNote(shedByKernel)] : []),
    ...balanceNotes(final, common.delivered),
  ];
  return {
    summary: {
      produced: counters.produced,
      delivered: common.delivered,
      dropped: droppedRecords(final),
      exchanges: common.exchanges,
      encrypted: common.encrypted,
      connections: common.connections,
      bytes: {
        seen: bytes.seen,
        copied: bytes.copied,
        omitted: bytes.omitted,
        fromFiles: stats.fileBytes,
        shed: stats.shedBytes,
        dropped: bytes.dropped,
        unseen: bytes.unseen,
        other: bytes.other,
      },
      backend: common.backend,
      behindMs: common.behindMs,
      note: notes.length === 0 ? null : notes.join(' '),
    },
  };
}

/** @param bytes that the kernel programs left out while their buffer was filling */
function kernelNote(bytes: number): string {
  return `Not captured, as the kernel's buffer was filling: ${sizeText(bytes)}, of bodies first; use a larger --ring-size.`;
}

function droppedRecords({ counters, backlog }: Status): number {
  return counters.droppedData + counters.droppedStructure + backlog.droppedRecords;
}

/** Bytes from the kernel programs that the helper left out or dropped. */
function backlogNotes({ backlog }: Status): string[] {
  const notes: string[] = [];
  const shed = [
    ...(backlog.shedBodies > 0 ? [`${sizeText(backlog.shedBodies)} of bodies`] : []),
    ...(backlog.shedHeads > 0 ? [`${sizeText(backlog.shedHeads)} of heads and bodies`] : []),
  ];
  if (shed.length > 0) {
    notes.push(
      `Not captured, as there was too much data at once: ${shed.join(' and ')}; use a larger --backlog.`,
    );
  }
  if (backlog.droppedRecords > 0) {
    notes.push(
      `${countText(backlog.droppedRecords, 'record')} (${sizeText(backlog.droppedBytes)} of data) were left when the stop was cut short; they were dropped.`,
    );
  }
  return notes;
}

function balanceNotes(final: Status, delivered: number): string[] {
  const { counters: c, sent, backlog } = final;
  const notes = backlogNotes(final);
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
      `${countText(c.connectionsUntracked, 'connection')} could not be traced in full: a table in the kernel was full, or another thread closed a socket meanwhile.`,
    );
  }
  if (c.callsUntracked > 0) {
    notes.push(
      `${countText(c.callsUntracked, 'call')} could not be followed because a table in the kernel was full.`,
    );
  }
  const missing = c.produced - droppedRecords(final) - delivered;
  if (missing !== 0) {
    const where =
      sent - backlog.split === delivered ? 'between kernel and helper' : 'between helper and engine';
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
  if (s.behindMs >= NOTABLE_MS) lines.push(`Shown up to ${durationText(s.behindMs)} after it happened.`);
  if (s.note !== null) lines.push(visible(s.note));
  return `${lines.join('\n')}\n`;
}
