/**
 * The filter language, parser and evaluator in one place for the panel, Go to Call and `http-trace --filter`:
 *
 *     filter   = either *( "or" either )
 *     either   = *term            ; all of them hold
 *     term     = ( "-" / "!" ) term / "(" filter ")" / property ":" value / "/" regex "/" / word
 *
 * A value is plain, quoted, or a list with commas of which one has to hold. What is not understood is reported, and
 * does not filter.
 */
import {
  isOtherName,
  meantBy,
  type Parsed,
  PROPERTY_NAMES,
  type Property,
  propertyOf,
  statusClass,
} from './properties.ts';
import { compileRegex, RegexError } from './regex.ts';
import type { DetailTest, Matcher, Subject } from './subject.ts';
import { urlMatcher } from './url.ts';

/** A part of the line that was not understood. Offsets are in UTF-16 code units. */
export interface FilterError {
  readonly start: number;
  readonly end: number;
  readonly message: string;
}

/** A coloured part of the line. What lies between two parts is blank. */
export interface FilterPart {
  readonly start: number;
  readonly end: number;
  readonly kind: 'operator' | 'negation' | 'property' | 'value' | 'word' | 'pattern' | 'error';
}

export interface Filter {
  /** null: nothing to filter by. Parts that were not understood are left out. */
  readonly matches: Matcher | null;
  /** Tests that need the details of a call; `found` of a {@link Subject} has a bit for each. */
  readonly details: readonly DetailTest[];
  /** Whether a row can match, whatever its details are: only then they have to be looked at. */
  readonly possible: (subject: Subject) => boolean;
  /** In the order of the line, apart from each other. */
  readonly parts: readonly FilterPart[];
  /** In the order of the line. */
  readonly errors: readonly FilterError[];
}

/** Tests of details in one filter: each is a bit of a number. */
const MAX_DETAILS = 30;
const MAX_DEPTH = 60;
/** Characters of a line; a URL with a long query is still understood. */
export const MAX_LINE = 8_192;

type Node =
  | { readonly type: 'row'; readonly matches: Matcher }
  | { readonly type: 'details'; readonly bit: number }
  | { readonly type: 'not'; readonly node: Node }
  | { readonly type: 'all' | 'any'; readonly nodes: readonly Node[] };

/** Never throws; what is not understood is in `errors`. */
export function parseFilter(line: string): Filter {
  const parser = new Parser(line.slice(0, MAX_LINE));
  const node = parser.parse();
  if (line.length > MAX_LINE) {
    parser.errors.push({
      start: MAX_LINE,
      end: line.length,
      message: `A filter has at most ${MAX_LINE} characters.`,
    });
  }
  return {
    matches: node === null ? null : compile(node),
    details: parser.details,
    possible: node === null ? () => true : compilePossible(node, true),
    parts: parser.parts.sort((a, b) => a.start - b.start),
    errors: parser.errors.sort((a, b) => a.start - b.start),
  };
}

function compile(node: Node): Matcher {
  switch (node.type) {
    case 'row':
      return node.matches;
    case 'details': {
      const { bit } = node;
      return ({ found }) => ((found ?? 0) & bit) !== 0;
    }
    case 'not': {
      const inner = compile(node.node);
      return (subject) => !inner(subject);
    }
    case 'all': {
      const all = node.nodes.map(compile);
      return (subject) => all.every((matches) => matches(subject));
    }
    case 'any': {
      const any = node.nodes.map(compile);
      return (subject) => any.some((matches) => matches(subject));
    }
  }
}

/** With details that are as good as they can be: `wanted` is whether a node has to hold. */
function compilePossible(node: Node, wanted: boolean): Matcher {
  switch (node.type) {
    case 'row':
      return node.matches;
    case 'details':
      return () => wanted;
    case 'not': {
      const inner = compilePossible(node.node, !wanted);
      return (subject) => !inner(subject);
    }
    case 'all': {
      const all = node.nodes.map((one) => compilePossible(one, wanted));
      return (subject) => all.every((matches) => matches(subject));
    }
    case 'any': {
      const any = node.nodes.map((one) => compilePossible(one, wanted));
      return (subject) => any.some((matches) => matches(subject));
    }
  }
}

/** A name with its colon, which something follows or not. */
const NAME = /([A-Za-z][A-Za-z-]*):/y;
const OPERATOR = /(\|\||&&|(?:or|and|OR|AND)(?=[\s()]|$))/y;
/** Without blanks: those are written `\s`. */
const PATTERN = /\/((?:[^\s/\\[]|\\\S|\[(?:[^\s\]\\]|\\\S)*\])+)\/(?=[\s)]|$)/y;

class Parser {
  readonly #line: string;
  #at = 0;
  #depth = 0;
  readonly parts: FilterPart[] = [];
  readonly errors: FilterError[] = [];
  readonly details: DetailTest[] = [];

  constructor(line: string) {
    this.#line = line;
  }

  parse(): Node | null {
    const nodes: Node[] = [];
    for (;;) {
      const node = this.#any();
      if (node !== null) nodes.push(node);
      if (this.#peek() !== ')') break;
      this.#fail(this.#at, ++this.#at, 'This “)” has no “(”.');
    }
    return together('all', nodes);
  }

  /** Up to the end, or to a `)`. */
  #any(): Node | null {
    const nodes: Node[] = [];
    let operator: FilterPart | null = null;
    for (;;) {
      const empty = this.#atEnd();
      const node = this.#all();
      if (node !== null) nodes.push(node);
      const next = this.#operator();
      const lonely = operator !== null && empty ? operator : next !== null && empty ? next : null;
      if (lonely !== null)
        this.#replace(lonely, 'Something is missing beside it. Put the word in quotes to search for it.');
      operator = next;
      if (next === null) return together('any', nodes);
    }
  }

  /** Nothing comes before the end, a `)` or an `or`. */
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

  #all(): Node | null {
    const nodes: Node[] = [];
    for (;;) {
      const char = this.#peek();
      if (char === '' || char === ')') break;
      const [, word] = this.#match(OPERATOR, this.#at) ?? [];
      if (word !== undefined) {
        if (/or|\|\|/i.test(word)) break;
        // All of them have to hold anyway.
        this.parts.push({ start: this.#at, end: this.#at + word.length, kind: 'operator' });
        this.#at += word.length;
        continue;
      }
      const node = this.#term();
      if (node !== null) nodes.push(node);
    }
    return together('all', nodes);
  }

  #term(): Node | null {
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

  #group(): Node | null {
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

  #nested(parse: () => Node | null): Node | null {
    this.#depth++;
    let node: Node | null = null;
    if (this.#depth > MAX_DEPTH) {
      this.#fail(this.#at, this.#line.length, 'This is nested too deeply.');
      this.#at = this.#line.length;
    } else {
      node = parse();
    }
    this.#depth--;
    return node;
  }

  #plain(): Node | null {
    const start = this.#at;
    const pattern = this.#match(PATTERN, start);
    if (pattern !== null) {
      this.#at += pattern[0].length;
      const matches = this.#regex(pattern[1] ?? '', start);
      return matches === null ? null : { type: 'row', matches: ({ text }) => matches(text) };
    }
    const name = this.#match(NAME, start)?.[1];
    if (name !== undefined) {
      const next = this.#line.slice(start + name.length + 1, start + name.length + 3);
      // `http://…` and `localhost:8080` are words, though they have a colon.
      const isProperty =
        propertyOf(name) === undefined && !isOtherName(name) ? !/^[\d/]/.test(next) : next !== '//';
      if (isProperty) return this.#property(name, start);
    }
    const value = this.#value(start);
    if (value === null) return null;
    return this.#word(value, start);
  }

  #word({ text, quoted }: Value, start: number): Node | null {
    this.parts.push({ start, end: this.#at, kind: 'word' });
    const word = text.toLowerCase();
    // A lone minus or empty quotes: someone is still typing.
    if (word === '' || word === '-' || word === '!') return null;
    const special = quoted ? null : (urlMatcher(word) ?? statusClass(word));
    return { type: 'row', matches: special ?? ((subject) => subject.text.includes(word)) };
  }

  #property(name: string, start: number): Node | null {
    const property = propertyOf(name);
    const colon = start + name.length + 1;
    this.#at = colon;
    const pattern = this.#match(PATTERN, colon);
    if (property?.pattern !== undefined && pattern !== null) {
      this.#at += pattern[0].length;
      this.parts.push({ start, end: colon, kind: 'property' });
      const matches = this.#regex(pattern[1] ?? '', colon);
      return matches === null ? null : this.#node(property.pattern(matches), start);
    }
    const next = this.#line.slice(colon, colon + 1);
    const empty = next === '' || next === ')' || /\s/.test(next);
    const value = empty ? null : this.#value(colon);
    if (!empty && value === null) {
      this.parts.push({ start, end: colon, kind: 'property' });
      return null;
    }
    if (property === undefined) {
      const meant = meantBy(name);
      const hint = meant === null ? ` There are ${PROPERTY_NAMES.join(', ')}.` : ` Did you mean “${meant}:”?`;
      this.#fail(start, colon, `Unknown filter “${name}:”.${hint} Put text with a colon in quotes.`);
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

  /** One of a list has to hold. */
  #values(property: Property, { text, quoted }: Value, start: number): Node | null {
    const isList = !quoted && property.whole !== true;
    const nodes: Node[] = [];
    let at = start;
    for (const one of isList ? text.split(',') : [text]) {
      const end = isList ? at + one.length : this.#at;
      if (one !== '') {
        const parsed = property.parse(one.toLowerCase());
        if (typeof parsed === 'string') this.#fail(at, end, parsed);
        else {
          this.parts.push({ start: at, end, kind: 'value' });
          const node = this.#node(parsed, at);
          if (node !== null) nodes.push(node);
        }
      }
      if (isList && end < this.#at) this.parts.push({ start: end, end: end + 1, kind: 'operator' });
      at = end + 1;
    }
    return together('any', nodes);
  }

  #node(parsed: Parsed, at: number): Node | null {
    if ('row' in parsed) return { type: 'row', matches: parsed.row };
    if (this.details.length === MAX_DETAILS) {
      this.errors.push({
        start: at,
        end: this.#at,
        message: `A filter looks into details at most ${MAX_DETAILS} times.`,
      });
      return null;
    }
    const bit = 1 << this.details.length;
    this.details.push(parsed.details);
    return { type: 'details', bit };
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

  /** Quoted, or up to a blank or a `)` that closes no `(` in it. null: it is not closed. */
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

function together(type: 'all' | 'any', nodes: readonly Node[]): Node | null {
  const [only] = nodes;
  if (nodes.length < 2) return only ?? null;
  return { type, nodes };
}
