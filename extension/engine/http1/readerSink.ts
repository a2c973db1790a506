/** Callbacks from the reader of one direction to its connection. */
import type { GapReason, Origin, Outcome } from '../byteStream.ts';
import type { MessageKind } from '../exchange.ts';
import type { StoredMessage } from '../storedMessage.ts';
import type { FramingResult } from './framing.ts';
import type { FramingFields } from './framingFields.ts';

export interface HeadResult extends FramingResult {
  /**
   * The body may not exist: for a response, if the request's method is unknown (RFC 9110 section 9.3.2); for a
   * request, if it expects 100-continue (section 10.1.1).
   */
  readonly doubtful: boolean;
}

export interface ReaderSink {
  /** Asked before each message; false: hold what follows until {@link Reader.feed} is called again. */
  mayBegin(kind: MessageKind): boolean;
  /** A status line seems to begin where a response may begin. */
  answerBegins(): void;
  /** Do the first bytes of the response direction certainly answer a request, whether they are HTTP or not? */
  mayBeForeign(): boolean;
  /** The start line was read. */
  messageBegan(message: StoredMessage, pid: number): void;
  /**
   * The head is complete. Decides how the body is delimited.
   * @param framing the fields that decide it.
   */
  headEnded(message: StoredMessage, framing: FramingFields): HeadResult;
  /** May the doubtful body still turn out not to exist, although bytes follow the head? */
  mayLackBody(message: StoredMessage): boolean;
  /** More of the message has arrived. */
  progressed(message: StoredMessage): void;
  messageEnded(message: StoredMessage, outcome: Outcome): void;
  /** The last message of this kind is followed by bytes that do not begin another message. */
  surplus(kind: MessageKind, position: number): void;
  /** An unknown number of messages of this kind may have passed unseen. */
  hidden(kind: MessageKind): void;
  /** Bytes of the body, after transfer decoding: `bytes` from `from` to `to`. */
  bodyBytes(message: StoredMessage, bytes: Buffer, from: number, to: number, context: Origin): void;
  /** Missing bytes of the body; null: how many is unknown. */
  bodyGap(message: StoredMessage, length: number | null, reason: GapReason, context: Origin): void;
  /** Bytes of the tunnel that follows a 101 or a CONNECT. */
  tunnelled(kind: MessageKind, bytes: Buffer, context: Origin): void;
  tunnelGap(kind: MessageKind, length: number, reason: GapReason, context: Origin): void;
  /** May this many more body bytes be kept? */
  mayKeep(bytes: number): boolean;
}

const ignored = (): void => {};

/** Callbacks that a reader's owner can ignore if it does not show messages while they arrive. */
export const IGNORED = {
  answerBegins: ignored,
  progressed: ignored,
  surplus: ignored,
  bodyBytes: ignored,
  bodyGap: ignored,
  tunnelled: ignored,
  tunnelGap: ignored,
} as const satisfies Partial<ReaderSink>;
