/**
 * Secrets in a message of a WebSocket, an event stream or the like. It names no type, and often wraps JSON in a
 * protocol of its own (`42["login",{…}]`) or is a few lines of names and values (STOMP).
 */
import { maskBody } from './maskBody.ts';
import { maskJwt } from './maskJwt.ts';
import { maskLoosely } from './maskLoosely.ts';

/** Characters before JSON that are not part of it. */
const MAX_PREFIX = 64;

/** @param essence media type of the message itself, in lower case; empty where it has none. */
export function maskMessage(text: string, essence: string): string {
  const type = { essence, boundary: null };
  const masked = maskBody(text, type);
  if (essence !== '' || masked !== text || /^\s*[{[<]/.test(text)) return masked;
  const json = text.slice(0, MAX_PREFIX).search(/[{[]/);
  if (json < 0) return maskJwt(maskLoosely(text));
  return maskJwt(maskLoosely(text.slice(0, json))) + maskBody(text.slice(json), type);
}
