/**
 * Lines of code that is laid out: what the readers of HTML, CSS and JavaScript have in common. They read tokens, not a
 * tree: a beginning that was cut off, and what breaks the rules, is laid out as far as it goes. They take each character
 * once, so that hostile text costs no more than other text.
 */
import { MAX_INDENT } from './jsonLines.ts';

/** What a piece is coloured as. */
export type CodeKind =
  | 'tag'
  | 'attribute'
  | 'name'
  | 'string'
  | 'number'
  /** A word of the language. */
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
  /** A further line of a token whose white space means something: it is not indented. */
  readonly verbatim?: boolean;
}

/** Pieces of one line: a list of a hundred thousand numbers goes on in the next. */
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

  /** Levels of the line that is written; where it is empty, those of the last one. */
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

  /** A token that may have several lines, whose white space stays. */
  addVerbatim(kind: CodeKind, text: string, indent: number): void {
    let from = 0;
    for (let to = text.indexOf('\n'); to >= 0; to = text.indexOf('\n', from)) {
      this.add(kind, text.slice(from, to), indent);
      // An empty line is one of them, too.
      if (this.#pieces.length === 0) this.#pieces.push({ kind, text: '' });
      this.end();
      this.#verbatim = true;
      this.#indent = indent;
      from = to + 1;
    }
    this.add(kind, text.slice(from), indent);
  }

  /** A comment: what its lines begin with is layout. */
  addComment(text: string, indent: number): void {
    const [first = '', ...more] = text.split('\n');
    this.add('comment', first.trimEnd(), indent);
    for (const line of more) {
      const shown = line.trim();
      this.end();
      this.add('comment', shown.startsWith('*') ? ` ${shown}` : shown, indent);
    }
  }

  /** The line ends here. */
  end(): void {
    if (this.#pieces.length === 0) return;
    const line = { indent: Math.min(this.#indent, MAX_INDENT), pieces: this.#pieces };
    this.lines.push(this.#verbatim ? { ...line, verbatim: true } : line);
    this.#pieces = [];
    this.#verbatim = false;
  }
}

/** @returns the offset behind the next `mark`; the end of the text where there is none. */
export function behind(text: string, mark: string, from: number): number {
  const at = text.indexOf(mark, from);
  return at < 0 ? text.length : at + mark.length;
}

/**
 * @param from at the quotation mark that begins a string.
 * @returns the offset behind it; a line end ends it, too.
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
