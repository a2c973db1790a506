/**
 * Secrets in XML and HTML: the content of an element with a secret's name, and the value of an attribute with one
 * (namespace prefixes do not count); in `<input name="password" value="…">`, `<add key="token" value="…"/>` and
 * `<param name="token">…</param>`, the named value. All else stays byte for byte. Linear in the text, which may be
 * truncated and need not be well-formed.
 */
import { maskLoosely } from './maskLoosely.ts';
import { maskText } from './maskText.ts';
import { maskUrl } from './maskUrl.ts';
import { Replaced } from './pieces.ts';
import { isNamingSecret, isSecretName, isSecretValue, MASK, nameKind } from './secrets.ts';

/** Attributes whose value may be the name of what the element holds; `<input type="password">`. */
const NAMING: ReadonlySet<string> = new Set(['name', 'key', 'id', 'type']);
/** Elements whose text may be the name of what the next element holds (property lists, XML-RPC). */
const NAMING_ELEMENTS: ReadonlySet<string> = new Set(['name', 'key']);
/** Elements that hold the named value. */
const HOLDING_ELEMENTS: ReadonlySet<string> = new Set(['value', 'string', 'data', 'integer', 'text']);
/** Elements of HTML whose text is a program. */
const CODE: ReadonlySet<string> = new Set(['script', 'style']);
/** Attributes that hold the named value. */
const HOLDING: ReadonlySet<string> = new Set(['value', 'content']);

const NAME = /[^\s=<>"'/]+/y;

/**
 * @param html elements have HTML's names, which mean something else (`code`); only their attributes are looked at.
 */
export function maskXml(text: string, html: boolean): string {
  return new XmlMask(text, html).run();
}

/** What text without a telling type is, by its beginning; null: no markup. */
export function markupOf(text: string): 'xml' | 'html' | null {
  const beginning = /^\ufeff?\s{0,64}<(\?xml\s|!doctype html|html|\w+:Envelope)/i.exec(
    text.slice(0, 512),
  )?.[1];
  return beginning === undefined ? null : /html$/i.test(beginning) ? 'html' : 'xml';
}

interface Attribute {
  /** Without its prefix. */
  readonly name: string;
  /** Offsets of its value, quotes left out. */
  readonly from: number;
  readonly to: number;
}

class XmlMask {
  readonly #text: string;
  readonly #html: boolean;
  readonly #masked: Replaced;
  /** Name of the element that holds a secret, and how many of that name are open in it; null outside of one. */
  #secret: string | null = null;
  #depth = 0;
  /** Name of the last start tag, without its prefix; empty after an end tag. */
  #element = '';
  /** The last text was the name of a secret. */
  #named = false;

  constructor(text: string, html: boolean) {
    this.#text = text;
    this.#masked = new Replaced(text);
    this.#html = html;
  }

  run(): string {
    const text = this.#text;
    for (let at = 0; at < text.length; ) {
      if (text[at] !== '<') {
        const next = text.indexOf('<', at);
        const to = next < 0 ? text.length : next;
        this.#content(at, to);
        at = to;
      } else if (text.startsWith('<!--', at)) {
        const end = this.#behind('-->', at + 4);
        this.#replace(at, end, maskLoosely(maskUrl(text.slice(at, end))));
        at = end;
      } else if (text.startsWith('<![CDATA[', at)) {
        const end = text.indexOf(']]>', at);
        this.#content(at + 9, end < 0 ? text.length : end);
        at = end < 0 ? text.length : end + 3;
      } else if (text.startsWith('<?', at)) at = this.#behind('?>', at + 2);
      else if (text.startsWith('</', at)) at = this.#endTag(at);
      else at = this.#startTag(at);
    }
    return this.#masked.result();
  }

  #behind(mark: string, from: number): number {
    const found = this.#text.indexOf(mark, from);
    return found < 0 ? this.#text.length : found + mark.length;
  }

  #content(from: number, to: number): void {
    const text = this.#text.slice(from, to);
    const content = text.trim();
    if (content === '') return;
    if (this.#secret !== null)
      this.#replace(from, to, isSecretValue('secret', content, 'element') ? MASK : text);
    else if (this.#html) {
      const code = CODE.has(this.#element.toLowerCase());
      this.#replace(from, to, code ? maskLoosely(maskUrl(text), { quotedOnly: true }) : maskQuoted(text));
    } else if (isSecretValue(nameKind(this.#element), content, 'element')) this.#replace(from, to, MASK);
    else this.#replace(from, to, maskQuoted(text));
    this.#named = NAMING_ELEMENTS.has(this.#element.toLowerCase()) && isNamingSecret(content);
  }

  #replace(from: number, to: number, replacement: string): void {
    if (replacement === this.#text.slice(from, to)) return;
    this.#masked.replace(from, to, replacement);
  }

  #endTag(at: number): number {
    const name = this.#name(at + 2);
    this.#element = '';
    if (name === this.#secret && --this.#depth === 0) this.#secret = null;
    return this.#behind('>', at + 2);
  }

  #startTag(at: number): number {
    const text = this.#text;
    const name = this.#name(at + 1);
    if (name === '') return at + 1;
    let to = at + 1 + name.length;
    const attributes: Attribute[] = [];
    while (to < text.length && text[to] !== '>') {
      NAME.lastIndex = to;
      const attribute = NAME.exec(text)?.[0];
      if (attribute === undefined) {
        to++;
        continue;
      }
      to += attribute.length;
      while (isBlank(text.charCodeAt(to))) to++;
      if (text[to] !== '=') continue;
      to++;
      while (isBlank(text.charCodeAt(to))) to++;
      const quoted = this.#isQuote(to);
      const end = this.#valueEnd(to);
      attributes.push({ name: localName(attribute), from: quoted ? to + 1 : to, to: end });
      to = quoted ? Math.min(end + 1, text.length) : end;
    }
    const element = localName(name);
    const announced = this.#named && HOLDING_ELEMENTS.has(element.toLowerCase());
    this.#named = false;
    const named = this.#maskAttributes(attributes) || announced;
    // `/` before `>` ends the element where it begins.
    const empty = text[to - 1] === '/';
    this.#element = empty ? '' : element;
    const holds = this.#html ? named && element.toLowerCase() === 'textarea' : named || isSecretName(element);
    if (!empty) {
      if (this.#secret === null && holds) this.#secret = name;
      if (this.#secret === name) this.#depth++;
    }
    return Math.min(to + 1, text.length);
  }

  /** @returns true when one of them says that the element holds a secret. */
  #maskAttributes(attributes: readonly Attribute[]): boolean {
    const text = this.#text;
    const named = attributes.some(
      ({ name, from, to }) =>
        NAMING.has(name.toLowerCase()) && isNamingSecret(localName(withoutReferences(text.slice(from, to)))),
    );
    for (const { name, from, to } of attributes) {
      const value = text.slice(from, to);
      const secret =
        this.#secret !== null ||
        isSecretValue(nameKind(name), value, 'element') ||
        (named && HOLDING.has(name.toLowerCase()));
      this.#replace(from, to, secret ? (value === '' ? '' : MASK) : maskQuoted(value));
    }
    return named;
  }

  #name(at: number): string {
    NAME.lastIndex = at;
    return NAME.exec(this.#text)?.[0] ?? '';
  }

  #isQuote(at: number): boolean {
    return this.#text[at] === '"' || this.#text[at] === "'";
  }

  #valueEnd(at: number): number {
    const text = this.#text;
    if (this.#isQuote(at)) {
      const end = text.indexOf(text[at] as string, at + 1);
      return end < 0 ? text.length : end;
    }
    let end = at;
    while (end < text.length && !isBlank(text.charCodeAt(end)) && text[end] !== '>') end++;
    return end;
  }
}

/** JSON in attributes, and often in text, has its quotes as `&quot;`. */
function maskQuoted(text: string): string {
  if (!/&(?:quot|#34);/.test(text)) return maskText(text);
  const inner = text.replace(/&(?:quot|#34);/g, '"');
  const masked = maskText(inner);
  return masked === inner ? text : masked.replaceAll('"', '&quot;');
}

/** Character references by number; names of secrets need no others. */
function withoutReferences(text: string): string {
  if (!text.includes('&#')) return text;
  return text.replace(/&#(?:x([0-9a-f]{1,4})|(\d{1,5}));/gi, (_, hex?: string, decimal?: string) =>
    String.fromCharCode(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)),
  );
}

function localName(name: string): string {
  return name.slice(name.lastIndexOf(':') + 1);
}

/** Space, tab, line ends. */
function isBlank(code: number): boolean {
  return code === 32 || code === 9 || code === 10 || code === 13;
}
