/**
 * A request as an HTTP message in text: what `.http` files hold, which REST clients in editors send. Comments before
 * it say what an editor's text cannot: that the lines of the body end with CRLF, or that it is written in base64.
 * `httpDocument.ts` reads both.
 */
import { readableText } from './literals.ts';
import { type Replay, warningsOf } from './replay.ts';

/** A body that is not text, or not as an editor holds text. */
export const BASE64_BODY = '# The body is in base64.';
export const CRLF_BODY = '# Lines of the body end with CRLF.';

export function httpMessage(replay: Replay): string {
  const { method, scheme, authority, target, version, fields, body } = replay;
  const comments = warningsOf(replay).map((text) => `# ${text}\n`);
  const { text, directive } = contentOf(body);
  if (directive !== null) comments.push(`${directive}\n`);
  const url = `${scheme}://${authority}${target}`;
  const head = [
    `${method} ${urlText(url)} HTTP/${version}`,
    ...fields.map(([name, value]) => `${name}: ${fieldText(value)}`),
  ];
  return `${comments.join('')}${head.join('\n')}\n\n${text}`;
}

function contentOf(body: Uint8Array | null): { readonly text: string; readonly directive: string | null } {
  if (body === null) return { text: '', directive: null };
  const text = readableText(body);
  if (text !== null && !text.includes('\r')) return { text, directive: null };
  const lines = text?.replaceAll('\r\n', '\n');
  if (text != null && lines !== undefined && lines.replaceAll('\n', '\r\n') === text) {
    return { text: lines, directive: CRLF_BODY };
  }
  return { text: Buffer.from(body).toString('base64'), directive: BASE64_BODY };
}

/** Blanks and what is not ASCII would end the target or be read as text. */
function urlText(url: string): string {
  return url.replace(
    /[^\x21-\x7e]/g,
    (c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`,
  );
}

/** UTF-8 where it is that, else Latin-1. */
function fieldText(value: string): string {
  return readableText(Buffer.from(value, 'latin1')) ?? value;
}
