/** The response to a sent request, as a document: decoded, formatted, with its secrets masked or not. */

import { maskBytes } from '../engine/bodyJson.ts';
import { charsetOf, decodeText } from '../engine/charset.ts';
import { removeCodings } from '../engine/coding.ts';
import type { BodyJson } from '../engine/exchangeJson.ts';
import type { FieldLine } from '../export/replay.ts';
import { listMembers } from '../http/fieldSyntax.ts';
import { parseContentType } from '../http/mediaType.ts';
import { maskBody } from '../privacy/maskBody.ts';
import { maskFields } from '../privacy/maskFields.ts';
import { MAX_RESPONSE, type SentResponse } from '../resend/sent.ts';
import { messageText } from '../views/messageText.ts';
import { durationText, sizeText } from '../words/numbers.ts';
import { t } from '../words/translate.ts';

/** @param remark a note on how it was sent; null: none. */
export function responseText(response: SentResponse, reveal: boolean, remark: string | null): string {
  const { protocol, status, statusText, fields, trailers, remote, duration } = response;
  const { body, note } = contentOf(response, reveal);
  const shown = (of: readonly FieldLine[]) => (reveal ? of : maskFields(of));
  const took = durationText(duration);
  const sent = remote === null ? took : t('{0}, from {1}', took, remote);
  const comments = [`# ${sent}`, ...(remark === null ? [] : [`# ${remark}`])];
  const start = `${protocol} ${status} ${statusText}`.trimEnd();
  return `${comments.join('\n')}\n${messageText({ start, fields: shown(fields), trailers: shown(trailers), body, note })}`;
}

function contentOf(
  { fields, body, cut }: SentResponse,
  reveal: boolean,
): { readonly body: BodyJson | null; readonly note: string | null } {
  if (body.length === 0) return { body: null, note: null };
  const value = (wanted: string): string =>
    fields
      .filter(([name]) => name.toLowerCase() === wanted)
      .map(([, content]) => content)
      .join(',');
  const decoded = removeCodings(body, listMembers(value('content-encoding').toLowerCase()), !cut);
  const notes = cut ? [t('Only the first {0} were read.', sizeText(MAX_RESPONSE))] : [];
  if (decoded.note !== null) notes.push(decoded.note);
  const type = parseContentType(value('content-type'));
  const text = decodeText(decoded.bytes, charsetOf(type, decoded.bytes), notes.length === 0);
  const note = notes.length === 0 ? null : notes.join(' ');
  if (text !== null) return { body: { text: reveal ? text : maskBody(text, type) }, note };
  const bytes = reveal ? decoded.bytes : maskBytes(decoded.bytes, type);
  return { body: { base64: bytes.toString('base64') }, note };
}
