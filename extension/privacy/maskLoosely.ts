/**
 * Secrets in text without a structure, or with a broken one: wherever a secret's name is followed by `:` or `=`, what
 * comes next is masked (YAML, properties, logs, sentences, broken JSON). Linear in the text; masks too much rather
 * than too little.
 */
import { Replaced } from './pieces.ts';
import { isSecretValue, MASK, type NameKind, nameKind, pathKind } from './secrets.ts';

/** Characters between a name and its value. */
const MAX_SEPARATOR = 32;

/** Longest run that may be a name, and longest run of words that may be one (`API key`). */
const MAX_NAME = 128;

/** Base64 before its padding: shorter text may be a name, longer text is not counted. */
const MIN_BASE64 = 14;
const MAX_BASE64 = 256;

/** Lines of a block that belong to one name. */
const MAX_BLOCK_LINES = 1_000;

export interface LooseOptions {
  /** Program text: only what is in quotes counts as a value; `token = next()` has none. */
  readonly quotedOnly?: boolean;
}

export function maskLoosely(text: string, { quotedOnly = false }: LooseOptions = {}): string {
  const masked = new Replaced(text);
  let at = 0;
  /** Where the words that may be one name begin; they are separated by single spaces. */
  let phrase = 0;
  let phraseEnd = -2;
  const lines = new Lines(text);
  while (at < text.length) {
    if (!isNameStart(text, at)) {
      at++;
      continue;
    }
    const nameFrom = at;
    const run = readName(text, at);
    if (run === null) {
      at++;
      continue;
    }
    if (nameFrom !== phraseEnd + 1 || text[phraseEnd] !== ' ') phrase = nameFrom;
    phraseEnd = run.end;
    at = run.end;
    const valueFrom = skipSeparator(text, at);
    if (valueFrom < 0) {
      const option = quotedOnly ? null : readOption(text, nameFrom, run);
      if (option === null) continue;
      masked.replace(option.from, option.to, MASK);
      at = option.to;
      continue;
    }
    let kind = pathKind(run.name);
    if (kind !== 'secret' && phrase < nameFrom) {
      // `API key`, in a sentence.
      const words = nameKind(text.slice(Math.max(phrase, run.end - MAX_NAME), run.end));
      if (words === 'secret') kind = words;
    }
    if (kind === null) continue;
    const value = readValue(text, nameFrom, valueFrom, kind, quotedOnly, lines);
    if (value === null) continue;
    const content = text.slice(value.from, value.to);
    if (isHarmless(content) || !isSecret(kind, content, value)) continue;
    if (isExplained(text, phrase, nameFrom, run.name, content)) continue;
    masked.replace(value.from, value.to, MASK);
    at = Math.max(at, value.to);
  }
  return masked.result();
}

function isSecret(kind: NameKind, content: string, { compound }: Value): boolean {
  if (kind === 'secrets') return compound;
  return compound ? kind === 'secret' : isSecretValue(kind, content, 'member');
}

/** No secret, whatever its name. */
function isHarmless(content: string): boolean {
  return content === '' || content === MASK || /^(?:null|true|false|undefined|None|nil)[!?.]?$/.test(content);
}

/** `Unexpected token: identifier` is an error about a token. */
function isExplained(text: string, phrase: number, nameFrom: number, name: string, content: string): boolean {
  if (phrase === nameFrom || !/^(?:token|signature)$/i.test(name) || !/^[a-z]+$/i.test(content)) return false;
  return /\b(?:invalid|unexpected|unknown|missing|bad|illegal|expected|wrong|expired) $/i.test(
    text.slice(Math.max(phrase, nameFrom - 16), nameFrom),
  );
}

function isNameCharacter(code: number): boolean {
  return (
    (code >= 48 && code <= 57) ||
    (code >= 65 && code <= 90) ||
    (code >= 97 && code <= 122) ||
    code === 95 ||
    code === 45 ||
    code === 46
  );
}

/** Letters of other alphabets may imitate ASCII letters: see words.ts. */
function isNameStart(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return isNameCharacter(code) || code === 92 || (code >= 0xff00 && code <= 0xff5e);
}

interface Run {
  readonly name: string;
  readonly end: number;
}

/** A run of name characters; JSON's `\u0070` counts as the character it encodes. */
function readName(text: string, at: number): Run | null {
  let end = at;
  let escapes = false;
  while (end < text.length) {
    const code = text.charCodeAt(end);
    if (isNameCharacter(code) || (code >= 0xff00 && code <= 0xff5e)) {
      end++;
      continue;
    }
    if (code !== 92 || text[end + 1] !== 'u' || !/^[0-9a-fA-F]{4}$/.test(text.slice(end + 2, end + 6))) break;
    escapes = true;
    end += 6;
  }
  if (end === at) return null;
  const raw = text.slice(Math.max(at, end - 6 * MAX_NAME), end);
  const name = escapes
    ? raw.replace(/\\u([0-9a-fA-F]{4})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    : raw;
  return { name: name.slice(-MAX_NAME), end };
}

/** Quotes, backslashes, closing brackets and white space around one `:` or `=`. @returns -1 when there is none. */
function skipSeparator(text: string, at: number): number {
  const limit = Math.min(text.length, at + MAX_SEPARATOR);
  let to = at;
  while (to < limit && isFiller(text.charCodeAt(to))) to++;
  if (text[to] !== ':' && text[to] !== '=') return -1;
  to++;
  // `=>`, `:=`, `==`.
  if (text[to] === '>' || text[to] === '=') to++;
  return to;
}

/** Blanks, quotes, backslash, `]`. */
function isFiller(code: number): boolean {
  return code === 32 || code === 9 || code === 34 || code === 39 || code === 92 || code === 93;
}

/** `--password x`. @returns the offset of its value; null: it has no value, or is not a secret. */
function readOption(text: string, nameFrom: number, { name, end }: Run): Value | null {
  if (!text.startsWith('--', nameFrom) || text[end] !== ' ' || nameKind(name) !== 'secret') return null;
  const from = end + 1;
  const to = endOfWord(text, from);
  return to === from || text[from] === '-' ? null : { from, to, compound: false };
}

interface Value {
  readonly from: number;
  readonly to: number;
  /** An object, a list or a block: more than one value. */
  readonly compound: boolean;
}

/** @param at after the separator. @returns null when there is no value. */
function readValue(
  text: string,
  nameFrom: number,
  at: number,
  kind: NameKind,
  quotedOnly: boolean,
  lines: Lines,
): Value | null {
  let from = at;
  while (isBlank(text.charCodeAt(from))) from++;
  const lineEnd = lines.endOf(from);
  const beginsLine = beginsLineAt(text, nameFrom);
  // Otherwise a single value is compared.
  const mayBeCompound = kind === 'secret' || kind === 'secrets';
  if (from >= lineEnd || /^[|>][-+\d]{0,2}[ \t]*$/.test(text.slice(from, Math.min(lineEnd, from + 16)))) {
    if (quotedOnly || !mayBeCompound || (from >= lineEnd && endsBase64(text, at))) return null;
    return readBlock(text, nameFrom, lineEnd, beginsLine);
  }
  let open = from;
  while (text[open] === '\\') open++;
  const first = text[open];
  if (first === '"' || first === "'" || (quotedOnly && first === '`')) {
    const triple = first.repeat(3);
    if (text.startsWith(triple, open)) {
      return { from: open + 3, to: indexOrEnd(text, triple, open + 3), compound: false };
    }
    const end = endOfQuoted(text, open, open - from);
    return { from: open + 1, to: end, compound: false };
  }
  if (quotedOnly) return null;
  if (first === '{' || first === '[') {
    return mayBeCompound ? { from: open, to: endOfBrackets(text, open), compound: true } : null;
  }
  if (text.startsWith(MASK, from)) return { from, to: from + MASK.length, compound: false };
  if (!beginsLine) return { from, to: endOfWord(text, from), compound: false };
  const assigned = text[at - 1] === '=';
  // A header field: its parameters belong to it, whatever separates them.
  const field = !assigned && /(?:authorization|cookie)$/i.test(text.slice(nameFrom, at - 1).trimEnd());
  return { from, to: field ? lineEnd : endOfLoneValue(text, from, lineEnd, assigned), compound: false };
}

/** Whether base64 with padding ends here, and not a compared name: four characters stand for three bytes. */
function endsBase64(text: string, at: number): boolean {
  if (text.slice(at - 2, at) !== '==') return false;
  let length = 0;
  while (length < MAX_BASE64 && /[A-Za-z0-9+/]/.test(text[at - 3 - length] ?? '')) length++;
  return length === MAX_BASE64 || (length >= MIN_BASE64 && length % 4 === 2);
}

function indexOrEnd(text: string, mark: string, from: number): number {
  const found = text.indexOf(mark, from);
  return found < 0 ? text.length : found;
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}

/** Caches the last line end that was asked for: a long line may have many names. */
class Lines {
  readonly #text: string;
  #from = 0;
  #end = -1;

  constructor(text: string) {
    this.#text = text;
  }

  endOf(from: number): number {
    if (from < this.#from || from > this.#end) {
      this.#from = from;
      this.#end = endOfLine(this.#text, from);
    }
    return this.#end;
  }
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  const to = end < 0 ? text.length : end;
  return to > from && text[to - 1] === '\r' ? to - 1 : to;
}

/** Characters before a name in its line that are examined. */
const MAX_LEAD = 32;

/** Only blanks, list and comment markers, quotes, or `export` precede it in its line. */
function beginsLineAt(text: string, at: number): boolean {
  const lead = text.slice(Math.max(0, at - MAX_LEAD), at);
  const line = lead.slice(lead.lastIndexOf('\n') + 1);
  if (line.length === MAX_LEAD && at > MAX_LEAD) return line.trim() === '';
  return /^[ \t\-#*/;<>"'$\r]*(?:(?:export|set|env|ENV|ARG) +)?["'$]?$/.test(line);
}

/** The lines after a name that are indented more than it (YAML). */
function readBlock(text: string, nameFrom: number, lineEnd: number, beginsLine: boolean): Value | null {
  if (!beginsLine || lineEnd >= text.length) return null;
  const lineFrom = text.lastIndexOf('\n', nameFrom) + 1;
  const indent = nameFrom - lineFrom;
  let from = -1;
  let to = -1;
  let at = text.indexOf('\n', lineEnd) + 1;
  for (let lines = 0; at > 0 && at < text.length && lines < MAX_BLOCK_LINES; lines++) {
    const end = endOfLine(text, at);
    let first = at;
    while (first < end && isBlank(text.charCodeAt(first))) first++;
    if (first < end) {
      if (first - at <= indent) break;
      if (from < 0) from = first;
      to = end;
    }
    const next = text.indexOf('\n', end);
    if (next < 0) break;
    at = next + 1;
  }
  return from < 0 ? null : { from, to, compound: true };
}

/** The rest of the line, unless it goes on with other names: `password=a&b=c`, `password: a, user: b`. */
function endOfLoneValue(text: string, from: number, lineEnd: number, assigned: boolean): number {
  const next = (assigned ? AFTER_ASSIGNED : AFTER_COLON).exec(text.slice(from, lineEnd));
  let to = next === null ? lineEnd : from + next.index;
  // At least the first word, whatever it begins with.
  to = Math.max(to, endOfWord(text, from));
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return to;
}

const AFTER_ASSIGNED = /[&;<]|,[ \t]{0,8}["']?[\w.-]{1,64}["']?[ \t]{0,8}[:=]|[ \t][\w.-]{1,64}=/;
const AFTER_COLON = /<|,[ \t]{0,8}["']?[\w.-]{1,64}["']?[ \t]{0,8}[:=]|[ \t][\w.-]{1,64}=/;

const SCHEME = /(?:Basic|Bearer|Digest|DPoP|Token|ApiKey|OAuth|Negotiate|NTLM)[ \t]{1,8}/iy;

/** A bare word; for the name of an authentication scheme, also the word after it. */
function endOfWord(text: string, from: number): number {
  SCHEME.lastIndex = from;
  let at = SCHEME.test(text) ? SCHEME.lastIndex : from;
  for (; at < text.length; at++) {
    const c = text[at] as string;
    if (c === ',') {
      // `abc,def` is one word, `abc,name=def` and `abc, def` are not.
      GOES_ON.lastIndex = at + 1;
      if (!GOES_ON.test(text)) break;
    } else if (/[\s&;}\])<"']/.test(c)) break;
  }
  return at;
}

/** A character of a word, and no name with a separator. */
const GOES_ON = /(?!["']?[\w.-]{1,64}["']?[:=])[^\s,&;{}[\]()<>"']/y;

/** @returns the offset of the closing quote, which is escaped as the opening one is. */
function endOfQuoted(text: string, open: number, escapes: number): number {
  const quote = text[open];
  for (let at = open + 1; at < text.length; at++) {
    if (text[at] === '\\' && escapes === 0) at++;
    // YAML and SQL write a quote in single quotes twice.
    else if (quote === "'" && text[at] === quote && text[at + 1] === quote) at++;
    else if (text[at] === quote) return escapes === 0 ? at : firstOfBackslashes(text, at, open + 1);
  }
  return text.length;
}

function firstOfBackslashes(text: string, at: number, least: number): number {
  let first = at;
  while (first > least && text[first - 1] === '\\') first--;
  return first;
}

/** After the bracket that closes the one at `from`; brackets in strings do not count. */
function endOfBrackets(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const c = text[at];
    if (c === '"') at = endOfString(text, at);
    else if (c === '{' || c === '[') depth++;
    else if (c === '}' || c === ']') {
      depth--;
      if (depth === 0) return at + 1;
    }
  }
  return text.length;
}

/** The closing quote, or the last place before the line's end when there is none. */
function endOfString(text: string, from: number): number {
  let at = from + 1;
  while (at < text.length && text[at] !== '"' && text[at] !== '\n') at += text[at] === '\\' ? 2 : 1;
  return text[at] === '"' ? at : Math.max(from, Math.min(at, text.length) - 1);
}
