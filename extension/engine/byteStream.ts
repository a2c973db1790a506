/** Metadata of the pieces of a byte stream: a socket's, a session's, a body's or a tunnel's. */

/** What is known of a piece of the stream. */
export interface PieceContext {
  /** Milliseconds since the trace's start: send entry, receive exit. */
  readonly time: number;
  /** When its system call returned; for a send that blocks, long after `time`. */
  readonly end: number;
  readonly pid: number;
  /** Boot time (ns) at which its record was made. */
  readonly emitted: number;
  /** null: not sent from a file, or not known. */
  readonly file: FileReading | null;
}

/**
 * The outcome for bytes that were sent from a file (sendfile) without passing through the program's memory: read from
 * the file, or why not.
 */
export type FileReading = 'read' | 'changed' | 'uncertain' | 'unreadable' | 'file-system' | 'slow';

/** The part of a piece's context that its message keeps. */
export type Origin = Pick<PieceContext, 'time' | 'end' | 'pid' | 'file'>;

/**
 * `limit`: left out on purpose. `shed`: body bytes left out because of overload. `lost`: dropped, or never seen.
 */
export type GapReason = 'limit' | 'shed' | 'lost';

/**
 * As {@link GapReason}, plus `foreign`: a protocol that is not copied; `filter`: whole messages that were filtered
 * out.
 */
export type MissingReason = GapReason | 'foreign' | 'filter';

/** The reason as dissectors see it. */
export function gapReason(reason: MissingReason): GapReason {
  if (reason === 'filter') return 'limit';
  return reason === 'foreign' ? 'lost' : reason;
}

/** How a message ended. */
export type Outcome =
  | 'complete'
  /** The stream ended before the message did. */
  | 'cut'
  /** Its end could not be found. */
  | 'lost'
  /** The trace ended before the message did. */
  | 'open';
