/** Lays out CSS: a rule, declaration or selector per line. Pure. */
import { behind, behindString, type CodeKind, type CodeLine, LineWriter } from './codeLines.ts';

interface Token {
  readonly kind: 'word' | 'string' | 'comment' | 'mark';
  readonly text: string;
  /** White space precedes it. */
  readonly spaced: boolean;
  /** Not within parentheses. */
  readonly outside: boolean;
}

const SPACE = /\s+/y;
/** An unquoted URL may have any other character. */
const ADDRESS = /url\(\s*(?!["'\s])[^)]*\)?/iy;
const WORD = /!?(?:\\[\s\S]|[^\s"'\\{}();:,/!]|\/(?!\*))+/y;
const NUMBER = /^(?:[+-]?\.?\d|#[\da-f]{3,8}$)/i;

export function cssLines(text: string): readonly CodeLine[] {
  const writer = new LineWriter();
  writeCss(text, writer, 0);
  return writer.lines;
}

/** @param base level of outermost lines. */
export function writeCss(text: string, writer: LineWriter, base: number): void {
  let depth = base;
  let parentheses = 0;
  let tokens: Token[] = [];
  let spaced = false;
  const add = (kind: Token['kind'], token: string): void => {
    tokens.push({ kind, text: token, spaced, outside: parentheses === 0 });
    spaced = false;
  };
  const statement = (mark: ';' | '{' | ''): void => {
    if (tokens.length > 0 || mark !== '') writeStatement(writer, tokens, mark, depth);
    tokens = [];
    spaced = false;
  };
  for (let at = 0; at < text.length; ) {
    const character = text[at] as string;
    let end = at + 1;
    switch (character) {
      case '"':
      case "'":
        end = behindString(text, at);
        add('string', text.slice(at, end));
        break;
      case '{':
        statement('{');
        parentheses = 0;
        depth++;
        break;
      case '}':
        statement('');
        parentheses = 0;
        depth = Math.max(base, depth - 1);
        writer.add('punctuation', '}', depth);
        writer.end();
        break;
      case ';':
        if (parentheses === 0) statement(';');
        else add('mark', ';');
        break;
      case '(':
        add('mark', '(');
        parentheses++;
        break;
      case ')':
        parentheses = Math.max(0, parentheses - 1);
        add('mark', ')');
        break;
      default:
        if (text.startsWith('/*', at)) {
          end = behind(text, '*/', at + 2);
          const comment = text.slice(at, end);
          if (tokens.length === 0) {
            writer.addComment(comment, depth);
            writer.end();
          } else add('comment', comment);
        } else {
          const space = matched(SPACE, text, at);
          const word = space > at ? at : Math.max(matched(ADDRESS, text, at), matched(WORD, text, at));
          if (space > at) {
            spaced = true;
            end = space;
          } else if (word > at) {
            end = word;
            add('word', text.slice(at, end));
          } else add('mark', character);
        }
    }
    at = end;
  }
  statement('');
}

/** @returns the offset after the match at `at`, or `at` if none. */
function matched(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

/** What precedes `{` is a selector or a rule's name, all else a declaration. */
function writeStatement(
  writer: LineWriter,
  tokens: readonly Token[],
  mark: ';' | '{' | '',
  indent: number,
): void {
  const isRule = tokens[0]?.text.startsWith('@') === true;
  const isSelector = mark === '{' && !isRule;
  const colon = isSelector || isRule ? -1 : tokens.findIndex(({ text }) => text === ':');
  tokens.forEach((token, index) => {
    const { text, outside } = token;
    const last = tokens[index - 1];
    const tight = last === undefined || writer.isEmpty || text === ',' || last.text === '(' || text === ')';
    const wide =
      token.spaced || last?.text === ',' || index === colon + 1 || (colon >= 0 && text.startsWith('!'));
    // A declaration's colon directly follows the name, whatever was written.
    if (!tight && wide && index !== colon) writer.add('text', ' ', indent);
    if (token.kind === 'comment') writer.addComment(text, indent);
    else writer.addVerbatim(kindOf(token, index, { isRule, isSelector, colon }), text, indent);
    if (isSelector && text === ',' && outside) writer.end();
  });
  if (mark === '{') writer.add('punctuation', writer.isEmpty ? '{' : ' {', indent);
  else writer.add('punctuation', mark, indent);
  writer.end();
}

function kindOf(
  { kind, text }: Token,
  index: number,
  { isRule, isSelector, colon }: { isRule: boolean; isSelector: boolean; colon: number },
): CodeKind {
  if (kind === 'string' || kind === 'comment') return kind;
  if (kind === 'mark') return isSelector ? 'tag' : 'punctuation';
  if (isSelector) return 'tag';
  if (isRule) return index === 0 ? 'literal' : 'text';
  if (index < colon) return 'attribute';
  return NUMBER.test(text) ? 'number' : 'text';
}
