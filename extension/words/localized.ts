/**
 * Translates texts that are made in English by the engine, the worker thread and the helper, and that JSON, HAR and the
 * command line use as they are. They are recognised here, at the edge, by the English of the bundle (l10n/foreign.json
 * lists them). Other texts stay as they are.
 */
import { language, texts } from './translate.ts';

/** A text with placeholders, and the pieces around them. */
interface Pattern {
  readonly text: string;
  readonly pieces: readonly string[];
  /** The numbers of the placeholders, in their order. */
  readonly numbers: readonly number[];
}

/** Maximum nesting of sentences in sentences. */
const MAX_DEPTH = 4;
/** Longer texts contain captured text, which is not searched. */
const MAX_LENGTH = 2_000;
const MAX_REMEMBERED = 1_000;
/** A text with fewer characters of its own is part of another one: `{0} or {1}` says little by itself. */
const MIN_WEIGHT = 9;

let patterns: { readonly language: string; readonly all: readonly Pattern[] } | null = null;
const remembered = new Map<string, string>();

/** The text in the user's language, if it is one of ours. */
export function localized(text: string): string {
  if (language() === 'en' || text.length > MAX_LENGTH) return text;
  if (patterns?.language !== language()) {
    remembered.clear();
    patterns = { language: language(), all: patternsOf(Object.keys(texts())) };
  }
  const known = remembered.get(text);
  if (known !== undefined) return known;
  const made = translated(text, patterns.all, MAX_DEPTH);
  if (remembered.size >= MAX_REMEMBERED) remembered.clear();
  remembered.set(text, made);
  return made;
}

/** {@link localized}, for a text or null. */
export function localizedOrNull(text: string | null): string | null {
  return text === null ? null : localized(text);
}

function patternsOf(keys: readonly string[]): Pattern[] {
  return keys
    .filter((text) => /\{\d+\}/.test(text))
    .map((text) => ({
      text,
      pieces: text.split(/\{\d+\}/),
      numbers: [...text.matchAll(/\{(\d+)\}/g)].map(([, number]) => Number(number)),
    }))
    .sort((a, b) => weight(b) - weight(a));
}

/** The length of the text outside of placeholders: the longest match wins. */
const weight = ({ pieces }: Pattern): number => pieces.reduce((sum, piece) => sum + piece.length, 0);

function translated(text: string, all: readonly Pattern[], depth: number): string {
  if (Object.hasOwn(texts(), text)) return texts()[text]!;
  // A number, a name, a sign: nothing to translate.
  if (depth === 0 || !/[a-z]{2} |[:(“]| [a-z]{2}/.test(text)) return text;
  for (const pattern of all) {
    if (depth === MAX_DEPTH && weight(pattern) < MIN_WEIGHT) return text;
    const values = match(text, pattern);
    if (values === null) continue;
    const inner = values.map((value) => translated(value, all, depth - 1));
    return fill(pattern.text, inner);
  }
  return text;
}

/** The values of the placeholders; null: it is another text. Each piece is searched once. */
function match(text: string, { pieces, numbers }: Pattern): string[] | null {
  const first = pieces[0]!;
  const last = pieces.at(-1)!;
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length)
    return null;
  const values: string[] = [];
  const end = text.length - last.length;
  let at = first.length;
  for (const [index, number] of numbers.entries()) {
    const piece = pieces[index + 1]!;
    const next = index === numbers.length - 1 ? end : text.indexOf(piece, at);
    if (next < at || next > end) return null;
    values[number] = text.slice(at, next);
    at = next + piece.length;
  }
  return values;
}

function fill(text: string, values: readonly string[]): string {
  const translation = Object.hasOwn(texts(), text) ? texts()[text]! : text;
  return translation.replace(/\{(\d+)\}/g, (placeholder, index) => values[Number(index)] ?? placeholder);
}
