/**
 * Lays out JavaScript: a statement or object member per line. Existing newlines are kept, as they may end statements;
 * where there are none, as in a bundle, they are added where a statement ends. Pure.
 */
import { type CodeKind, type CodeLine, LineWriter } from './codeLines.ts';
import { isValue, type ScriptToken, scriptTokens } from './scriptTokens.ts';

interface Bracket {
  readonly mark: string;
  /** Level of the line that opened it. */
  readonly indent: number;
  /** It has statements, not object members. */
  readonly isBlock: boolean;
  readonly isSwitch: boolean;
  /** All of it is in one line. */
  readonly inline: boolean;
  /** `?` still without a `:`. */
  ternaries: number;
  /** `case` or `default`, still without its `:`. */
  inCase: boolean;
}

/** Characters. An object up to this long, without braces, is one line. */
const SHORT_OBJECT = 60;
/** Tokens of a short object. */
const SHORT_TOKENS = 24;

/** Words that continue the line that ended a block. */
const CONTINUES = new Set(['else', 'catch', 'finally', 'while', 'of', 'in', 'from', 'instanceof', 'as']);
/** Words after which a parenthesis is not a call's. */
const BEFORE_PARENTHESIS = new Set(
  'if for while switch catch return typeof in of case throw new await yield with else async do void delete instanceof'.split(
    ' ',
  ),
);
const TIGHT = new Set(['.', '?.', ')', ']', ',', ';', '++', '--']);
const PREFIXES = new Set(['!', '~', '...', '(', '[', '.', '?.', '@']);
const SIGNS = new Set(['+', '-', '++', '--', '!', '~']);

export function scriptLines(text: string): readonly CodeLine[] {
  const writer = new LineWriter();
  writeScript(text, writer, 0);
  return writer.lines;
}

/** @param base level of outermost lines. */
export function writeScript(text: string, writer: LineWriter, base: number): void {
  new ScriptLayout(writer, base).write(text);
}

class ScriptLayout {
  readonly #writer: LineWriter;
  readonly #open: Bracket[];
  #last: ScriptToken | undefined;
  /** The last token is a sign before its operand. */
  #isSign = false;
  /** A statement continues on the next line. */
  #goesOn = false;
  /** The brackets closed just before. */
  #closed: Bracket | null = null;

  constructor(writer: LineWriter, base: number) {
    this.#writer = writer;
    this.#open = [bracket('', base - 1, true)];
  }

  write(text: string): void {
    const ahead: ScriptToken[] = [];
    const tokens = scriptTokens(text);
    const next = (index: number): ScriptToken | undefined => {
      while (ahead.length <= index) {
        const { value, done } = tokens.next();
        if (done === true) return undefined;
        ahead.push(value);
      }
      return ahead[index];
    };
    for (let token = next(0); token !== undefined; token = next(0)) {
      ahead.shift();
      this.#token(token, next);
    }
    this.#writer.end();
  }

  get #top(): Bracket {
    return this.#open.at(-1) as Bracket;
  }

  #token(token: ScriptToken, next: (index: number) => ScriptToken | undefined): void {
    const { kind, text } = token;
    const closes = kind === 'mark' && (text === '}' || text === ')' || text === ']');
    if (token.lineEnds > 0 && !this.#top.inline && !(kind === 'string' && text.startsWith('}'))) {
      if (this.#top.isBlock && continues(this.#last, token)) this.#goesOn = true;
      this.#writer.end();
    }
    if (closes) this.#close(token, next(0));
    else if (text === '{' && kind === 'mark') this.#brace(token, next);
    else {
      this.#put(token);
      if (kind === 'comment') {
        if (text.startsWith('//') || next(0)?.lineEnds !== 0) this.#writer.end();
        return;
      }
      if (kind === 'mark') this.#mark(text);
      else if (kind === 'keyword' && (text === 'case' || text === 'default') && this.#top.isSwitch)
        this.#top.inCase = true;
    }
    this.#isSign = kind === 'mark' && SIGNS.has(text) && !isValue(this.#last);
    this.#last = token;
  }

  #mark(text: string): void {
    const top = this.#top;
    switch (text) {
      case '(':
      case '[':
        this.#open.push(
          bracket(text, this.#writer.indent, false, {
            inline: top.inline,
            isSwitch: this.#last?.text === 'switch',
          }),
        );
        break;
      case ';':
        if (!top.isBlock) break;
        this.#goesOn = false;
        this.#writer.end();
        break;
      case ',':
        if (top.inline || top.mark === '(' || top.mark === '[') break;
        if (top.isBlock) this.#goesOn = true;
        this.#writer.end();
        break;
      case '?':
        top.ternaries++;
        break;
      case ':':
        if (top.ternaries > 0) top.ternaries--;
        else if (top.inCase) {
          top.inCase = false;
          this.#writer.end();
        }
        break;
      default:
    }
  }

  #brace(token: ScriptToken, next: (index: number) => ScriptToken | undefined): void {
    const closed = this.#closed;
    const isBlock = opensBlock(this.#last, closed, this.#top);
    const inline = this.#top.inline || (!isBlock && isShort(next));
    this.#put(token);
    const isSwitch = isBlock && closed?.isSwitch === true;
    this.#open.push(bracket('{', this.#writer.indent, isBlock, { inline, isSwitch }));
    this.#goesOn = false;
    if (!inline && next(0)?.text !== '}') this.#writer.end();
  }

  #close(token: ScriptToken, following: ScriptToken | undefined): void {
    const { text } = token;
    const mark = text === '}' ? '{' : text === ')' ? '(' : '[';
    // An unmatched one is written where it is.
    const closed = this.#open.length > 1 && this.#top.mark === mark ? (this.#open.pop() as Bracket) : null;
    if (closed === null) {
      this.#put(token);
      return;
    }
    const isBrace = text === '}';
    const isEmpty = this.#last?.text === mark && token.lineEnds === 0;
    if (isBrace && !closed.inline && !isEmpty) this.#writer.end();
    if (isBrace && closed.inline && !isEmpty) this.#writer.add('text', ' ', closed.indent);
    this.#writer.add('punctuation', text, closed.indent);
    this.#closed = closed;
    if (!isBrace || !closed.isBlock || this.#top.inline || this.#top.mark === '(' || this.#top.mark === '[')
      return;
    if (following === undefined || !goesOnBehindBlock(following)) {
      this.#goesOn = false;
      this.#writer.end();
    }
  }

  #put(token: ScriptToken): void {
    const writer = this.#writer;
    const top = this.#top;
    let indent = top.indent + 1;
    if (top.isSwitch && top.isBlock && token.text !== 'case' && token.text !== 'default') indent++;
    if (this.#goesOn) indent++;
    if (!writer.isEmpty && this.#isSpaced(token)) writer.add('text', ' ', indent);
    if (token.kind === 'comment') writer.addComment(token.text, indent);
    else writer.addVerbatim(colourOf(token, this.#last), token.text, indent);
    this.#closed = null;
    if (token.kind !== 'comment') this.#goesOn = false;
  }

  /** Whether a space separates the last token and this one. */
  #isSpaced(token: ScriptToken): boolean {
    const last = this.#last;
    const { kind, text } = token;
    if (last === undefined || kind === 'comment') return true;
    if (last.kind === 'string' && last.text.endsWith('${')) return false;
    if (kind === 'string' && text.startsWith('}')) return false;
    if (last.kind === 'comment') return true;
    if (last.kind === 'mark' && PREFIXES.has(last.text)) return false;
    if (this.#isSign) return last.text === text && SIGNS.has(text);
    if (kind !== 'mark') {
      if (last.kind !== 'mark') return !(kind === 'string' && text.startsWith('`') && last.kind === 'word');
      return true;
    }
    if (text === '(') {
      if (last.kind === 'keyword') return BEFORE_PARENTHESIS.has(last.text);
      return last.kind === 'mark' && last.text !== ')' && last.text !== ']' && last.text !== '}';
    }
    if (text === '[')
      return last.kind === 'mark' ? !isValue(last) : last.kind === 'keyword' && !isValue(last);
    if (text === ':') return this.#top.ternaries > 0;
    if (text === '{') return true;
    if ((text === '++' || text === '--') && !isValue(last)) return true;
    if (text === '*' && last.text === 'function') return false;
    return !TIGHT.has(text);
  }
}

function bracket(
  mark: string,
  indent: number,
  isBlock: boolean,
  { inline = false, isSwitch = false }: { inline?: boolean; isSwitch?: boolean } = {},
): Bracket {
  return { mark, indent, isBlock, isSwitch, inline, ternaries: 0, inCase: false };
}

/** Whether a statement continues on the line that this token begins. */
function continues(last: ScriptToken | undefined, token: ScriptToken): boolean {
  if (last === undefined || last.kind === 'comment' || token.kind === 'comment') return false;
  if (token.kind === 'mark' && /^(?:[.?:&|=*/%<>^]|\?\.|\+$|-$)/.test(token.text)) return true;
  return last.kind === 'mark' && !/^(?:[;{}()\],:]|\]|\+\+|--)$/.test(last.text);
}

/** Whether a brace begins a block, rather than an object. @param closed the parentheses before it. */
function opensBlock(before: ScriptToken | undefined, closed: Bracket | null, top: Bracket): boolean {
  if (before === undefined) return true;
  if (before.text === ')' && closed !== null) return true;
  if (before.kind === 'keyword')
    return ['else', 'do', 'try', 'finally', 'catch', 'static', 'class'].includes(before.text);
  if (before.kind !== 'mark') return before.kind === 'word';
  if (before.text === '=>') return true;
  return top.isBlock && [';', '{', '}', ':'].includes(before.text) && top.ternaries === 0;
}

/** Whether an object is short, with nothing in it that needs lines. */
function isShort(next: (index: number) => ScriptToken | undefined): boolean {
  let length = 0;
  for (let index = 0; index < SHORT_TOKENS; index++) {
    const token = next(index);
    if (token === undefined || token.lineEnds > 0) return false;
    if (token.text === '}') return true;
    length += token.text.length + 1;
    if (length > SHORT_OBJECT || token.kind === 'comment' || /^[{;]$|\$\{$/.test(token.text)) return false;
  }
  return false;
}

function goesOnBehindBlock(token: ScriptToken): boolean {
  if (token.kind === 'mark') return !['{', '!', '~', '++', '--', '...', '@'].includes(token.text);
  return CONTINUES.has(token.text);
}

function colourOf({ kind, text }: ScriptToken, last: ScriptToken | undefined): CodeKind {
  switch (kind) {
    case 'keyword':
      return 'literal';
    case 'mark':
      return 'punctuation';
    case 'word':
      return last?.text === '.' || last?.text === '?.' ? 'name' : 'text';
    default:
      return text === '' ? 'text' : kind;
  }
}
