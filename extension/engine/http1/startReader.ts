/**
 * Between messages: reads the start line of the next one. Where bytes are missing or unreadable, it searches
 * for a start line that is certain.
 */
import type { GapReason, Origin } from '../byteStream.ts';
import { MAX_HEAD_BYTES } from '../limits.ts';
import type { StoredMessage } from '../storedMessage.ts';
import type { RuleName } from '../violations.ts';
import { CR, LF } from './characters.ts';
import type { Line, LineReader } from './lineReader.ts';
import type { MessageProgress } from './messageProgress.ts';
import { PlainHead } from './plainHead.ts';
import { plainStart } from './plainStartLine.ts';
import { isForeign, QUOTED } from './quote.ts';
import { HELD, type ReaderState, type Transitions } from './readerState.ts';
import { beginsMessage, isRecognised, mayBecomeStatus, mayBeRequest, mayBeStatus } from './startLine.ts';
import { cutStartMessage, foreignAnswer, foreignRequest, startMessage } from './startMessage.ts';

enum Phase {
  Between,
  /** A message has begun; its start line is not complete. */
  Line,
  /** Searching for a start line. */
  Lost,
}

/** Bytes in place of a request that are not a request. */
interface ForeignStart {
  /** No message came before. */
  readonly first: boolean;
  readonly position: number;
  readonly origin: Origin;
  end: number;
  /** The beginning of its first line, or of its bytes if it may have no lines. */
  quoted: string;
}

export class StartReader implements ReaderState {
  /** The last message announced that its sender closes the connection. */
  closing = false;

  readonly #progress: MessageProgress;
  readonly #line: LineReader;
  readonly #next: Transitions;
  readonly #head = new PlainHead();
  #phase = Phase.Between;
  /** Rules broken between the previous message and the next one, and reported with the next. */
  #broken: RuleName[] = [];
  /** The newest byte that was skipped between messages: CR or LF; -1: none. */
  #lastSkipped = -1;
  /** A message has ended, and it is not yet known what follows it. */
  #hasEnded = false;
  /** No message has begun, and none was missed: the first answer may come from a server that does not speak HTTP. */
  #first = true;
  /** Bytes in place of a request; kept until an answer or a real request follows. */
  #foreign: ForeignStart | null = null;
  /** Time of the newest bytes. */
  #lastRead = 0;

  constructor(progress: MessageProgress, line: LineReader, next: Transitions) {
    this.#progress = progress;
    this.#line = line;
    this.#next = next;
  }

  /** True within a start line. */
  get inLine(): boolean {
    return this.#phase === Phase.Line;
  }

  /** A message has ended: another one may follow. */
  begin(): void {
    this.#phase = Phase.Between;
    this.#hasEnded = true;
  }

  /** The pending bytes of the line reader begin a start line. */
  resumeLine(): void {
    this.#phase = Phase.Line;
  }

  search(): void {
    this.#first = false;
    this.#phase = Phase.Lost;
  }

  /** See {@link Reader.answerBegins}. */
  answerBegins(ended: boolean): void {
    const { pending, position, origin } = this.#line;
    if (ended && this.#phase === Phase.Line && pending.length > 0) {
      const text = pending.text();
      const { kind } = this.#progress;
      // A line that may still become a request counts as one, and is reported when it ends.
      if (cutStartMessage(kind, text, position, []) === null)
        this.#keepForeign(position, text, origin, this.#lastRead);
    }
    const foreign = this.#foreign;
    if (foreign === null) return;
    this.#foreign = null;
    const message = foreignRequest(foreign.position, this.#brokenBefore());
    message.quoted = foreign.quoted;
    const { time, pid } = foreign.origin;
    this.#progress.begin(message, this.#progress.position - foreign.position, time, foreign.end);
    this.#broken = [];
    this.#progress.sink.messageBegan(message, pid);
    this.#next.finish('complete');
    this.search();
  }

  read(bytes: Buffer, at: number, context: Origin): number {
    this.#lastRead = context.end;
    if (this.#foreign !== null) this.#readOn(this.#foreign, bytes, at, context);
    if (this.#phase === Phase.Between) return this.#readBetween(bytes, at, context);
    const line = this.#line;
    if (this.#phase === Phase.Lost && at === 0 && line.pending.length > 0) {
      // A system call that begins with a start line is better evidence than a line that was never finished.
      if (beginsMessage(this.#progress.kind, bytes, 0)) line.clear();
    }
    line.begin(this.#progress.position, context);
    if (this.#first && this.#progress.kind === 'response' && this.#readForeign(bytes, at, context)) return at;
    const ended = line.read(bytes, at, MAX_HEAD_BYTES);
    if (ended === null) {
      this.#progress.take(bytes.length - at, context);
      return bytes.length;
    }
    this.#progress.take(ended.end - at, context);
    this.#readLine(ended, context);
    return ended.end;
  }

  /** @returns true when the answer is not HTTP and another state takes over. */
  #readForeign(bytes: Buffer, at: number, context: Origin): boolean {
    const { pending } = this.#line;
    const start = pending.length < 8 ? pending.text() + bytes.toString('latin1', at, at + 8) : '';
    if (!isForeign(start) || !this.#progress.sink.mayBeForeign()) return false;
    const { position } = this.#line;
    const held = Buffer.from(pending.text(), 'latin1');
    const message = foreignAnswer(position, this.#brokenBefore());
    this.#begin(message, held.length, context);
    this.#line.clear();
    this.#next.foreignAnswerBegan(held, context);
    return true;
  }

  #readOn(foreign: ForeignStart, bytes: Buffer, at: number, context: Origin): void {
    foreign.end = context.end;
    const { quoted } = foreign;
    if (quoted.length !== this.#progress.position - foreign.position) return;
    foreign.quoted += bytes.toString('latin1', at, at + QUOTED - quoted.length);
  }

  gap(length: number, _reason: GapReason, _context: Origin): number {
    this.#next.lose(length);
    return 0;
  }

  /** Reports an unterminated start line, if it is certain what it would have become. */
  end(outcome: 'cut' | 'open'): void {
    // After earlier messages, the unanswered bytes may contain requests.
    if (this.#foreign?.first === false) this.#progress.sink.hidden(this.#progress.kind);
    if (this.#phase !== Phase.Line) return;
    const { pending, position, origin } = this.#line;
    const text = pending.text();
    const { length } = pending;
    this.#line.clear();
    const message = cutStartMessage(this.#progress.kind, text, position, this.#brokenBefore());
    if (message === null) {
      this.#keepForeign(position, text, origin, this.#lastRead);
      return;
    }
    this.#begin(message, length, origin);
    message.headIncomplete = true;
    this.#next.finish(outcome);
  }

  /** Keeps bytes that are not a request until they are answered. @returns false for responses, which are not kept. */
  #keepForeign(position: number, text: string, origin: Origin, end: number): boolean {
    if (this.#progress.kind === 'response') return false;
    this.#foreign = { first: this.#first, position, origin, end, quoted: text.slice(0, QUOTED) };
    this.search();
    return true;
  }

  #readBetween(bytes: Buffer, at: number, context: Origin): number {
    const progress = this.#progress;
    const byte = bytes[at] as number;
    if (byte === CR || byte === LF) {
      // RFC 9112 section 2.2 lets a server ignore empty lines before a request; clients need not.
      if (progress.kind === 'response') this.#broken.push('empty-lines');
      if (byte === CR && this.#lastSkipped === CR) this.#broken.push('leading-cr');
      this.#lastSkipped = byte;
      progress.take(1, context);
      return at + 1;
    }
    // Responses are judged before they can be held for lack of a request, requests only after: they may be tunnel bytes.
    if (progress.kind === 'response') this.#judgeSurplus(byte);
    if (progress.kind === 'response' && mayBecomeStatus(bytes, at)) progress.sink.answerBegins();
    if (!progress.sink.mayBegin(progress.kind)) return HELD;
    this.#judgeSurplus(byte);
    if (this.#lastSkipped === CR) this.#broken.push('leading-cr');
    this.#lastSkipped = -1;
    this.#phase = Phase.Line;
    // Not waiting for the end of a line: the bytes may have no lines.
    if (!mayBeRequest(byte)) {
      if (this.#keepForeign(progress.position, '', context, context.end)) return at;
    }
    return this.#readPlainHead(bytes, at, context) ?? at;
  }

  /** Reports a byte after a message if no other message can begin with it. */
  #judgeSurplus(byte: number): void {
    if (!this.#hasEnded) return;
    this.#hasEnded = false;
    const { kind, position, sink } = this.#progress;
    if (kind === 'request' ? mayBeRequest(byte) : mayBeStatus(byte)) return;
    sink.surplus(kind, position);
  }

  /** @returns the offset after the head; null when it has to be read line by line. */
  #readPlainHead(bytes: Buffer, at: number, context: Origin): number | null {
    const head = this.#head;
    if (!head.read(bytes, at)) return null;
    const { fieldsAt, fieldsEnd, end, typeAt } = head;
    const progress = this.#progress;
    this.#line.begin(progress.position, context);
    const message =
      this.#plainMessage(bytes, at, fieldsAt - 2) ??
      this.#messageOf(bytes.toString('latin1', at, fieldsAt - 2));
    if (message === null || message === 'http2') return null;
    progress.take(fieldsAt - at, context);
    this.#begin(message, fieldsAt - at, context);
    progress.take(end - fieldsAt, context);
    message.setFieldLines(bytes, fieldsAt, fieldsEnd, typeAt);
    this.#next.headRead(message, head.framing, head.framing);
    return end;
  }

  #readLine(line: Line, context: Origin): void {
    const { kind } = this.#progress;
    if (this.#phase === Phase.Lost && !isRecognised(kind, line.text)) return;
    const message = this.#messageOf(line.text);
    if (message === 'http2') this.#next.stopReading();
    else if (message !== null) {
      this.#begin(message, line.length, context);
      this.#next.startLineRead(message, line);
    } else if (this.#phase === Phase.Line) {
      const { position, origin } = this.#line;
      if (this.#keepForeign(position, line.text, origin, context.end)) return;
      this.#broken.push('unrecognised');
      this.#next.lose(0);
    }
  }

  #messageOf(text: string): StoredMessage | 'http2' | null {
    return startMessage(this.#progress.kind, text, this.#line.position, this.#brokenBefore());
  }

  /** @returns null when the line has to be read as text. */
  #plainMessage(bytes: Buffer, at: number, end: number): StoredMessage | null {
    const { position } = this.#line;
    const message = plainStart(this.#progress.kind, bytes, at, end, position);
    if (message !== null && (this.closing || this.#broken.length > 0))
      for (const name of this.#brokenBefore()) message.breaks(name, position);
    return message;
  }

  #brokenBefore(): readonly RuleName[] {
    return this.closing ? [...this.#broken, 'after-close'] : this.#broken;
  }

  /** @param taken bytes of the message that were counted as skipped so far. */
  #begin(message: StoredMessage, taken: number, context: Origin): void {
    const { time, pid } = this.#line.origin;
    if (this.#foreign !== null) {
      // A request follows, so the answer belongs to it.
      this.#foreign = null;
      message.breaks('unrecognised', message.position);
      this.#progress.sink.hidden(this.#progress.kind);
    }
    this.#progress.begin(message, taken, time, context.end);
    this.closing = false;
    this.#first = false;
    if (this.#broken.length > 0) this.#broken = [];
    this.#progress.sink.messageBegan(message, pid);
  }
}
