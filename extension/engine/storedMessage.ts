/**
 * A message as it is held. It is built to be one of many: 100,000 exchanges are held in a few hundred MiB, so fields are
 * kept as one string per message and split when they are asked for.
 */

import { trimBlanks } from '../http/fieldSyntax.ts';
import { BodyBuffer } from './bodyBuffer.ts';
import type { Outcome } from './byteStream.ts';
import type { Field, MessageKind, Request, Response, SeenField, Violation } from './exchange.ts';
import { quoteAnswer } from './http1/quote.ts';
import { MAX_VIOLATIONS } from './limits.ts';
import { type RuleName, ruleText } from './violations.ts';

/** The version of every message on a stream. */
export const HTTP2 = 'HTTP/2';

/** Estimated bytes of a message without its strings and body; measured on Node 24. */
const MESSAGE_COST = 400;
/** Bytes of a field that is kept by itself: an array of two strings. */
const FIELD_COST = 100;
/** Of a reference to a field. */
const POINTER = 8;

/** `name:value` and CRLF for each field, with or without blanks around the value; Latin-1. */
type FieldLinesText = string;

const COLON = 58;

interface BrokenRule {
  readonly name: RuleName;
  readonly position: number;
}

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
  /** Not all fields are known. */
  headIncomplete = false;
  /** The stream ended before the message did. */
  cut = false;
  /** How its end was reached; null while it runs. */
  outcome: Outcome | null = null;

  /** The beginning of an answer that is not HTTP; null: it is a message of HTTP. */
  quoted: string | null = null;

  #fields: FieldLinesText | readonly SeenField[] = '';
  /** Where the fields begin in their text. */
  #fieldsAt = 0;
  #trailers: FieldLinesText | readonly SeenField[] = '';
  /** Of fields in a list: bytes that no other message keeps. */
  #listCost = 0;
  #broken: BrokenRule[] | null = null;

  constructor(kind: MessageKind, position: number, version: string) {
    this.kind = kind;
    this.position = position;
    this.version = version;
  }

  get fields(): SeenField[] {
    return split(this.#fields, this.#fieldsAt);
  }

  get trailers(): SeenField[] {
    return split(this.#trailers, 0);
  }

  /** @param text of the head, as sent, with nothing but plain field lines from `fieldsAt` on. */
  setHead(text: FieldLinesText, fieldsAt: number): void {
    this.#fields = text;
    this.#fieldsAt = fieldsAt;
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
    this.#fieldsAt = 0;
  }

  setTrailers(trailers: readonly Field[]): void {
    this.#trailers = this.#join(trailers);
  }

  get violations(): Violation[] {
    const { kind, quoted } = this;
    return (this.#broken ?? []).map(({ name, position }) => {
      const { rule, message } = ruleText(name);
      if (name !== 'not-http' || quoted === null) return { rule, message, in: kind, position };
      return { rule, message: `The answer is not HTTP (${quoteAnswer(quoted)}).`, in: kind, position };
    });
  }

  get violationCount(): number {
    return this.#broken?.length ?? 0;
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
    return firstValue(this.#fields, this.#fieldsAt, name);
  }

  /** First value of a trailer field, by its lower-case name; null when absent or unknown. */
  trailer(name: string): string | null {
    return firstValue(this.#trailers, 0, name);
  }

  #join(fields: readonly Field[]): FieldLinesText | readonly Field[] {
    let text = '';
    for (const [name, value] of fields) {
      // Malformed fields may contain characters that end a name or a line.
      if (name.includes(':') || name.includes('\n') || value.includes('\n')) {
        this.#listCost += fields.reduce((sum, [n, v]) => sum + FIELD_COST + n.length + v.length, 0);
        return fields;
      }
      text += `${name}:${value}\r\n`;
    }
    // A rope keeps all its parts alive; this makes it one flat string.
    return text.length === 0 ? '' : Buffer.from(text, 'latin1').toString('latin1');
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

function split(text: FieldLinesText | readonly SeenField[], at: number): SeenField[] {
  if (typeof text !== 'string') return [...text];
  const fields: SeenField[] = [];
  for (let from = at; from < text.length; ) {
    const colon = text.indexOf(':', from);
    const end = text.indexOf('\n', colon);
    fields.push([text.slice(from, colon), trimBlanks(text.slice(colon + 1, end - 1))]);
    from = end + 1;
  }
  return fields;
}

function firstValue(text: FieldLinesText | readonly SeenField[], at: number, name: string): string | null {
  if (typeof text !== 'string') {
    for (const [other, value] of text) {
      if (other !== null && other.length === name.length && other.toLowerCase() === name) return value;
    }
    return null;
  }
  for (let from = at; from < text.length; ) {
    const colon = from + name.length;
    const end = text.indexOf('\n', from);
    if (text.charCodeAt(colon) === COLON && text.slice(from, colon).toLowerCase() === name) {
      return trimBlanks(text.slice(colon + 1, end - 1));
    }
    from = end + 1;
  }
  return null;
}

function lengthOf(text: FieldLinesText | readonly SeenField[]): number {
  return typeof text === 'string' ? text.length : 0;
}
