/**
 * Lays out HTML: a block on its own line, inline elements within their text. Scripts and style sheets are laid out too.
 * It need not be well-formed: an end tag without a start tag stays where it is. White space between blocks is layout
 * and is replaced; `Raw` shows the original. Pure; each character is read once.
 */
import { behind, type CodeLine, LineWriter } from './codeLines.ts';
import { writeCss } from './cssLines.ts';
import { jsonLines } from './jsonLines.ts';
import { writeScript } from './scriptLines.ts';
import { tagPieces } from './xmlLines.ts';

/** Elements without content (HTML Standard, section 13.1.2). */
const VOID = names('area base br col embed hr img input link meta source track wbr');
/** Inline elements, by the default style sheet. */
const INLINE = names(
  `a abbr b bdi bdo br button cite code data del dfn em i img input ins kbd label mark meter output progress q s samp
  select small span strong sub sup time u var wbr`,
);
/** Elements with only text up to the end tag. */
const TEXT_ONLY = names('script style textarea title xmp');
/** Their white space is kept. */
const PREFORMATTED = names('pre textarea listing xmp');
/** Start tags, and the innermost open elements whose end tag may be omitted before them. */
const ENDS: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['li', names('li')],
  ['dt', names('dt dd')],
  ['dd', names('dt dd')],
  ['tr', names('tr td th')],
  ['td', names('td th')],
  ['th', names('td th')],
  ['tbody', names('thead tbody tr td th')],
  ['tfoot', names('thead tbody tr td th')],
  ['option', names('option')],
  ['optgroup', names('option optgroup')],
  ...'address article aside blockquote details div dl fieldset footer form h1 h2 h3 h4 h5 h6 header hr main nav ol p pre section table ul'
    .split(' ')
    .map((name): [string, ReadonlySet<string>] => [name, names('p')]),
]);

const SCRIPT_TYPE = /^(?:module|(?:text|application)\/(?:x-)?(?:java|ecma)script)?$/;
const TAG = /<\/?[a-z](?:[^"'>]+|"[^"]*(?:"|$)|'[^']*(?:'|$))*(?:>|$)/iy;

function names(list: string): ReadonlySet<string> {
  return new Set(list.split(/\s+/));
}

export function htmlLines(text: string): readonly CodeLine[] {
  const layout = new HtmlLayout();
  layout.write(text);
  return layout.lines;
}

class HtmlLayout {
  readonly #writer = new LineWriter();
  readonly #open: string[] = [];
  /** Open elements per name: detects an end tag without a start tag without a search. */
  readonly #counts = new Map<string, number>();
  /** The block whose start tag begins the current line: if only text follows, its end tag goes on the line too. */
  #short: string | null = null;
  /** Open elements whose white space is shown. */
  #preformatted = 0;
  /** White space followed the last output. */
  #space = false;

  get lines(): readonly CodeLine[] {
    return this.#writer.lines;
  }

  write(text: string): void {
    for (let at = 0; at < text.length; ) {
      if (text.startsWith('<!--', at)) {
        const end = behind(text, '-->', at + 4);
        this.#line('comment', text.slice(at, end));
        at = end;
      } else if (text.startsWith('<!', at) || text.startsWith('<?', at)) {
        const end = behind(text, '>', at);
        this.#line('comment', text.slice(at, end));
        at = end;
      } else {
        TAG.lastIndex = at;
        const tag = text[at] === '<' ? TAG.exec(text)?.[0] : undefined;
        if (tag !== undefined) at = this.#tag(tag, text, at + tag.length);
        else {
          const next = text.indexOf('<', at + 1);
          const end = next < 0 ? text.length : next;
          this.#text(text.slice(at, end));
          at = end;
        }
      }
    }
    this.#end();
  }

  /** @returns the offset after the tag and its text. */
  #tag(tag: string, text: string, behindTag: number): number {
    const name = nameOf(tag);
    if (tag.startsWith('</')) {
      this.#endTag(tag, name);
      return behindTag;
    }
    this.#startTag(tag, name);
    if (!TEXT_ONLY.has(name)) return behindTag;
    const end = endOfText(text, name, behindTag);
    this.#content(name, tag, text.slice(behindTag, end));
    return end;
  }

  #startTag(tag: string, name: string): void {
    const inline = INLINE.has(name) || (this.#preformatted > 0 && !TEXT_ONLY.has(name));
    const ended = ENDS.get(name);
    while (ended?.has(this.#open.at(-1) ?? '') === true) {
      this.#end();
      this.#pop();
    }
    if (!inline) this.#end();
    this.#pieces(tag, this.#open.length);
    if (VOID.has(name) || tag.endsWith('/>')) {
      if (!inline) this.#end();
      return;
    }
    if (inline) return;
    this.#short = name;
    this.#open.push(name);
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    if (PREFORMATTED.has(name)) this.#preformatted++;
  }

  #endTag(tag: string, name: string): void {
    // Preformatted elements have no open children.
    const shown = this.#preformatted > 0 && !PREFORMATTED.has(name);
    if (INLINE.has(name) || shown) {
      this.#pieces(tag, this.#open.length);
      return;
    }
    if ((this.#counts.get(name) ?? 0) === 0) {
      this.#line('tag', tag);
      return;
    }
    if (this.#short !== name && this.#preformatted === 0) this.#end();
    while (this.#pop() !== name);
    this.#space = false;
    this.#pieces(tag, this.#open.length);
    if (this.#preformatted === 0) this.#end();
  }

  #pop(): string | undefined {
    const name = this.#open.pop();
    if (name === undefined) return name;
    this.#counts.set(name, (this.#counts.get(name) ?? 0) - 1);
    if (PREFORMATTED.has(name)) this.#preformatted--;
    return name;
  }

  #text(text: string): void {
    const indent = this.#open.length;
    if (this.#preformatted > 0) {
      this.#writer.addVerbatim('text', text, indent);
      return;
    }
    const shown = text.trim().replace(/\s+/g, ' ');
    if (/^\s/.test(text)) this.#space = true;
    if (shown === '') return;
    this.#separate(indent);
    this.#writer.add('text', shown, indent);
    this.#space = /\s$/.test(text);
  }

  /** Collapses white space within text. */
  #separate(indent: number): void {
    if (this.#space && !this.#writer.isEmpty && this.#preformatted === 0)
      this.#writer.add('text', ' ', indent);
    this.#space = false;
  }

  #pieces(tag: string, indent: number): void {
    if (this.#short === null || INLINE.has(nameOf(tag))) this.#separate(indent);
    for (const { kind, text } of tagPieces(tag)) {
      // A value may span lines, in which every space counts.
      if (kind === 'string') this.#writer.addVerbatim(kind, text, indent);
      else this.#writer.add(kind, text, indent);
    }
  }

  /** Writes on its own line. */
  #line(kind: 'comment' | 'tag', text: string): void {
    const indent = this.#open.length;
    if (this.#preformatted > 0) {
      this.#writer.addVerbatim(kind, text, indent);
      return;
    }
    this.#end();
    if (kind === 'comment') this.#writer.addComment(text, indent);
    else this.#pieces(text, indent);
    this.#end();
  }

  #end(): void {
    this.#writer.end();
    this.#short = null;
    this.#space = false;
  }

  /** The content of an element that is all text: its end tag comes next. */
  #content(name: string, tag: string, content: string): void {
    const indent = this.#open.length;
    if (PREFORMATTED.has(name)) {
      this.#writer.addVerbatim('text', content, indent);
      return;
    }
    if (content.trim() === '') return;
    if (name === 'title') {
      this.#text(content);
      return;
    }
    this.#end();
    const type = /\stype\s*=\s*["']?([^"'\s>]*)/i.exec(tag)?.[1]?.toLowerCase() ?? '';
    const json = name === 'script' && /json$/.test(type) ? jsonLines(content) : null;
    if (name === 'style') writeCss(content, this.#writer, indent);
    else if (json !== null)
      for (const line of json) {
        for (const { kind, text } of line.pieces) this.#writer.add(kind, text, indent + line.indent);
        this.#writer.end();
      }
    else if (SCRIPT_TYPE.test(type)) writeScript(content, this.#writer, indent);
    else this.#writer.addVerbatim('text', content.trim(), indent);
    this.#end();
  }
}

function nameOf(tag: string): string {
  return (/^<\/?([^\s/>]*)/.exec(tag)?.[1] ?? '').toLowerCase();
}

/** @returns where the end tag of the name begins; the end of the text where there is none. */
function endOfText(text: string, name: string, from: number): number {
  for (let at = text.indexOf('</', from); at >= 0; at = text.indexOf('</', at + 2)) {
    const behindName = at + 2 + name.length;
    if (text.slice(at + 2, behindName).toLowerCase() === name && /^[\s/>]?$/.test(text[behindName] ?? ''))
      return at;
  }
  return text.length;
}
