/**
 * Secrets in URLs and in text that holds URLs: userinfo, parameters by name (query, fragment, path), tokens.
 * All else stays as it is, byte for byte.
 */
import { maskJwt } from './maskJwt.ts';
import { maskLoosely } from './maskLoosely.ts';
import { MAX_NESTING, maskText } from './maskText.ts';
import { isSecretValue, MASK, pathKind } from './secrets.ts';

/** Times percent-encoding is undone to find secrets below the deepest level that is kept. */
const MAX_UNDONE = 8;

/** @param text any text; a URL in it ends at white space, a quote or an angle bracket. */
export function maskUrl(text: string, depth = 0): string {
  // Most text has neither sign, and is not examined further.
  const userinfo = text.includes('@') ? maskUserinfo(text) : text;
  return maskJwt(userinfo.includes('=') ? maskParameters(userinfo, depth) : userinfo);
}

/** Without any of these, a target has no secret: no userinfo, no name with a value, no token or key (maskJwt.ts). */
const SIGNS = /[@=?#]|eyJ|PRIVATE KEY/;

/** @param target one whole URL or request target, whatever characters it has. */
export function maskTarget(target: string, depth = 0): string {
  if (!SIGNS.test(target)) return target;
  const sign = target.indexOf('@');
  // Without a scheme or a path: the authority alone, of CONNECT or a Host field.
  if (sign >= 0 && !/[/?#\s]/.test(target)) return MASK + target.slice(target.lastIndexOf('@'));
  const mark = target.search(/[?#]/);
  if (mark < 0) return maskPath(target, depth);
  const query = target
    .slice(mark)
    .split(/([?&#])/)
    .map((part) => maskPair(part, depth))
    .join('');
  return maskPath(target.slice(0, mark), depth) + maskJwt(query);
}

/** Segments may be names with values: `/token=x/b`. */
function maskPath(path: string, depth: number): string {
  return maskUrl(path, depth)
    .split('/')
    .map((segment) => (/^[\w.-]{1,64}=/.test(segment) ? maskPair(segment, depth) : segment))
    .join('/');
}

/** `name=value`, encoded; text without a name stays. */
export function maskPair(pair: string, depth: number): string {
  const equals = pair.indexOf('=');
  if (equals < 0) return pair;
  const value = pair.slice(equals + 1);
  // Padding of base64 that happens to look like a name.
  if (value === '=') return pair;
  const masked = maskParameter(pair.slice(0, equals).trim(), value, depth);
  return masked === value ? pair : pair.slice(0, equals + 1) + masked;
}

/** `user:password@` after `//`. */
function maskUserinfo(url: string): string {
  let masked = '';
  let from = 0;
  for (let at = url.indexOf('//'); at >= 0; at = url.indexOf('//', at)) {
    at += 2;
    let end = at;
    let sign = -1;
    while (end < url.length && !isAuthorityEnd(url.charCodeAt(end))) {
      if (url[end] === '@') sign = end;
      end++;
    }
    // A password with an unencoded slash in it.
    if (sign < 0 && /:\D/.test(url.slice(at, end)) && url[at] !== '[') {
      const behind = /^[^\s"<>?#@]{1,256}@/.exec(url.slice(end, end + 258));
      if (behind !== null) sign = end + behind[0].length - 1;
      end = Math.max(end, sign);
    }
    if (sign >= 0) {
      masked += url.slice(from, at) + MASK;
      from = sign;
    }
    at = end;
  }
  return from === 0 ? url : masked + url.slice(from);
}

/** `/`, `?`, `#`, white space, `"`, `<`, `>` */
function isAuthorityEnd(code: number): boolean {
  return code <= 32 || code === 47 || code === 63 || code === 35 || code === 34 || code === 60 || code === 62;
}

/** Parameters begin after one of these. */
const STARTS = '?&;#';

/** `name=value` after `?`, `&`, `;` or `#`; a value ends before the next of these or at a delimiter. */
function maskParameters(text: string, depth: number): string {
  let masked = '';
  let from = 0;
  let at = 0;
  while (at < text.length) {
    if (!STARTS.includes(text[at] as string)) {
      at++;
      continue;
    }
    at++;
    const nameFrom = at;
    while (at < text.length && text[at] !== '=' && !isValueEnd(text, at)) at++;
    if (text[at] !== '=') continue;
    const name = text.slice(nameFrom, at);
    at++;
    const valueFrom = at;
    while (at < text.length && !isValueEnd(text, at)) at++;
    const value = text.slice(valueFrom, at);
    const replacement = maskParameter(name, value, depth);
    if (replacement !== value) {
      masked += text.slice(from, valueFrom) + replacement;
      from = at;
    }
  }
  return from === 0 ? text : masked + text.slice(from);
}

function isValueEnd(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code <= 32 || code === 34 || code === 60 || code === 62 || STARTS.includes(text[at] as string);
}

/** The value to show for a parameter; name and value are still encoded. */
function maskParameter(name: string, value: string, depth = 0): string {
  if (value === '') return value;
  const inner = decode(value);
  const kind = pathKind(decode(decode(name)));
  if (kind === 'secrets' ? /^\s*[{[]/.test(inner) : isSecretValue(kind, inner, 'parameter')) return MASK;
  if (depth >= MAX_NESTING) return maskDeepest(value, inner);
  // Without percent-encoding, it is not encoded again either.
  if (!value.includes('%')) return maskText(value, depth + 1);
  const masked = maskText(inner, depth + 1);
  return masked === inner ? value : encode(masked);
}

/** Too deep to be shown in part: a secret below masks all of it. */
function maskDeepest(value: string, inner: string): string {
  let text = inner;
  for (let undone = 0; undone < MAX_UNDONE && text.includes('%'); undone++) text = decode(text);
  return maskJwt(maskLoosely(text)) === text ? value : MASK;
}

/** The mask stays readable. */
function encode(text: string): string {
  const wellFormed = text.replace(/\p{Surrogate}/gu, '\ufffd');
  return encodeURIComponent(wellFormed).replaceAll(encodeURIComponent(MASK), MASK);
}

/** Percent-encoding and `+` undone as far as they are valid. */
export function decode(text: string): string {
  const spaced = text.replaceAll('+', ' ');
  if (!spaced.includes('%')) return spaced;
  return spaced.replace(/(?:%[0-9a-fA-F]{2})+/g, (run) => {
    try {
      return decodeURIComponent(run);
    } catch {
      return Buffer.from(run.replaceAll('%', ''), 'hex').toString('latin1');
    }
  });
}
