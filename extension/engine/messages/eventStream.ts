/**
 * Server-sent events by the rules of the HTML standard, section 9.2.6 ("Interpreting an event stream"). What
 * a client must ignore is shown too: comments, and blocks without data.
 */

import type { GapReason, Outcome } from '../byteStream.ts';
import type { Field, MessageKind } from '../exchange.ts';
import { ContentBuffer } from './contentBuffer.ts';
import { gapLabel, type LabelName } from './labels.ts';
import { type MessageList, NO_FIELDS, NO_LABELS } from './messageList.ts';
import type { MessageHost, MessageReader } from './messageReader.ts';
import { Utf8Check } from './utf8.ts';

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const SPACE = 0x20;
const NEWLINE = Buffer.from('\n');
const MARK = [0xef, 0xbb, 0xbf];

/** The longest name of a known field. */
const MAX_NAME = 5;
/** Bytes kept of an event's type, its id and its retry time. */
const MAX_VALUE = 1_024;

enum Part {
  /** At the beginning of a line, or in its field name. */
  Name,
  /** After the colon: one space is dropped. */
  AfterColon,
  Data,
  Comment,
  /** In the value of a short field: type, id or retry time. */
  Value,
  /** In a field that is ignored, or whose beginning is missing. */
  Ignored,
}

export class EventStreamReader implements MessageReader {
  readonly #in: MessageKind;
  readonly #list: MessageList;
  readonly #data: ContentBuffer;
  readonly #comment: ContentBuffer;
  readonly #value = new ContentBuffer(MAX_VALUE);
  readonly #utf8 = new Utf8Check();
  #part = Part.Name;
  #name = '';
  /** Bytes of the byte order mark seen at the beginning; -1: past it. */
  #mark = 0;
  #sawCr = false;

  /** Fields of the current block. */
  #hasData = false;
  #fields: Field[] = [];
  #labels: readonly LabelName[] = NO_LABELS;
  #holed = false;

  constructor(kind: MessageKind, list: MessageList, host: MessageHost) {
    this.#in = kind;
    this.#list = list;
    this.#data = new ContentBuffer(host.bodyLimit);
    this.#comment = new ContentBuffer(Math.min(host.bodyLimit, MAX_VALUE));
  }

  feed(bytes: Buffer, time: number): void {
    let at = 0;
    while (this.#mark >= 0 && at < bytes.length) {
      if (bytes[at] !== MARK[this.#mark]) {
        const begun = Buffer.from(MARK.slice(0, this.#mark));
        this.#mark = -1;
        this.feed(begun, time);
      } else {
        at++;
        this.#mark = this.#mark === 2 ? -1 : this.#mark + 1;
      }
    }
    while (at < bytes.length) {
      const byte = bytes[at] as number;
      if (byte === LF && this.#sawCr) {
        this.#sawCr = false;
        at++;
        continue;
      }
      this.#sawCr = byte === CR;
      if (byte === CR || byte === LF) {
        this.#lineEnded(time);
        at++;
      } else at = this.#inLine(bytes, at, byte);
    }
  }

  gap(_length: number | null, reason: GapReason): void {
    this.#mark = -1;
    this.#sawCr = false;
    this.#holed = true;
    this.#part = Part.Ignored;
    this.#comment.clear();
    this.#data.skip(1);
    this.#label(gapLabel(reason));
  }

  end(outcome: Outcome, time: number): void {
    // An unfinished last line is ignored, but shows that the event was incomplete.
    const begun = this.#part !== Part.Name || this.#name !== '';
    if (!begun && !this.#hasData && this.#fields.length === 0 && !this.#holed) return;
    if (outcome === 'open') this.#label('open');
    else this.#label(outcome === 'lost' ? 'gap' : 'sse-incomplete');
    this.#holed = true;
    this.#emit(time);
  }

  /** @returns the offset after the consumed part. */
  #inLine(bytes: Buffer, at: number, byte: number): number {
    switch (this.#part) {
      case Part.Name:
        if (byte === COLON) {
          this.#part = Part.AfterColon;
          if (this.#name === 'data') this.#dataBegins();
        } else if (this.#name.length === MAX_NAME) this.#part = Part.Ignored;
        else this.#name += String.fromCharCode(byte);
        return at + 1;
      case Part.AfterColon:
        this.#part = this.#valuePart();
        return byte === SPACE ? at + 1 : at;
      default: {
        const to = endOfLine(bytes, at);
        if (this.#part === Part.Data) {
          this.#data.append(bytes, at, to);
          this.#utf8.add(bytes.subarray(at, to));
        } else if (this.#part === Part.Comment) this.#comment.append(bytes, at, to);
        else if (this.#part === Part.Value) this.#value.append(bytes, at, to);
        return to;
      }
    }
  }

  #valuePart(): Part {
    switch (this.#name) {
      case '':
        return Part.Comment;
      case 'data':
        return Part.Data;
      case 'event':
      case 'id':
      case 'retry':
        return Part.Value;
      default:
        return Part.Ignored;
    }
  }

  #dataBegins(): void {
    if (this.#hasData) this.#data.append(NEWLINE);
    this.#hasData = true;
  }

  #lineEnded(time: number): void {
    const { name, part } = { name: this.#name, part: this.#part };
    this.#name = '';
    this.#part = Part.Name;
    if (part === Part.Name && name === '') {
      this.#blockEnded(time);
      return;
    }
    if (part === Part.Ignored) return;
    if (part === Part.Name) {
      // A line without a colon is a field without a value.
      if (name === 'data') this.#dataBegins();
      else if (name === 'event' || name === 'id') this.#field(name, '');
    } else if (name === '') this.#commentEnded(time);
    else if (name !== 'data') this.#field(name, this.#value.take());
  }

  #field(name: string, bytes: string): void {
    if (name === 'retry' && !/^[0-9]+$/.test(bytes)) return;
    if (name === 'id' && bytes.includes('\0')) return;
    this.#fields = this.#fields.filter(([known]) => known !== name);
    const value = Buffer.from(bytes, 'latin1').toString();
    if (name !== 'event' || value !== '') this.#fields.push([name, value]);
  }

  #commentEnded(time: number): void {
    this.#list.add({
      in: this.#in,
      type: 'comment',
      time,
      size: this.#comment.size,
      compressedSize: null,
      content: this.#comment.take(),
      fields: NO_FIELDS,
      labels: NO_LABELS,
    });
  }

  #blockEnded(time: number): void {
    if (!this.#hasData && !this.#holed) {
      if (this.#fields.length === 0) return;
      this.#label('sse-no-data');
    }
    this.#emit(time);
  }

  #emit(time: number): void {
    if (!this.#utf8.end() && !this.#holed) this.#label('sse-utf8');
    this.#list.add({
      in: this.#in,
      type: 'event',
      time,
      size: this.#holed ? null : this.#data.size,
      compressedSize: null,
      content: this.#data.take(),
      fields: this.#fields.length === 0 ? NO_FIELDS : this.#fields,
      labels: this.#labels,
    });
    this.#hasData = false;
    this.#fields = [];
    this.#labels = NO_LABELS;
    this.#holed = false;
  }

  #label(name: LabelName): void {
    if (!this.#labels.includes(name)) this.#labels = [...this.#labels, name];
  }
}

/** Where the line ends, or the bytes do. */
function endOfLine(bytes: Buffer, at: number): number {
  for (let i = at; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === LF || byte === CR) return i;
  }
  return bytes.length;
}
