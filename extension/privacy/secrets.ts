/** Which names stand for secrets, and what is shown in their place. */

/** Shown instead of a secret, whatever its length. */
export const MASK = '••••••';

const HEADERS: ReadonlySet<string> = new Set([
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'x-api-key',
  'x-auth-token',
  'x-csrf-token',
  'x-xsrf-token',
  'csrf-token',
  'xsrf-token',
  'x-csrf',
  'x-xsrf',
  'x-amz-security-token',
]);

const HEADER_ENDINGS = ['-token', '-secret', '-key'] as const;

/** Part of the WebSocket handshake, public by design (RFC 6455 section 11.3.1). */
const PUBLIC_HEADERS: ReadonlySet<string> = new Set(['sec-websocket-key']);

/** Longer than any secret's name with its separators: bounds the work per name. */
const MAX_NAME = 64;

/** The same few names come again and again. Bounded: what hostile traffic names must not stay. */
const KNOWN = new Map<string, boolean>();
const MAX_KNOWN = 512;

/** @param name of a field, in any case. */
export function isSecretField(name: string): boolean {
  const known = KNOWN.get(name);
  if (known !== undefined) return known;
  const secret = isSecret(name);
  if (KNOWN.size < MAX_KNOWN && name.length <= MAX_NAME) KNOWN.set(name, secret);
  return secret;
}

function isSecret(name: string): boolean {
  const lower = name.trim().toLowerCase();
  if (PUBLIC_HEADERS.has(lower)) return false;
  return HEADERS.has(lower) || HEADER_ENDINGS.some((ending) => lower.endsWith(ending));
}

/** Without separators: `accessToken`, `access-token` and `access_token` are one name. */
const NAMES: ReadonlySet<string> = new Set([
  ...[
    'password',
    'passwd',
    'pwd',
    'secret',
    'token',
    'accesstoken',
    'refreshtoken',
    'idtoken',
    'clientsecret',
  ],
  ...['apikey', 'code', 'otp', 'pin', 'ssn', 'card', 'cvv', 'sig', 'session'],
  ...[...HEADERS].map((name) => name.replaceAll('-', '')),
]);

/** @param name of a query parameter, form field, part or JSON member, decoded. */
export function isSecretName(name: string): boolean {
  if (name.length > MAX_NAME) return false;
  return NAMES.has(name.replace(/[\s_\-.]/g, '').toLowerCase());
}
