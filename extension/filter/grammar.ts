/**
 * The grammar of filter lines, whatever their properties mean:
 *
 *     filter   = either *( "or" either )
 *     either   = *term            ; all of them hold
 *     term     = ( "-" / "!" ) term / "(" filter ")" / property ":" value / "/" regex "/" / word
 *
 * A value is plain, quoted, or a comma-separated list of which one must match. Parts not understood are reported and
 * ignored.
 */
import { compileRegex, RegexError } from './regex.ts';

/** A part of the line that was not understood. Offsets are in UTF-16 code units. */
export interface FilterError {
  readonly start: number;
  readonly end: number;
  readonly message: string;
}

/** A coloured part of the line. Between parts there are only blanks. */
export interface FilterPart {
  readonly start: number;
  readonly end: number;
  readonly kind: 'operator' | 'negation' | 'property' | 'value' | 'word' | 'pattern' | 'error';
}

/** A parsed line. */
export type Tree<Leaf> =
  | { readonly type: 'leaf'; readonly leaf: Leaf }
  | { readonly type: 'not'; readonly node: Tree<Leaf> }
  | { readonly type: 'all' | 'any'; readonly nodes: readonly Tree<Leaf>[] };

/** A property as the grammar needs it: its parsed value, or an error message. */
export interface GrammarProperty<Leaf> {
  readonly name: string;
  /** Text after “expects” in an error. */
  readonly help: string;
  /** Commas in an unquoted value are part of it: it is not a list. */
  readonly whole?: boolean | undefined;
  /** Parses a value, in lower case and as typed. */
  readonly parse: (value: string, typed: string) => Leaf | string;
  /** A `/pattern/` is a regular expression, given here without its slashes. */
  readonly pattern?: ((matches: (text: string) => boolean) => Leaf | string) | undefined;
}

/** What the names and words of a line mean. */
export interface Language<Leaf> {
  readonly property: (name: string) => GrammarProperty<Leaf> | undefined;
  /** Whether an unknown name is treated as a misspelt property, even if a port or a path could follow. */
  readonly isName: (name: string) => boolean;
  /** The error for a name that is not a property. */
  readonly unknown: (name: string) => string;
  /** A word in lower case, never empty, and as it is typed. */
  readonly word: (word: string, quoted: boolean, typed: string) => Leaf | string;
  readonly pattern: (matches: (text: string) => boolean) => Leaf | string;
}

export interface ParsedLine<Leaf> {
  /** null: the line is empty, or not understood. */
  readonly tree: Tree<Leaf> | null;
  /** In the order of the line, not overlapping. */
  readonly parts: readonly FilterPart[];
  /** In the order of the line. */
  readonly errors: readonly FilterError[];
}

const MAX_DEPTH = 60;
/** Characters of a line; a URL with a long query is still understood. */
export const MAX_LINE = 8_192;

/** Never throws; what is not understood is in `errors`. */
export function parseLine<Leaf>(line: string, language: Language<Leaf>): ParsedLine<Leaf> {
  const parser = new Parser(line.slice(0, MAX_LINE), language);
  const tree = parser.parse();
  if (line.length > MAX_LINE) {
    parser.errors.push({
      start: MAX_LINE,
      end: line.length,
      message: `A filter can have at most ${MAX_LINE} characters.`,
    });
  }
  return {
    tree,
    parts: parser.parts.sort((a, b) => a.start - b.start),
    errors: parser.errors.sort((a, b) => a.start - b.start),
  };
}

/** A name with its colon, whatever follows. */
const NAME = /([A-Za-z][A-Za-z-]*):/y;
const OPERATOR = /(\|\||&&|(?:or|and|OR|AND)(?=[\s()]|$))/y;
/** Without blanks: those are written `\s`. */
const PATTERN = /\/((?:[^\s/\\[]|\\\S|\[(?:[^\s\]\\]|\\\S)*\])+)\/(?=[\s)]|$)/y;

class Parser<Leaf> {
  readonly #line: string;
  #at = 0;
  #depth = 0;
  readonly parts: FilterPart[] = [];
  readonly errors: FilterError[] = [];
  readonly #language: Language<Leaf>;

  constructor(line: string, language: Language<Leaf>) {
    this.#line = line;
    this.#language = language;
  }

  parse(): Tree<Leaf> | null {
    const nodes: Tree<Leaf>[] = [];
    for (;;) {
      const node = this.#any();
      if (node !== null) nodes.push(node);
      if (this.#peek() !== ')') break;
      this.#fail(this.#at, ++this.#at, 'This “)” has no “(”.');
    }
    return together('all', nodes);
  }

  /** Up to the end, or to a `)`. */
  #any(): Tree<Leaf> | null {
    const nodes: Tree<Leaf>[] = [];
    let operator: FilterPart | null = null;
    for (;;) {
      const empty = this.#atEnd();
      const node = this.#all();
      if (node !== null) nodes.push(node);
      const next = this.#operator();
      const lonely = operator !== null && empty ? operator : next !== null && empty ? next : null;
      if (lonely !== null)
        this.#replace(lonely, 'A term is missing beside it. Put the word in quotes to search for it.');
      operator = next;
      if (next === null) return together('any', nodes);
    }
  }

  /** Whether the end, a `)` or an `or` comes next. */
  #atEnd(): boolean {
    const char = this.#peek();
    return (
      char === '' ||
      char === ')' ||
      this.#match(OPERATOR, this.#at)?.[1]
        ?.toLowerCase()
        .match(/or|\|\|/) != null
    );
  }

  #operator(): FilterPart | null {
    this.#peek();
    const [, word] = this.#match(OPERATOR, this.#at) ?? [];
    if (word === undefined) return null;
    const part: FilterPart = { start: this.#at, end: this.#at + word.length, kind: 'operator' };
    this.parts.push(part);
    this.#at += word.length;
    return part;
  }

  #all(): Tree<Leaf> | null {
    const nodes: Tree<Leaf>[] = [];
    for (;;) {
      const char = this.#peek();
      if (char === '' || char === ')') break;
      const [, word] = this.#match(OPERATOR, this.#at) ?? [];
      if (word !== undefined) {
        if (/or|\|\|/i.test(word)) break;
        // `and` is implied between terms.
        this.parts.push({ start: this.#at, end: this.#at + word.length, kind: 'operator' });
        this.#at += word.length;
        continue;
      }
      const node = this.#term();
      if (node !== null) nodes.push(node);
    }
    return together('all', nodes);
  }

  #term(): Tree<Leaf> | null {
    const start = this.#at;
    const char = this.#peek();
    if ((char === '-' || char === '!') && !/^(\s|$)/.test(this.#line.slice(start + 1, start + 2))) {
      this.#at++;
      this.parts.push({ start, end: this.#at, kind: 'negation' });
      const node = this.#nested(() => this.#term());
      return node === null ? null : { type: 'not', node };
    }
    if (char === '(') return this.#group();
    return this.#plain();
  }

  #group(): Tree<Leaf> | null {
    const open: FilterPart = { start: this.#at, end: this.#at + 1, kind: 'operator' };
    this.#at++;
    this.parts.push(open);
    const node = this.#nested(() => this.#any());
    if (this.#peek() === ')') {
      this.parts.push({ start: this.#at, end: this.#at + 1, kind: 'operator' });
      this.#at++;
    } else {
      this.#replace(open, 'This “(” is not closed.');
    }
    return node;
  }

  #nested(parse: () => Tree<Leaf> | null): Tree<Leaf> | null {
    this.#depth++;
    let node: Tree<Leaf> | null = null;
    if (this.#depth > MAX_DEPTH) {
      this.#fail(this.#at, this.#line.length, 'This is nested too deeply.');
      this.#at = this.#line.length;
    } else {
      node = parse();
    }
    this.#depth--;
    return node;
  }

  #plain(): Tree<Leaf> | null {
    const start = this.#at;
    const pattern = this.#match(PATTERN, start);
    if (pattern !== null) {
      this.#at += pattern[0].length;
      const matches = this.#regex(pattern[1] ?? '', start);
      return matches === null ? null : this.#leaf(this.#language.pattern(matches), start, this.#at);
    }
    const name = this.#match(NAME, start)?.[1];
    if (name !== undefined) {
      const next = this.#line.slice(start + name.length + 1, start + name.length + 3);
      // `http://…` and `localhost:8080` are words, though they have a colon.
      const isProperty =
        this.#language.property(name) === undefined && !this.#language.isName(name)
          ? !/^[\d/]/.test(next)
          : next !== '//';
      if (isProperty) return this.#property(name, start);
    }
    const value = this.#value(start);
    if (value === null) return null;
    return this.#word(value, start);
  }

  #word({ text, quoted }: Value, start: number): Tree<Leaf> | null {
    this.parts.push({ start, end: this.#at, kind: 'word' });
    const word = text.toLowerCase();
    // A lone minus or empty quotes: someone is still typing.
    if (word === '' || word === '-' || word === '!') return null;
    return this.#leaf(this.#language.word(word, quoted, text), start, this.#at);
  }

  #property(name: string, start: number): Tree<Leaf> | null {
    const property = this.#language.property(name);
    const colon = start + name.length + 1;
    this.#at = colon;
    const pattern = this.#match(PATTERN, colon);
    if (property?.pattern !== undefined && pattern !== null) {
      this.#at += pattern[0].length;
      this.parts.push({ start, end: colon, kind: 'property' });
      const matches = this.#regex(pattern[1] ?? '', colon);
      return matches === null ? null : this.#leaf(property.pattern(matches), start, this.#at);
    }
    const next = this.#line.slice(colon, colon + 1);
    const empty = next === '' || next === ')' || /\s/.test(next);
    const value = empty ? null : this.#value(colon);
    if (!empty && value === null) {
      this.parts.push({ start, end: colon, kind: 'property' });
      return null;
    }
    if (property === undefined) {
      this.#fail(start, colon, this.#language.unknown(name));
      if (value !== null) this.parts.push({ start: colon, end: this.#at, kind: 'value' });
      return null;
    }
    if (value === null || value.text === '') {
      this.#fail(start, this.#at, `“${property.name}:” expects ${property.help}.`);
      return null;
    }
    this.parts.push({ start, end: colon, kind: 'property' });
    return this.#values(property, value, colon);
  }

  /** One of a list must match. */
  #values(property: GrammarProperty<Leaf>, { text, quoted }: Value, start: number): Tree<Leaf> | null {
    const isList = !quoted && property.whole !== true;
    const nodes: Tree<Leaf>[] = [];
    let at = start;
    for (const one of isList ? text.split(',') : [text]) {
      const end = isList ? at + one.length : this.#at;
      if (one !== '') {
        this.parts.push({ start: at, end, kind: 'value' });
        const node = this.#leaf(property.parse(one.toLowerCase(), one), at, end);
        if (node !== null) nodes.push(node);
      }
      if (isList && end < this.#at) this.parts.push({ start: end, end: end + 1, kind: 'operator' });
      at = end + 1;
    }
    return together('any', nodes);
  }

  /** For an error, replaces the part that was already pushed. */
  #leaf(leaf: Leaf | string, start: number, end: number): Tree<Leaf> | null {
    if (typeof leaf !== 'string') return { type: 'leaf', leaf };
    const index = this.parts.findIndex((part) => part.start === start && part.kind !== 'error');
    if (index >= 0) this.parts.splice(index, 1);
    this.#fail(start, end, leaf);
    return null;
  }

  #regex(pattern: string, start: number): ((text: string) => boolean) | null {
    try {
      const matches = compileRegex(pattern);
      this.parts.push({ start, end: this.#at, kind: 'pattern' });
      return matches;
    } catch (error) {
      if (!(error instanceof RegexError)) throw error;
      const at = Math.min(start + 1 + error.at, this.#at - 1);
      if (at > start) this.parts.push({ start, end: at, kind: 'pattern' });
      this.#fail(at, this.#at, error.message);
      return null;
    }
  }

  /** Quoted, or up to a blank or an unmatched `)`. null: a quotation mark is not closed. */
  #value(start: number): Value | null {
    if (this.#line[start] === '"') {
      const end = this.#line.indexOf('"', start + 1);
      if (end < 0) {
        this.#at = this.#line.length;
        this.#fail(start, this.#at, 'The quotation mark is not closed.');
        return null;
      }
      this.#at = end + 1;
      return { text: this.#line.slice(start + 1, end), quoted: true };
    }
    let open = 0;
    let end = start;
    for (; end < this.#line.length; end++) {
      const char = this.#line[end] ?? '';
      if (/\s/.test(char)) break;
      if (char === '(') open++;
      else if (char === ')' && open-- === 0) break;
    }
    this.#at = end;
    const text = this.#line.slice(start, end);
    // header:name="two words"
    const quote = text.indexOf('="');
    if (quote < 0) return { text, quoted: false };
    const from = start + quote + 2;
    const close = this.#line.indexOf('"', from);
    if (close < 0) return { text, quoted: false };
    this.#at = close + 1;
    return { text: `${this.#line.slice(start, from - 1)}${this.#line.slice(from, close)}`, quoted: true };
  }

  /** The next character that is not blank. */
  #peek(): string {
    while (/\s/.test(this.#line[this.#at] ?? '')) this.#at++;
    return this.#line[this.#at] ?? '';
  }

  #match(expression: RegExp, at: number): RegExpExecArray | null {
    expression.lastIndex = at;
    return expression.exec(this.#line);
  }

  #fail(start: number, end: number, message: string): void {
    this.parts.push({ start, end, kind: 'error' });
    this.errors.push({ start, end, message });
  }

  #replace(part: FilterPart, message: string): void {
    const index = this.parts.indexOf(part);
    if (index >= 0) this.parts.splice(index, 1);
    if (this.errors.some(({ start }) => start === part.start)) return;
    this.#fail(part.start, part.end, message);
  }
}

interface Value {
  readonly text: string;
  readonly quoted: boolean;
}

function together<Leaf>(type: 'all' | 'any', nodes: readonly Tree<Leaf>[]): Tree<Leaf> | null {
  const [only] = nodes;
  if (nodes.length < 2) return only ?? null;
  return { type, nodes };
}
