/**
 * The parts of a multipart/x-mixed-replace body (RFC 2046 section 5.1), which cameras and old pages
 * stream: each part is a message, its fields are the message's.
 */

import type { GapReason, Outcome } from '../byteStream.ts';
import type { Field, MessageKind } from '../exchange.ts';
import { ContentBuffer } from './contentBuffer.ts';
import { gapLabel, type LabelName } from './labels.ts';
import { type MessageList, NO_FIELDS, NO_LABELS } from './messageList.ts';
import type { MessageHost, MessageReader } from './messageReader.ts';

const LF = 0x0a;

/** Bytes kept of a part's fields. */
const MAX_FIELD_BYTES = 8 * 1024;

enum State {
  /** Before the first delimiter, or after a gap. */
  Before,
  /** After a delimiter, up to the end of its line. */
  Delimiter,
  Fields,
  Content,
  /** After the last delimiter. */
  Ended,
}

export class PartReader implements MessageReader {
  readonly #in: MessageKind;
  readonly #list: MessageList;
  /** Possible delimiters; the first one that is seen decides. */
  #delimiters: readonly Buffer[];
  #delimiter: Buffer;
  readonly #content: ContentBuffer;
  #state = State.Before;
  /** Bytes that were seen and not yet read: the beginning of a delimiter or of a line. */
  #rest: Buffer = Buffer.alloc(0);
  /** The bytes not yet read begin a line. */
  #lineBegins = true;
  #fieldText = '';
  #labels: readonly LabelName[] = NO_LABELS;
  #holed = false;

  constructor(kind: MessageKind, list: MessageList, host: MessageHost, boundary: string) {
    this.#in = kind;
    this.#list = list;
    this.#delimiter = Buffer.from(`--${boundary}`, 'latin1');
    // Some senders write the two dashes in the parameter and not before the delimiter.
    this.#delimiters = boundary.startsWith('--')
      ? [this.#delimiter, Buffer.from(boundary, 'latin1')]
      : [this.#delimiter];
    this.#content = new ContentBuffer(host.bodyLimit);
  }

  feed(bytes: Buffer, time: number): void {
    let input = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    for (;;) {
      const used = this.#step(input, time);
      if (used < 0) break;
      input = input.subarray(used);
    }
    this.#rest = input.length === 0 ? NOTHING : Buffer.from(input);
  }

  gap(length: number | null, reason: GapReason, time: number): void {
    const label = gapLabel(reason);
    if (this.#state === State.Ended) return;
    if (this.#state === State.Content) {
      this.#content.append(this.#rest);
      this.#content.skip(length ?? 1);
    } else if (this.#state !== State.Before) this.#begin();
    this.#rest = NOTHING;
    this.#lineBegins = false;
    this.#holed = true;
    this.#label(label);
    // A delimiter may be in it.
    if (this.#state !== State.Before) this.#emit(time);
    this.#state = State.Before;
  }

  end(outcome: Outcome, time: number): void {
    if (this.#state !== State.Content && this.#state !== State.Fields) return;
    if (this.#state === State.Content) this.#content.append(this.#rest);
    this.#holed = true;
    this.#label(outcome === 'complete' ? 'cut' : outcome === 'lost' ? 'gap' : outcome);
    this.#emit(time);
    this.#state = State.Ended;
  }

  /** @returns bytes that were used; -1 when more are needed. */
  #step(input: Buffer, time: number): number {
    switch (this.#state) {
      case State.Before: {
        for (const delimiter of this.#delimiters) {
          const at = find(input, delimiter, this.#lineBegins);
          if (at < 0) continue;
          this.#delimiters = [delimiter];
          this.#delimiter = delimiter;
          this.#state = State.Delimiter;
          return at + delimiter.length;
        }
        if (input.length <= this.#delimiter.length) return -1;
        this.#lineBegins = false;
        return input.length - this.#delimiter.length;
      }
      case State.Delimiter: {
        if (input.length >= 2 && input[0] === 0x2d && input[1] === 0x2d) {
          this.#state = State.Ended;
          return 2;
        }
        const end = input.indexOf(LF);
        if (end < 0) return input.length > MAX_FIELD_BYTES ? input.length : -1;
        this.#begin();
        this.#state = State.Fields;
        return end + 1;
      }
      case State.Fields: {
        const end = input.indexOf(LF);
        if (end < 0) return input.length > MAX_FIELD_BYTES ? input.length : -1;
        const line = input.toString('latin1', 0, end).replace(/\r$/, '');
        if (line === '') this.#state = State.Content;
        else if (this.#fieldText.length < MAX_FIELD_BYTES) this.#fieldText += `${line}\n`;
        return end + 1;
      }
      case State.Content:
        return this.#inContent(input, time);
      case State.Ended:
        return input.length > 0 ? input.length : -1;
    }
  }

  #inContent(input: Buffer, time: number): number {
    const at = find(input, this.#delimiter, this.#content.size === 0);
    if (at < 0) {
      // Hold back what may be CR LF and an incomplete delimiter.
      const keep = Math.min(input.length, this.#delimiter.length + 1);
      if (input.length <= keep) return -1;
      this.#content.append(input, 0, input.length - keep);
      return input.length - keep;
    }
    // The line end before a delimiter belongs to it.
    let end = at;
    if (input[end - 1] === LF) end--;
    if (input[end - 1] === 0x0d && end < at) end--;
    this.#content.append(input, 0, end);
    this.#emit(time);
    this.#state = State.Delimiter;
    return at + this.#delimiter.length;
  }

  #begin(): void {
    this.#fieldText = '';
    this.#content.clear();
    this.#labels = NO_LABELS;
    this.#holed = false;
  }

  #emit(time: number): void {
    const fields: Field[] = [];
    for (const line of this.#fieldText.split('\n')) {
      const colon = line.indexOf(':');
      if (colon > 0) fields.push([line.slice(0, colon), line.slice(colon + 1).trim()]);
    }
    this.#list.add({
      in: this.#in,
      type: 'part',
      time,
      size: this.#holed ? null : this.#content.size,
      compressedSize: null,
      content: this.#content.take(),
      fields: fields.length === 0 ? NO_FIELDS : fields,
      labels: this.#labels,
    });
    this.#begin();
  }

  #label(name: LabelName): void {
    if (!this.#labels.includes(name)) this.#labels = [...this.#labels, name];
  }
}

/** Offset of a delimiter at the beginning of a line; -1: none. */
function find(input: Buffer, delimiter: Buffer, lineBegins: boolean): number {
  for (let at = input.indexOf(delimiter); at >= 0; at = input.indexOf(delimiter, at + 1)) {
    if (input[at - 1] === LF || (at === 0 && lineBegins)) return at;
  }
  return -1;
}

const NOTHING = Buffer.alloc(0);
