/** Quotes the beginning of an answer, or of a request, that is not HTTP. */
import { maskText } from '../../privacy/maskText.ts';
import { MASK } from '../../privacy/secrets.ts';
import { looksLikeHttp2 } from '../http2/detection.ts';

/** Bytes that are quoted. */
export const QUOTED = 48;
const STARTS = ['HTTP/', 'ICY '];

/** True if these first bytes of an answer cannot become a status line. */
export function isForeign(start: string): boolean {
  return start !== '' && !STARTS.some((text) => text.startsWith(start.slice(0, text.length)));
}

/** Commands of other protocols that are followed by a secret: Redis, SMTP, POP3, FTP, IRC, IMAP. */
const WITH_SECRET = /^((?:\w{1,16} )?(?:AUTH|PASS|LOGIN)|HELLO \d AUTH)[ \t].*/i;

/** The first line if it is text, else everything, in printable ASCII. */
export function quoteForeign(bytes: string): string {
  if (looksLikeHttp2(Buffer.from(bytes, 'latin1'))) return 'frames of HTTP/2';
  const line = /^[ -~]+(?=[\r\n])/.exec(bytes)?.[0] ?? bytes;
  // biome-ignore format: one expression
  const text = line.replace(/[^ -[\]-~]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
  const short = text.length > QUOTED ? `${text.slice(0, QUOTED)}…` : text;
  return maskText(short.replace(WITH_SECRET, `$1 ${MASK}`));
}
