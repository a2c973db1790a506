/** A message's body for display and JSON output: decoded, as text if possible, with secrets masked. */

import { readContentType } from '../http/contentType.ts';
import { listMembers } from '../http/fieldSyntax.ts';
import { type BodyType, maskBody } from '../privacy/maskBody.ts';
import type { FileReading } from './byteStream.ts';
import { charsetOf, decodeText } from './charset.ts';
import { removeCodings } from './coding.ts';
import type { BodyJson } from './exchangeJson.ts';
import type { StoredMessage } from './storedMessage.ts';

export interface BodyParts {
  readonly body: BodyJson | null;
  readonly decodedSize: number | null;
  readonly bodyNote: string | null;
}

export function bodyJson(message: StoredMessage, reveal: boolean): BodyParts {
  const { body } = message;
  if (body.captured === 0) {
    const missing = body.size !== null && body.size > 0;
    const sentence = message.shed
      ? 'The body was not captured: too much data at once.'
      : 'The body was not captured.';
    const bodyNote = missing ? [sentence, ...unread(body.file)].join(' ') : null;
    return { body: null, decodedSize: null, bodyNote };
  }
  const captured = capturedBytes(message);
  const whole = body.size === body.captured;
  const notes: string[] = [];
  if (!whole) {
    notes.push(
      body.size === null
        ? `Only the first ${body.captured} bytes of the body are known.`
        : `Only the first ${body.captured} of ${body.size} bytes of the body were captured.`,
      ...(message.shed ? ['The rest was not captured: too much data at once.'] : []),
      ...unread(body.file),
    );
  }
  const coding = message.field('content-encoding');
  const codings = [...(coding === null ? [] : listMembers(coding)), ...(message.transferCodings ?? [])];
  const decoded = removeCodings(captured, codings, whole);
  if (decoded.note !== null) notes.push(decoded.note);
  const type = readContentType(message.field('content-type'));
  const encoded = codings.length > 0 && !decoded.removed;
  const wholeText = whole && decoded.note === null;
  const text = encoded ? null : decodeText(decoded.bytes, charsetOf(type, decoded.bytes), wholeText);
  return {
    body: present(text, decoded.bytes, type, reveal || encoded),
    decodedSize: decoded.removed ? decoded.bytes.length : null,
    bodyNote: notes.length === 0 ? null : notes.join(' '),
  };
}

/**
 * The body as a replay sends it: content coding and secrets kept, transfer coding removed. null: nothing was captured,
 * or a transfer coding could not be removed.
 */
export function bodyBytes(message: StoredMessage): Uint8Array | null {
  const { body, transferCodings } = message;
  if (body.captured === 0) return null;
  const captured = capturedBytes(message);
  if (transferCodings === null) return captured;
  const decoded = removeCodings(captured, transferCodings, body.size === body.captured);
  return decoded.note === null ? decoded.bytes : null;
}

function capturedBytes({ body: { chunks } }: StoredMessage): Buffer {
  return chunks.length === 1 ? asBuffer(chunks[0] as Uint8Array) : Buffer.concat(chunks);
}

/** Completes the sentence "The program sent it from a file that …". */
const UNREAD: Readonly<Record<Exclude<FileReading, 'read'>, string>> = {
  changed: 'has changed since',
  uncertain: 'was being changed, so what was sent is not certain',
  unreadable: 'could not be opened afterwards',
  'file-system': 'is on a network or FUSE file system, which is not read',
  slow: 'could not be read in time',
};

function unread(file: FileReading | null): string[] {
  return file === null || file === 'read' ? [] : [`The program sent it from a file that ${UNREAD[file]}.`];
}

function present(
  text: string | null,
  bytes: Buffer,
  type: ReturnType<typeof readContentType>,
  asIs: boolean,
): BodyJson {
  if (text !== null) return { text: asIs ? text : maskBody(text, type) };
  if (asIs) return { base64: bytes.toString('base64') };
  return { base64: maskBytes(bytes, type).toString('base64') };
}

/** For bytes that are not text, or not valid in their charset: secrets in them may still be readable. */
export function maskBytes(bytes: Buffer, type: BodyType): Buffer {
  const latin1 = bytes.toString('latin1');
  const masked = maskBody(latin1, type);
  return masked === latin1 ? bytes : bytesOf(masked);
}

/** Encodes as Latin-1, except for the mask, which is encoded as UTF-8. */
function bytesOf(text: string): Buffer {
  const parts: Buffer[] = [];
  for (const part of text.split(/([^\x00-\xff]+)/)) {
    parts.push(Buffer.from(part, /^[\x00-\xff]*$/.test(part) ? 'latin1' : 'utf8'));
  }
  return Buffer.concat(parts);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
