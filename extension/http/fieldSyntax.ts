/**
 * Tokens, blanks and lists in field values (RFC 9110 section 5.6), over strings whose characters are bytes
 * (Latin-1).
 */

const TOKEN = new Uint8Array(256);
for (const c of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
  TOKEN[c.charCodeAt(0)] = 1;
}

const TAB = 9;
const SPACE = 32;
const DEL = 127;
const UPPER_A = 65;
const UPPER_Z = 90;
/** Makes an upper-case letter a lower-case one. */
const LOWER = 0x20;

/** RFC 9110 section 5.6.2. */
export function isToken(text: string): boolean {
  if (text.length === 0) return false;
  for (let i = 0; i < text.length; i++) if (TOKEN[text.charCodeAt(i)] !== 1) return false;
  return true;
}

export function isTokenCode(code: number): boolean {
  return TOKEN[code] === 1;
}

/** @param lowerName in lower case. @returns whether this field name begins there, in whatever case. */
export function isNameAt(bytes: Uint8Array, at: number, lowerName: string): boolean {
  for (let i = 0; i < lowerName.length; i++) {
    const code = bytes[at + i] as number;
    if ((code >= UPPER_A && code <= UPPER_Z ? code | LOWER : code) !== lowerName.charCodeAt(i)) return false;
  }
  return true;
}

/** What a field value may contain (RFC 9110 section 5.5): no control character but HTAB. */
export function isValueCode(code: number): boolean {
  return (code >= SPACE && code !== DEL) || code === TAB;
}

export function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}

/** Without leading and trailing optional white space (RFC 9110 section 5.6.3). */
export function trimBlanks(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return from === 0 && to === text.length ? text : text.slice(from, to);
}

/** Members of a comma-separated list (RFC 9110 section 5.6.1), lower case, empty ones left out. */
export function listMembers(value: string): string[] {
  if (!value.includes(',')) {
    const only = trimBlanks(value).toLowerCase();
    return only === '' ? [] : [only];
  }
  const members: string[] = [];
  for (const part of value.split(',')) {
    const member = trimBlanks(part).toLowerCase();
    if (member !== '') members.push(member);
  }
  return members;
}
