/**
 * Secrets in JSON (RFC 8259): the value of a member with a secret's name is replaced, all else stays byte for
 * byte. Accepts several values in sequence (NDJSON) and truncated text. Where the text stops being JSON,
 * `maskLoosely` takes over.
 */
import { type Member, memberOf, type Reason, reasonOf } from './jsonMembers.ts';
import { maskLoosely } from './maskLoosely.ts';
import { maskText } from './maskText.ts';
import { Replaced } from './pieces.ts';
import { isSecretName, isSecretValue, MASK, type NameKind } from './secrets.ts';

const LITERALS: readonly string[] = ['true', 'false', 'null'];

/** Three words or more. */
const SENTENCE = /^[\p{L}\p{P}]+(?: [\p{L}\p{P}\d]+){2,}$/u;

/** Digits of a number, or its beginning. */
const NUMBER = /^-?\d*\.?\d*(?:[eE][-+]?\d*)?$/;

/** No secrets, whatever their name: null, empty, or a boolean (`"forgot_password": true`). */
const PLAIN: ReadonlySet<string> = new Set(['null', 'true', 'false', '""', '[]', '{}']);

const MASKED = `"${MASK}"`;

/** Longest text that may be a number. */
const MAX_WORD = 1_024;

/** Brackets that are open at once: real data is not nested deeper, and each takes memory. */
const MAX_OPEN = 10_000;

/** Pending replacements, to be applied in the order of the text. */
const MAX_EDITS = 16_384;

/**
 * Values, and replacements inside brackets, that are still undecided. Each takes some hundred bytes; if one bracket
 * has more than any program writes, everything from there on is masked.
 */
const MAX_UNDECIDED = 1_000_000;

/** What may come next; `name` and `comma` may be the closing bracket instead. */
type Expects = 'name' | 'colon' | 'value' | 'comma';

const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const OPEN_LIST = 91;
const BACKSLASH = 92;
const CLOSE_LIST = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;

/** @param depth how many documents this one is in. */
export function maskJson(text: string, depth = 0): string {
  const scanner = new Scanner(text, depth);
  const end = scanner.run();
  if (scanner.gaveUp) return scanner.masked(end) + MASKED;
  return scanner.masked(end) + (end < text.length ? maskLoosely(text.slice(end)) : '');
}

interface Edit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** An open bracket. */
class Bracket {
  readonly isObject: boolean;
  /** What makes all of it a secret, and where it begins. */
  readonly mayBe: Reason | null;
  readonly from: number;
  /** It maps names of fields to messages: see {@link Member}. */
  readonly errors: boolean;
  /** Made when they are needed: most have none. */
  #reasons: Set<Reason> | null = null;
  /** Values that are masked if there is a reason. */
  #pending: { readonly reason: Reason; readonly edit: Edit }[] | null = null;
  /** For a list: strings read so far, and whether the first, or the previous one, is a secret's name. */
  items = 0;
  namesSecond = false;
  namesNext = false;

  constructor(isObject: boolean, mayBe: Reason | null, from: number, errors: boolean) {
    this.isObject = isObject;
    this.mayBe = mayBe;
    this.from = from;
    this.errors = errors;
  }

  give(reason: Reason): void {
    this.#reasons ??= new Set();
    this.#reasons.add(reason);
  }

  suspect(reason: Reason, edit: Edit): void {
    this.#pending ??= [];
    this.#pending.push({ reason, edit });
  }

  /** Where the undecided part begins; null: there is none. */
  get undecidedFrom(): number | null {
    return this.mayBe === null ? (this.#pending?.[0]?.edit.from ?? null) : this.from;
  }

  get undecided(): number {
    return this.#pending?.length ?? 0;
  }

  /** Adds the values that turned out to be secrets. */
  decide(edits: Edit[]): void {
    if (this.#pending === null || this.#reasons === null) return;
    for (const { reason, edit } of this.#pending) if (this.#reasons.has(reason)) edits.push(edit);
  }
}

class Scanner {
  readonly #text: string;
  readonly #depth: number;
  readonly #masked: Replaced;
  /** Not applied yet. */
  #edits: Edit[] = [];
  /** How many may be pending before the decided ones are applied. */
  #mayWait = MAX_EDITS;
  /** Values that are not decided yet. */
  #undecided = 0;
  /** All after the end is masked. */
  gaveUp = false;
  readonly #open: Bracket[] = [];
  #at = 0;
  /** The string that was read last has escapes. */
  #escaped = false;

  constructor(text: string, depth: number) {
    this.#text = text;
    this.#depth = depth;
    this.#masked = new Replaced(text);
  }

  masked(end: number): string {
    this.#carryOut(end);
    return this.#masked.result(end);
  }

  /** Edits beyond the end stay pending. */
  #carryOut(end: number): void {
    // A value that depends on another member is decided later than values after it; a larger replacement has priority.
    this.#edits.sort((a, b) => a.from - b.from || b.to - a.to || a.text.length - b.text.length);
    const later: Edit[] = [];
    for (const edit of this.#edits) {
      if (edit.from < this.#masked.from) continue;
      if (edit.to > end) later.push(edit);
      else this.#masked.replace(edit.from, edit.to, edit.text);
    }
    this.#edits = later;
  }

  /** @returns from where everything has to be hidden, because too much is undecided; null: go on. */
  #settle(safe: number): number | null {
    const end = this.#open.reduce((least, one) => Math.min(least, one.undecidedFrom ?? least), safe);
    this.#carryOut(end);
    this.#mayWait = MAX_EDITS + 2 * (this.#edits.length + this.#undecided);
    if (this.#edits.length + this.#undecided <= MAX_UNDECIDED) return null;
    this.gaveUp = true;
    return end;
  }

  /** @returns where the text ceases to be JSON. */
  run(): number {
    const end = this.#read();
    for (const bracket of this.#open) this.#decide(bracket, undefined);
    return end;
  }

  #read(): number {
    const text = this.#text;
    const open = this.#open;
    let expects: Expects = 'value';
    let member: Member | null = null;
    let kind: NameKind = null;
    /** The value is about a secret's field: see Bracket. */
    let message = false;
    /** Where the non-JSON part may begin: not inside a masked value, nor between a name and its value. */
    let safe = 0;
    for (;;) {
      if (this.#edits.length + this.#undecided > this.#mayWait) {
        const end = this.#settle(safe);
        if (end !== null) return end;
      }
      this.#blanks();
      if (this.#at >= text.length) return text.length;
      const c = text.charCodeAt(this.#at);
      if (expects === 'colon') {
        if (c !== COLON) return safe;
        this.#at++;
        expects = 'value';
        continue;
      }
      const bracket = open[open.length - 1];
      const closes = c === CLOSE_OBJECT || c === CLOSE_LIST;
      if (closes && (expects === 'comma' || (expects === 'name' && c === CLOSE_OBJECT))) {
        if (bracket?.isObject !== (c === CLOSE_OBJECT)) return safe;
        open.pop();
        this.#at++;
        this.#decide(bracket, open[open.length - 1]);
        member = null;
        kind = null;
        expects = open.length > 0 ? 'comma' : 'value';
        safe = this.#at;
        continue;
      }
      if (expects === 'comma') {
        if (c !== COMMA) return safe;
        this.#at++;
        expects = bracket?.isObject === true ? 'name' : 'value';
        continue;
      }
      if (expects === 'name') {
        safe = this.#at;
        const name = this.#string();
        if (name === null) return safe;
        member = memberOf(this.#escaped ? unescapeJson(name) : name);
        kind = member.kind;
        message = kind === 'secret' && bracket?.errors === true;
        expects = 'colon';
        continue;
      }
      // A value.
      const opens = c === OPEN_OBJECT || c === OPEN_LIST;
      const shownInPart = message && (c === QUOTE || c === OPEN_LIST);
      if ((kind === 'secret' && !shownInPart) || (kind === 'secrets' && opens)) {
        const from = this.#at;
        if (!this.#skipValue()) return safe;
        if (!this.#isPlain(from)) this.#edits.push({ from, to: this.#at, text: MASKED });
        kind = null;
        member = null;
        expects = open.length > 0 ? 'comma' : 'value';
        safe = this.#at;
        continue;
      }
      if (opens) {
        if (open.length === MAX_OPEN) return safe;
        const isObject = c === OPEN_OBJECT;
        const mayBe = bracket?.isObject === true ? (member?.mayBe ?? null) : null;
        open.push(new Bracket(isObject, mayBe, this.#at, member?.errors ?? false));
        this.#at++;
        if (isObject) {
          kind = null;
          message = false;
        }
        member = null;
        expects = isObject ? 'name' : 'value';
        if (!isObject) {
          this.#blanks();
          if (text.charCodeAt(this.#at) === CLOSE_LIST) expects = 'comma';
        }
        safe = this.#at;
        continue;
      }
      const from = this.#at;
      if (c === QUOTE) {
        const raw = this.#string();
        if (raw === null) return safe;
        const value = this.#escaped ? unescapeJson(raw) : raw;
        const edit = this.#stringEdit(from, raw, value, message && SENTENCE.test(raw) ? null : kind);
        if (edit !== null) this.#edits.push(edit);
        if (bracket?.isObject === true && member !== null) this.#weigh(bracket, member, value, from);
        else if (bracket?.isObject === false) this.#weighItem(bracket, raw, from);
        // In text that is not JSON it may yet turn out to be a name.
        safe = edit === null ? from : this.#at;
      } else {
        if (!this.#word()) return safe;
        safe = this.#at;
        if (bracket?.isObject === true && member?.mayBe === 'named' && !this.#isPlain(from)) {
          this.#suspect(bracket, 'named', { from, to: this.#at, text: MASKED });
        }
      }
      // A list's name applies to all its items.
      if (bracket?.isObject !== false) kind = null;
      member = null;
      expects = open.length > 0 ? 'comma' : 'value';
    }
  }

  /** Whether the value read since `from` is plain. */
  #isPlain(from: number): boolean {
    return PLAIN.has(this.#text.slice(from, Math.min(this.#at, from + 6)));
  }

  /** What replaces a string value; null: nothing. @param raw with its escapes. */
  #stringEdit(from: number, raw: string, value: string, kind: NameKind): Edit | null {
    const to = this.#at;
    if (value !== '' && isSecretValue(kind, value, 'member')) return { from, to, text: MASKED };
    const masked = maskText(value, this.#depth);
    if (masked === value) return null;
    return { from, to, text: value === raw ? `"${masked}"` : JSON.stringify(masked) };
  }

  /** A member that gives a reason, or may be a secret for one. */
  #weigh(bracket: Bracket, member: Member, value: string, from: number): void {
    const given = reasonOf(member, value);
    if (given !== null) bracket.give(given);
    if (member.mayBe !== null && value !== '')
      this.#suspect(bracket, member.mayBe, { from, to: this.#at, text: MASKED });
  }

  /** `["--password", "x"]`: the arguments of a command; `[["password", "x"]]`: names and values as pairs. */
  #weighItem(bracket: Bracket, raw: string, from: number): void {
    bracket.items++;
    if (bracket.namesNext && !raw.startsWith('-')) this.#edits.push({ from, to: this.#at, text: MASKED });
    else if (bracket.namesSecond && bracket.items === 2)
      this.#suspect(bracket, 'pair', { from, to: this.#at, text: MASKED });
    const isOption = raw.startsWith('--');
    // Only for these, naming a secret matters.
    const secret = (isOption || bracket.items === 1) && isSecretName(raw);
    bracket.namesNext = secret && isOption;
    if (bracket.items === 1) bracket.namesSecond = secret;
  }

  #suspect(bracket: Bracket, reason: Reason, edit: Edit): void {
    this.#undecided++;
    bracket.suspect(reason, edit);
  }

  /** The bracket is closed, or will not be. */
  #decide(bracket: Bracket, outer: Bracket | undefined): void {
    if (outer?.isObject === false && bracket.items === 2) bracket.give('pair');
    this.#undecided -= bracket.undecided;
    bracket.decide(this.#edits);
    const { mayBe, from } = bracket;
    if (mayBe !== null && outer !== undefined)
      this.#suspect(outer, mayBe, { from, to: this.#at, text: MASKED });
  }

  #blanks(): void {
    for (;;) {
      const c = this.#text.charCodeAt(this.#at);
      // RS separates the texts of application/json-seq (RFC 7464).
      if (c !== 32 && c !== 10 && c !== 13 && c !== 9 && c !== 30 && c !== 0xfeff) return;
      this.#at++;
    }
  }

  /** A string's raw content, or what there is of it at the end of the text; null when it is not a string. */
  #string(): string | null {
    const text = this.#text;
    if (text.charCodeAt(this.#at) !== QUOTE) return null;
    this.#escaped = false;
    const from = this.#at + 1;
    for (let at = from; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === BACKSLASH) {
        this.#escaped = true;
        at++;
      } else if (code === QUOTE) {
        this.#at = at + 1;
        return text.slice(from, at);
      } else if (code < 32) return null;
    }
    this.#at = text.length;
    return text.slice(from);
  }

  /** Number, true, false, null, or their beginning at the end of the text. */
  #word(): boolean {
    const text = this.#text;
    const from = this.#at;
    let to = from;
    let dots = 0;
    let others = 0;
    for (; to < text.length && to - from <= MAX_WORD; to++) {
      const code = text.charCodeAt(to);
      if (!isWordCharacter(code)) break;
      if (code === 46) dots++;
      else if (code < 48 || code > 57) others++;
    }
    if (to === from) return false;
    // Nearly all numbers: digits and at most one dot.
    if (others > 0 || dots > 1) {
      const word = text.slice(from, to);
      const cut = to === text.length && LITERALS.some((literal) => literal.startsWith(word));
      if (!cut && !LITERALS.includes(word) && !NUMBER.test(word)) return false;
    }
    this.#at = to;
    return true;
  }

  /** A whole value of any kind, or what there is of it. */
  #skipValue(): boolean {
    const text = this.#text;
    let depth = 0;
    for (;;) {
      if (this.#at >= text.length) return true;
      const c = text.charCodeAt(this.#at);
      if (c === QUOTE) {
        if (this.#string() === null) return false;
      } else if (c === OPEN_OBJECT || c === OPEN_LIST) {
        depth++;
        this.#at++;
      } else if (c === CLOSE_OBJECT || c === CLOSE_LIST) {
        depth--;
        this.#at++;
        if (depth < 0) return false;
      } else if (c === COMMA || c === COLON || c <= 32) {
        if (depth === 0) return false;
        this.#at++;
      } else if (!this.#word()) return false;
      if (depth === 0) return true;
    }
  }
}

function unescapeJson(raw: string): string {
  try {
    return JSON.parse(`"${raw}"`) as string;
  } catch {
    return raw;
  }
}

/** Letters, digits, `+`, `-`, `.`, `_`. */
function isWordCharacter(code: number): boolean {
  return (
    (code >= 48 && code <= 57) ||
    (code >= 65 && code <= 90) ||
    (code >= 97 && code <= 122) ||
    code === 43 ||
    code === 45 ||
    code === 46 ||
    code === 95
  );
}
