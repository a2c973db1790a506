/** The field lines of a head, up to the empty line that ends it (RFC 9112 section 5). */
import type { GapReason, Origin } from '../byteStream.ts';
import { MAX_HEAD_BYTES } from '../limits.ts';
import type { StoredMessage } from '../storedMessage.ts';
import { FieldSectionReader } from './fieldSectionReader.ts';
import { FramingFields } from './framingFields.ts';
import type { Line, LineReader } from './lineReader.ts';
import type { MessageProgress } from './messageProgress.ts';
import type { ReaderState, Transitions } from './readerState.ts';

export class HeadReader implements ReaderState {
  readonly #progress: MessageProgress;
  readonly #line: LineReader;
  readonly #next: Transitions;
  #section: FieldSectionReader | null = null;

  constructor(progress: MessageProgress, line: LineReader, next: Transitions) {
    this.#progress = progress;
    this.#line = line;
    this.#next = next;
  }

  begin(message: StoredMessage, startLine: Line): void {
    this.#section = new FieldSectionReader(message, this.#line, MAX_HEAD_BYTES, startLine.length);
    if (!startLine.withCr) message.breaks('bare-lf', this.#line.position);
    if (startLine.cut) {
      message.breaks('line-too-long', this.#line.position);
      message.headIncomplete = true;
    }
  }

  read(bytes: Buffer, at: number, context: Origin): number {
    const section = this.#section as FieldSectionReader;
    this.#line.begin(this.#progress.position, context);
    const line = this.#line.read(bytes, at, section.lineLimit);
    const end = line === null ? bytes.length : line.end;
    this.#progress.take(end - at, context);
    if (line !== null && section.add(line)) {
      const message = this.#progress.current;
      const { fields, late } = this.#close();
      const kept = FramingFields.of(fields);
      this.#next.headRead(message, kept, late.length === 0 ? kept : FramingFields.of([...fields, ...late]));
    }
    return end;
  }

  gap(length: number, _reason: GapReason, _context: Origin): number {
    this.#closeIncomplete();
    this.#progress.current.gap = true;
    this.#next.finish('lost');
    this.#next.lose(length);
    return 0;
  }

  end(outcome: 'cut' | 'open'): void {
    this.#closeIncomplete();
    this.#next.finish(outcome);
  }

  #closeIncomplete(): void {
    this.#close();
    this.#progress.current.headIncomplete = true;
  }

  #close(): ReturnType<FieldSectionReader['close']> {
    const section = this.#section as FieldSectionReader;
    this.#section = null;
    const lines = section.close();
    this.#progress.current.setFields(lines.fields);
    return lines;
  }
}
