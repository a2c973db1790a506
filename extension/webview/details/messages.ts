/**
 * The tab Messages: what a WebSocket, an event stream or the like carries, live. A list of fixed lines of which
 * only those in view are in the document, and the content of the chosen one.
 */
import type { ExchangeJson, ProtobufJson, StreamMessageJson } from '../../engine/exchangeJson.ts';
import { parseContentType } from '../../http/mediaType.ts';
import { el, setText, setTitle } from '../dom.ts';
import { formatBytes, formatCount, formatMs, plural } from '../format.ts';
import { shorten, visibleLine } from '../text.ts';
import { bytesContent, MAX_HEX_BYTES, textContent } from './body.ts';
import { bytesKind, textKind } from './content.ts';
import { copyButton, note, nothing } from './parts.ts';

/** panel.css has the same number. */
const LINE = 20;
/** Lines beyond those in view, so that scrolling does not show holes. */
const SPARE = 8;
const MAX_PREVIEW = 300;
/** While a key is held down, the host is asked only for the message on which it comes to rest. */
const ASK_DELAY_MS = 60;

/** A line: a message, or how many are not held at this place. */
type Item = StreamMessageJson | { readonly omitted: number };

export interface MessagesEvents {
  /** Asks for one message with all that is held of it. */
  readonly message: (id: number, number: number) => void;
  readonly copy: (text: string) => void;
}

const FORMATS: Readonly<Record<string, string>> = {
  websocket: 'WebSocket',
  'server-sent-events': 'Server-sent events',
  'json-lines': 'JSON lines',
  multipart: 'Multipart stream',
  grpc: 'gRPC',
};

export class MessagesView {
  readonly element: HTMLElement;
  private readonly summary = el('div', { class: 'message-summary', role: 'status' });
  private readonly grid: HTMLElement;
  private readonly canvas = el('div', { class: 'message-canvas', role: 'rowgroup' });
  private readonly content = el('div', {
    class: 'message-content',
    role: 'region',
    'aria-label': 'Content of the message',
    tabindex: 0,
  });
  private readonly lines: Line[] = [];
  private id: number | null = null;
  private items: readonly Item[] = [];
  /** Number of the chosen message. */
  private chosen: number | null = null;
  /** What is known of it; its text was cut for the list. */
  private preview: StreamMessageJson | null = null;
  private full: StreamMessageJson | null = null;
  private timer: ReturnType<typeof setTimeout> | null = null;
  /** Follows the newest while its end is in view. */
  private following = true;

  constructor(private readonly events: MessagesEvents) {
    this.grid = el(
      'div',
      {
        class: 'message-list',
        role: 'grid',
        tabindex: 0,
        'aria-label': 'Messages',
        'aria-readonly': 'true',
        'aria-colcount': 6,
      },
      this.canvas,
    );
    this.grid.addEventListener('scroll', () => {
      this.following = this.atEnd();
      this.draw();
    });
    this.grid.addEventListener('keydown', (event) => this.key(event));
    this.grid.addEventListener('click', (event) => {
      const line = event.target instanceof Element ? event.target.closest<HTMLElement>('.message') : null;
      const item = this.items[Number(line?.dataset['index'])];
      if (item !== undefined && 'number' in item) this.choose(item.number);
    });
    new ResizeObserver(() => {
      if (this.following) this.toEnd();
      this.draw();
    }).observe(this.grid);
    const panes = el('div', { class: 'message-panes' }, this.grid, this.content);
    this.element = el('div', { class: 'messages' }, this.summary, panes);
  }

  /** The exchange as the host knows it now; its messages are cut to what a line shows. */
  show(exchange: ExchangeJson): readonly Node[] {
    const { messageStream: stream, messages } = exchange;
    if (stream === null) {
      this.forget();
      return [nothing('This call carries no messages.')];
    }
    const another = exchange.id !== this.id;
    if (another) this.forget();
    this.id = exchange.id;
    const anchor = this.anchor();
    this.items = itemsOf(messages);
    this.describe(exchange);
    this.canvas.style.height = `${this.items.length * LINE}px`;
    this.grid.setAttribute('aria-rowcount', String(this.items.length));
    if (another || this.following) this.toEnd();
    else if (anchor !== null) this.restore(anchor);
    this.draw(true);
    const preview = messages.find(({ number }) => number === this.chosen) ?? null;
    if (preview !== null && !sameContent(preview, this.preview)) {
      // Secrets are shown or hidden now.
      this.preview = preview;
      this.full = null;
      this.ask();
    }
    this.drawContent();
    return [this.element];
  }

  /** The element is in the document now, with a size. */
  shown(): void {
    if (this.following) this.toEnd();
    this.draw();
  }

  /** null: it is not held any more. */
  fill(id: number, number: number, message: StreamMessageJson | null): void {
    if (id !== this.id || number !== this.chosen || message === null) return;
    this.full = message;
    this.drawContent();
  }

  private forget(): void {
    this.id = null;
    this.items = [];
    this.chosen = null;
    this.preview = null;
    this.full = null;
    this.following = true;
    this.contentOf = undefined;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }

  // ── list ───────────────────────────────────────────────────────────────────────────────────────────────

  private describe({ messageStream: stream, durationMs }: ExchangeJson): void {
    if (stream === null) return;
    const count = stream.out + stream.in;
    const parts = [FORMATS[stream.format] ?? stream.format];
    if (count === 0) parts.push(durationMs === null ? 'no message yet' : 'no message');
    else
      parts.push(
        `${plural(count, 'message')} (${formatCount(stream.out)} sent, ${formatCount(stream.in)} received)`,
      );
    if (stream.omitted !== null) parts.push(`${formatCount(stream.omitted.count)} of them not held`);
    const children: Node[] = [el('span', { class: 'description' }, parts.join(' · '))];
    if (stream.note !== null) children.push(note(stream.note, 'limit'));
    if (this.summary.textContent !== children.map((child) => child.textContent).join('')) {
      this.summary.replaceChildren(...children);
    }
  }

  /** @param fresh the items have changed. */
  private draw(fresh = false): void {
    const { scrollTop, clientHeight } = this.grid;
    const first = Math.max(0, Math.floor(scrollTop / LINE) - SPARE);
    const last = Math.min(this.items.length, Math.ceil((scrollTop + clientHeight) / LINE) + SPARE);
    const wanted = Math.max(0, last - first);
    while (this.lines.length < wanted) {
      const line = new Line();
      this.lines.push(line);
      this.canvas.append(line.element);
    }
    for (const [i, line] of this.lines.entries()) {
      const index = first + i;
      const item = i < wanted ? this.items[index] : undefined;
      line.show(
        item ?? null,
        index,
        item !== undefined && 'number' in item && item.number === this.chosen,
        fresh,
      );
    }
    const shown = this.items.findIndex((item) => 'number' in item && item.number === this.chosen);
    if (shown >= first && shown < last) this.grid.setAttribute('aria-activedescendant', lineId(shown));
    else this.grid.removeAttribute('aria-activedescendant');
  }

  private atEnd(): boolean {
    const { scrollTop, clientHeight } = this.grid;
    return scrollTop + clientHeight >= this.items.length * LINE - LINE / 2;
  }

  private toEnd(): void {
    this.grid.scrollTop = this.items.length * LINE;
  }

  /** The message at the top of the view and how far it is scrolled. */
  private anchor(): { number: number; offset: number } | null {
    const top = this.grid.scrollTop;
    for (let i = Math.floor(top / LINE); i < this.items.length; i++) {
      const item = this.items[i];
      if (item !== undefined && 'number' in item) return { number: item.number, offset: top - i * LINE };
    }
    return null;
  }

  private restore({ number, offset }: { number: number; offset: number }): void {
    const index = this.items.findIndex((item) => 'number' in item && item.number >= number);
    if (index >= 0) this.grid.scrollTop = index * LINE + offset;
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey) {
      if (event.key !== 'c' || this.full === null || !('text' in this.full)) return;
      event.preventDefault();
      this.events.copy(this.full.text ?? '');
      return;
    }
    const page = Math.max(1, Math.floor(this.grid.clientHeight / LINE) - 1);
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: Number.NEGATIVE_INFINITY,
      End: Number.POSITIVE_INFINITY,
    };
    const step = steps[event.key];
    if (step === undefined || this.items.length === 0) return;
    event.preventDefault();
    const at = this.items.findIndex((item) => 'number' in item && item.number === this.chosen);
    const from = at >= 0 ? at + step : step > 0 && step < page ? 0 : step;
    let to = Math.min(
      this.items.length - 1,
      Math.max(0, at < 0 && step < 0 ? this.items.length + step : from),
    );
    let item = this.items[to];
    // What is not held cannot be chosen.
    if (item !== undefined && !('number' in item)) {
      to += step < 0 ? -1 : 1;
      item = this.items[to];
    }
    if (item === undefined || !('number' in item)) return;
    this.choose(item.number);
    const { scrollTop, clientHeight } = this.grid;
    if (to * LINE < scrollTop) this.grid.scrollTop = to * LINE;
    else if ((to + 1) * LINE > scrollTop + clientHeight) this.grid.scrollTop = (to + 1) * LINE - clientHeight;
    this.draw();
  }

  private choose(number: number): void {
    if (this.chosen === number) return;
    this.chosen = number;
    this.preview = this.items.find((item) => 'number' in item && item.number === number) as StreamMessageJson;
    this.full = null;
    this.draw();
    this.drawContent();
    this.ask();
  }

  private ask(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = null;
      if (this.id !== null && this.chosen !== null) this.events.message(this.id, this.chosen);
    }, ASK_DELAY_MS);
  }

  // ── content ────────────────────────────────────────────────────────────────────────────────────────────

  /** What the content shows, told apart by identity; undefined: nothing of this call. */
  private contentOf: StreamMessageJson | null | undefined;

  private drawContent(): void {
    const message = this.full ?? this.preview;
    if (message === this.contentOf) return;
    this.contentOf = message;
    if (message === null) {
      this.content.replaceChildren(nothing('Choose a message to see its content.'));
      return;
    }
    const facts = [
      `#${formatCount(message.number)}`,
      direction(message),
      kindOf(message),
      message.size === null ? 'size unknown' : formatBytes(message.size),
    ];
    if (message.compressedSize !== null) facts.push(`${formatBytes(message.compressedSize)} as sent`);
    facts.push(`after ${formatMs(message.atMs)}`);
    const bar = el(
      'div',
      { class: 'content-bar' },
      el('span', { class: 'description' }, visibleLine(facts.join(' · '))),
    );
    const { protobuf } = message;
    const text = protobuf?.text || ('text' in message ? message.text : null);
    if (text) {
      bar.append(copyButton('Copy message', () => this.events.copy(text)));
    }
    const parts: Node[] = [bar];
    if (message.note !== null) parts.push(note(message.note, 'limit'));
    for (const { message: sentence, rule } of message.violations) parts.push(note(`${sentence} (${rule})`));
    if (message.fields.length > 0) parts.push(fieldTable(message));
    const type = typeOf(message);
    if (protobuf !== null && protobuf.text !== '') parts.push(...protobufContent(protobuf));
    if ('base64' in message) {
      const whole = message === this.full && message.note === null;
      parts.push(...bytesContent(message.base64, bytesKind(type), whole, MAX_HEX_BYTES));
    } else if (message.text === '') parts.push(nothing('It has no content.'));
    else if (message.text !== null) parts.push(...textContent(message.text, textKind(type, message.text)));
    this.content.replaceChildren(...parts);
    this.content.scrollTop = 0;
  }
}

/** One line of the list, used again for other messages. */
class Line {
  readonly element = el('div', { class: 'message', role: 'row' });
  private readonly cells = ['number', 'direction', 'time', 'kind', 'size', 'preview'].map((name, i) =>
    el('span', { class: `m-${name}`, role: 'gridcell', 'aria-colindex': i + 1 }),
  );
  private item: Item | null = null;
  private index = -1;
  private chosen = false;

  constructor() {
    this.element.append(...this.cells);
    this.element.setAttribute('aria-selected', 'false');
  }

  show(item: Item | null, index: number, chosen: boolean, fresh: boolean): void {
    this.element.hidden = item === null;
    if (item === null) return;
    if (index !== this.index) {
      this.index = index;
      this.element.id = lineId(index);
      this.element.style.transform = `translateY(${index * LINE}px)`;
      this.element.setAttribute('aria-rowindex', String(index + 1));
      this.element.dataset['index'] = String(index);
    }
    if (chosen !== this.chosen) {
      this.chosen = chosen;
      this.element.setAttribute('aria-selected', String(chosen));
    }
    if (item === this.item && !fresh) return;
    this.item = item;
    const [number, arrow, time, kind, size, preview] = this.cells as [
      HTMLElement,
      HTMLElement,
      HTMLElement,
      HTMLElement,
      HTMLElement,
      HTMLElement,
    ];
    if ('omitted' in item) {
      this.element.dataset['direction'] = 'none';
      this.element.dataset['fault'] = 'false';
      for (const cell of this.cells) setText(cell, '');
      setText(preview, `${plural(item.omitted, 'message')} not held`);
      return;
    }
    this.element.dataset['direction'] = item.direction ?? 'unknown';
    this.element.dataset['fault'] = String(item.violations.length > 0);
    setText(number, String(item.number));
    setText(arrow, item.direction === 'out' ? '↑' : item.direction === 'in' ? '↓' : '·');
    arrow.setAttribute('aria-label', direction(item));
    setText(time, formatMs(item.atMs));
    setText(kind, visibleLine(shorten(kindOf(item), 40)));
    setText(size, formatBytes(item.size));
    size.setAttribute('aria-label', item.size === null ? 'size unknown' : formatBytes(item.size));
    setText(preview, previewOf(item));
    setTitle(preview, item.violations[0]?.message ?? item.note ?? '');
  }
}

const lineId = (index: number): string => `message-${index}`;

function direction(message: StreamMessageJson): string {
  return message.direction === 'out' ? 'sent' : message.direction === 'in' ? 'received' : 'direction unknown';
}

/** The message's kind, as precisely as its format names it. */
function kindOf({ kind, fields }: StreamMessageJson): string {
  const of = (name: string): string | undefined => fields.find(([known]) => known === name)?.[1];
  if (kind === 'event') return of('event') ?? 'event';
  if (kind === 'close') return `close ${of('code') ?? ''}`.trim();
  return kind;
}

/** By name, or by what it may be. */
function protobufContent({ type, source, text, note: remark }: ProtobufJson): readonly Node[] {
  const parts: Node[] = [];
  if (type !== null) {
    const told = source === 'reflection' ? 'as the server described it' : 'by the .proto files';
    parts.push(el('div', { class: 'description' }, `${visibleLine(shorten(type, 200))}, ${told}`));
  }
  if (remark !== null) parts.push(note(remark, 'info'));
  parts.push(...textContent(text, textKind(type === null ? 'text/plain' : 'application/json', text)));
  return parts;
}

function previewOf(message: StreamMessageJson): string {
  if (message.protobuf !== null && message.protobuf.text !== '') {
    return visibleLine(shorten(message.protobuf.text.replace(/\s+/g, ' '), MAX_PREVIEW));
  }
  if ('base64' in message) {
    const bytes = atob(message.base64.slice(0, 64).replace(/=+$/, ''));
    return [...bytes].map((c) => c.charCodeAt(0).toString(16).padStart(2, '0')).join(' ');
  }
  if (message.text === null) return message.note ?? '';
  if (message.text === '' && message.note !== null) return message.note;
  return visibleLine(shorten(message.text, MAX_PREVIEW));
}

function fieldTable(message: StreamMessageJson): HTMLElement {
  const rows = message.fields.map(([name, value]) =>
    el(
      'tr',
      {},
      el('th', { scope: 'row' }, visibleLine(shorten(name, 200))),
      el('td', {}, visibleLine(shorten(value, 4_096))),
    ),
  );
  return el('table', { class: 'fields' }, el('tbody', {}, ...rows));
}

/** The media type of a part; empty where there is none. */
function typeOf(message: StreamMessageJson): string {
  const field = message.fields.find(([name]) => name.toLowerCase() === 'content-type');
  return parseContentType(field?.[1] ?? '').essence;
}

/** Messages in order, with a line where some are not held. */
function itemsOf(messages: readonly StreamMessageJson[]): Item[] {
  const items: Item[] = [];
  let next = 1;
  for (const message of messages) {
    if (message.number > next) items.push({ omitted: message.number - next });
    items.push(message);
    next = message.number + 1;
  }
  return items;
}

function sameContent(a: StreamMessageJson, b: StreamMessageJson | null): boolean {
  if (b === null || a.protobuf?.text !== b.protobuf?.text) return false;
  if ('base64' in a || 'base64' in b) return 'base64' in a && 'base64' in b && a.base64 === b.base64;
  return a.text === b.text;
}
