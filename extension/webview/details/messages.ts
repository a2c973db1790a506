/** The Messages tab: live messages of a WebSocket, an event stream or similar; and one message in full. */

import type { ExchangeJson, ProtobufJson, StreamMessageJson } from '../../engine/exchangeJson.ts';
import { parseContentType } from '../../http/mediaType.ts';
import { bytesKind, textKind } from '../../words/contentKind.ts';
import { localized } from '../../words/localized.ts';
import { counted, durationText, numberText, sizeText } from '../../words/numbers.ts';
import { t } from '../../words/translate.ts';
import { shorten, visibleLine } from '../../words/visible.ts';
import { el, setText, setTitle } from '../dom.ts';
import { VirtualList } from '../virtualList.ts';
import { bytesContent, MAX_HEX_BYTES, textContent } from './body.ts';
import { copyButton, note, nothing } from './elements.ts';

/** CSS pixels. */
export const MESSAGE_HEIGHT = 20;
const MAX_PREVIEW = 300;
/** While a key is held down, only the message at which it stops is requested. */
const ASK_DELAY_MS = 60;

/** A line: a message, or the number of messages not kept before message `before`. */
type Item = StreamMessageJson | { readonly omitted: number; readonly before: number };

/** A message's key is its number; the key of an omission sorts right before the next message. */
const keyOf = (item: Item): number => ('number' in item ? item.number : item.before - 0.5);

export interface MessagesEvents {
  /** Requests everything held of one message. */
  readonly message: (id: number, number: number) => void;
  readonly copy: (text: string) => void;
}

const FORMATS: Readonly<Record<string, string>> = {
  websocket: 'WebSocket',
  'server-sent-events': t('Server-sent events'),
  'json-lines': 'JSON lines',
  multipart: t('Multipart stream'),
  grpc: 'gRPC',
};

export class MessagesView {
  readonly #events: MessagesEvents;
  readonly element: HTMLElement;
  readonly #summary = el('div', { class: 'message-summary', role: 'status' });
  readonly #grid: HTMLElement;
  readonly #canvas = el('div', { class: 'message-canvas', role: 'rowgroup' });
  readonly #content = el('div', {
    class: 'message-content',
    role: 'region',
    'aria-label': t('Content of the message'),
    tabindex: 0,
  });
  readonly #list: VirtualList<Line>;
  #id: number | null = null;
  #items: readonly Item[] = [];
  /** Number of the chosen message. */
  #chosen: number | null = null;
  /** The chosen message as listed, with truncated text. */
  #preview: StreamMessageJson | null = null;
  #full: StreamMessageJson | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(events: MessagesEvents) {
    this.#events = events;
    this.#grid = el(
      'div',
      {
        class: 'message-list',
        role: 'grid',
        tabindex: 0,
        'aria-label': t('Messages'),
        'aria-readonly': 'true',
        'aria-colcount': 6,
      },
      this.#canvas,
    );
    this.#list = new VirtualList({
      scroller: this.#grid,
      body: this.#canvas,
      rowHeight: MESSAGE_HEIGHT,
      source: {
        count: () => this.#items.length,
        keyAt: (index) => this.#keyAt(index),
        // A message may have been dropped since then: the next one takes its place.
        indexOf: (key) => this.#items.findIndex((item) => keyOf(item) >= key),
      },
      create: () => new Line(),
      show: (line, index) => {
        const item = this.#items[index];
        if (item !== undefined) line.show(item, index, keyOf(item) === this.#chosen);
      },
      drawn: () => this.#drawn(),
    });
    this.#grid.addEventListener('keydown', (event) => this.#key(event));
    this.#grid.addEventListener('click', (event) => {
      const line = event.target instanceof Element ? event.target.closest('.message') : null;
      const key = line === null ? undefined : this.#list.keyOf(line);
      if (key !== undefined && Number.isInteger(key)) this.#choose(key);
    });
    new ResizeObserver(() => this.#list.resized()).observe(this.#grid);
    const panes = el('div', { class: 'message-panes' }, this.#grid, this.#content);
    this.element = el('div', { class: 'messages' }, this.#summary, panes);
  }

  /** The exchange as the host knows it; its messages are truncated for the list. */
  show(exchange: ExchangeJson): readonly Node[] {
    const { messageStream: stream, messages } = exchange;
    if (stream === null) {
      this.forget();
      return [];
    }
    const another = exchange.id !== this.#id;
    if (another) this.forget();
    this.#id = exchange.id;
    this.#items = itemsOf(messages);
    this.#describe(exchange);
    this.#grid.setAttribute('aria-rowcount', String(this.#items.length));
    this.#list.refresh();
    const preview = messages.find(({ number }) => number === this.#chosen) ?? null;
    if (preview !== null && !sameContent(preview, this.#preview)) {
      // Secrets were revealed or masked.
      this.#preview = preview;
      this.#full = null;
      this.#ask();
    }
    this.#drawContent();
    return [this.element];
  }

  /** The element is in the document now, with a size. */
  shown(): void {
    this.#list.resized();
  }

  /** null: it is no longer held. */
  fill(id: number, number: number, message: StreamMessageJson | null): void {
    if (id !== this.#id || number !== this.#chosen || message === null) return;
    this.#full = message;
    this.#drawContent();
  }

  /** Another call is shown: nothing is selected, and the list is at its end. */
  forget(): void {
    this.#id = null;
    this.#items = [];
    this.#chosen = null;
    this.#preview = null;
    this.#full = null;
    this.#list.reset();
    this.#contentOf = undefined;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  // ── list ───────────────────────────────────────────────────────────────────────────────────────────────

  #describe({ messageStream: stream, durationMs }: ExchangeJson): void {
    if (stream === null) return;
    const count = stream.out + stream.in;
    const parts = [FORMATS[stream.format] ?? stream.format];
    if (count === 0) parts.push(durationMs === null ? t('no messages yet') : t('no messages'));
    else
      parts.push(
        counted(
          count,
          '{0} message ({1} sent, {2} received)',
          '{0} messages ({1} sent, {2} received)',
          numberText(stream.out),
          numberText(stream.in),
        ),
      );
    if (stream.omitted !== null) parts.push(t('{0} not kept', numberText(stream.omitted.count)));
    const children: Node[] = [el('span', { class: 'description' }, parts.join(' · '))];
    if (stream.note !== null) children.push(note(stream.note, 'limit'));
    if (this.#summary.textContent !== children.map((child) => child.textContent).join('')) {
      this.#summary.replaceChildren(...children);
    }
  }

  #keyAt(index: number): number | undefined {
    const item = this.#items[index];
    return item === undefined ? undefined : keyOf(item);
  }

  #drawn(): void {
    if (this.#chosen !== null && this.#list.view(this.#chosen) !== null)
      this.#grid.setAttribute('aria-activedescendant', lineId(this.#chosen));
    else this.#grid.removeAttribute('aria-activedescendant');
  }

  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey) {
      if (event.key !== 'c' || this.#full === null || !('text' in this.#full)) return;
      event.preventDefault();
      this.#events.copy(this.#full.text ?? '');
      return;
    }
    const { page } = this.#list;
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: Number.NEGATIVE_INFINITY,
      End: Number.POSITIVE_INFINITY,
    };
    const step = steps[event.key];
    if (step === undefined || this.#items.length === 0) return;
    event.preventDefault();
    const at = this.#items.findIndex((item) => 'number' in item && item.number === this.#chosen);
    const from = at >= 0 ? at + step : step > 0 && step < page ? 0 : step;
    let to = Math.min(
      this.#items.length - 1,
      Math.max(0, at < 0 && step < 0 ? this.#items.length + step : from),
    );
    let item = this.#items[to];
    // A line of omitted messages cannot be selected.
    if (item !== undefined && !('number' in item)) {
      to += step < 0 ? -1 : 1;
      item = this.#items[to];
    }
    if (item === undefined || !('number' in item)) return;
    this.#choose(item.number);
    this.#list.scrollTo(to, 'nearest');
    this.#list.draw();
  }

  #choose(number: number): void {
    if (this.#chosen === number) return;
    this.#chosen = number;
    this.#preview = this.#items.find(
      (item) => 'number' in item && item.number === number,
    ) as StreamMessageJson;
    this.#full = null;
    this.#list.draw();
    this.#drawContent();
    this.#ask();
  }

  #ask(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.#id !== null && this.#chosen !== null) this.#events.message(this.#id, this.#chosen);
    }, ASK_DELAY_MS);
  }

  // ── content ────────────────────────────────────────────────────────────────────────────────────────────

  /** What the content shows, compared by identity; undefined: nothing of this call. */
  #contentOf: StreamMessageJson | null | undefined;

  #drawContent(): void {
    const message = this.#full ?? this.#preview;
    if (message === this.#contentOf) return;
    this.#contentOf = message;
    if (message === null) {
      this.#content.replaceChildren(nothing(t('Choose a message to see its content.')));
      return;
    }
    const facts = [
      `#${numberText(message.number)}`,
      direction(message),
      kindOf(message),
      message.size === null ? t('size unknown') : sizeText(message.size),
    ];
    if (message.compressedSize !== null) facts.push(t('{0} compressed', sizeText(message.compressedSize)));
    facts.push(t('after {0}', durationText(message.atMs)));
    const bar = el(
      'div',
      { class: 'content-bar' },
      // A number is never separated from its unit in a narrow panel.
      el(
        'span',
        { class: 'description' },
        ...facts.flatMap((fact, index) => [
          index === 0 ? null : ' · ',
          el('span', { class: 'whole' }, visibleLine(fact)),
        ]),
      ),
    );
    const { protobuf } = message;
    const text = protobuf?.text || ('text' in message ? message.text : null);
    if (text) {
      bar.append(copyButton(t('Copy message'), () => this.#events.copy(text)));
    }
    const parts: Node[] = [bar];
    if (message.note !== null) parts.push(note(message.note, 'limit'));
    for (const { message: sentence, rule } of message.violations)
      parts.push(note(`${localized(sentence)} (${rule})`));
    if (message.fields.length > 0) parts.push(fieldTable(message));
    const type = typeOf(message);
    if (protobuf !== null && protobuf.text !== '') parts.push(...protobufContent(protobuf));
    if ('base64' in message) {
      const whole = message === this.#full && message.note === null;
      parts.push(...bytesContent(message.base64, bytesKind(type), whole, MAX_HEX_BYTES));
    } else if (message.text === '') parts.push(nothing(t('This message is empty.')));
    else if (message.text !== null) parts.push(...textContent(message.text, textKind(type, message.text)));
    this.#content.replaceChildren(...parts);
    this.#content.scrollTop = 0;
  }
}

/** One line of the list, reused for other messages. */
class Line {
  readonly element = el('div', { class: 'message', role: 'row' });
  readonly #cells = ['number', 'direction', 'time', 'kind', 'size', 'preview'].map((name, i) =>
    el('span', { class: `m-${name}`, role: 'gridcell', 'aria-colindex': i + 1 }),
  );
  #item: Item | null = null;
  #index = -1;
  #chosen = false;

  constructor() {
    this.element.append(...this.#cells);
    this.element.setAttribute('aria-selected', 'false');
  }

  show(item: Item, index: number, chosen: boolean): void {
    if (index !== this.#index) {
      this.#index = index;
      this.element.style.transform = `translateY(${index * MESSAGE_HEIGHT}px)`;
      this.element.setAttribute('aria-rowindex', String(index + 1));
    }
    if (chosen !== this.#chosen) {
      this.#chosen = chosen;
      this.element.setAttribute('aria-selected', String(chosen));
    }
    if (item === this.#item) return;
    this.#item = item;
    this.element.id = lineId(keyOf(item));
    const [number, arrow, time, kind, size, preview] = this.#cells as [
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
      for (const cell of this.#cells) setText(cell, '');
      setText(preview, counted(item.omitted, '{0} message not kept', '{0} messages not kept'));
      return;
    }
    this.element.dataset['direction'] = item.direction ?? 'unknown';
    this.element.dataset['fault'] = String(item.violations.length > 0);
    setText(number, String(item.number));
    setText(arrow, item.direction === 'out' ? '↑' : item.direction === 'in' ? '↓' : '·');
    arrow.setAttribute('aria-label', direction(item));
    setText(time, durationText(item.atMs));
    setText(kind, visibleLine(shorten(kindOf(item), 40)));
    setText(size, sizeText(item.size));
    size.setAttribute('aria-label', item.size === null ? t('size unknown') : sizeText(item.size));
    setText(preview, previewOf(item));
    setTitle(preview, localized(item.violations[0]?.message ?? item.note ?? ''));
  }
}

const lineId = (key: number): string => `message-${key}`;

function direction(message: StreamMessageJson): string {
  return message.direction === 'out'
    ? t('sent')
    : message.direction === 'in'
      ? t('received')
      : t('direction unknown');
}

/** The message's kind, as precisely as its format names it. */
function kindOf({ kind, fields }: StreamMessageJson): string {
  const of = (name: string): string | undefined => fields.find(([known]) => known === name)?.[1];
  if (kind === 'event') return of('event') ?? 'event';
  if (kind === 'close') return `close ${of('code') ?? ''}`.trim();
  return kind;
}

/** By type, or guessed. */
function protobufContent({ type, source, text, note: remark }: ProtobufJson): readonly Node[] {
  const parts: Node[] = [];
  if (type !== null) {
    const origin = source === 'reflection' ? t('from server reflection') : t('from the .proto files');
    parts.push(el('div', { class: 'description' }, `${visibleLine(shorten(type, 200))}, ${origin}`));
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
  if (message.text === null) return localized(message.note ?? '');
  if (message.text === '' && message.note !== null) return localized(message.note);
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

/** Messages in order, with a line where some were not kept. */
function itemsOf(messages: readonly StreamMessageJson[]): Item[] {
  const items: Item[] = [];
  let next = 1;
  for (const message of messages) {
    if (message.number > next) items.push({ omitted: message.number - next, before: message.number });
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
