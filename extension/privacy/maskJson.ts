/**
 * Secrets in JSON (RFC 8259): the value of a member with a secret's name is replaced, all else stays byte for
 * byte. Takes several values one after the other (NDJSON) and text that ends anywhere. From where the text is
 * not JSON, `maskLoosely` goes on.
 */
import { maskLoosely } from './maskLoosely.ts';
import { maskText } from './maskText.ts';
import { isNamingSecret, isSecretName, isSecretValue, MASK, type NameKind, nameKind } from './secrets.ts';

const LITERALS: readonly string[] = ['true', 'false', 'null'];

/** Three words or more. */
const SENTENCE = /^[\p{L}\p{P}]+(?: [\p{L}\p{P}\d]+){2,}$/u;

/** Digits of a number, or its beginning. */
const NUMBER = /^-?\d*\.?\d*(?:[eE][-+]?\d*)?$/;

/** No secrets, whatever their name: unknown, empty, or a yes or no (`"forgot_password": true`). */
const PLAIN: ReadonlySet<string> = new Set(['null', 'true', 'false', '""', '[]', '{}']);

const MASKED = `"${MASK}"`;

/** Longest number that is taken for one. */
const MAX_WORD = 1_024;

/** What may come next; `name` and `comma` may be the closing bracket instead. */
type Expects = 'name' | 'colon' | 'value' | 'comma';

/** Why a value is a secret that its own name does not make one. */
type Reason =
  /** A `code` beside what only OAuth (RFC 6749 section 4.1) and its like have. */
  | 'oauth'
  /** `{"name": "password", "value": "x"}` */
  | 'named'
  /** The private members of a JSON Web Key (RFC 7518 section 6). */
  | 'key'
  /** What a Secret of Kubernetes holds. */
  | 'kubernetes'
  /** `[["password", "x"]]` */
  | 'pair';

/** Names in lower case of members that may be secrets, and the reason that makes them. */
const MAY_BE: ReadonlyMap<string, Reason> = new Map<string, Reason>([
  ['code', 'oauth'],
  ...['value', 'val', 'content'].map((name): [string, Reason] => [name, 'named']),
  ...['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'].map((name): [string, Reason] => [name, 'key']),
  ...['data', 'stringdata'].map((name): [string, Reason] => [name, 'kubernetes']),
]);

const OAUTH: ReadonlySet<string> = new Set([
  ...['grant_type', 'granttype', 'redirect_uri', 'redirecturi', 'client_id', 'clientid', 'code_verifier'],
  ...['codeverifier', 'id_token', 'idtoken'],
]);

/** Members whose value may be the name of what another one holds; `path` is that of JSON Patch (RFC 6902) and SCIM. */
const NAMING: ReadonlySet<string> = new Set([
  ...['name', 'key', 'field', 'param', 'parameter', 'header', 'id', 'path'],
]);

/** The reason that a member with a string gives the others of its object; null: none. */
function reasonOf(name: string, value: string): Reason | null {
  if (OAUTH.has(name)) return 'oauth';
  if (name === 'kty') return 'key';
  if (name === 'kind') return value === 'Secret' ? 'kubernetes' : null;
  return NAMING.has(name) && isNamingSecret(value) ? 'named' : null;
}

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
  /** What makes all of it a secret, and where it begins. */
  readonly mayBe: Reason | null;
  readonly from: number;
  /** It holds messages by the names of fields: `{"errors": {"password": ["is too short"]}}`. */
  readonly errors: boolean;
  readonly reasons: Set<Reason>;
  /** Values that are masked if there is a reason. */
  readonly pending: { readonly reason: Reason; readonly edit: Edit }[];
  /** Of a list: strings that were read, and whether the first, or the one before, is the name of a secret. */
  items: number;
  namesSecond: boolean;
  namesNext: boolean;
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
    // What another member decides is decided later than what stands behind it; what hides more goes before.
    this.#edits.sort((a, b) => a.from - b.from || b.to - a.to || a.text.length - b.text.length);
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
    /** The value is said of a secret's field: see Bracket. */
    let message = false;
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
        message = kind === 'secret' && bracket?.errors === true;
        expects = 'colon';
        continue;
      }
      // A value.
      const shownInPart = message && (c === '"' || c === '[');
      if ((kind === 'secret' && !shownInPart) || (kind === 'secrets' && (c === '{' || c === '['))) {
        const from = this.#at;
        if (!this.#skipValue()) return end(safe);
        if (!PLAIN.has(text.slice(from, Math.min(this.#at, from + 6)))) {
          this.#edits.push({ from, to: this.#at, text: MASKED });
        }
        kind = null;
        name = null;
        expects = open.length > 0 ? 'comma' : 'value';
        safe = this.#at;
        continue;
      }
      if (c === '{' || c === '[') {
        open.push({
          opens: c,
          mayBe: bracket?.opens === '{' && name !== null ? (MAY_BE.get(name.toLowerCase()) ?? null) : null,
          from: this.#at,
          errors: name !== null && /errors?$/i.test(name),
          reasons: new Set(),
          pending: [],
          items: 0,
          namesSecond: false,
          namesNext: false,
        });
        this.#at++;
        if (c === '{') {
          kind = null;
          message = false;
        }
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
        const edit = this.#stringEdit(from, raw, message && SENTENCE.test(raw) ? null : kind);
        if (edit !== null) this.#edits.push(edit);
        if (bracket?.opens === '{' && name !== null) this.#weigh(bracket, name, raw, from);
        else if (bracket?.opens === '[') this.#weighItem(bracket, raw, from);
        // In text that is not JSON it may yet turn out to be a name.
        safe = edit === null ? from : this.#at;
      } else {
        if (!this.#word()) return end(safe);
        safe = this.#at;
        const reason = bracket?.opens === '{' && name !== null ? MAY_BE.get(name.toLowerCase()) : undefined;
        if (reason === 'named' && !PLAIN.has(text.slice(from, this.#at))) {
          bracket?.pending.push({ reason, edit: { from, to: this.#at, text: MASKED } });
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
    if (value !== '' && isSecretValue(kind, value, 'member')) return { from, to, text: MASKED };
    const masked = maskText(value, this.#depth);
    if (masked === value) return null;
    return { from, to, text: value === raw ? `"${masked}"` : JSON.stringify(masked) };
  }

  /** A member that gives a reason, or may be a secret for one. */
  #weigh(bracket: Bracket, name: string, raw: string, from: number): void {
    const lower = name.toLowerCase();
    const given = reasonOf(lower, unescapeJson(raw));
    if (given !== null) bracket.reasons.add(given);
    const reason = MAY_BE.get(lower);
    if (reason !== undefined && raw !== '') {
      bracket.pending.push({ reason, edit: { from, to: this.#at, text: MASKED } });
    }
  }

  /** `["--password", "x"]`: the arguments of a command; `[["password", "x"]]`: names and values as pairs. */
  #weighItem(bracket: Bracket, raw: string, from: number): void {
    bracket.items++;
    const edit = { from, to: this.#at, text: MASKED };
    if (bracket.namesNext && !raw.startsWith('-')) this.#edits.push(edit);
    else if (bracket.namesSecond && bracket.items === 2) bracket.pending.push({ reason: 'pair', edit });
    const secret = isSecretName(raw);
    bracket.namesNext = secret && raw.startsWith('--');
    if (bracket.items === 1) bracket.namesSecond = secret;
  }

  /** The bracket is closed, or will not be. */
  #decide({ mayBe, from, reasons, pending, items }: Bracket, outer: Bracket | undefined): void {
    if (outer?.opens === '[' && items === 2) reasons.add('pair');
    for (const { reason, edit } of pending) if (reasons.has(reason)) this.#edits.push(edit);
    if (mayBe !== null) outer?.pending.push({ reason: mayBe, edit: { from, to: this.#at, text: MASKED } });
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
