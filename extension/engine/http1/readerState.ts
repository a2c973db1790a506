/** The states of the reader of one direction, and how one hands over to another. */
import type { GapReason, Origin, Outcome } from '../byteStream.ts';
import type { StoredMessage } from '../storedMessage.ts';
import type { Framing } from './framing.ts';
import type { FramingFields } from './framingFields.ts';
import type { Line } from './lineReader.ts';

/** One state, or several that belong together. */
export interface ReaderState {
  /**
   * Reads some of the bytes from `at` on.
   * @returns the offset after them; {@link HELD} when the next message must not begin yet.
   */
  read(bytes: Buffer, at: number, context: Origin): number;
  /** `length` bytes are missing. @returns how many of them are left for the state that follows. */
  gap(length: number, reason: GapReason, context: Origin): number;
  /**
   * Nothing follows.
   * @param outcome of a message that is not complete.
   * @param orderly the sender closed the stream, as opposed to a reset.
   */
  end(outcome: 'cut' | 'open', orderly: boolean): void;
}

export const HELD = -1;

/** How a state hands over to the next one; messageStates.ts implements it. */
export interface Transitions {
  /** The start line of a message was read; its field lines follow. */
  startLineRead(message: StoredMessage, line: Line): void;
  /** @param fields from the fields that were kept. @param framing also from those beyond the limit. */
  headRead(message: StoredMessage, fields: FramingFields, framing: FramingFields): void;
  /** The doubtful body exists, and begins with the bytes in `held`. */
  bodyExists(framing: Framing, held: Buffer, context: Origin): void;
  /** The answer is not HTTP; it begins with `held`, which is already counted. */
  foreignAnswerBegan(held: Buffer, context: Origin): void;
  /** The pending bytes of the line reader begin a start line. */
  startLineBegan(): void;
  /** The position within the chunked body is unknown. @param inGap because bytes are missing, not malformed. */
  loseChunks(inGap: boolean): void;
  /** The message that is being read has ended. */
  finish(outcome: Outcome): void;
  /** `length` bytes are missing, which belong to no known message: searches for the next start line. */
  lose(length: number): void;
  /** Nothing that follows is HTTP/1. */
  stopReading(): void;
}
