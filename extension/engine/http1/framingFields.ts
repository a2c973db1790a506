/**
 * The fields of a head that say how its message is delimited and what follows it (RFC 9112 sections 6 and 9). They are
 * collected from field lines (`of`), or directly from the bytes of a head that breaks no rule (plainHead.ts), which
 * creates strings only for unusual values.
 */
import { listMembers, trimBlanks } from '../../http/fieldSyntax.ts';
import type { Field } from '../exchange.ts';
import type { RuleName } from '../violations.ts';

/** In lower case; no two of the same length. */
export const FRAMING_FIELDS: readonly string[] = [
  ...['content-length', 'transfer-encoding', 'upgrade', 'connection', 'expect', 'host'],
];

export function isFramingField(lowerName: string): boolean {
  return FRAMING_FIELDS.includes(lowerName);
}

/** uri-host and port (RFC 3986 section 3.2.2). */
const HOST = /^(?:\[[0-9a-z:.%\-_~]+\]|[0-9a-z\-._~%!$&'()*+,;=]*)(?::\d*)?$/i;

const NO_CODINGS: readonly string[] = [];
const NO_RULES: readonly RuleName[] = [];

export class FramingFields {
  /** The first valid Content-Length; null: there is none. */
  length: number | null = null;
  /** There is a Content-Length, valid or not. */
  hasLength = false;
  /** Members of Transfer-Encoding, in lower case. */
  codings = NO_CODINGS;
  hasCodings = false;
  /** The first value; null: there is no such field. */
  upgrade: string | null = null;
  expect: string | null = null;
  /** Number of Host fields, and the value of the first; null if it is known to be valid and not needed. */
  hosts = 0;
  host: string | null = null;
  /** Members of Connection. */
  close = false;
  keepAlive = false;

  #lengths = 0;
  #lengthBroken: RuleName[] | null = null;
  #hostBroken = false;

  /** Resets all fields. */
  clear(): void {
    this.length = null;
    this.hasLength = false;
    this.codings = NO_CODINGS;
    this.hasCodings = false;
    this.upgrade = null;
    this.expect = null;
    this.hosts = 0;
    this.host = null;
    this.close = false;
    this.keepAlive = false;
    this.#lengths = 0;
    this.#lengthBroken = null;
    this.#hostBroken = false;
  }

  static of(fields: readonly Field[]): FramingFields {
    const all = new FramingFields();
    for (const [name, value] of fields) {
      // Compare lengths first: lower-casing every field name of every message is slow.
      if (isFramingLength(name.length)) all.add(name.toLowerCase(), value);
    }
    return all;
  }

  /** @param value without blanks around it. */
  add(lowerName: string, value: string): void {
    switch (lowerName) {
      case 'content-length':
        this.hasLength = true;
        for (const member of value.includes(',') ? value.split(',') : [value]) this.#addLength(member);
        return;
      case 'transfer-encoding':
        this.hasCodings = true;
        this.codings = [...this.codings, ...listMembers(value)];
        return;
      case 'upgrade':
        this.upgrade ??= value;
        return;
      case 'expect':
        this.expect ??= value;
        return;
      case 'connection':
        for (const member of listMembers(value)) {
          if (member === 'close') this.close = true;
          else if (member === 'keep-alive') this.keepAlive = true;
        }
        return;
      case 'host':
        if (this.hosts++ === 0) this.host = value;
        if (!HOST.test(value)) this.#hostBroken = true;
        return;
    }
  }

  /** A Content-Length that is a number. */
  addLength(length: number): void {
    this.hasLength = true;
    this.#lengths++;
    if (this.length === null) this.length = length;
    else if (this.length !== length) this.#breakLength('length-differs');
  }

  /** A Host that is valid, and is not compared with a target. */
  addValidHost(): void {
    this.hosts++;
  }

  /** Rules that the length and the codings break. */
  get lengthBroken(): readonly RuleName[] {
    const broken = this.#lengthBroken;
    const repeated = this.#lengths > 1 && broken === null;
    const both = this.hasCodings && this.hasLength;
    if (broken === null && !repeated && !both) return NO_RULES;
    return [
      ...(broken ?? []),
      ...(repeated ? ['length-repeated' as const] : []),
      ...(both ? ['length-and-coding' as const] : []),
    ];
  }

  get hostBroken(): boolean {
    return this.#hostBroken;
  }

  #addLength(member: string): void {
    const length = readLength(trimBlanks(member));
    if (length !== null) this.addLength(length);
    else {
      this.#lengths++;
      this.#breakLength('length-invalid');
    }
  }

  #breakLength(rule: RuleName): void {
    this.#lengthBroken ??= [];
    this.#lengthBroken.push(rule);
  }
}

const LENGTHS: readonly boolean[] = lengthsOf(FRAMING_FIELDS);

function lengthsOf(names: readonly string[]): boolean[] {
  const lengths: boolean[] = [];
  for (const name of names) lengths[name.length] = true;
  return lengths;
}

function isFramingLength(length: number): boolean {
  return LENGTHS[length] === true;
}

/** Digits of a length that a number holds exactly. */
export const MAX_LENGTH_DIGITS = 15;

/** @returns null when it is not a number, or has more than {@link MAX_LENGTH_DIGITS}. */
function readLength(text: string): number | null {
  if (text.length === 0 || text.length > MAX_LENGTH_DIGITS) return null;
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return null;
    length = length * 10 + digit;
  }
  return length;
}
