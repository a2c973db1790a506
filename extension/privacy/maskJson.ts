/**
 * Secrets in JSON (RFC 8259): the value of a member with a secret's name is replaced, all else stays byte for
 * byte. Takes several values one after the other (NDJSON) and text that ends anywhere. From where the text is
 * not JSON, `maskLoosely` goes on.
 */
import { maskLoosely } from './maskLoosely.ts';
import { maskText } from './maskText.ts';
import { isSecretName, isSecretValue, MASK, type NameKind, nameKind } from './secrets.ts';

const LITERALS: readonly string[] = ['true', 'false', 'null'];

/** Digits of a number, or its beginning. */
const NUMBER = /^-?\d*\.?\d*(?:[eE][-+]?\d*)?$/;

/** No secrets, whatever their name: unknown, empty, or a yes or no (`"forgot_password": true`). */
const PLAIN: ReadonlySet<string> = new Set(['null', 'true', 'false', '""', '[]', '{}']);

/** Longest number that is taken for one. */
const MAX_WORD = 1_024;

/** What may come next; `name` and `comma` may be the closing bracket instead. */
type Expects = 'name' | 'colon' | 'value' | 'comma';

/** Members that only OAuth (RFC 6749 section 4.1) and its like have: a `code` beside them is a secret. */
const BESIDE_CODE: ReadonlySet<string> = new Set([
  ...['grant_type', 'granttype', 'redirect_uri', 'redirecturi', 'client_id', 'clientid', 'code_verifier'],
  ...['codeverifier', 'id_token', 'idtoken'],
]);

/** `{"name": "password", "value": "x"}`: members that name what another one holds, and that other one. */
const NAMING: ReadonlySet<string> = new Set(['name', 'key', 'field', 'param', 'parameter', 'header', 'id']);
const HOLDING: ReadonlySet<string> = new Set(['value', 'val', 'content']);

/** @param depth how many documents this one is in. */
export function maskJson(text: string, depth = 0): string {
  const scanner = new Scanner(text, depth);
  const end = scanner.run();
  return scanner.masked(end) + (end < text.length ? maskLoosely(text.slice(end)) : '');
}

interface Edit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** An open bracket. */
interface Bracket {
  readonly opens: '{' | '[';
  /** Values that are masked if another member says so. */
  code: Edit | null;
  held: Edit | null;
  /** Where it begins, when it is the value of a member that another one may name; -1: it is not. */
  readonly heldFrom: number;
  /** Of a list: strings that were read, and whether the first, or the one before, is the name of a secret. */
  items: number;
  namesSecond: boolean;
  namesNext: boolean;
  oauth: boolean;
  namesSecret: boolean;
}

class Scanner {
  readonly #text: string;
  readonly #depth: number;
  readonly #edits: Edit[] = [];
  #at = 0;

  constructor(text: string, depth: number) {
    this.#text = text;
    this.#depth = depth;
  }

  masked(end: number): string {
    let masked = '';
    let from = 0;
    // What another member decides is decided later than what stands behind it.
    this.#edits.sort((a, b) => a.from - b.from || b.to - a.to);
    for (const edit of this.#edits) {
      // What lies behind the end is masked in another way.
      if (edit.from < from || edit.to > end) continue;
      masked += this.#text.slice(from, edit.from) + edit.text;
      from = edit.to;
    }
    return masked + this.#text.slice(from, Math.max(from, end));
  }

  /** @returns where the text ceases to be JSON. */
  run(): number {
    const text = this.#text;
    const open: Bracket[] = [];
    let expects: Expects = 'value';
    let name: string | null = null;
    let kind: NameKind = null;
    /** Where the broken part may begin: not inside what is masked, nor behind a name without its value. */
    let safe = 0;
    const end = (at: number): number => {
      for (const bracket of open) this.#decide(bracket, undefined);
      return at;
    };
    for (;;) {
      this.#blanks();
      if (this.#at >= text.length) return end(text.length);
      const c = text[this.#at] as string;
      if (expects === 'colon') {
        if (c !== ':') return end(safe);
        this.#at++;
        expects = 'value';
        continue;
      }
      const bracket = open[open.length - 1];
      if ((expects === 'comma' && (c === '}' || c === ']')) || (expects === 'name' && c === '}')) {
        if (bracket?.opens !== (c === '}' ? '{' : '[')) return end(safe);
        open.pop();
        this.#at++;
        const outer = open[open.length - 1];
        this.#decide(bracket, outer);
        name = null;
        kind = null;
        expects = open.length > 0 ? 'comma' : 'value';
        safe = this.#at;
        continue;
      }
      if (expects === 'comma') {
        if (c !== ',') return end(safe);
        this.#at++;
        expects = bracket?.opens === '{' ? 'name' : 'value';
        continue;
      }
      if (expects === 'name') {
        safe = this.#at;
        const raw = this.#string();
        if (raw === null) return end(safe);
        name = unescapeJson(raw);
        kind = nameKind(name);
        expects = 'colon';
        continue;
      }
      // A value.
      if (kind === 'secret' || (kind === 'secrets' && (c === '{' || c === '['))) {
        const from = this.#at;
        if (!this.#skipValue()) return end(safe);
        if (!PLAIN.has(text.slice(from, Math.min(this.#at, from + 6)))) {
          this.#edits.push({ from, to: this.#at, text: `"${MASK}"` });
        }
        kind = null;
        name = null;
        expects = open.length > 0 ? 'comma' : 'value';
        safe = this.#at;
        continue;
      }
      if (c === '{' || c === '[') {
        const heldFrom =
          bracket?.opens === '{' && name !== null && HOLDING.has(name.toLowerCase()) ? this.#at : -1;
        open.push({
          opens: c,
          code: null,
          held: null,
          heldFrom,
          items: 0,
          namesSecond: false,
          namesNext: false,
          oauth: false,
          namesSecret: false,
        });
        this.#at++;
        if (c === '{') kind = null;
        name = null;
        expects = c === '{' ? 'name' : 'value';
        if (c === '[') {
          this.#blanks();
          if (text[this.#at] === ']') expects = 'comma';
        }
        safe = this.#at;
        continue;
      }
      const from = this.#at;
      if (c === '"') {
        const raw = this.#string();
        if (raw === null) return end(safe);
        const edit = this.#stringEdit(from, raw, kind);
        if (edit !== null) this.#edits.push(edit);
        if (bracket?.opens === '{' && name !== null) this.#weigh(bracket, name, raw, from, edit);
        else if (bracket?.opens === '[') this.#weighItem(bracket, raw, from, edit);
        // In text that is not JSON it may yet turn out to be a name.
        safe = edit === null ? from : this.#at;
      } else {
        if (!this.#word()) return end(safe);
        safe = this.#at;
        const holds = bracket?.opens === '{' && name !== null && HOLDING.has(name.toLowerCase());
        if (holds && !PLAIN.has(text.slice(from, this.#at))) {
          bracket.held ??= { from, to: this.#at, text: `"${MASK}"` };
        }
      }
      // All items of a list are what its name says.
      if (bracket?.opens !== '[') kind = null;
      name = null;
      expects = open.length > 0 ? 'comma' : 'value';
    }
  }

  /** What replaces a string value; null: nothing. */
  #stringEdit(from: number, raw: string, kind: NameKind): Edit | null {
    const to = this.#at;
    const value = unescapeJson(raw);
    if (value !== '' && isSecretValue(kind, value, 'member')) return { from, to, text: `"${MASK}"` };
    const masked = maskText(value, this.#depth);
    if (masked === value) return null;
    return { from, to, text: value === raw ? `"${masked}"` : JSON.stringify(masked) };
  }

  /** A member that decides about another one, or is decided about by it. */
  #weigh(bracket: Bracket, name: string, raw: string, from: number, edit: Edit | null): void {
    const lower = name.toLowerCase();
    if (BESIDE_CODE.has(lower)) bracket.oauth = true;
    if (NAMING.has(lower) && isSecretName(unescapeJson(raw))) bracket.namesSecret = true;
    if (edit !== null || raw === '') return;
    const masked = { from, to: this.#at, text: `"${MASK}"` };
    if (lower === 'code') bracket.code ??= masked;
    else if (HOLDING.has(lower)) bracket.held ??= masked;
  }

  /** `["--password", "x"]`: the arguments of a command; `[["password", "x"]]`: names and values as pairs. */
  #weighItem(bracket: Bracket, raw: string, from: number, edit: Edit | null): void {
    bracket.items++;
    const masked = edit ?? { from, to: this.#at, text: `"${MASK}"` };
    if (bracket.namesNext && !raw.startsWith('-')) this.#edits.push(masked);
    else if (bracket.namesSecond) bracket.held = bracket.items === 2 ? masked : null;
    const secret = isSecretName(raw);
    bracket.namesNext = secret && raw.startsWith('--');
    if (bracket.items === 1) bracket.namesSecond = secret;
  }

  #decide(bracket: Bracket, outer: Bracket | undefined): void {
    const { code, held, heldFrom, oauth, namesSecret, namesSecond } = bracket;
    if (oauth && code !== null) this.#edits.push(code);
    if (held !== null && (namesSecret || (namesSecond && outer?.opens === '['))) this.#edits.push(held);
    if (heldFrom >= 0 && outer !== undefined) {
      outer.held ??= { from: heldFrom, to: this.#at, text: `"${MASK}"` };
    }
  }

  #blanks(): void {
    for (;;) {
      const c = this.#text.charCodeAt(this.#at);
      // RS separates the texts of application/json-seq (RFC 7464).
      if (c !== 32 && c !== 10 && c !== 13 && c !== 9 && c !== 30 && c !== 0xfeff) return;
      this.#at++;
    }
  }

  /** A string's raw content, or what there is of it at the end of the text; null when it is none. */
  #string(): string | null {
    const text = this.#text;
    if (text[this.#at] !== '"') return null;
    const from = this.#at + 1;
    for (let at = from; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === 92) at++;
      else if (code === 34) {
        this.#at = at + 1;
        return text.slice(from, at);
      } else if (code < 32) return null;
    }
    this.#at = text.length;
    return text.slice(from);
  }

  /** Number, true, false, null, or their beginning at the end of the text. */
  #word(): boolean {
    const from = this.#at;
    let to = from;
    while (to < this.#text.length && to - from <= MAX_WORD && isWordCharacter(this.#text.charCodeAt(to)))
      to++;
    const word = this.#text.slice(from, to);
    const cut = to === this.#text.length && LITERALS.some((literal) => literal.startsWith(word));
    if (word === '' || !(cut || LITERALS.includes(word) || NUMBER.test(word))) return false;
    this.#at = to;
    return true;
  }

  /** A whole value of any kind, or what there is of it. */
  #skipValue(): boolean {
    const text = this.#text;
    let depth = 0;
    for (;;) {
      const c = text[this.#at];
      if (c === undefined) return true;
      if (c === '"') {
        if (this.#string() === null) return false;
      } else if (c === '{' || c === '[') {
        depth++;
        this.#at++;
      } else if (c === '}' || c === ']') {
        depth--;
        this.#at++;
        if (depth < 0) return false;
      } else if (c === ',' || c === ':' || c.charCodeAt(0) <= 32) {
        if (depth === 0) return false;
        this.#at++;
      } else if (!this.#word()) return false;
      if (depth === 0) return true;
    }
  }
}

function unescapeJson(raw: string): string {
  if (!raw.includes('\\')) return raw;
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
