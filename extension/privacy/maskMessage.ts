/**
 * Secrets in a message of a WebSocket, an event stream or the like. It names no type, and often wraps JSON in a
 * protocol of its own (`42["login",{…}]`) or is a few lines of names and values (STOMP).
 */
import { maskBody } from './maskBody.ts';
import { maskJson } from './maskJson.ts';
import { maskJwt } from './maskJwt.ts';
import { maskText } from './maskText.ts';

/** Characters before JSON that are not part of it. */
const MAX_PREFIX = 64;

/** @param essence media type of the message itself, in lower case; empty where it has none. */
export function maskMessage(text: string, essence: string): string {
  if (essence !== '') return maskBody(text, { essence, boundary: null });
  const json = text.slice(0, MAX_PREFIX).search(/[{[]/);
  if (json <= 0 || !/^[\w:,./ -]*$/.test(text.slice(0, json))) return maskText(text);
  return maskText(text.slice(0, json)) + maskJwt(maskJson(text.slice(json)));
}
