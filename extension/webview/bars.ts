/** From a row's times to the parts of its bar. Pure. */
import type { ExchangeRow } from '../engine/row.ts';
import type { TimeRange } from './rowMatcher.ts';

export type PhaseName = 'lookup' | 'connect' | 'tls' | 'send' | 'wait' | 'receive' | 'paused' | 'unknown';

export interface Segment {
  readonly phase: PhaseName;
  /** Milliseconds since the trace's start. */
  readonly from: number;
  readonly to: number;
}

/**
 * The phases of a call one after the other. Name lookup and connect precede the first byte of the request, so they
 * are drawn before the start. Time that no known phase accounts for is `unknown`, except for the current phase of a
 * running call: it sends until the size of its request is known, then waits until there is a status, and receives
 * from then on.
 *
 * @param now current end of a running call.
 */
export function segments(row: ExchangeRow, now: number): readonly Segment[] {
  const { lookupMs, connectMs, tlsMs, sendMs, waitMs, receiveMs, overlapMs } = row.phases;
  const found: Segment[] = [];
  let at = extent(row, now).from;
  const add = (phase: PhaseName, length: number | null): void => {
    if (length === null || length <= 0) return;
    found.push({ phase, from: at, to: at + length });
    at += length;
  };
  add('lookup', lookupMs);
  if (row.failure !== null) return found;
  add('connect', connectMs);
  add('tls', tlsMs);
  at = row.start;
  if (row.encrypted !== null) {
    // The content of the connection is unknown; one that failed only did its handshake.
    const failed = row.completeness.includes('handshake-failed');
    add(failed ? 'tls' : 'unknown', (row.state === 'running' ? now : row.start + (row.duration ?? 0)) - at);
    return found;
  }
  // While request and response overlap, the response is shown: the client waits for it.
  const overlap = overlapMs ?? 0;
  add('send', sendMs === null ? null : sendMs - overlap);
  add('wait', waitMs);
  add('receive', receiveMs);
  // The rest of the request, sent after the response.
  if (overlap > 0) add('send', overlap - (receiveMs ?? 0));
  if (row.state === 'running') {
    const waits = waitMs === null && row.status === null;
    const isSent = sendMs !== null || row.requestSize !== null;
    add(waits ? (isSent ? 'wait' : 'send') : 'receive', now - at);
  } else if (row.duration !== null) {
    add('unknown', row.start + row.duration - at);
  }
  return found;
}

/** The same with the time in `pauses`, which are in order, as `paused`. */
export function withPauses(parts: readonly Segment[], pauses: readonly TimeRange[]): readonly Segment[] {
  if (pauses.length === 0) return parts;
  const found: Segment[] = [];
  for (const { phase, from, to } of parts) {
    let at = from;
    for (const pause of pauses) {
      const begin = Math.max(pause.from, at);
      const end = Math.min(pause.to, to);
      if (begin >= end) continue;
      if (begin > at) found.push({ phase, from: at, to: begin });
      found.push({ phase: 'paused', from: begin, to: end });
      at = end;
    }
    if (at < to) found.push({ phase, from: at, to });
  }
  return found;
}

/** First and last moment of a bar; for a call without any length both are its start. */
export function extent(row: ExchangeRow, now: number): { from: number; to: number } {
  const { lookupMs, connectMs, tlsMs } = row.phases;
  // Only the failed attempt exists: it begins where the row does.
  const before = row.failure === null ? (lookupMs ?? 0) + (connectMs ?? 0) + (tlsMs ?? 0) : 0;
  const from = row.start - before;
  const to = row.state === 'running' ? Math.max(now, row.start) : row.start + (row.duration ?? 0);
  return { from, to };
}

/** A bar narrower than this could not be seen or pointed at. */
export const MIN_BAR_PX = 3;

/**
 * The background of a bar `width` pixels wide: hard stops, one colour for each phase. A known phase is at least
 * one pixel wide as long as there is room, so that a short connect is not lost beside a long wait.
 */
export function gradient(parts: readonly Segment[], width: number): string {
  const [first] = parts;
  const last = parts.at(-1);
  if (first === undefined || last === undefined) {
    return 'linear-gradient(var(--phase-unknown), var(--phase-unknown))';
  }
  const span = last.to - first.from;
  const room = width >= parts.length * 2;
  const widths = parts.map((part) => {
    const exact = span > 0 ? ((part.to - part.from) / span) * width : width / parts.length;
    return room ? Math.max(1, exact) : exact;
  });
  // What small phases gained is taken from the longest.
  const excess = widths.reduce((a, b) => a + b, 0) - width;
  const longest = widths.indexOf(Math.max(...widths));
  widths[longest] = Math.max(0, (widths[longest] ?? 0) - excess);
  let at = 0;
  const stops = parts.map((part, index) => {
    const from = at;
    at += widths[index] ?? 0;
    return `var(--phase-${part.phase}) ${from.toFixed(1)}px ${at.toFixed(1)}px`;
  });
  return `linear-gradient(to right, ${stops.join(', ')})`;
}
