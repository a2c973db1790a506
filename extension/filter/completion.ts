/** Completions at a position in a filter line: names of properties, and their possible or seen values. */
import type { ExchangeRow } from '../engine/row.ts';
import { PROPERTIES, propertyOf } from './properties.ts';

export interface Completion {
  /** Replaces the text between `start` and `end`. */
  readonly text: string;
  /** null: self-explanatory. */
  readonly about: string | null;
}

export interface Completions {
  readonly start: number;
  readonly end: number;
  /** Best first. */
  readonly items: readonly Completion[];
}

/** Nobody reads more. */
const MAX_ITEMS = 12;
/** Rows searched for values, newest first, and distinct values that are kept. */
const MAX_ROWS = 20_000;
const MAX_VALUES = 300;
/** Longer values are not offered. */
const MAX_LENGTH = 120;

/** The end of the line up to the cursor: minus or exclamation mark, name, values before, and what is being typed. */
const TYPED = /(?:^|[\s(])[-!]*(?:([A-Za-z][A-Za-z-]*):((?:[^\s",]*,)*))?([^\s"(),:]*)$/;

/** @param newest the rows, newest first; called only if their values are offered. */
export function completions(
  line: string,
  cursor: number,
  newest: () => Iterable<ExchangeRow>,
): Completions | null {
  const [, name, , typed = ''] = TYPED.exec(line.slice(0, cursor)) ?? [];
  const [rest = ''] = /^[^\s"(),]*/.exec(line.slice(cursor)) ?? [];
  const place = { start: cursor - typed.length, end: cursor + rest.length };
  if (name === undefined) {
    if (typed === '' || !TYPED.test(line.slice(0, cursor))) return null;
    return offer(place, names(typed.toLowerCase()));
  }
  const property = propertyOf(name);
  if (property === undefined) return null;
  const values = property.values ?? (property.seen === undefined ? [] : seenValues(newest(), property.seen));
  const wanted = typed.toLowerCase();
  const matching = values.filter(
    (value) => value.toLowerCase().includes(wanted) && value.toLowerCase() !== wanted,
  );
  matching.sort((a, b) => rank(a, wanted) - rank(b, wanted));
  return offer(
    place,
    matching.map((value) => ({ text: quoted(value), about: null })),
  );
}

function names(typed: string): Completion[] {
  const all = [
    ...PROPERTIES.map(({ name, about }) => ({ text: `${name}:`, about })),
    ...(propertyOf('is')?.values ?? []).map((value) => ({ text: `is:${value}`, about: null })),
  ];
  const matching = all.filter(({ text }) => text.startsWith(typed) || text.startsWith(`is:${typed}`));
  return matching.filter(({ text }) => text !== typed);
}

/** Prefix matches come before other matches. */
function rank(value: string, typed: string): number {
  return value.toLowerCase().startsWith(typed) ? 0 : 1;
}

/** The most frequent first. */
function seenValues(rows: Iterable<ExchangeRow>, seen: (row: ExchangeRow) => string | null): string[] {
  const counts = new Map<string, number>();
  let read = 0;
  for (const row of rows) {
    if (read++ === MAX_ROWS) break;
    const value = seen(row);
    if (value === null || value === '' || value.length > MAX_LENGTH) continue;
    const count = counts.get(value);
    if (count !== undefined || counts.size < MAX_VALUES) counts.set(value, (count ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1]).map(([value]) => value);
}

/** In filter syntax: quoted if needed. Quotation marks in the value itself become `*`. */
function quoted(value: string): string {
  const plain = value.replaceAll('"', '*');
  return /[\s,()]/.test(plain) ? `"${plain}"` : plain;
}

function offer(place: { start: number; end: number }, items: readonly Completion[]): Completions | null {
  return items.length === 0 ? null : { ...place, items: items.slice(0, MAX_ITEMS) };
}
