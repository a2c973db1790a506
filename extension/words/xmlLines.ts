/**
 * Lays out XML, one element or text per line, without parsing it into a tree: truncated text is laid out as far
 * as it goes. White space between elements is layout and is replaced; `Raw` shows the original.
 * Pure; time and output are bounded.
 */
import { MAX_INDENT } from './jsonLines.ts';

export type XmlKind = 'tag' | 'attribute' | 'string' | 'comment' | 'text';

export interface XmlPiece {
  readonly kind: XmlKind;
  readonly text: string;
}

export interface XmlLine {
  readonly indent: number;
  readonly pieces: readonly XmlPiece[];
}

const TOKEN =
  /<!--[\s\S]*?(?:-->|$)|<!\[CDATA\[[\s\S]*?(?:\]\]>|$)|<\?[\s\S]*?(?:\?>|$)|<!(?:"[^"]*"|'[^']*'|\[[^\]]*\]|[^>"'[])*(?:>|$)|<\/?[A-Za-z_:\x80-\uffff](?:"[^"]*(?:"|$)|'[^']*(?:'|$)|[^>"'])*(?:>|$)|[^<]+/gy;

/** @returns null when this is not the beginning of well-formed XML; the caller must know if it is complete. */
export function xmlLines(text: string): readonly XmlLine[] | null {
  const source = text.trimEnd();
  const lines: XmlLine[] = [];
  const open: string[] = [];
  /** A start tag whose element may still fit on its line, and the text after it. */
  let pieces: XmlPiece[] = [];
  let short: string | null = null;
  let at = 0;
  const flush = (indent: number): void => {
    if (pieces.length > 0) lines.push({ indent: Math.min(indent, MAX_INDENT), pieces });
    pieces = [];
    short = null;
  };
  TOKEN.lastIndex = 0;
  while (at < source.length) {
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(source)?.[0];
    if (token === undefined || token === '') return null;
    at += token.length;
    if (token.startsWith('</')) {
      const name = open.pop();
      if (name === undefined || name !== nameOf(token, 2)) return null;
      if (short !== name) flush(open.length + 1);
      pieces.push({ kind: 'tag', text: token });
      flush(open.length);
    } else if (/^<[A-Za-z_:\x80-\uffff]/.test(token)) {
      flush(short === null ? open.length : open.length - 1);
      for (const piece of tagPieces(token)) pieces.push(piece);
      if (token.endsWith('/>') || !token.endsWith('>')) flush(open.length);
      else {
        short = nameOf(token, 1);
        open.push(short);
      }
    } else if (token.startsWith('<') && !token.startsWith('<![CDATA[')) {
      flush(short === null ? open.length : open.length - 1);
      pieces.push({ kind: 'comment', text: token });
      flush(open.length);
    } else {
      const shown = token.trim();
      if (shown === '') continue;
      if (open.length === 0) return null;
      if (short === null) flush(open.length);
      pieces.push({ kind: 'text', text: shown });
    }
  }
  flush(short === null ? open.length : open.length - 1);
  return lines;
}

function nameOf(token: string, from: number): string {
  let to = from;
  while (to < token.length && !/[\s/>]/.test(token[to] as string)) to++;
  return token.slice(from, to);
}

/** A start tag: its name, and names and values of its attributes. */
export function tagPieces(token: string): XmlPiece[] {
  const pieces: XmlPiece[] = [];
  for (const [part] of token.matchAll(/"[^"]*"?|'[^']*'?|[^\s=<>"'/]+(?=\s*=)|[^"'=\s]+|\s+|=/g)) {
    const first = part[0];
    const kind =
      first === '"' || first === "'"
        ? 'string'
        : pieces.length > 0 && /^[^<>/=\s]/.test(part)
          ? 'attribute'
          : 'tag';
    const last = pieces.at(-1);
    // Line ends within a tag are layout, too.
    const shown = /^\s/.test(part) ? ' ' : part;
    if (last?.kind === kind) pieces[pieces.length - 1] = { kind, text: last.text + shown };
    else pieces.push({ kind, text: shown });
  }
  return pieces;
}
