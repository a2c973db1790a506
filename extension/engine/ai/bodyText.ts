/** A small JSON body as text, for what a row shows. */

import { readContentType } from '../../http/contentType.ts';
import { listMembers } from '../../http/fieldSyntax.ts';
import { charsetOf, decodeText } from '../charset.ts';
import { decodeSmall } from '../coding.ts';
import { MAX_AI_BYTES } from '../limits.ts';
import type { StoredMessage } from '../storedMessage.ts';

/** The decoded body; null: its type is not JSON, it is not text, or it is compressed and too large. */
export function smallText(message: StoredMessage): string | null {
  const { body } = message;
  if (body.captured === 0 || message.transferCodings !== null) return null;
  const type = readContentType(message.field('content-type'));
  if (type.essence !== '' && !/json|text\/plain/.test(type.essence)) return null;
  const captured = Buffer.concat(body.chunks, Math.min(body.captured, MAX_AI_BYTES));
  const codings = listMembers(message.field('content-encoding') ?? '').filter((one) => one !== 'identity');
  const [coding] = codings;
  if (codings.length > 1) return null;
  const bytes = coding === undefined ? captured : decodeSmall(captured, coding, MAX_AI_BYTES);
  return bytes === null ? null : decodeText(bytes, charsetOf(type, bytes), false);
}
