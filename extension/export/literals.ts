/**
 * Captured bytes as literals of a language. Content cannot end a literal, and no literal has an invisible character:
 * control and format characters, direction marks, separators.
 */

const UNSEEN = /[\p{C}\p{Zl}\p{Zp}]/u;
const UNSEEN_ALL = /[\p{C}\p{Zl}\p{Zp}]/gu;
const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** null: not valid UTF-8. */
function utf8Of(bytes: Uint8Array): string | null {
  try {
    return DECODER.decode(bytes);
  } catch {
    return null;
  }
}

/** Readable text: valid UTF-8 without control characters except line ends and tabs. */
export function readableText(bytes: Uint8Array): string | null {
  const text = utf8Of(bytes);
  return text === null || /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(text) ? null : text;
}

/** Words without special characters for any shell. */
const BARE = /^[A-Za-z0-9][A-Za-z0-9_./:+-]*$/;

/**
 * A word of bash, zsh or ksh: `'…'` where that is enough, else `$'…'` with quotes as octal escapes, so that shells
 * that know only one of the two (dash, fish) see no end in it either. A backslash is never put in `'…'`, because fish
 * reads it as an escape; `!` is an octal escape in `$'…'`, for shells that expand history there.
 * @param bytes without NUL, which no argument can hold.
 */
export function shellWord(bytes: Uint8Array): string {
  const text = utf8Of(bytes);
  if (text !== null && BARE.test(text)) return text;
  if (text !== null && !UNSEEN.test(text) && !/['\\]/.test(text)) return `'${text}'`;
  const parts: string[] = text === null ? [...bytes].map(shellByte) : [...text].map(shellCharacter);
  return `$'${parts.join('')}'`;
}

const SHELL_ESCAPES: Readonly<Record<string, string>> = {
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\\': '\\\\',
};

function shellCharacter(character: string): string {
  const short = SHELL_ESCAPES[character];
  if (short !== undefined) return short;
  if (character !== "'" && character !== '!' && !UNSEEN.test(character)) return character;
  return [...Buffer.from(character)].map(octal).join('');
}

function shellByte(byte: number): string {
  return byte < 0x80 ? shellCharacter(String.fromCharCode(byte)) : octal(byte);
}

function octal(byte: number): string {
  return `\\${byte.toString(8).padStart(3, '0')}`;
}

/** A JavaScript string; `</` is escaped so that it is also safe in a page. */
export function javascriptString(text: string): string {
  return JSON.stringify(text).replace(UNSEEN_ALL, utf16Escapes).replaceAll('</', '<\\/');
}

function utf16Escapes(character: string): string {
  let escapes = '';
  for (let i = 0; i < character.length; i++) {
    escapes += `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`;
  }
  return escapes;
}

/** A `str` of Python. */
export function pythonString(text: string): string {
  return JSON.stringify(text).replace(UNSEEN_ALL, (character) => {
    const code = character.codePointAt(0) as number;
    return code < 0x10000
      ? `\\u${code.toString(16).padStart(4, '0')}`
      : `\\U${code.toString(16).padStart(8, '0')}`;
  });
}

/** A `bytes` of Python. */
export function pythonBytes(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) {
    const character = String.fromCharCode(byte);
    if (byte === 0x22 || byte === 0x5c) text += `\\${character}`;
    else if (byte === 0x0a) text += '\\n';
    else if (byte >= 0x20 && byte < 0x7f) text += character;
    else text += `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return `b"${text}"`;
}
