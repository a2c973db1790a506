/**
 * Lays out JSON without parsing it into values: numbers keep every digit, duplicate names are kept, and truncated
 * text is laid out as far as it goes. Pure; time and output are bounded.
 */

export type JsonKind = 'name' | 'string' | 'number' | 'literal' | 'punctuation';

export interface JsonPiece {
  readonly kind: JsonKind;
  readonly text: string;
}

/** Pieces of one line, after `indent` levels. */
export interface JsonLine {
  readonly indent: number;
  readonly pieces: readonly JsonPiece[];
}

/** Deeper levels are not indented further, or `[[[[…` would cost the square of its length. */
export const MAX_INDENT = 40;

const TOKEN = /\s*(?:("(?:[^"\\]|\\.)*(?:"|\\$)?)|(-?\d[\d.eE+-]*)|(true|false|null)|([[\]{},:]))/y;

/**
 * @returns null when the text is not the beginning of JSON; the caller must know whether it is complete.
 */
export function jsonLines(text: string): readonly JsonLine[] | null {
  const lines: JsonLine[] = [];
  let pieces: JsonPiece[] = [];
  let depth = 0;
  let at = 0;
  const end = text.trimEnd().length;
  const open: string[] = [];
  const flush = (): void => {
    if (pieces.length > 0) lines.push({ indent: Math.min(depth, MAX_INDENT), pieces });
    pieces = [];
  };
  const next = (): { token: string; kind: JsonKind; end: number } | null => {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (match === null) return null;
    const [, string, number, literal, mark = ''] = match;
    const token = string ?? number ?? literal ?? mark;
    const kind =
      string !== undefined
        ? 'string'
        : number !== undefined
          ? 'number'
          : literal !== undefined
            ? 'literal'
            : 'punctuation';
    return { token, kind, end: TOKEN.lastIndex };
  };

  while (at < end) {
    const found = next();
    if (found === null) {
      // A word cut in the middle (`tru`) can only be the last.
      const rest = text.slice(at, end).trim();
      const cut = ['true', 'false', 'null', '-'].some((word) => word.startsWith(rest));
      if (!cut) return null;
      pieces.push({ kind: 'literal', text: rest });
      break;
    }
    at = found.end;
    const { token } = found;
    if (found.kind !== 'punctuation') {
      // In an object, a string before a colon is a name.
      const name = found.kind === 'string' && open.at(-1) === '{' && /\s*:/y.test(text.slice(at, at + 64));
      pieces.push({ kind: name ? 'name' : found.kind, text: token });
      continue;
    }
    switch (token) {
      case '{':
      case '[': {
        pieces.push({ kind: 'punctuation', text: token });
        const after = next();
        if (after !== null && after.token === (token === '{' ? '}' : ']')) {
          pieces.push({ kind: 'punctuation', text: after.token });
          at = after.end;
          break;
        }
        flush();
        open.push(token);
        depth++;
        break;
      }
      case '}':
      case ']':
        if (open.pop() !== (token === '}' ? '{' : '[')) return null;
        flush();
        depth--;
        pieces.push({ kind: 'punctuation', text: token });
        break;
      case ',':
        if (open.length === 0) return null;
        pieces.push({ kind: 'punctuation', text: ',' });
        flush();
        break;
      default:
        if (open.at(-1) !== '{') return null;
        pieces.push({ kind: 'punctuation', text: ': ' });
    }
  }
  flush();
  return lines;
}
