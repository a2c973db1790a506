/** The beginning of an answer that is not HTTP, as it is quoted. */
import { maskText } from '../../privacy/maskText.ts';
import { looksLikeHttp2 } from '../http2/detection.ts';

/** Bytes of the answer that are quoted. */
export const QUOTED = 48;
const STARTS = ['HTTP/', 'ICY '];

/** Can these bytes, the first ones of an answer, no longer become a status line? */
export function isForeign(start: string): boolean {
  return start !== '' && !STARTS.some((text) => text.startsWith(start.slice(0, text.length)));
}

/** The first line of the answer, in printable ASCII. */
export function quoteAnswer(bytes: string): string {
  if (looksLikeHttp2(Buffer.from(bytes, 'latin1'))) return 'frames of HTTP/2';
  // A line of text, else all.
  const line = /^[ -~]+(?=[\r\n])/.exec(bytes)?.[0] ?? bytes;
  // biome-ignore format: one expression
  const text = line.replace(/[^ -[\]-~]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
  const short = text.length > QUOTED ? `${text.slice(0, QUOTED)}…` : text;
  return maskText(short);
}
