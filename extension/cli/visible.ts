/** Captured text on a terminal: data, never control. */

/**
 * Printable ASCII as it is; everything else as `\x1b` or `\u{202e}`. Without this, a response could move the
 * cursor, change the title or turn the line around.
 */
export function visible(text: string): string {
  return text.replace(/[^\x20-\x7e]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}
