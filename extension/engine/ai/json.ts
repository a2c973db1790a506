/**
 * Reads JSON from untrusted sources: truncated text is parsed as far as possible, and no shape is assumed. Time and
 * memory are linear in the text, and nothing throws.
 */

export type JsonObject = { readonly [name: string]: unknown };

/** Deeper JSON is not read, because it is serialized recursively. */
const MAX_DEPTH = 200;

/** @returns undefined for text that is neither JSON nor its beginning. */
export function parseJson(text: string): unknown {
  const scan = scanJson(text);
  if (scan === null) return undefined;
  if (scan.open === '') return parse(text);
  const { open, safe, safeOpen, string } = scan;
  // Works if the text was cut within or after a value. Otherwise the unfinished member is left out.
  const rest = string ? `${withoutEscape(text)}"` : text;
  return parse(rest + closing(open)) ?? parse(text.slice(0, safe) + closing(safeOpen));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

interface Scan {
  /** Brackets that are open at the end. */
  readonly open: string;
  /** Offset after the last whole member or item, and the brackets that are open there. */
  readonly safe: number;
  readonly safeOpen: string;
  /** The text ends within a string. */
  readonly string: boolean;
}

const MARK = /"[^"\\]*(?:\\.[^"\\]*)*("?)|[{}[\],]/gs;

/** @returns null when it is too deep, or begins with neither an object nor a list. */
function scanJson(text: string): Scan | null {
  if (!/^\s*[{[]/.test(text)) return null;
  let open = '';
  let safe = 0;
  let safeOpen = '';
  let string = false;
  for (const match of text.matchAll(MARK)) {
    const [mark, quote] = match;
    if (mark === '{' || mark === '[') {
      open += mark;
      if (open.length > MAX_DEPTH) return null;
      safe = match.index + 1;
      safeOpen = open;
    } else if (mark === '}' || mark === ']') {
      open = open.slice(0, -1);
      safe = match.index + 1;
      safeOpen = open;
    } else if (mark === ',') {
      safe = match.index;
      safeOpen = open;
    } else string = quote === '';
  }
  return { open, safe, safeOpen, string };
}

/** Removes an incomplete escape from the end. */
function withoutEscape(text: string): string {
  const cut = /\\(?:u[0-9a-fA-F]{0,3})?$/.exec(text.slice(-LONGEST_CUT));
  if (cut === null) return text;
  const at = text.length - cut[0].length;
  let from = at;
  while (from > 0 && text[from - 1] === '\\') from--;
  // With an odd number of backslashes before it, this one is part of an escaped backslash.
  return (at - from) % 2 === 0 ? text.slice(0, at) : text;
}

/** Characters of `\uXXX`. */
const LONGEST_CUT = 5;

function closing(open: string): string {
  return [...open]
    .reverse()
    .map((bracket) => (bracket === '{' ? '}' : ']'))
    .join('');
}

export function asObject(value: unknown): JsonObject | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null;
}

/** A member that is an object; null: absent, or not an object. */
export function objectIn(value: JsonObject | null, name: string): JsonObject | null {
  return asObject(memberOf(value, name));
}

export function listIn(value: JsonObject | null, name: string): readonly unknown[] {
  const member = memberOf(value, name);
  return Array.isArray(member) ? member : [];
}

export function stringIn(value: JsonObject | null, name: string): string | null {
  const member = memberOf(value, name);
  return typeof member === 'string' ? member : null;
}

/** A count: a whole number that is not negative. */
export function countIn(value: JsonObject | null, name: string): number | null {
  const member = memberOf(value, name);
  return typeof member === 'number' && Number.isSafeInteger(member) && member >= 0 ? member : null;
}

export function memberOf(value: JsonObject | null, name: string): unknown {
  return value !== null && Object.hasOwn(value, name) ? value[name] : undefined;
}

/** A string as it is, anything else as JSON. null: no value. */
export function textOf(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
