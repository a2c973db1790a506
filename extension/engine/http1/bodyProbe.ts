/**
 * The first bytes after the head of a message that may have no body: if they begin another message, there
 * is no body; otherwise they are body bytes.
 */
import type { GapReason, Origin } from '../byteStream.ts';
import { MAX_HEAD_BYTES } from '../limits.ts';
import type { Framing } from './framing.ts';
import type { LineReader } from './lineReader.ts';
import type { MessageProgress } from './messageProgress.ts';
import type { ReaderState, Transitions } from './readerState.ts';
import { classifyStart, LONGEST_START } from './startLine.ts';

export class BodyProbe implements ReaderState {
  readonly #progress: MessageProgress;
  readonly #line: LineReader;
  readonly #next: Transitions;
  #framing: Framing = { kind: 'none' };

  constructor(progress: MessageProgress, line: LineReader, next: Transitions) {
    this.#progress = progress;
    this.#line = line;
    this.#next = next;
  }

  /** No byte has followed the head yet. */
  get empty(): boolean {
    return this.#line.pending.length === 0;
  }

  /** @param framing of the body, if it exists. */
  begin(framing: Framing): void {
    this.#framing = framing;
  }

  read(bytes: Buffer, at: number, context: Origin): number {
    const { kind, sink } = this.#progress;
    const { pending } = this.#line;
    this.#line.begin(this.#progress.position, context);
    if (!sink.mayLackBody(this.#progress.current)) {
      this.#leave(context);
      return at;
    }
    for (let to = at; to < bytes.length; ) {
      pending.append(bytes, to, to + 1, LONGEST_START);
      to++;
      const text = pending.text();
      const found = classifyStart(kind, text);
      if (found === 'prefix') continue;
      if (found === 'start') this.#beginNext(text, context);
      else this.#leave(context);
      return to;
    }
    return bytes.length;
  }

  gap(length: number, reason: GapReason, context: Origin): number {
    const held = this.#line.pending.length;
    if (held === 0 && reason !== 'lost') {
      // Only body bytes are left out on purpose, so there is a body.
      this.#leave(context);
      return length;
    }
    this.#next.finish('lost');
    this.#progress.take(held, context);
    this.#next.lose(length);
    return 0;
  }

  /** Nothing follows that could complete a start line: the held bytes belong to the body. */
  release(): void {
    if (!this.empty) this.#leave(this.#line.origin);
  }

  end(outcome: 'cut' | 'open', orderly: boolean): void {
    const { kind, sink, current } = this.#progress;
    // A request that was answered before its body was sent is complete. For a response this is not known.
    if (kind === 'request' && sink.mayLackBody(current)) this.#next.finish('complete');
    else this.#next.finish(this.#framing.kind === 'close' && orderly ? 'complete' : outcome);
  }

  #beginNext(start: string, context: Origin): void {
    this.#next.finish('complete');
    this.#line.pending.append(Buffer.from(start, 'latin1'), 0, start.length, MAX_HEAD_BYTES);
    this.#progress.take(start.length, context);
    this.#next.startLineBegan();
  }

  #leave(context: Origin): void {
    const held = Buffer.from(this.#line.pending.text(), 'latin1');
    this.#line.clear();
    this.#next.bodyExists(this.#framing, held, context);
  }
}
