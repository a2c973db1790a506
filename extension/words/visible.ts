/**
 * Makes captured text safe to display. What a peer sent may move a terminal's cursor, reverse the reading
 * direction or hide a part of itself; here every such character is written out, so that one label cannot
 * pass for another. (Nothing here parses: captured text is only ever set as text.)
 */

/**
 * C0 and C1 controls, DEL, soft hyphen, direction controls (Unicode annex 9), line and paragraph separators,
 * zero-width space, invisible operators, byte order mark, interlinear annotation, unpaired surrogates. Joiners
 * (U+200C, U+200D) stay: words of several scripts and emoji need them.
 */
const HIDDEN =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
const LAYOUT = /[\t\n]/;

/** `\x1b`, `\u202e`, `\u{1f600}`. */
function escapeCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`;
  return code < 0x10000 ? `\\u${code.toString(16).padStart(4, '0')}` : `\\u{${code.toString(16)}}`;
}

/** For one line: hidden characters, line ends and tabs are written out. */
export function visibleLine(text: string): string {
  return text.replace(HIDDEN, escapeCharacter);
}

/** For a block of text: line feeds and tabs stay, CRLF becomes LF. */
export function visibleText(text: string): string {
  return text
    .replace(/\r\n/g, '\n')
    .replace(HIDDEN, (character) => (LAYOUT.test(character) ? character : escapeCharacter(character)));
}

/** At most `limit` characters, with an ellipsis where something was left out. */
export function shorten(text: string, limit: number): string {
  if (text.length <= limit) return text;
  // A surrogate pair is not cut in two.
  const last = text.charCodeAt(limit - 2);
  const end = last >= 0xd800 && last <= 0xdbff ? limit - 2 : limit - 1;
  return `${text.slice(0, end)}…`;
}

/** One visible line of at most `limit` characters: for labels, tooltips and messages. */
export function labelText(text: string, limit = 200): string {
  // Shortened first, too: captured text may be large, and escaping all of it would be wasted.
  return shorten(visibleLine(shorten(text, limit)), limit);
}

/** A notification shows no more. */
const MAX_NOTIFICATION = 1_000;

/** For notifications, where VS Code turns `[text](command:…)` into links: captured text must not make one. */
export function notificationText(text: string): string {
  return labelText(text.replaceAll('](', '] ('), MAX_NOTIFICATION);
}

/** For quick picks and the status bar, where VS Code would draw `$(name)` as an icon. */
export function withoutIcons(text: string): string {
  return text.replaceAll('$(', '\\$(');
}
