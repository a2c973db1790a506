/**
 * JSON lines (https://jsonlines.org, NDJSON): one value a line. And JSON text sequences (RFC 7464): each value
 * between a record separator and a line feed. Empty lines are ignored.
 */

import type { GapReason, Outcome } from '../byteStream.ts';
import type { MessageKind } from '../exchange.ts';
import { ContentBuffer } from './contentBuffer.ts';
import { gapLabel, type LabelName } from './labels.ts';
import { type MessageList, NO_FIELDS, NO_LABELS } from './messageList.ts';
import type { MessageHost, MessageReader } from './messageReader.ts';

const LF = 0x0a;
const CR = 0x0d;
const RS = 0x1e;

export class LineReader implements MessageReader {
  readonly #in: MessageKind;
  readonly #list: MessageList;
  readonly #content: ContentBuffer;
  /** The byte that begins each value of a sequence; null: lines are separated by line feeds only. */
  readonly #separator: number | null;
  #labels: readonly LabelName[] = NO_LABELS;
  /** Bytes of the line are missing. */
  #holed = false;
  #last = -1;

  constructor(kind: MessageKind, list: MessageList, host: MessageHost, sequence: boolean) {
    this.#in = kind;
    this.#list = list;
    this.#content = new ContentBuffer(host.bodyLimit);
    this.#separator = sequence ? RS : null;
  }

  feed(bytes: Buffer, time: number): void {
    for (let at = 0; at < bytes.length; ) {
      let end = bytes.indexOf(LF, at);
      if (this.#separator !== null) {
        const separator = bytes.subarray(at, end < 0 ? bytes.length : end).indexOf(this.#separator);
        if (separator >= 0) end = at + separator;
      }
      const to = end < 0 ? bytes.length : end;
      this.#content.append(bytes, at, to);
      if (to > at) this.#last = bytes[to - 1] ?? -1;
      if (end < 0) return;
      this.#ended(time);
      at = end + 1;
    }
  }

  gap(length: number | null, reason: GapReason): void {
    this.#holed = true;
    this.#content.skip(length ?? 1);
    this.#label(gapLabel(reason));
  }

  end(outcome: Outcome, time: number): void {
    // The last line needs no line feed.
    if (outcome === 'cut' || outcome === 'open') this.#label(outcome);
    if (outcome === 'lost') this.#label('gap');
    if (this.#content.size > 0) this.#ended(time);
  }

  #label(name: LabelName): void {
    if (!this.#labels.includes(name)) this.#labels = [...this.#labels, name];
  }

  #ended(time: number): void {
    const content = this.#content;
    const withCr = this.#last === CR && !this.#holed;
    const size = content.size - (withCr ? 1 : 0);
    const whole = content.kept === content.size;
    let text = content.take();
    if (withCr && whole) text = text.slice(0, -1);
    const labels = this.#labels;
    const holed = this.#holed;
    this.#labels = NO_LABELS;
    this.#holed = false;
    this.#last = -1;
    if (size === 0) return;
    this.#list.add({
      in: this.#in,
      type: 'line',
      time,
      size: holed ? null : size,
      compressedSize: null,
      content: text,
      fields: NO_FIELDS,
      labels,
    });
  }
}
