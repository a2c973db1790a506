/**
 * Regular expressions as people type them, limited to what a finite automaton can match: no backreferences, no
 * lookaround. Case is ignored: the pattern is lowercased, and the text must be, too.
 */

/** Inclusive ranges of UTF-16 code units, sorted and disjoint. */
export type CharSet = readonly (readonly [from: number, to: number])[];

export type RegexNode =
  | { readonly type: 'set'; readonly set: CharSet }
  | { readonly type: 'assert'; readonly kind: 'start' | 'end' | 'boundary' | 'inside' }
  | { readonly type: 'sequence'; readonly nodes: readonly RegexNode[] }
  | { readonly type: 'choice'; readonly nodes: readonly RegexNode[] }
  /** `most` null: any number. */
  | {
      readonly type: 'repeat';
      readonly node: RegexNode;
      readonly least: number;
      readonly most: number | null;
    };

/** A syntax error, and where in the pattern. */
export class RegexError extends Error {
  override readonly name = 'RegexError';
  constructor(
    message: string,
    readonly at: number,
  ) {
    super(message);
  }
}

const LAST = 0xffff;
const MAX_DEPTH = 50;
const MAX_COUNT = 200;

const DIGITS: CharSet = [[48, 57]];
/** As `\w`, in lower and upper case. */
export const WORD: CharSet = [
  [48, 57],
  [65, 90],
  [95, 95],
  [97, 122],
];
const SPACE: CharSet = normal([
  [9, 13],
  [32, 32],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
]);
const NOT_NEWLINE: CharSet = complement([
  [10, 10],
  [13, 13],
  [0x2028, 0x2029],
]);

/** Sorted, without overlaps. */
function normal(set: readonly (readonly [number, number])[]): CharSet {
  const sorted = [...set].sort((a, b) => a[0] - b[0]);
  const merged: [number, number][] = [];
  for (const [from, to] of sorted) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged;
}

function complement(set: CharSet): CharSet {
  const rest: [number, number][] = [];
  let next = 0;
  for (const [from, to] of normal(set)) {
    if (from > next) rest.push([next, from - 1]);
    next = to + 1;
  }
  if (next <= LAST) rest.push([next, LAST]);
  return rest;
}

/** A range with the lower case of its ASCII capitals; other letters are lowercased only if single. */
function folded(from: number, to: number): (readonly [number, number])[] {
  const ranges: (readonly [number, number])[] = [[from, to]];
  if (from === to) {
    const lower = String.fromCharCode(from).toLowerCase();
    if (lower.length === 1) return [[lower.charCodeAt(0), lower.charCodeAt(0)]];
  }
  const upperFrom = Math.max(from, 65);
  const upperTo = Math.min(to, 90);
  if (upperFrom <= upperTo) ranges.push([upperFrom + 32, upperTo + 32]);
  return ranges;
}

/** @throws RegexError */
export function parseRegex(pattern: string): RegexNode {
  const parser = new Parser(pattern);
  return parser.parse();
}

class Parser {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): RegexNode {
    const node = this.#choice();
    if (this.#at < this.#text.length) throw new RegexError('A “)” has no “(”.', this.#at);
    return node;
  }

  #choice(): RegexNode {
    if (++this.#depth > MAX_DEPTH) throw new RegexError('Too many parentheses.', this.#at);
    const nodes = [this.#sequence()];
    while (this.#eat('|')) nodes.push(this.#sequence());
    this.#depth--;
    const [only] = nodes;
    return nodes.length === 1 && only !== undefined ? only : { type: 'choice', nodes };
  }

  #sequence(): RegexNode {
    const nodes: RegexNode[] = [];
    while (this.#at < this.#text.length && this.#next !== '|' && this.#next !== ')') {
      nodes.push(this.#repeated());
    }
    return { type: 'sequence', nodes };
  }

  #repeated(): RegexNode {
    const start = this.#at;
    let node = this.#atom();
    for (;;) {
      const count = this.#count();
      if (count === null) return node;
      if (node.type === 'assert') throw new RegexError('Nothing to repeat.', start);
      const [least, most] = count;
      if (most !== null && most < least) throw new RegexError('The numbers are in the wrong order.', start);
      node = { type: 'repeat', node, least, most };
      // Lazy or not makes no difference to whether it matches.
      this.#eat('?');
    }
  }

  #count(): readonly [number, number | null] | null {
    if (this.#eat('*')) return [0, null];
    if (this.#eat('+')) return [1, null];
    if (this.#eat('?')) return [0, 1];
    const [whole, least, comma, most] = /^\{(\d{1,9})(,?)(\d{0,9})\}/.exec(this.#text.slice(this.#at)) ?? [];
    if (whole === undefined) return null;
    const from = Number(least);
    const to = comma === '' ? from : most === '' ? null : Number(most);
    if (Math.max(from, to ?? 0) > MAX_COUNT) {
      throw new RegexError(`Repeats more than ${MAX_COUNT} times.`, this.#at);
    }
    this.#at += whole.length;
    return [from, to];
  }

  #atom(): RegexNode {
    const at = this.#at;
    const char = this.#next;
    this.#at++;
    switch (char) {
      case '.':
        return { type: 'set', set: NOT_NEWLINE };
      case '^':
        return { type: 'assert', kind: 'start' };
      case '$':
        return { type: 'assert', kind: 'end' };
      case '(':
        return this.#group(at);
      case '[':
        return { type: 'set', set: this.#class(at) };
      case '*':
      case '+':
      case '?':
        throw new RegexError('Nothing to repeat.', at);
      case '\\': {
        if (this.#next === 'b' || this.#next === 'B') {
          const kind = this.#next === 'b' ? 'boundary' : 'inside';
          this.#at++;
          return { type: 'assert', kind };
        }
        return { type: 'set', set: this.#escape(at) };
      }
      default:
        return { type: 'set', set: folded(char.charCodeAt(0), char.charCodeAt(0)) };
    }
  }

  #group(at: number): RegexNode {
    if (this.#eat('?')) {
      const [kind] = /^(?::|<[A-Za-z_]\w*>)/.exec(this.#text.slice(this.#at)) ?? [];
      if (kind === undefined) throw new RegexError('Lookahead and lookbehind are not supported.', at);
      this.#at += kind.length;
    }
    const node = this.#choice();
    if (!this.#eat(')')) throw new RegexError('A “(” is not closed.', at);
    return node;
  }

  /** After the backslash. */
  #escape(at: number): CharSet {
    const char = this.#next;
    this.#at++;
    switch (char) {
      case '':
        throw new RegexError('A backslash at the end.', at);
      case 'd':
        return DIGITS;
      case 'D':
        return complement(DIGITS);
      case 'w':
        return WORD;
      case 'W':
        return complement(WORD);
      case 's':
        return SPACE;
      case 'S':
        return complement(SPACE);
      case 'n':
        return [[10, 10]];
      case 'r':
        return [[13, 13]];
      case 't':
        return [[9, 9]];
      case 'x':
      case 'u': {
        const digits = char === 'x' ? 2 : 4;
        const hex = this.#text.slice(this.#at, this.#at + digits);
        if (hex.length !== digits || !/^[\da-f]+$/i.test(hex)) {
          throw new RegexError(`“\\${char}” needs ${digits} hexadecimal digits.`, at);
        }
        this.#at += digits;
        const code = Number.parseInt(hex, 16);
        return normal(folded(code, code));
      }
      default:
        if (/[1-9]/.test(char)) throw new RegexError('Backreferences are not supported.', at);
        if (/[a-z]/i.test(char)) throw new RegexError(`“\\${char}” is not supported.`, at);
        return [[char.charCodeAt(0), char.charCodeAt(0)]];
    }
  }

  #class(at: number): CharSet {
    const negated = this.#eat('^');
    const ranges: (readonly [number, number])[] = [];
    for (let first = true; ; first = false) {
      if (this.#at >= this.#text.length) throw new RegexError('A “[” is not closed.', at);
      if (!first && this.#eat(']')) break;
      if (first && this.#eat(']')) break;
      const from = this.#member();
      const [single] = from;
      const isRange =
        this.#next === '-' && this.#text[this.#at + 1] !== ']' && this.#at + 1 < this.#text.length;
      if (!isRange || from.length !== 1 || single === undefined || single[0] !== single[1]) {
        for (const [low, high] of from) ranges.push(...folded(low, high));
        continue;
      }
      this.#at++;
      const [to] = this.#member();
      if (to === undefined || to[0] !== to[1] || to[1] < single[0]) {
        throw new RegexError('A range is in the wrong order.', at);
      }
      ranges.push(...folded(single[0], to[1]));
    }
    return negated ? complement(ranges) : normal(ranges);
  }

  /** One member of a class, in the case in which it is typed. */
  #member(): CharSet {
    const at = this.#at;
    const char = this.#next;
    this.#at++;
    if (char !== '\\') return [[char.charCodeAt(0), char.charCodeAt(0)]];
    if (this.#next === 'b') {
      this.#at++;
      return [[8, 8]];
    }
    return this.#escape(at);
  }

  get #next(): string {
    return this.#text[this.#at] ?? '';
  }

  #eat(char: string): boolean {
    if (this.#next !== char) return false;
    this.#at++;
    return true;
  }
}
