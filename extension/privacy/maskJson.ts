/**
 * Secrets in JSON (RFC 8259): the value of a member with a secret's name is replaced, all else stays byte for
 * byte. Takes several values one after the other (NDJSON) and text that ends anywhere. From where the text is
 * not JSON, `maskLoosely` goes on.
 */
import { maskLoosely } from './maskLoosely.ts';
import { maskUrl } from './maskUrl.ts';
import { isSecretName, MASK } from './secrets.ts';

const LITERALS: readonly string[] = ['true', 'false', 'null'];

/** Digits of a number, or its beginning. */
const NUMBER = /^-?\d*\.?\d*(?:[eE][-+]?\d*)?$/;

/** Longest number that is taken for one. */
const MAX_WORD = 1_024;

/** What may come next; `name` and `comma` may be the closing bracket instead. */
type Expects = 'name' | 'colon' | 'value' | 'comma';

export function maskJson(text: string): string {
  const scanner = new Scanner(text);
  const end = scanner.run();
  return scanner.masked(end) + (end < text.length ? maskLoosely(text.slice(end)) : '');
}

class Scanner {
  readonly #text: string;
  #masked = '';
  /** Up to here `#masked` stands for the text. */
  #from = 0;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  masked(end: number): string {
    return this.#masked + this.#text.slice(this.#from, Math.max(this.#from, end));
  }

  /** @returns where the text ceases to be JSON. */
  run(): number {
    const text = this.#text;
    /** Open brackets. */
    const open: string[] = [];
    let expects: Expects = 'value';
    let secret = false;
    /** Where the broken part may begin: not inside what is masked, nor behind a name without its value. */
    let safe = 0;
    for (;;) {
      this.#blanks();
      if (this.#at >= text.length) return text.length;
      const c = text[this.#at] as string;
      if (expects === 'colon') {
        if (c !== ':') return safe;
        this.#at++;
        expects = 'value';
        continue;
      }
      if (expects === 'comma' && (c === '}' || c === ']')) {
        if (open.pop() !== (c === '}' ? '{' : '[')) return safe;
        this.#at++;
        expects = open.length > 0 ? 'comma' : 'value';
        safe = this.#at;
        continue;
      }
      if (expects === 'comma') {
        if (c !== ',') return safe;
        this.#at++;
        expects = open[open.length - 1] === '{' ? 'name' : 'value';
        continue;
      }
      if (expects === 'name') {
        if (c === '}') {
          open.pop();
          this.#at++;
          expects = open.length > 0 ? 'comma' : 'value';
          safe = this.#at;
          continue;
        }
        safe = this.#at;
        const name = this.#string();
        if (name === null) return safe;
        secret = isSecretName(unescapeJson(name));
        expects = 'colon';
        continue;
      }
      // A value.
      if (secret) {
        const from = this.#at;
        if (!this.#skipValue()) return safe;
        if (text.slice(from, this.#at) !== 'null' && text.slice(from, this.#at) !== '""') {
          this.#replace(from, `"${MASK}"`);
        }
        secret = false;
        expects = 'comma';
        safe = this.#at;
        continue;
      }
      if (c === '{' || c === '[') {
        open.push(c);
        this.#at++;
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
        const value = this.#string();
        if (value === null) return safe;
        const masked = maskText(value);
        // In text that is not JSON it may yet turn out to be a name.
        if (masked === value) safe = from;
        else {
          this.#replace(from, `"${masked}"`);
          safe = this.#at;
        }
      } else {
        if (!this.#word()) return safe;
        safe = this.#at;
      }
      expects = open.length > 0 ? 'comma' : 'value';
    }
  }

  #replace(from: number, replacement: string): void {
    this.#masked += this.#text.slice(this.#from, from) + replacement;
    this.#from = this.#at;
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

/** URLs in string values, and JSON in a string. */
function maskText(raw: string): string {
  if (raw.includes('\\"')) return maskLoosely(maskUrl(raw));
  return raw.includes('=') || raw.includes('@') ? maskUrl(raw) : raw;
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
