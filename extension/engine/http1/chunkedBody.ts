/** A chunked body (RFC 9112 section 7.1): chunk-size lines, chunks, trailers. */
import type { GapReason, Origin } from '../byteStream.ts';
import { MAX_CHUNK_LINE, MAX_TRAILER_BYTES } from '../limits.ts';
import { CR, LF } from './characters.ts';
import { readChunkLine } from './chunks.ts';
import { FieldSectionReader } from './fieldSectionReader.ts';
import type { Line, LineReader } from './lineReader.ts';
import type { MessageProgress } from './messageProgress.ts';
import type { ReaderState, Transitions } from './readerState.ts';
import { setTrailers } from './trailers.ts';

enum Phase {
  Size,
  Data,
  /** The line end after a chunk's data. */
  End,
  Trailers,
}

export class ChunkedBody implements ReaderState {
  readonly #progress: MessageProgress;
  readonly #line: LineReader;
  readonly #next: Transitions;
  #phase = Phase.Size;
  /** Bytes of the chunk still to come. */
  #remaining = 0;
  /** After a chunk's data, CR has been read. */
  #sawCr = false;
  #trailers: FieldSectionReader | null = null;

  constructor(progress: MessageProgress, line: LineReader, next: Transitions) {
    this.#progress = progress;
    this.#line = line;
    this.#next = next;
  }

  begin(): void {
    this.#line.clear();
    this.#phase = Phase.Size;
  }

  read(bytes: Buffer, at: number, context: Origin): number {
    if (this.#phase === Phase.Data) return this.#readData(bytes, at, context);
    if (this.#phase === Phase.End) return this.#readDataEnd(bytes, at, context);
    this.#line.begin(this.#progress.position, context);
    const line = this.#line.read(bytes, at, this.#trailers?.lineLimit ?? MAX_CHUNK_LINE);
    const end = line === null ? bytes.length : line.end;
    this.#progress.take(end - at, context);
    if (line === null) return end;
    if (this.#trailers === null) this.#readSize(line, context);
    else if (this.#trailers.add(line)) {
      this.#closeTrailers();
      this.#next.finish('complete');
    }
    return end;
  }

  gap(length: number, reason: GapReason, context: Origin): number {
    if (this.#phase === Phase.Data) {
      const inside = Math.min(length, this.#remaining);
      this.#progress.omitBody(inside, reason, context);
      this.#dataPassed(inside);
      return length - inside;
    }
    this.#progress.omitPart(length, reason, context);
    this.#lose(true);
    // Bytes left out on purpose belong to one message's body, as the kernel programs copy every head. Lost bytes
    // may contain the end of this message and the beginning of the next.
    if (reason === 'lost') this.#progress.sink.hidden(this.#progress.kind);
    return 0;
  }

  end(outcome: 'cut' | 'open'): void {
    this.#closeTrailers();
    this.#next.finish(outcome);
  }

  #readSize({ text, cut, withCr }: Line, context: Origin): void {
    const message = this.#progress.current;
    const { position } = this.#line;
    if (!withCr) message.breaks('chunk-line-end', position);
    const { size, broken } = readChunkLine(text, cut);
    for (const name of broken) message.breaks(name, position);
    if (size === null) this.#loseMalformed(context);
    else if (size > 0) {
      this.#remaining = size;
      this.#phase = Phase.Data;
    } else {
      this.#trailers = new FieldSectionReader(message, this.#line, MAX_TRAILER_BYTES, 0);
      this.#phase = Phase.Trailers;
    }
  }

  #readData(bytes: Buffer, at: number, context: Origin): number {
    const to = Math.min(bytes.length, at + this.#remaining);
    this.#progress.take(to - at, context);
    this.#progress.addBody(bytes, at, to, context);
    this.#dataPassed(to - at);
    return to;
  }

  #dataPassed(count: number): void {
    this.#remaining -= count;
    if (this.#remaining > 0) return;
    this.#sawCr = false;
    this.#phase = Phase.End;
  }

  #readDataEnd(bytes: Buffer, at: number, context: Origin): number {
    const byte = bytes[at];
    if (byte === CR && !this.#sawCr) this.#sawCr = true;
    else if (byte === LF) {
      if (!this.#sawCr) this.#progress.current.breaks('chunk-line-end', this.#progress.position);
      this.begin();
    } else {
      this.#progress.current.breaks('chunk-data-end', this.#progress.position);
      this.#loseMalformed(context);
      return at;
    }
    this.#progress.take(1, context);
    return at + 1;
  }

  #loseMalformed(context: Origin): void {
    const { sink, kind, current } = this.#progress;
    sink.bodyGap(current, null, 'lost', context);
    current.truncated = true;
    this.#lose(false);
    sink.hidden(kind);
  }

  #lose(inGap: boolean): void {
    this.#trailers = null;
    this.#next.loseChunks(inGap);
  }

  #closeTrailers(): void {
    if (this.#trailers === null) return;
    setTrailers(this.#progress.current, this.#trailers.close().fields, this.#line.position);
    this.#trailers = null;
  }
}
