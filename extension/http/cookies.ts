/** Cookies in header fields (RFC 6265 and its successor, draft-ietf-httpbis-rfc6265bis), and what is wrong with them. */

export interface Cookie {
  readonly name: string;
  readonly value: string;
}

export interface SetCookie extends Cookie {
  /** In order, as written; a flag has the value null. */
  readonly attributes: readonly (readonly [name: string, value: string | null])[];
}

/** The pairs of a Cookie field. */
export function sentCookies(value: string): Cookie[] {
  return value.split(';').flatMap((pair) => pairOf(pair) ?? []);
}

/** A Set-Cookie field; null: it sets none. */
export function setCookie(value: string): SetCookie | null {
  const [pair = '', ...rest] = value.split(';');
  const cookie = pairOf(pair);
  if (cookie === null) return null;
  const attributes = rest.flatMap((attribute): [string, string | null][] => {
    const named = pairOf(attribute);
    const flag = attribute.trim();
    if (named !== null) return [[named.name, named.value]];
    return flag === '' ? [] : [[flag, null]];
  });
  return { ...cookie, attributes };
}

function pairOf(text: string): Cookie | null {
  const sign = text.indexOf('=');
  if (sign < 0) return null;
  return { name: text.slice(0, sign).trim(), value: text.slice(sign + 1).trim() };
}

/** A zone at the end: without one the time is in UTC (RFC 6265 section 5.1.1), which Date.parse does not assume. */
const ZONE = /(?:[a-z]|[+-]\d{4})\s*$/i;

/** An Expires attribute in milliseconds since the epoch; null: not a date. */
export function expiryOf(value: string): number | null {
  const time = Date.parse(ZONE.test(value) ? value : `${value} GMT`);
  return Number.isNaN(time) ? null : time;
}

/** What an attribute means, in a sentence; null: browsers do not know it. */
export function attributeMeaning(name: string, value: string | null): string | null {
  switch (name.toLowerCase()) {
    case 'secure':
      return 'Sent over HTTPS only.';
    case 'httponly':
      return 'Not readable by scripts of the page.';
    case 'path':
      return 'Sent with requests for this path and paths below it.';
    case 'domain':
      return 'Also sent to the subdomains of this host.';
    case 'max-age':
      return 'Kept for this many seconds; takes precedence over Expires.';
    case 'expires':
      return 'Kept until then.';
    case 'partitioned':
      return 'Kept separately for each top-level site (CHIPS).';
    case 'samesite':
      return SAME_SITE[(value ?? '').toLowerCase()] ?? 'Neither Strict, Lax nor None: browsers use Lax.';
    case 'priority':
      return 'Which cookies Chrome drops first.';
    default:
      return null;
  }
}

const SAME_SITE: Readonly<Record<string, string>> = {
  strict: 'Sent only with requests that the same site makes.',
  lax: 'Sent from other sites only when a link leads here.',
  none: 'Also sent with requests that other sites make; needs Secure.',
};

/** Browsers' limit for name and value together (rfc6265bis section 5.6). */
const MAX_COOKIE = 4096;

/**
 * Why browsers would not keep a cookie, or not as it was meant; in sentences.
 * @param now when it was received, milliseconds since the epoch.
 */
export function cookieWarnings(cookie: SetCookie, isHttps: boolean, host: string, now: number): string[] {
  const has = new Map(cookie.attributes.map(([name, value]) => [name.toLowerCase(), value]));
  const secure = has.has('secure');
  const warnings: string[] = [];
  const maxAge = has.get('max-age') ?? null;
  const expires = has.get('expires') ?? null;
  const expiry = expires === null ? null : expiryOf(expires);
  if (maxAge !== null && /^-?\d+$/.test(maxAge)) {
    if (Number(maxAge) <= 0) warnings.push('It expires at once: it deletes the cookie.');
  } else if (expiry !== null && expiry <= now) {
    warnings.push('It had expired when it was set: it deletes the cookie.');
  }
  if (expires !== null && expiry === null)
    warnings.push('Expires is not a valid date: the cookie lasts for the session.');
  if ((has.get('samesite') ?? '').toLowerCase() === 'none' && !secure) {
    warnings.push('SameSite=None without Secure: browsers reject it.');
  }
  if (has.has('partitioned') && !secure) warnings.push('Partitioned without Secure: browsers reject it.');
  if (secure && !isHttps && !isLocal(host)) warnings.push('Secure, but set over http: browsers reject it.');
  if (/^__Secure-/i.test(cookie.name) && !secure) warnings.push('The prefix __Secure- requires Secure.');
  if (/^__Host-/i.test(cookie.name) && (!secure || has.has('domain') || has.get('path') !== '/')) {
    warnings.push('The prefix __Host- requires Secure and Path=/, and no Domain.');
  }
  if (cookie.name.length + cookie.value.length > MAX_COOKIE) {
    warnings.push(`Name and value are longer than ${MAX_COOKIE} bytes: browsers reject it.`);
  }
  return warnings;
}

/** Browsers trust these over http as well. */
function isLocal(authority: string): boolean {
  return /^(?:localhost|.*\.localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i.test(authority);
}
