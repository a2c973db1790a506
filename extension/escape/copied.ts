/**
 * Captured text for the clipboard, to be pasted into terminals, editors and address bars: control, invisible and
 * bidirectional characters are percent-encoded (RFC 3986 section 2.1), which does not change what a URL means.
 */

/** C0, DEL, C1; directional marks, embeddings, overrides and isolates; line and paragraph separators. */
const ACTING = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** For a value that is one line: a URL, an address, a command. */
export function copiedLine(text: string): string {
  return text.replace(ACTING, encodeURIComponent);
}

/** For a text of lines, such as a body: line feeds and tabs stay, CRLF becomes LF. */
export function copiedText(text: string): string {
  return text
    .replace(/\r\n/g, '\n')
    .replace(ACTING, (character) =>
      character === '\n' || character === '\t' ? character : encodeURIComponent(character),
    );
}
