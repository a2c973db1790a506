/** Cuts JavaScript into tokens, as far as laying it out needs them. Pure; each character is read once. */
import { behind, behindString } from './codeLines.ts';

export type ScriptKind =
  | 'word'
  | 'keyword'
  | 'number'
  /** A string, a regular expression, or a part of a template. */
  | 'string'
  | 'comment'
  | 'mark';

export interface ScriptToken {
  readonly kind: ScriptKind;
  readonly text: string;
  /** Line ends between the token before and this one. */
  readonly lineEnds: number;
}

const KEYWORDS = new Set(
  `async await break case catch class const continue debugger default delete do else export extends false finally for
  from function get if import in instanceof let new null of return set static super switch this throw true try typeof
  undefined var void while with yield`.split(/\s+/),
);
/** Words after which no operand follows. */
const VALUES = new Set([
  'false',
  'null',
  'super',
  'this',
  'true',
  'undefined',
  'from',
  'get',
  'of',
  'set',
  'async',
]);

const SPACE = /\s+/y;
const WORD = /[\w$#@\\\x80-\uffff]+/y;
const NUMBER = /(?:0[xob][\da-f_]+|(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:e[+-]?\d[\d_]*)?)n?/iy;
const MARK =
  />>>=|\.\.\.|===|!==|\*\*=|<<=|>>=|>>>|&&=|\|\|=|\?\?=|=>|==|!=|<=|>=|&&|\|\||\?\?|\?\.(?!\d)|\+\+|--|\+=|-=|\*=|\/=|%=|&=|\|=|\^=|<<|>>|\*\*|[\s\S]/y;

/** Whether an operator may follow; then `/` divides. */
export function isValue(token: ScriptToken | undefined): boolean {
  if (token === undefined || token.kind === 'comment') return false;
  if (token.kind === 'keyword') return VALUES.has(token.text);
  if (token.kind !== 'mark') return !token.text.endsWith('${');
  return token.text === ')' || token.text === ']' || token.text === '}';
}

export function* scriptTokens(text: string): Generator<ScriptToken> {
  /** Open braces; `${`: of a template. */
  const open: ('{' | '${')[] = [];
  let last: ScriptToken | undefined;
  let lineEnds = 0;
  /** No regular expression ends before this offset. */
  let noPatternUntil = 0;
  for (let at = 0; at < text.length; ) {
    const character = text[at] as string;
    let kind: ScriptKind = 'mark';
    let end = matched(SPACE, text, at);
    if (end > at) {
      for (; at < end; at++) if (text[at] === '\n') lineEnds++;
      continue;
    }
    if (text.startsWith('//', at) || (at === 0 && text.startsWith('#!'))) {
      kind = 'comment';
      end = text.indexOf('\n', at);
      if (end < 0) end = text.length;
    } else if (text.startsWith('/*', at)) {
      kind = 'comment';
      end = behind(text, '*/', at + 2);
    } else if (character === '"' || character === "'") {
      kind = 'string';
      end = behindString(text, at);
    } else if (character === '`' || (character === '}' && open.at(-1) === '${')) {
      kind = 'string';
      if (character === '}') open.pop();
      end = behindTemplate(text, at + 1);
      if (text.startsWith('${', end - 2)) open.push('${');
    } else if (character === '/' && at >= noPatternUntil && !isValue(last)) {
      end = behindPattern(text, at);
      if (end < 0) {
        noPatternUntil = -end;
        end = at + 1;
      } else kind = 'string';
    } else if (/[.\d]/.test(character) && matched(NUMBER, text, at) > at) {
      kind = 'number';
      end = matched(NUMBER, text, at);
    } else {
      end = matched(WORD, text, at);
      // After a dot, even a keyword is a name.
      if (end > at)
        kind =
          last?.text !== '.' && last?.text !== '?.' && KEYWORDS.has(text.slice(at, end)) ? 'keyword' : 'word';
      else {
        end = matched(MARK, text, at);
        if (character === '{') open.push('{');
        else if (character === '}') open.pop();
      }
    }
    const token = { kind, text: text.slice(at, end), lineEnds };
    yield token;
    if (kind !== 'comment') last = token;
    lineEnds = 0;
    at = end;
  }
}

/** @returns the offset after the match at `at`, or `at` if none. */
function matched(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

/** @returns the offset after the template, or after its next `${`. */
function behindTemplate(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const character = text[at];
    if (character === '\\') at++;
    else if (character === '`') return at + 1;
    else if (character === '$' && text[at + 1] === '{') return at + 2;
  }
  return text.length;
}

/** @returns the offset after a regular expression; negative: none, and none ends before its absolute value. */
function behindPattern(text: string, from: number): number {
  let inClass = false;
  let at = from + 1;
  for (; at < text.length && text[at] !== '\n'; at++) {
    const character = text[at];
    if (character === '\\') at++;
    else if (character === '[') inClass = true;
    else if (character === ']') inClass = false;
    else if (character === '/' && !inClass) return matched(/[a-z]*/y, text, at + 1);
  }
  return -Math.min(at, text.length);
}
