/**
 * What answers a request and is not HTTP: the program has reached another kind of server. Its bytes are kept as
 * a body without a head, up to the end of the stream; how much of them is an answer is not known.
 */
import { maskText } from '../../privacy/maskText.ts';
import type { GapReason, Origin } from '../byteStream.ts';
import { looksLikeHttp2 } from '../http2/detection.ts';
import type { MessageProgress } from './messageProgress.ts';
import type { ReaderState, Transitions } from './readerState.ts';

/** Bytes of the answer that are quoted. */
const QUOTED = 48;
const STARTS = ['HTTP/', 'ICY '];

/** Can these bytes, the first ones of an answer, no longer become a status line? */
export function isForeign(start: string): boolean {
  return start !== '' && !STARTS.some((text) => text.startsWith(start.slice(0, text.length)));
}

/** The first line of the answer, in printable ASCII. */
export function quoteAnswer(bytes: string): string {
  if (looksLikeHttp2(Buffer.from(bytes, 'latin1'))) return 'frames of HTTP/2';
  // A line of text, else all.
  const line = /^[ -~]+(?=[\r\n])/.exec(bytes)?.[0] ?? bytes;
  // biome-ignore format: one expression
  const text = line.replace(/[^ -[\]-~]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
  const short = text.length > QUOTED ? `${text.slice(0, QUOTED)}…` : text;
  return maskText(short);
}

export class ForeignAnswer implements ReaderState {
  readonly #progress: MessageProgress;
  readonly #next: Transitions;

  constructor(progress: MessageProgress, next: Transitions) {
    this.#progress = progress;
    this.#next = next;
  }

  read(bytes: Buffer, at: number, context: Origin): number {
    this.#progress.take(bytes.length - at, context);
    this.add(bytes, at, context);
    return bytes.length;
  }

  /** Bytes that are counted already. */
  add(bytes: Buffer, at: number, context: Origin): void {
    const message = this.#progress.current;
    const quoted = message.quoted ?? '';
    message.quoted = quoted + bytes.toString('latin1', at, at + QUOTED - quoted.length);
    this.#progress.addBody(bytes, at, bytes.length, context);
  }

  gap(length: number, reason: GapReason, context: Origin): number {
    this.#progress.omitBody(length, reason, context);
    return 0;
  }

  end(outcome: 'cut' | 'open'): void {
    this.#next.finish(outcome === 'open' ? 'open' : 'complete');
  }
}
