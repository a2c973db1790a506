/**
 * Captured text for places that show plain text. What a peer sent may hold control characters, characters that
 * change the direction of what follows, or nothing visible at all; here such characters are replaced by
 * visible ones, so that a label cannot pass for another.
 */

/**
 * C0 and C1 controls, DEL, line and paragraph separators, zero-width and directional format characters,
 * unpaired surrogates.
 */
const INVISIBLE =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** One line of at most `limit` UTF-16 units, cut with an ellipsis. */
export function displayText(text: string, limit = 200): string {
  const cut = text.length > limit ? `${text.slice(0, limit - 1)}…` : text;
  return cut.replace(INVISIBLE, visible);
}

function visible(character: string): string {
  const code = character.charCodeAt(0);
  // Unicode has pictures of the C0 controls.
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  return code === 0x7f ? '\u2421' : '\ufffd';
}

/**
 * For notifications, which make links of `[text](command:…)`: what the text holds besides our own words came from
 * other programs.
 */
export function notificationText(text: string): string {
  return displayText(text.replaceAll('](', '] ('), MAX_NOTIFICATION);
}

/** A notification shows no more. */
const MAX_NOTIFICATION = 1_000;

/** For quick picks and the status bar, where `$(name)` would become a picture. */
export function withoutIcons(text: string): string {
  return text.replaceAll('$(', '\\$(');
}
