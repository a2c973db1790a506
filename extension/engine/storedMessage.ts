/**
 * A message as the store holds it. 100,000 exchanges have to fit in a few hundred MiB, so field lines are kept as they
 * were sent, in a block shared with other messages (slab.ts), and are split only on request.
 */

import { isBlank, isNameAt, trimBlanks } from '../http/fieldSyntax.ts';
import { textAt } from '../http/knownText.ts';
import { BodyBuffer } from './bodyBuffer.ts';
import type { GapReason, Outcome } from './byteStream.ts';
import type { Body, Field, MessageKind, Request, Response, SeenField, Violation } from './exchange.ts';
import { quoteForeign } from './http1/quote.ts';
import { MAX_VIOLATIONS } from './limits.ts';
import { keep, keptAt, LARGEST_PIECE } from './slab.ts';
import { type RuleName, ruleText } from './violations.ts';

/** The version of every message on an HTTP/2 stream. */
export const HTTP2 = 'HTTP/2';

/** Estimated bytes of a message without its strings and body; measured on Node 24. */
const MESSAGE_COST = 400;
/** Bytes of a field that is kept by itself: an array of two strings. */
const FIELD_COST = 100;
/** Bytes of a reference to a field. */
const POINTER = 8;

const COLON = 58;
const LF = 10;

/** `name:value` and CRLF for each field, with or without blanks around the value: from `at` to `end` in `block`. */
interface FieldLines {
  readonly block: Buffer;
  readonly at: number;
  readonly end: number;
}

interface BrokenRule {
  readonly name: RuleName;
  readonly position: number;
}

const NO_FIELDS: readonly SeenField[] = [];

const CONTENT_TYPE = 'content-type';
/** Values of `typeAt`: there is no Content-Type line; it has not been searched for. */
export const NO_TYPE = -1;
const UNKNOWN_TYPE = -2;

/** The body of a message that has none, and of one whose body has not begun. Never changed: see `growingBody`. */
const EMPTY: Body = Object.assign(new BodyBuffer(), { size: 0 });
const NOTHING_SEEN: Body = new BodyBuffer();

export class StoredMessage implements Request, Response {
  readonly kind: MessageKind;
  /** Position of the first byte in its direction's stream. */
  readonly position: number;
  version: string;
  method = '';
  target = '';
  scheme: string | null = null;
  authority: string | null = null;
  status = 0;
  statusText = '';
  firstByte: number | null = null;
  lastByte: number | null = null;
  wireSize = 0;
  headSize: number | null = null;
  /** Transfer codings other than chunked, outermost last; null = none. */
  transferCodings: readonly string[] | null = null;
  /** Bytes were lost, unseen or unreadable. */
  gap = false;
  /** Bytes were left out by a limit. */
  truncated = false;
  /** Bytes were shed because of overload. */
  shed = false;
  /** Not all fields are known. */
  headIncomplete = false;
  /** The stream ended before the message did. */
  cut = false;
  /** How its end was reached; null while it runs. */
  outcome: Outcome | null = null;

  /** The beginning of a message that is not HTTP; null: it is HTTP. */
  quoted: string | null = null;

  /** The block in which the field lines are, from `#at` to `#end`, or the fields themselves. */
  #fields: Buffer | readonly SeenField[] = NO_FIELDS;
  #at = 0;
  #end = 0;
  /** For lines in a block: offset from `#at` of the Content-Type line; or {@link NO_TYPE}, or {@link UNKNOWN_TYPE}. */
  #typeAt = UNKNOWN_TYPE;
  /** null: no byte of the body has been seen. */
  #body: BodyBuffer | null = null;
  #isEmpty = false;
  #trailers: FieldLines | readonly SeenField[] = NO_FIELDS;
  /** For fields in a list: the bytes that only this message keeps. */
  #listCost = 0;
  #broken: BrokenRule[] | null = null;

  constructor(kind: MessageKind, position: number, version: string) {
    this.kind = kind;
    this.position = position;
    this.version = version;
  }

  get body(): Body {
    return this.#body ?? (this.#isEmpty ? EMPTY : NOTHING_SEEN);
  }

  /** The body, to append to. */
  get growingBody(): BodyBuffer {
    this.#body ??= new BodyBuffer();
    return this.#body;
  }

  /** The body has ended. @param size after transfer decoding; null: not known. */
  endBody(size: number | null): void {
    this.#body?.close();
    if (size === null) return;
    if (size === 0 && this.#body === null) this.#isEmpty = true;
    else this.growingBody.size = size;
  }

  get fields(): SeenField[] {
    return split(this.#lines);
  }

  get #lines(): FieldLines | readonly SeenField[] {
    const fields = this.#fields;
    return isList(fields) ? fields : { block: fields, at: this.#at, end: this.#end };
  }

  #setLines(lines: FieldLines | readonly SeenField[]): void {
    this.#typeAt = UNKNOWN_TYPE;
    if (isList(lines)) {
      this.#fields = lines;
      return;
    }
    this.#fields = lines.block;
    this.#at = lines.at;
    this.#end = lines.end;
  }

  get trailers(): SeenField[] {
    return split(this.#trailers);
  }

  /**
   * Copies the field lines of a head as they were sent: `bytes` from `from` to `to`, all well-formed. Called once.
   * @param typeAt offset from `from` of the first Content-Type line, or {@link NO_TYPE}.
   */
  setFieldLines(bytes: Buffer, from: number, to: number, typeAt: number): void {
    if (from === to) return;
    const length = to - from;
    this.#typeAt = typeAt;
    this.#fields = length > LARGEST_PIECE ? Buffer.from(bytes.subarray(from, to)) : keep(bytes, from, to);
    this.#at = length > LARGEST_PIECE ? 0 : keptAt;
    this.#end = this.#at + length;
  }

  /**
   * Fields that other messages share (HTTP/2): kept as they are.
   * @param cost bytes that only this message keeps.
   */
  shareFields(fields: readonly SeenField[], cost: number): void {
    this.#fields = fields;
    this.#listCost += cost + POINTER * fields.length;
  }

  shareTrailers(trailers: readonly SeenField[], cost: number): void {
    this.#trailers = trailers;
    this.#listCost += cost + POINTER * trailers.length;
  }

  setFields(fields: readonly Field[]): void {
    this.#setLines(this.#join(fields));
  }

  setTrailers(trailers: readonly Field[]): void {
    this.#trailers = this.#join(trailers);
  }

  /** Moves its bytes out of shared blocks, because it will outlive the messages that share them. */
  detach(): void {
    const typeAt = this.#typeAt;
    this.#setLines(ownLines(this.#lines));
    this.#typeAt = typeAt;
    this.#trailers = ownLines(this.#trailers);
    this.#body?.detach();
  }

  get violations(): Violation[] {
    const { kind, quoted } = this;
    return (this.#broken ?? []).map(({ name, position }) => {
      const { rule, message } = ruleText(name);
      const text = quoted === null ? message : (quotedText(name, quoted) ?? message);
      return { rule, message: text, in: kind, position };
    });
  }

  get violationCount(): number {
    return this.#broken?.length ?? 0;
  }

  /** Bytes of the body were left out. */
  leaveOut(reason: Exclude<GapReason, 'lost'>): void {
    this.truncated = true;
    if (reason === 'shed') this.shed = true;
  }

  /** Notes a broken rule, once per rule. */
  breaks(name: RuleName, position: number): void {
    this.#broken ??= [];
    if (this.#broken.length < MAX_VIOLATIONS && !this.#broken.some((b) => b.name === name)) {
      this.#broken.push({ name, position });
    }
  }

  /** First value of a field, by its lower-case name; null when absent or unknown. */
  field(name: string): string | null {
    const fields = this.#fields;
    if (isList(fields)) return firstOf(fields, name);
    if (name !== CONTENT_TYPE || this.#typeAt === UNKNOWN_TYPE)
      return firstIn(fields, this.#at, this.#end, name);
    return this.#typeAt === NO_TYPE ? null : firstIn(fields, this.#at + this.#typeAt, this.#end, name);
  }

  /** First value of a trailer field, by its lower-case name; null when absent or unknown. */
  trailer(name: string): string | null {
    const trailers = this.#trailers;
    return isList(trailers)
      ? firstOf(trailers, name)
      : firstIn(trailers.block, trailers.at, trailers.end, name);
  }

  #join(fields: readonly Field[]): FieldLines | readonly SeenField[] {
    let text = '';
    for (const [name, value] of fields) {
      // Malformed fields may contain characters that end a name or a line.
      if (name.includes(':') || name.includes('\n') || value.includes('\n')) {
        this.#listCost += fields.reduce((sum, [n, v]) => sum + FIELD_COST + n.length + v.length, 0);
        return fields;
      }
      text += `${name}:${value}\r\n`;
    }
    return text === '' ? NO_FIELDS : keepLines(Buffer.from(text, 'latin1'), 0, text.length);
  }

  get cost(): number {
    return (
      MESSAGE_COST +
      this.target.length +
      this.statusText.length +
      (isList(this.#fields) ? 0 : this.#end - this.#at) +
      lengthOf(this.#trailers) +
      this.#listCost +
      (this.#body === null ? 0 : this.#body.captured)
    );
  }
}

function keepLines(bytes: Buffer, from: number, to: number): FieldLines {
  const length = to - from;
  if (length > LARGEST_PIECE) return { block: Buffer.from(bytes.subarray(from, to)), at: 0, end: length };
  const block = keep(bytes, from, to);
  return { block, at: keptAt, end: keptAt + length };
}

/** Copies the lines into memory of their own. */
function ownLines(fields: FieldLines | readonly SeenField[]): FieldLines | readonly SeenField[] {
  if (isList(fields) || fields.end - fields.at === fields.block.length) return fields;
  const block = Buffer.allocUnsafeSlow(fields.end - fields.at);
  fields.block.copy(block, 0, fields.at, fields.end);
  return { block, at: 0, end: block.length };
}

function isList(fields: FieldLines | Buffer | readonly SeenField[]): fields is readonly SeenField[] {
  return Array.isArray(fields);
}

function split(fields: FieldLines | readonly SeenField[]): SeenField[] {
  if (isList(fields)) return [...fields];
  const text = fields.block.toString('latin1', fields.at, fields.end);
  const list: SeenField[] = [];
  for (let from = 0; from < text.length; ) {
    const colon = text.indexOf(':', from);
    const end = text.indexOf('\n', colon);
    list.push([text.slice(from, colon), trimBlanks(text.slice(colon + 1, end - 1))]);
    from = end + 1;
  }
  return list;
}

function firstOf(fields: readonly SeenField[], name: string): string | null {
  for (const [other, value] of fields) {
    if (other !== null && other.length === name.length && other.toLowerCase() === name) return value;
  }
  return null;
}

/** As {@link firstOf}, for field lines in a block. */
function firstIn(block: Buffer, at: number, end: number, name: string): string | null {
  for (let from = at; from < end; ) {
    const colon = from + name.length;
    let to = from;
    while (to < end && block[to] !== LF) to++;
    if (colon < to && block[colon] === COLON && isNameAt(block, from, name)) {
      let first = colon + 1;
      let last = to - 1;
      while (first < last && isBlank(block[first] as number)) first++;
      while (last > first && isBlank(block[last - 1] as number)) last--;
      return textAt(block, first, last);
    }
    from = to + 1;
  }
  return null;
}

function lengthOf(fields: FieldLines | readonly SeenField[]): number {
  return isList(fields) ? 0 : fields.end - fields.at;
}

/** The sentence for a broken rule with the bytes that break it; null: they are not quoted. */
function quotedText(name: RuleName, quoted: string): string | null {
  if (name === 'not-http') return `The answer is not HTTP (${quoteForeign(quoted)}).`;
  return name === 'request-not-http' ? `The request is not HTTP (${quoteForeign(quoted)}).` : null;
}
