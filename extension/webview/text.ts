/** Captured text made harmless for the eye. (For the parser it is harmless already: it is only ever text.) */

/**
 * Invisible or direction-changing characters: C0, DEL, C1, bidirectional controls (Unicode annex 9), line and
 * paragraph separators, zero-width space and byte order mark. Joiners stay: real words and emoji need them.
 */
const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
const HIDDEN_BUT_LAYOUT =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

function escapeCharacter(character: string): string {
  const code = character.charCodeAt(0);
  return code < 0x100
    ? `\\x${code.toString(16).padStart(2, '0')}`
    : `\\u${code.toString(16).padStart(4, '0')}`;
}

/** For one line: every hidden character is written out, as in `\x1b` and `\u202e`. */
export function visibleLine(text: string): string {
  return text.replace(HIDDEN, escapeCharacter);
}

/** For a block of text: line feeds and tabs stay, CRLF becomes LF. */
export function visibleText(text: string): string {
  return text.replace(/\r\n/g, '\n').replace(HIDDEN_BUT_LAYOUT, escapeCharacter);
}

/** At most `limit` characters, with an ellipsis where something was left out. */
export function shorten(text: string, limit: number): string {
  if (text.length <= limit) return text;
  // A surrogate pair is not cut in two.
  const last = text.charCodeAt(limit - 2);
  const end = last >= 0xd800 && last <= 0xdbff ? limit - 2 : limit - 1;
  return `${text.slice(0, end)}…`;
}
