/** In a chunked body whose chunk boundaries are lost: searches for the last chunk, or for the next message. */
import type { GapReason, Origin } from '../byteStream.ts';
import { findLastChunk, TERMINATOR_TAIL } from './chunks.ts';
import { FieldLines } from './fieldLines.ts';
import type { LineReader } from './lineReader.ts';
import type { MessageProgress } from './messageProgress.ts';
import type { ReaderState, Transitions } from './readerState.ts';
import { beginsMessage } from './startLine.ts';
import { setTrailers } from './trailers.ts';

export class ChunkSearch implements ReaderState {
  readonly #progress: MessageProgress;
  readonly #line: LineReader;
  readonly #next: Transitions;
  /** The last bytes of earlier pieces. */
  #tail = '';
  /** `#tail` begins where the gap ended. */
  #tailWhole = false;
  /** Nothing has been read since the gap, so the next bytes begin a system call. */
  #afterGap = false;

  constructor(progress: MessageProgress, line: LineReader, next: Transitions) {
    this.#progress = progress;
    this.#line = line;
    this.#next = next;
  }

  /** @param inGap bytes are missing here, not malformed. */
  begin(inGap: boolean): void {
    this.#tail = '';
    this.#tailWhole = true;
    this.#afterGap = inGap;
  }

  read(bytes: Buffer, at: number, context: Origin): number {
    const progress = this.#progress;
    const boundary = at === 0 || this.#afterGap;
    this.#afterGap = false;
    const message = progress.current;
    if (boundary && beginsMessage(progress.kind, bytes, at)) {
      this.#next.finish('lost');
      // The missing bytes may contain a whole message.
      if (message.gap) progress.sink.hidden(progress.kind);
      return at;
    }
    const before = this.#tail.length;
    const text = this.#tail + bytes.toString('latin1', at);
    const found = findLastChunk(text, this.#tailWhole || (boundary && before === 0), (offset) => {
      const behind = at + offset - before;
      return behind === bytes.length || (behind > at && beginsMessage(progress.kind, bytes, behind));
    });
    if (found === null) {
      this.#tail = text.slice(-TERMINATOR_TAIL);
      this.#tailWhole &&= text.length <= TERMINATOR_TAIL;
      progress.take(bytes.length - at, context);
      return bytes.length;
    }
    const to = at + found.end - before;
    progress.take(to - at, context);
    const trailers = new FieldLines((name) => message.breaks(name, progress.position));
    for (const line of found.trailers) trailers.add(line, true);
    trailers.finish();
    setTrailers(message, trailers.fields, this.#line.position);
    this.#next.finish('complete');
    return to;
  }

  gap(length: number, reason: GapReason, context: Origin): number {
    this.#progress.omitPart(length, reason, context);
    this.begin(true);
    if (reason === 'lost') this.#progress.sink.hidden(this.#progress.kind);
    return 0;
  }

  end(): void {
    this.#next.finish('lost');
    this.#progress.sink.hidden(this.#progress.kind);
  }
}
