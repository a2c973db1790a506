/**
 * Lines of code that is laid out, shared by the HTML, CSS and JavaScript layouts. They read tokens, not a tree:
 * truncated or malformed text is laid out as far as possible. They read each character once, so that hostile text costs
 * no more than other text.
 */
import { MAX_INDENT } from './jsonLines.ts';

/** What a piece is coloured as. */
export type CodeKind =
  | 'tag'
  | 'attribute'
  | 'name'
  | 'string'
  | 'number'
  /** Keyword or literal. */
  | 'literal'
  | 'comment'
  | 'punctuation'
  | 'text';

export interface CodePiece {
  readonly kind: CodeKind;
  readonly text: string;
}

export interface CodeLine {
  /** Levels. */
  readonly indent: number;
  readonly pieces: readonly CodePiece[];
  /** A continuation line of a token with significant white space: not indented. */
  readonly verbatim?: boolean;
}

/** Maximum pieces of one line: a list of 100,000 numbers continues on the next. */
const MAX_PIECES = 200;

/** Puts pieces into lines. */
export class LineWriter {
  readonly lines: CodeLine[] = [];
  #pieces: CodePiece[] = [];
  #indent = 0;
  #verbatim = false;

  get isEmpty(): boolean {
    return this.#pieces.length === 0;
  }

  /** Level of the current line; if it is empty, that of the last line. */
  get indent(): number {
    return this.#indent;
  }

  /** @param indent of the line, if it begins with this piece. */
  add(kind: CodeKind, text: string, indent: number): void {
    if (text === '') return;
    const last = this.#pieces.at(-1);
    if (last === undefined && !this.#verbatim) this.#indent = indent;
    if (last?.kind === kind) this.#pieces[this.#pieces.length - 1] = { kind, text: last.text + text };
    else {
      if (this.#pieces.length >= MAX_PIECES) this.end();
      this.#pieces.push({ kind, text });
    }
  }

  /** Adds a token, maybe of several lines; white space is kept. */
  addVerbatim(kind: CodeKind, text: string, indent: number): void {
    let from = 0;
    for (let to = text.indexOf('\n'); to >= 0; to = text.indexOf('\n', from)) {
      this.add(kind, text.slice(from, to), indent);
      // Keeps empty lines.
      if (this.#pieces.length === 0) this.#pieces.push({ kind, text: '' });
      this.end();
      this.#verbatim = true;
      this.#indent = indent;
      from = to + 1;
    }
    this.add(kind, text.slice(from), indent);
  }

  /** Adds a comment without its indentation. */
  addComment(text: string, indent: number): void {
    const [first = '', ...more] = text.split('\n');
    this.add('comment', first.trimEnd(), indent);
    for (const line of more) {
      const shown = line.trim();
      this.end();
      this.add('comment', shown.startsWith('*') ? ` ${shown}` : shown, indent);
    }
  }

  /** Ends the line. */
  end(): void {
    if (this.#pieces.length === 0) return;
    const line = { indent: Math.min(this.#indent, MAX_INDENT), pieces: this.#pieces };
    this.lines.push(this.#verbatim ? { ...line, verbatim: true } : line);
    this.#pieces = [];
    this.#verbatim = false;
  }
}

/** @returns the offset after the next `mark`; the end of the text if there is none. */
export function behind(text: string, mark: string, from: number): number {
  const at = text.indexOf(mark, from);
  return at < 0 ? text.length : at + mark.length;
}

/**
 * @param from offset of the opening quotation mark.
 * @returns the offset after the string; a newline ends it too.
 */
export function behindString(text: string, from: number): number {
  const mark = text[from];
  for (let at = from + 1; at < text.length; at++) {
    const character = text[at];
    if (character === '\\') at++;
    else if (character === mark) return at + 1;
    else if (character === '\n') return at;
  }
  return text.length;
}
