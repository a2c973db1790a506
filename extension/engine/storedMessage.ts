/**
 * A message as it is held. It is built to be one of many: 100,000 exchanges are held in a few hundred MiB, so field
 * lines are kept as they came, in a block that others share (slab.ts), and split when they are asked for.
 */

import { isNameAt, trimBlanks } from '../http/fieldSyntax.ts';
import { BodyBuffer } from './bodyBuffer.ts';
import type { GapReason, Outcome } from './byteStream.ts';
import type { Field, MessageKind, Request, Response, SeenField, Violation } from './exchange.ts';
import { quoteForeign } from './http1/quote.ts';
import { MAX_VIOLATIONS } from './limits.ts';
import { keep, keptAt, LARGEST_PIECE } from './slab.ts';
import { type RuleName, ruleText } from './violations.ts';

/** The version of every message on a stream. */
export const HTTP2 = 'HTTP/2';

/** Estimated bytes of a message without its strings and body; measured on Node 24. */
const MESSAGE_COST = 400;
/** Bytes of a field that is kept by itself: an array of two strings. */
const FIELD_COST = 100;
/** Of a reference to a field. */
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
  readonly body = new BodyBuffer();
  firstByte: number | null = null;
  lastByte: number | null = null;
  wireSize = 0;
  /** Transfer codings other than chunked, outermost last; null = none. */
  transferCodings: readonly string[] | null = null;
  /** Bytes were lost, unseen or unreadable. */
  gap = false;
  /** Bytes were left out by a limit. */
  truncated = false;
  /** Some of them because there was too much at once. */
  shed = false;
  /** Not all fields are known. */
  headIncomplete = false;
  /** The stream ended before the message did. */
  cut = false;
  /** How its end was reached; null while it runs. */
  outcome: Outcome | null = null;

  /** The beginning of an answer that is not HTTP; null: it is a message of HTTP. */
  quoted: string | null = null;

  #fields: FieldLines | readonly SeenField[] = NO_FIELDS;
  #trailers: FieldLines | readonly SeenField[] = NO_FIELDS;
  /** Of fields in a list: bytes that no other message keeps. */
  #listCost = 0;
  #broken: BrokenRule[] | null = null;

  constructor(kind: MessageKind, position: number, version: string) {
    this.kind = kind;
    this.position = position;
    this.version = version;
  }

  get fields(): SeenField[] {
    return split(this.#fields);
  }

  get trailers(): SeenField[] {
    return split(this.#trailers);
  }

  /** Copies the field lines of a head, as sent: nothing but plain ones in `bytes`, from `from` to `to`. */
  setFieldLines(bytes: Buffer, from: number, to: number): void {
    this.#fields = from === to ? NO_FIELDS : keepLines(bytes, from, to);
  }

  /**
   * Fields that other messages share (HTTP/2): kept as they are.
   * @param cost in bytes, of what this message alone keeps.
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
    this.#fields = this.#join(fields);
  }

  setTrailers(trailers: readonly Field[]): void {
    this.#trailers = this.#join(trailers);
  }

  /** Holds no block that others share any more: it outlives those that came with it. */
  detach(): void {
    this.#fields = ownLines(this.#fields);
    this.#trailers = ownLines(this.#trailers);
    this.body.detach();
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
    return firstValue(this.#fields, name);
  }

  /** First value of a trailer field, by its lower-case name; null when absent or unknown. */
  trailer(name: string): string | null {
    return firstValue(this.#trailers, name);
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
      lengthOf(this.#fields) +
      lengthOf(this.#trailers) +
      this.#listCost +
      this.body.captured
    );
  }
}

function keepLines(bytes: Buffer, from: number, to: number): FieldLines {
  const length = to - from;
  if (length > LARGEST_PIECE) return { block: Buffer.from(bytes.subarray(from, to)), at: 0, end: length };
  const block = keep(bytes, from, to);
  return { block, at: keptAt, end: keptAt + length };
}

/** The same in memory of their own. */
function ownLines(fields: FieldLines | readonly SeenField[]): FieldLines | readonly SeenField[] {
  if (isList(fields) || fields.end - fields.at === fields.block.length) return fields;
  const block = Buffer.allocUnsafeSlow(fields.end - fields.at);
  fields.block.copy(block, 0, fields.at, fields.end);
  return { block, at: 0, end: block.length };
}

function isList(fields: FieldLines | readonly SeenField[]): fields is readonly SeenField[] {
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

function firstValue(fields: FieldLines | readonly SeenField[], name: string): string | null {
  if (isList(fields)) {
    for (const [other, value] of fields) {
      if (other !== null && other.length === name.length && other.toLowerCase() === name) return value;
    }
    return null;
  }
  const { block, at, end } = fields;
  for (let from = at; from < end; ) {
    const colon = from + name.length;
    let to = from;
    while (to < end && block[to] !== LF) to++;
    if (colon < to && block[colon] === COLON && isNameAt(block, from, name)) {
      return trimBlanks(block.toString('latin1', colon + 1, to - 1));
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
