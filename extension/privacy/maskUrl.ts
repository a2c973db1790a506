/**
 * Secrets in URLs and in text that holds URLs: userinfo, parameters by name (query, fragment, path), tokens.
 * All else stays as it is, byte for byte.
 */
import { maskJwt } from './maskJwt.ts';
import { isSecretName, MASK } from './secrets.ts';

/** How deep a URL is looked at that is a parameter's value in another. */
const MAX_DEPTH = 2;

export function maskUrl(url: string): string {
  return maskPlain(url, 0);
}

function maskPlain(text: string, depth: number): string {
  // Most text has neither sign, and is looked at no further.
  const userinfo = text.includes('@') ? maskUserinfo(text) : text;
  return maskJwt(userinfo.includes('=') ? maskParameters(userinfo, depth) : userinfo);
}

/** `user:password@` behind `//`. */
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

/** Parameters begin behind one of these. */
const STARTS = '?&;#';

/** `name=value` behind `?`, `&`, `;` or `#`; a value ends before the next of these or at a delimiter. */
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

/** The value to show for a parameter, names and values as they are encoded. */
export function maskParameter(name: string, value: string, depth = 0): string {
  if (value === '') return value;
  if (isSecretParameter(decode(name))) return MASK;
  if (depth >= MAX_DEPTH || !value.includes('%')) return value;
  const inner = decode(value);
  const masked = maskPlain(inner, depth + 1);
  return masked === inner ? value : encodeURIComponent(masked).replaceAll(encodeURIComponent(MASK), MASK);
}

/** `user[password]` and `credentials.password` name a password, too. */
export function isSecretParameter(name: string): boolean {
  if (isSecretName(name)) return true;
  for (const part of name.slice(0, 256).split(/[[\].]/)) if (isSecretName(part)) return true;
  return false;
}

/** Percent-encoding and `+` undone as far as they are valid. */
function decode(text: string): string {
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
