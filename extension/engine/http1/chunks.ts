/** Reads chunk-size lines, and finds the end of a chunked body without them (RFC 9112 section 7.1). */

import { isBlank, isToken } from '../../http/fieldSyntax.ts';
import type { RuleName } from '../violations.ts';

export interface ChunkLine {
  /** null when it is not a number, or too large to be counted exactly. */
  readonly size: number | null;
  readonly broken: readonly RuleName[];
}

/** Hexadecimal digits that a double holds exactly, without leading zeros. */
const MAX_SIZE_DIGITS = 13;

/** @param line without its line end; @param cut when the line was longer than what is examined. */
export function readChunkLine(line: string, cut: boolean): ChunkLine {
  const broken: RuleName[] = [];
  let to = 0;
  while (to < line.length && isHexDigit(line.charCodeAt(to))) to++;
  if (to === 0) return { size: null, broken: ['chunk-size'] };
  let from = 0;
  while (from < to - 1 && line.charCodeAt(from) === 48) from++;
  if (to - from > MAX_SIZE_DIGITS) return { size: null, broken: ['chunk-size'] };
  const size = Number.parseInt(line.slice(from, to), 16);
  let at = to;
  while (at < line.length && isBlank(line.charCodeAt(at))) at++;
  if (at === line.length) {
    if (at > to) broken.push('chunk-size-space');
  } else if (line.charCodeAt(at) === 59) {
    if (cut || !isExtension(line.slice(at))) broken.push('chunk-extension');
  } else return { size: null, broken: ['chunk-size'] };
  return { size, broken };
}

function isHexDigit(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 70) || (code >= 97 && code <= 102);
}

/** `*( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )` */
function isExtension(text: string): boolean {
  let at = 0;
  const blanks = (): void => {
    while (at < text.length && isBlank(text.charCodeAt(at))) at++;
  };
  const word = (): boolean => {
    const from = at;
    while (at < text.length && !isBlank(text.charCodeAt(at)) && text[at] !== ';' && text[at] !== '=') at++;
    return isToken(text.slice(from, at));
  };
  while (at < text.length) {
    if (text[at] !== ';') return false;
    at++;
    blanks();
    if (!word()) return false;
    blanks();
    if (text[at] !== '=') continue;
    at++;
    blanks();
    if (text[at] === '"') {
      for (at++; at < text.length && text[at] !== '"'; at++) {
        if (text[at] === '\\') at++;
        const code = at < text.length ? text.charCodeAt(at) : 0;
        if ((code < 32 && code !== 9) || code === 127) return false;
      }
      if (at >= text.length) return false;
      at++;
    } else if (!word()) return false;
    blanks();
  }
  return true;
}

const LAST_CHUNK = '\r\n0\r\n';

const TERMINATOR = `${LAST_CHUNK}\r\n`;

/** Length of `0 CRLF CRLF`: this much of the terminator is sufficient evidence even if nothing follows. */
const SHORTEST_CERTAIN = 5;

/** Bytes of earlier pieces that may belong to the last chunk and its trailers. */
export const TERMINATOR_TAIL = 256;

/**
 * Finds the end of a chunked body from an unknown place within it: the last chunk, followed by trailers, if
 * any, and an empty line, after which `isEnd` finds the end of the piece or another message.
 * @param text Latin-1, with the tail of earlier pieces. @param atBoundary it begins where a system call began.
 * @returns offset after the body, and its trailer lines; null when it is not in `text`.
 */
export function findLastChunk(
  text: string,
  atBoundary: boolean,
  isEnd: (offset: number) => boolean,
): { end: number; trailers: string[] } | null {
  if (atBoundary) {
    // The gap may have ended within the terminator: the rest of it, followed by a message, is enough evidence.
    for (let length = TERMINATOR.length; length > 0; length--) {
      const certain = length >= SHORTEST_CERTAIN || length < text.length;
      if (certain && text.startsWith(TERMINATOR.slice(-length)) && isEnd(length))
        return { end: length, trailers: [] };
    }
  }
  let from = atBoundary && text.startsWith(LAST_CHUNK.slice(2)) ? 3 : -1;
  let next = 0;
  // Each candidate's lines are read up to the first that is not a field: linear in the text overall.
  for (;;) {
    if (from < 0) {
      const found = text.indexOf(LAST_CHUNK, next);
      if (found < 0) return null;
      from = found + LAST_CHUNK.length;
      next = from - 2;
    }
    const trailers: string[] = [];
    for (let at = from; ; ) {
      const lineEnd = text.indexOf('\r\n', at);
      if (lineEnd < 0) break;
      if (lineEnd === at) {
        if (isEnd(at + 2)) return { end: at + 2, trailers };
        break;
      }
      const line = text.slice(at, lineEnd);
      const colon = line.indexOf(':');
      if (colon < 1 || !isToken(line.slice(0, colon))) break;
      trailers.push(line);
      at = lineEnd + 2;
    }
    from = -1;
  }
}
