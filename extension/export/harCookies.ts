/** Cookies of header fields (RFC 6265 sections 4.1 and 4.2), as an archive lists them. */
import type { SeenField } from '../engine/exchange.ts';
import { MASK } from '../privacy/secrets.ts';
import type { HarCookie } from './harTypes.ts';

export function requestCookies(fields: readonly SeenField[]): HarCookie[] {
  return valuesOf(fields, 'cookie').flatMap((value) =>
    value
      .split(';')
      .map(pairOf)
      .filter((cookie) => cookie !== null),
  );
}

export function responseCookies(fields: readonly SeenField[]): HarCookie[] {
  return valuesOf(fields, 'set-cookie')
    .map(cookieOf)
    .filter((cookie) => cookie !== null);
}

/** A masked field tells no name either. */
function valuesOf(fields: readonly SeenField[], name: string): string[] {
  const values: string[] = [];
  for (const [other, value] of fields) {
    if (other?.toLowerCase() === name && value !== null && value !== MASK) values.push(value);
  }
  return values;
}

function pairOf(text: string): HarCookie | null {
  const sign = text.indexOf('=');
  if (sign < 0) return null;
  return { name: text.slice(0, sign).trim(), value: text.slice(sign + 1).trim() };
}

function cookieOf(value: string): HarCookie | null {
  const [pair = '', ...attributes] = value.split(';');
  const named = pairOf(pair);
  if (named === null) return null;
  const has = new Map<string, string>();
  for (const attribute of attributes) {
    const { name, value: text } = pairOf(attribute) ?? { name: attribute.trim(), value: '' };
    has.set(name.toLowerCase(), text);
  }
  const path = has.get('path');
  const domain = has.get('domain');
  const sameSite = has.get('samesite');
  const expires = expiryOf(has.get('expires'));
  return {
    ...named,
    ...(path === undefined ? {} : { path }),
    ...(domain === undefined ? {} : { domain }),
    ...(expires === null ? {} : { expires }),
    httpOnly: has.has('httponly'),
    secure: has.has('secure'),
    ...(sameSite === undefined ? {} : { sameSite }),
  };
}

/** A zone at the end: without one the time is in UTC (RFC 6265 section 5.1.1), which Date.parse does not take it for. */
const ZONE = /(?:[a-z]|[+-]\d{4})\s*$/i;

/** RFC 3339; null: there is none, or not one that RFC 3339 can write. */
function expiryOf(value: string | undefined): string | null {
  if (value === undefined || value === '') return null;
  const time = Date.parse(ZONE.test(value) ? value : `${value} GMT`);
  if (Number.isNaN(time)) return null;
  const text = new Date(time).toISOString();
  // Years beyond four digits have a sign.
  return /^\d/.test(text) ? text : null;
}
