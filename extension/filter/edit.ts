/** Edits that commands make to a filter line, in its own language. */
import { parseFilter } from './parser.ts';

/** The term that matches exactly this value. */
export function exactly(property: 'host' | 'path' | 'process', value: string): string {
  // A quoted value cannot contain a quotation mark: use a pattern for the whole value.
  if (value.includes('"')) return `${property}:"${value.replaceAll('"', '*')}"`;
  return /[\s,()]/.test(value) ? `${property}:"=${value}"` : `${property}:=${value}`;
}

/** The line with this term added. It replaces another exact value of the same property. */
export function withTerm(line: string, term: string): string {
  const rest = withoutExact(line.trim(), term.slice(0, term.indexOf(':') + 1)).trim();
  if (rest === '') return term;
  const { parts, errors } = parseFilter(rest);
  if (errors.length > 0) return term;
  const isWritten = (one: string): boolean => ` ${rest} `.includes(` ${one} `);
  if (isWritten(term)) return rest;
  const isEither = parts.some(
    ({ kind, start, end }) => kind === 'operator' && /^(?:or|\|\|)$/i.test(rest.slice(start, end)),
  );
  return `${isEither ? `(${rest})` : rest} ${term}`;
}

/** Without a separate `property:=…` term; negated terms start with a sign and are not the same. */
function withoutExact(line: string, property: string): string {
  if (property.startsWith('-')) return line;
  const { parts } = parseFilter(line);
  const at = parts.findIndex(
    ({ kind, start, end }, index) =>
      kind === 'property' &&
      line.slice(start, end) === property &&
      /^"?=/.test(line.slice(end)) &&
      parts[index - 1]?.kind !== 'negation',
  );
  const value = parts[at + 1];
  const isIn = parts.slice(0, at).some(({ kind }) => kind === 'operator');
  if (at < 0 || value === undefined || isIn) return line;
  return `${line.slice(0, parts[at]?.start)}${line.slice(value.end).trimStart()}`;
}
