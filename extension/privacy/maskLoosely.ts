/**
 * Secrets in text that should have a structure and has not: wherever a secret's name is followed by `:` or
 * `=`, what comes next is masked. Linear in the text; masks rather too much than too little.
 */
import { isSecretName, MASK } from './secrets.ts';

/** Characters between a name and its value. */
const MAX_SEPARATOR = 32;

/** Longest run that may be a name. */
const MAX_NAME = 64;

export function maskLoosely(text: string): string {
  let masked = '';
  let from = 0;
  let at = 0;
  while (at < text.length) {
    const run = readName(text, at);
    if (run === null) {
      at++;
      continue;
    }
    at = run.end;
    if (!isSecretName(run.name)) continue;
    const valueFrom = skipSeparator(text, at);
    if (valueFrom < 0) continue;
    const valueEnd = endOfValue(text, valueFrom);
    if (valueEnd > valueFrom) {
      masked += text.slice(from, valueFrom) + MASK;
      from = valueEnd;
    }
    at = Math.max(at, valueEnd);
  }
  return from === 0 ? text : masked + text.slice(from);
}

function isNameCharacter(code: number): boolean {
  return (
    (code >= 48 && code <= 57) ||
    (code >= 65 && code <= 90) ||
    (code >= 97 && code <= 122) ||
    code === 95 ||
    code === 45
  );
}

/** A run of name characters; JSON's `\u0070` counts as the character that it is. */
function readName(text: string, at: number): { name: string; end: number } | null {
  let name = '';
  let end = at;
  while (end < text.length) {
    if (isNameCharacter(text.charCodeAt(end))) {
      if (name.length <= MAX_NAME) name += text[end];
      end++;
      continue;
    }
    const escaped = text[end] === '\\' && text[end + 1] === 'u' ? text.slice(end + 2, end + 6) : '';
    if (!/^[0-9a-fA-F]{4}$/.test(escaped)) break;
    if (name.length <= MAX_NAME) name += String.fromCharCode(Number.parseInt(escaped, 16));
    end += 6;
  }
  return end === at ? null : { name, end };
}

/** Quotes, backslashes and white space around one `:` or `=`. @returns -1 when there is none. */
function skipSeparator(text: string, at: number): number {
  const limit = Math.min(text.length, at + MAX_SEPARATOR);
  let to = at;
  while (to < limit && isFiller(text.charCodeAt(to))) to++;
  if (text[to] !== ':' && text[to] !== '=') return -1;
  to++;
  while (to < text.length && text.charCodeAt(to) <= 32) to++;
  return to;
}

/** White space, quotes, backslash. */
function isFiller(code: number): boolean {
  return code <= 32 || code === 34 || code === 39 || code === 92;
}

/** Behind a quoted string, a bracketed value, or a bare word. */
function endOfValue(text: string, from: number): number {
  let at = from;
  while (text[at] === '\\') at++;
  const first = text[at];
  if (first === '"' || first === "'") {
    const escapes = at - from;
    for (at++; at < text.length; at++) {
      if (text[at] === '\\' && escapes === 0) at++;
      else if (text[at] === first) return at + 1;
    }
    return text.length;
  }
  if (first === '{' || first === '[') return endOfBrackets(text, at);
  while (at < text.length && !/[\s,&;}\])<"']/.test(text[at] as string)) at++;
  return at;
}

/** Behind the bracket that closes the one at `from`; brackets in strings do not count. */
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
