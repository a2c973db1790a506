/** Captured text on a terminal: data, never control. */

/**
 * For columns, whose width must be known: printable ASCII as it is; everything else as `\x1b` or `\u{202e}`. Without
 * this, a response could move the cursor, change the title or reverse the text.
 */
export function visible(text: string): string {
  return text.replace(/[^\x20-\x7e]/gu, escapeCharacter);
}

/**
 * For messages on one line, which may hold names in any language: control and format characters (including
 * directional ones), line separators and unassigned code points are escaped.
 */
export function visibleMessage(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, escapeCharacter);
}

/** The same for multi-line output of one of our programs. */
export function visibleLines(text: string): string {
  return text.split('\n').map(visibleMessage).join('\n');
}

function escapeCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}
