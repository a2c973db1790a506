/** Cookies of header fields (RFC 6265 sections 4.1 and 4.2), as an archive lists them. */
import type { SeenField } from '../engine/exchange.ts';
import { expiryOf, sentCookies, setCookie } from '../http/cookies.ts';
import { MASK } from '../privacy/secrets.ts';
import type { HarCookie } from './harTypes.ts';

export function requestCookies(fields: readonly SeenField[]): HarCookie[] {
  return valuesOf(fields, 'cookie').flatMap(sentCookies);
}

export function responseCookies(fields: readonly SeenField[]): HarCookie[] {
  return valuesOf(fields, 'set-cookie')
    .map(cookieOf)
    .filter((cookie) => cookie !== null);
}

/** Masking hides cookie names, too. */
function valuesOf(fields: readonly SeenField[], name: string): string[] {
  const values: string[] = [];
  for (const [other, value] of fields) {
    if (other?.toLowerCase() === name && value !== null && value !== MASK) values.push(value);
  }
  return values;
}

function cookieOf(value: string): HarCookie | null {
  const cookie = setCookie(value);
  if (cookie === null) return null;
  const { name, attributes } = cookie;
  const has = new Map(attributes.map(([key, text]) => [key.toLowerCase(), text ?? '']));
  const path = has.get('path');
  const domain = has.get('domain');
  const sameSite = has.get('samesite');
  const expires = timeText(has.get('expires'));
  return {
    name,
    value: cookie.value,
    ...(path === undefined ? {} : { path }),
    ...(domain === undefined ? {} : { domain }),
    ...(expires === null ? {} : { expires }),
    httpOnly: has.has('httponly'),
    secure: has.has('secure'),
    ...(sameSite === undefined ? {} : { sameSite }),
  };
}

/** RFC 3339; null: absent, or not representable in RFC 3339. */
function timeText(value: string | undefined): string | null {
  if (value === undefined || value === '') return null;
  const time = expiryOf(value);
  if (time === null) return null;
  const text = new Date(time).toISOString();
  // Years beyond four digits have a sign.
  return /^\d/.test(text) ? text : null;
}
