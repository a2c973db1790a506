/**
 * Which names mean secrets, and what is shown in their place. The one table for header fields, parameters, forms,
 * JSON, XML, protobuf and text. A name is compared by its words (see words.ts), so that `sessionToken`,
 * `session_token` and `X-Session-Token` are one entry.
 */
import { KnownNames } from './knownNames.ts';
import { wordsOf } from './words.ts';

/** Shown instead of a secret, whatever its length. */
export const MASK = '••••••';

/**
 * What a name says about its value.
 * - `secret`: the value is one, whatever it looks like.
 * - `secrets`: a list or an object of them; a single value of that name is a count, a mode or a title.
 * - `code`, `opaque`, `pass`: may be a secret or something a developer needs, so the value decides: see
 *   {@link isSecretValue}.
 */
export type NameKind = 'secret' | 'secrets' | 'code' | 'opaque' | 'pass' | null;

/** Secret at the end of a name, and of a word: `csrfmiddlewaretoken`, `dbpassword`, `userApiKey`. */
const ENDINGS: readonly string[] = [
  ...['password', 'passwd', 'pwd', 'passphrase', 'passcode', 'passwort', 'kennwort', 'contrasena'],
  ...['secret', 'secret key', 'secret id', 'token', 'authorization', 'signature', 'cookie', 'jwt'],
  ...['api key', 'app key', 'access key', 'private key', 'encryption key', 'decryption key', 'signing key'],
  ...['master key', 'auth key', 'account key', 'subscription key', 'functions key', 'role key'],
  ...['consumer key', 'license key', 'licence key', 'shared key', 'symmetric key', 'recovery key', 'ssh key'],
  ...['service key', 'session key', 'hmac key', 'aes key', 'client key', 'deploy key', 'webhook key'],
  ...['shared access signature', 'secret access key', 'session id', 'sess id', 'client assertion'],
  ...['saml response', 'saml assertion', 'code verifier', 'connection string', 'private jwk'],
  ...['card number', 'card no', 'card num', 'cardholder number', 'credit card', 'debit card', 'card cvc'],
  ...['card cvv', 'card pin', 'security code', 'social security number', 'primary account number'],
  ...['verification code', 'auth code', 'authorization code', 'device code', 'user code', 'access code'],
  ...['one time code', 'mfa code', 'otp code', 'totp code', 'sms code', 'login code', 'reset code'],
  ...['backup code', 'recovery code', 'confirmation code', 'activation code', 'factor code'],
  ...['pin code', 'password salt', 'seed phrase', 'recovery phrase', 'mnemonic phrase'],
  ...['security answer', 'secret answer', 'basic auth', 'proxy auth', 'registry auth', 'http auth'],
];

/** Secret as the last whole word, or words: `x_sig`, but not `config`. */
const LAST_WORDS: readonly string[] = [
  ...[
    'otp',
    'totp',
    'hotp',
    'fa code',
    'cvv',
    'cvc',
    'cvn',
    'ssn',
    'sig',
    'csrf',
    'xsrf',
    'psk',
    'bearer',
    'pword',
    'pw',
    'hmac',
  ],
  ...['db pass', 'user pass', 'smtp pass', 'ftp pass', 'mail pass', 'redis pass', 'mysql pass', 'pg pass'],
  ...['admin pass', 'login pass', 'root pass', 'proxy pass', 'auth pass', 'http pass', 'ssh pass', 'my pass'],
  ...['new pass', 'old pass', 'current pass', 'database pass', 'account pass', 'wifi pass', 'key pass'],
  ...['sim pin', 'user pin', 'login pin', 'security pin', 'atm pin', 'new pin', 'old pin', 'current pin'],
  ...['account pin', 'access pin', 'my pin', 'confirm pin', 'device pin', 'wallet pin', 'debit pin'],
  ...['user session', 'auth session', 'login session', 'web session', 'http session', 'session data'],
  ...[
    'oauth verifier',
    'challenge answer',
    'ssn last',
    'session cookie',
    'phpsessid',
    'jsessionid',
    'sessid',
    'ssnumber',
    'connect sid',
    'asp net session id',
  ],
];

/** Secret as the whole name only: `card`, but not `business_card`. */
const WHOLE_NAMES: readonly string[] = ['pin', 'card', 'session', 'mnemonic'];

/**
 * Not secrets, although they end like one: positions in lists and texts, types of functions.
 * Compared at the end of a name, before all others.
 */
const PUBLIC_ENDINGS: readonly string[] = [
  ...['page token', 'next token', 'continuation token', 'sync token', 'pagination token', 'cancel token'],
  ...['cancellation token', 'change token', 'resume token', 'max token', 'stop token', 'eos token'],
  ...['bos token', 'pad token', 'unk token', 'first token', 'last token', 'per token'],
  ...['function signature', 'method signature', 'type signature', 'file signature', 'public key'],
  ...['non secret', 'not secret'],
];

/** Part of the WebSocket handshake (RFC 6455 section 11.3.1); what a signature covers (RFC 9421 section 4.1). */
const PUBLIC_FIELDS: ReadonlySet<string> = new Set(['sec-websocket-key', 'signature-input']);

/** Last words of header fields alone: any key is a secret there, while `sort_key` in a body is not. */
const FIELD_ENDINGS: readonly string[] = ['key', 'auth', 'pass', 'pin', 'session'];

/** More than one secret: `secrets: {…}`. Whole last words. */
const LISTS: readonly string[] = [
  ...['passwords', 'secrets', 'credentials', 'credential', 'cookies', 'api keys', 'private keys', 'pins'],
  ...['access tokens', 'refresh tokens', 'auth tokens', 'session tokens', 'recovery codes', 'backup codes'],
];

/** The value decides. Whole names. */
const BY_VALUE: Readonly<Record<string, Exclude<NameKind, 'secret' | 'secrets' | null>>> = {
  code: 'code',
  key: 'opaque',
  auth: 'opaque',
  sid: 'opaque',
  ticket: 'opaque',
  assertion: 'opaque',
  credential: 'opaque',
  credentials: 'opaque',
  pass: 'pass',
};

/** Words after a secret's name that leave it one: `password_confirmation`, `tokenValue`, `x-token-bin`. */
const NEUTRAL: ReadonlySet<string> = new Set([
  ...['value', 'text', 'string', 'raw', 'plain', 'plaintext', 'hash', 'hashed', 'encrypted', 'enc', 'data'],
  ...['confirm', 'confirmation', 'again', 'repeat', 'repeated', 'retype', 'verify', 'old', 'new', 'current'],
  ...['b', 'base', 'hex', 'pem', 'bin', 'binary', 'bytes', 'input', 'field', 'md', 'sha', 'v'],
]);

/** Entries without spaces, indexed by last character, so that a name is compared with few. */
class Endings {
  readonly #byLast = new Map<string, string[]>();

  constructor(entries: readonly string[]) {
    for (const entry of entries) {
      const text = entry.replaceAll(' ', '');
      const last = text.slice(-1);
      const known = this.#byLast.get(last);
      if (known === undefined) this.#byLast.set(last, [text]);
      else known.push(text);
    }
  }

  /** @param starts offsets at which words begin; null: the entry may begin inside of a word. */
  match(name: string, starts: ReadonlySet<number> | null): boolean {
    for (const entry of this.#byLast.get(name.slice(-1)) ?? []) {
      if (name.endsWith(entry) && (starts === null || starts.has(name.length - entry.length))) return true;
    }
    return false;
  }
}

const IS_ENDING = new Endings(ENDINGS);
const IS_LAST_WORD = new Endings(LAST_WORDS);
const IS_PUBLIC = new Endings(PUBLIC_ENDINGS);
const IS_FIELD_ENDING = new Endings(FIELD_ENDINGS);
const IS_LIST = new Endings(LISTS);
const IS_WHOLE: ReadonlySet<string> = new Set([
  ...WHOLE_NAMES.map((name) => name.replaceAll(' ', '')),
  ...LAST_WORDS.map((name) => name.replaceAll(' ', '')),
]);

const KINDS = new KnownNames<NameKind>((name) => findKind(wordsOf(name)));
const SECRET_FIELDS = new KnownNames<boolean>(
  (name) => !PUBLIC_FIELDS.has(name.trim().toLowerCase()) && isSecretFieldName(name),
);

/** @param name of a query parameter, form field, part, JSON member, XML element or protobuf field, decoded. */
export function nameKind(name: string): NameKind {
  return KINDS.get(name);
}

/** For a name with parts: `user[password]` and `credentials.password` name a password, too. */
export function pathKind(name: string): NameKind {
  const whole = nameKind(name);
  if (whole !== null || !/[[\].:]/.test(name)) return whole;
  let kind: NameKind = null;
  for (const part of name.slice(-MAX_PATH).split(/[[\].:]/)) {
    const found = nameKind(part);
    if (found === 'secret') return found;
    kind = found ?? kind;
  }
  return kind;
}

/** Characters of a name with parts that are examined. */
const MAX_PATH = 256;

/** @returns true when the value is a secret whatever it looks like. */
export function isSecretName(name: string): boolean {
  return nameKind(name) === 'secret';
}

/** @param name that is itself a value, and names another value. */
export function isNamingSecret(name: string): boolean {
  const kind = pathKind(name);
  return kind === 'secret' || kind === 'pass';
}

/** @param name of a header or trailer field, in any case. */
export function isSecretField(name: string): boolean {
  return SECRET_FIELDS.get(name);
}

function isSecretFieldName(name: string): boolean {
  const words = withoutNeutral(wordsOf(name));
  if (findKind(words) === 'secret') return true;
  const { joined, starts } = join(words);
  return IS_FIELD_ENDING.match(joined, starts) && !IS_PUBLIC.match(joined, starts);
}

function findKind(words: readonly string[]): NameKind {
  if (words.length === 0) return null;
  const whole = words.join('');
  // However it is capitalized: `pIn`, `passWord`.
  if (IS_WHOLE.has(whole)) return 'secret';
  const byValue = Object.hasOwn(BY_VALUE, whole) ? BY_VALUE[whole] : undefined;
  const short = withoutNeutral(words);
  for (const some of short === words ? [words] : [words, short]) {
    const { joined, starts } = join(some);
    if (IS_PUBLIC.match(joined, starts)) return null;
    if (IS_ENDING.match(joined, null) || IS_LAST_WORD.match(joined, starts)) return 'secret';
    if (IS_LIST.match(joined, starts)) return byValue ?? 'secrets';
  }
  return byValue ?? null;
}

function withoutNeutral(words: readonly string[]): readonly string[] {
  let end = words.length;
  while (end > 1 && NEUTRAL.has(words[end - 1] as string)) end--;
  return end === words.length ? words : words.slice(0, end);
}

function join(words: readonly string[]): { joined: string; starts: ReadonlySet<number> } {
  const starts = new Set<number>();
  let joined = '';
  for (const word of words) {
    starts.add(joined.length);
    joined += word;
  }
  return { joined, starts };
}

/** The place of a name and its value. */
export type Place = 'parameter' | 'member' | 'element';

/**
 * For names whose value decides.
 *
 * `code` is an authorization code of OAuth or a one-time password in some places and an error's code in most others,
 * which is what a developer looks for. As a query parameter or form field (where OAuth and log-in forms have theirs,
 * and errors do not) it is always a secret. Elsewhere it is one when it looks like one: opaque, or six or eight digits
 * in quotes (one-time passwords; they may begin with 0 and so are sent as text, while error codes are numbers or
 * shorter). JSON that has `grant_type` or the like beside it is OAuth's: see maskJson.ts.
 *
 * `pass` is a password unless it is the outcome of a test; the others are secrets when they are opaque.
 */
export function isSecretValue(kind: NameKind, value: string, place: Place): boolean {
  switch (kind) {
    case null:
    case 'secrets':
      return false;
    case 'secret':
      // `requires_password=true` says something about one.
      return !/^(?:true|false)$/i.test(value);
    case 'code':
      return place === 'parameter' || /^(?:\d{6}|\d{8})$/.test(value) || isOpaque(value);
    case 'pass':
      return place === 'element'
        ? isOpaque(value)
        : !/^(?:true|false|yes|no|ok|on|off|passe?d?|fail(?:ed)?|\d*)$/i.test(value);
    case 'opaque':
      return isOpaque(value);
    default:
      return kind satisfies never;
  }
}

const MAX_OPAQUE = 65_536;

/**
 * Could it be random? Letters and digits, 16 or more, in both cases or without anything that separates words.
 * `ERR_HTTP2_STREAM_CANCEL`, `photos/2024/07/14.jpg` and `user-profile-2` are not.
 */
export function isOpaque(value: string): boolean {
  if (value.length < 16 || value.length > MAX_OPAQUE) return false;
  if (!/^[\w.~+/=-]+$/.test(value) || !/\d/.test(value) || !/[a-z]/i.test(value)) return false;
  if (/\.[a-z]{2,5}$/.test(value)) return false;
  return (/[a-z]/.test(value) && /[A-Z]/.test(value)) || !/[._/-]/.test(value);
}
