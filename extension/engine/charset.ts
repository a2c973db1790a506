/**
 * Decodes bytes by charset (RFC 9110 section 8.3.2, WHATWG Encoding). Never inserts replacement characters.
 */

import { isAscii } from 'node:buffer';
import type { ContentType } from '../http/mediaType.ts';

/** Windows-1252 from 0x80 to 0x9f (WHATWG Encoding); runtimes decode these differently. */
const WINDOWS_1252 =
  '\u20ac\x81\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\x8d\u017d\x8f' +
  '\x90\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\x9d\u017e\u0178';

const LATIN_1: ReadonlySet<string> = new Set([
  ...[
    'iso-8859-1',
    'iso8859-1',
    'iso_8859-1',
    'latin1',
    'latin-1',
    'l1',
    'windows-1252',
    'cp1252',
    'x-cp1252',
  ],
]);

/** Types for which a UTF-16 byte order mark counts. JSON is always UTF-8 (RFC 8259 section 8.1). */
const MARKED = /^text\/|[/+]xml$/;

/**
 * The charset of a body: as declared, or for text types from a UTF-16 byte order mark. In other types, bytes that look
 * like the mark may well be binary data.
 * @returns null when it is unknown.
 */
export function charsetOf({ essence, charset }: ContentType, bytes: Buffer): string | null {
  if (charset === null ? !MARKED.test(essence) : charset !== 'utf-16') return charset;
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  return charset;
}

/**
 * @param charset in lower case; null: UTF-8. A UTF-8 byte order mark overrides it.
 * @param whole false when the bytes are a prefix, which may end inside a character.
 * @returns null when the bytes are not valid in that charset, or the charset is unknown.
 */
export function decodeText(bytes: Buffer, charset: string | null, whole: boolean): string | null {
  const label = hasUtf8Mark(bytes) ? 'utf-8' : (charset ?? 'utf-8');
  // Most text is ASCII, which needs no decoder.
  if (label === 'utf-8' && isAscii(bytes)) {
    const text = bytes.toString('latin1');
    return isText(text) ? text : null;
  }
  // A sender that declares US-ASCII and sends other bytes means UTF-8, or is wrong.
  if (label === 'us-ascii' || label === 'ascii') return decodeText(bytes, 'utf-8', whole);
  if (LATIN_1.has(label)) return decodeWindows1252(bytes);
  try {
    // The mark is kept in UTF-8, so that the text has the same bytes as the body.
    const decoder = new TextDecoder(label, { fatal: true, ignoreBOM: label === 'utf-8' });
    const text = decoder.decode(bytes, { stream: !whole });
    return isText(text) ? text : null;
  } catch {
    return null;
  }
}

function hasUtf8Mark(bytes: Buffer): boolean {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}

/** Text that people write contains no NUL; most binary data that happens to be valid UTF-8 does. */
function isText(text: string): boolean {
  return !text.includes('\0');
}

function decodeWindows1252(bytes: Buffer): string | null {
  const text = bytes
    .toString('latin1')
    .replace(/[\x80-\x9f]/g, (c) => WINDOWS_1252[c.charCodeAt(0) - 0x80] ?? c);
  return isText(text) ? text : null;
}
