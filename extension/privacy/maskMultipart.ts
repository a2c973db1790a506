/** Secrets in multipart bodies (RFC 2046 section 5.1, RFC 7578): parts by name, and each part by its type. */
import { readContentType } from '../http/contentType.ts';
import { readParameters } from '../http/mediaType.ts';
import { maskBody } from './maskBody.ts';
import { maskFields } from './maskFields.ts';
import { maskLoosely } from './maskLoosely.ts';
import { decode } from './maskUrl.ts';
import { isSecretValue, MASK, pathKind } from './secrets.ts';

/** Maximum nesting of multiparts. */
const MAX_DEPTH = 4;

export function maskMultipart(text: string, boundary: string | null, depth = 0): string {
  const named = boundary === null || boundary === '' ? null : `--${boundary}`;
  const delimiter = named !== null && text.includes(named) ? named : sniffDelimiter(text);
  if (delimiter === null || depth >= MAX_DEPTH) return maskLoosely(text);
  return text
    .split(delimiter)
    .map((part, i) => (i === 0 ? part : maskPart(part, depth)))
    .join(delimiter);
}

/** The first line of the body, if the type names no boundary or a wrong one. */
function sniffDelimiter(text: string): string | null {
  return /^(?:\r?\n)?(--[^\r\n]{1,200}?)[ \t]*\r?\n/.exec(text)?.[1] ?? null;
}

/** @param part from after its delimiter up to the next one. */
function maskPart(part: string, depth: number): string {
  const end = /\r?\n\r?\n/.exec(part);
  if (end === null) return part;
  const head = part.slice(0, end.index);
  const separator = end[0];
  const rest = part.slice(end.index + separator.length);
  // The line end before the next delimiter belongs to it.
  const tail = /\r?\n$/.exec(rest)?.[0] ?? '';
  const content = rest.slice(0, rest.length - tail.length);

  const names: string[] = [];
  let type = readContentType(null);
  // A line that begins with white space continues the one before.
  const lines = head.split(/(\r?\n)(?![ \t])/).map((line) => {
    const colon = line.indexOf(':');
    if (colon <= 0) return line;
    const field = line.slice(0, colon).trim();
    const value = line.slice(colon + 1);
    if (field.toLowerCase() === 'content-disposition') names.push(...namesIn(value));
    else if (field.toLowerCase() === 'content-type') type = readContentType(unfold(value));
    const masked = maskFields([[field, value.trim()]])[0]?.[1] ?? '';
    return masked === value.trim() ? line : `${line.slice(0, colon + 1)} ${masked}`;
  });
  return lines.join('') + separator + maskContent(names, type, content, depth) + tail;
}

function unfold(value: string): string {
  return value.replace(/\r?\n[ \t]+/g, ' ');
}

/**
 * Every name that a part may be known by, as programs differ in which one they believe: `name`, `name*` with a charset
 * (RFC 5987), and both in numbered pieces (RFC 2231 section 3).
 */
function namesIn(disposition: string): string[] {
  const names: string[] = [];
  const pieces = new Map<number, string>();
  const value = unfold(disposition);
  for (const [key, parameter] of readParameters(value.slice(Math.max(0, value.indexOf(';'))))) {
    const match = /^name(?:\*(\d{1,3}))?(\*)?$/.exec(key);
    if (match === null) continue;
    const [, number, star] = match;
    const text = star === undefined ? parameter : decode(parameter.replace(/^[\w-]*'[^']*'/, ''));
    if (number === undefined) names.push(text);
    else pieces.set(Number(number), text);
  }
  if (pieces.size > 0) {
    names.push(
      [...pieces]
        .sort(([a], [b]) => a - b)
        .map(([, text]) => text)
        .join(''),
    );
  }
  return names;
}

function maskContent(
  names: readonly string[],
  type: ReturnType<typeof readContentType>,
  content: string,
  depth: number,
): string {
  if (names.some((name) => isSecretValue(pathKind(name), content, 'parameter'))) {
    return content === '' ? '' : MASK;
  }
  if (type.essence.startsWith('multipart/')) return maskMultipart(content, type.boundary, depth + 1);
  // By its type, or by what it looks like.
  return maskBody(content, type);
}
