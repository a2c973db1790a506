/** JSON on a terminal or in a log: one line of printable characters, and the same value. */

/**
 * Characters that JSON.stringify keeps although they affect terminals or end a line: DEL and C1, directional marks,
 * embeddings, overrides and isolates, line and paragraph separators.
 */
const ACTING = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** With its line feed. */
export function jsonLine(value: unknown): string {
  return `${JSON.stringify(value).replace(ACTING, escapeCharacter)}\n`;
}

/** In JSON these characters can only occur in strings, where the escape means the same. */
function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
