/**
 * What is known of the pieces of a byte stream, for all who read them: sockets, sessions, bodies and tunnels
 * alike.
 */

/** What is known of a piece of the stream. */
export interface PieceContext {
  /** Milliseconds since the trace's start: a send's entry, a receive's exit. */
  readonly time: number;
  /** When its call had returned; of a send that blocks, long after `time`. */
  readonly end: number;
  readonly pid: number;
  /** Boot time (ns) at which its record was made. */
  readonly emitted: number;
  /** null: not sent from a file, or that is not known. */
  readonly file: FileReading | null;
}

/**
 * What became of bytes that were sent from a file and never were in the program's memory: read from the file, or why
 * not.
 */
export type FileReading = 'read' | 'changed' | 'uncertain' | 'unreadable' | 'file-system' | 'slow';

/** When a piece was sent or received, and by whom: what a message keeps of its pieces. */
export type Origin = Pick<PieceContext, 'time' | 'end' | 'pid' | 'file'>;

/**
 * `limit`: left out on purpose. `shed`: of a body, left out because there was too much at once. `lost`: dropped, or
 * never seen.
 */
export type GapReason = 'limit' | 'shed' | 'lost';

/**
 * As {@link GapReason}. `foreign`: a protocol that is not copied. `filter`: whole messages that were not
 * asked for.
 */
export type MissingReason = GapReason | 'foreign' | 'filter';

/** What a gap is for those who read what the connection carries. */
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
