/** What kind of content a body is, by its Content-Type and its first characters. Pure. */
import type { MessageJson } from '../../engine/exchangeJson.ts';
import { bytesKind, type ContentKind, textKind } from '../../words/contentKind.ts';

export function field(message: MessageJson, name: string): string | null {
  const wanted = name.toLowerCase();
  return message.headers.find(([n]) => n?.toLowerCase() === wanted)?.[1] ?? null;
}

/** The media type as sent, parameters included; null when there is none. */
export function contentType(message: MessageJson): string | null {
  return field(message, 'content-type');
}

/** Type and subtype in lower case (RFC 9110 section 8.3.1); null when there is none. */
export function mediaType(message: MessageJson): string | null {
  const type = contentType(message)?.split(';')[0]?.trim().toLowerCase();
  return type === undefined || type === '' ? null : type;
}

/** null: no body, or nothing of it was captured. */
export function contentKind(message: MessageJson): ContentKind | null {
  if (message.body === null) return null;
  const type = mediaType(message) ?? '';
  return 'text' in message.body ? textKind(type, message.body.text) : bytesKind(type);
}

/** Names and values of a form (URL Standard, application/x-www-form-urlencoded). Never throws. */
export function formFields(text: string): readonly (readonly [string, string])[] {
  return [...new URLSearchParams(text)];
}

/** Decodes at most `limit` bytes of a base64 text, up to an invalid character. */
export function base64Bytes(text: string, limit: number): Uint8Array {
  const characters = Math.ceil(limit / 3) * 4;
  let part = text.slice(0, characters);
  const wrong = part.search(/[^A-Za-z0-9+/=]/);
  if (wrong >= 0) part = part.slice(0, wrong);
  part = part.replace(/=+$/, '');
  // A single left-over character is less than a byte.
  if (part.length % 4 === 1) part = part.slice(0, -1);
  const binary = atob(part);
  const bytes = new Uint8Array(Math.min(binary.length, limit));
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** Lines of `00000010  48 54 54 50 …  HTTP…`. */
export function hexLines(bytes: Uint8Array): readonly string[] {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const part = bytes.subarray(at, at + 16);
    let hex = '';
    let text = '';
    for (let i = 0; i < 16; i++) {
      const byte = part[i];
      if (i === 8) hex += ' ';
      hex += byte === undefined ? '   ' : `${byte.toString(16).padStart(2, '0')} `;
      if (byte !== undefined) text += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.';
    }
    lines.push(`${at.toString(16).padStart(8, '0')}  ${hex} ${text}`);
  }
  return lines;
}
