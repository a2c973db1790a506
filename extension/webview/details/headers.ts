import type { SeenField } from '../../engine/exchange.ts';
import type { ExchangeJson, MessageJson } from '../../engine/exchangeJson.ts';
import { copiedLine } from '../../escape/copied.ts';
import { countText, UNKNOWN } from '../../words/numbers.ts';
import { shorten, visibleLine } from '../../words/visible.ts';
import { el, textButton } from '../dom.ts';
import { cookieSections } from './cookies.ts';
import { copyButton, heading, nothing } from './elements.ts';
import type { TabActions } from './tabActions.ts';

type Fields = readonly SeenField[];

/** Characters of all fields as text; copying gives all. */
const MAX_TEXT = 256 * 1024;

/** A field value beyond this is cut on screen; copying gives all of it. */
const MAX_VALUE = 16_384;
/** More fields than any sane message has; copying gives all of them. */
const MAX_FIELDS = 1_000;

/** How fields are shown; kept while moving from call to call. */
type Order = 'sent' | 'name' | 'text';
let order: Order = 'sent';
const ORDERS: readonly (readonly [Order, string])[] = [
  ['sent', 'As sent'],
  ['name', 'By name'],
  ['text', 'As text'],
];

/** Fields in their order and case, by name, or as text; and the cookies in them. */
export function headersTab(exchange: ExchangeJson, actions: TabActions): readonly Node[] {
  const content = el('div');
  const buttons = ORDERS.map(([id, label]) => {
    const button = textButton(
      label,
      () => {
        order = id;
        draw();
      },
      'chip',
    );
    button.dataset['order'] = id;
    return button;
  });
  const draw = (): void => {
    for (const button of buttons)
      button.setAttribute('aria-pressed', String(button.dataset['order'] === order));
    content.replaceChildren(...sections(exchange, actions));
  };
  draw();
  const bar = el('div', { class: 'orders', role: 'group', 'aria-label': 'Show the fields' }, ...buttons);
  return [bar, content, ...cookieSections(exchange)];
}

function sections(exchange: ExchangeJson, actions: TabActions): readonly Node[] {
  const parts: Node[] = [];
  const add = (title: string, fields: Fields): void => {
    if (fields.length > 0) parts.push(section(title, fields, actions), table(fields));
  };
  const message = (name: string, of: MessageJson | null, missing: string): void => {
    if (of === null) {
      parts.push(heading(`${name} headers`), nothing(missing));
      return;
    }
    if (of.headers.length === 0)
      parts.push(heading(`${name} headers`), nothing(`The ${name.toLowerCase()} has no headers.`));
    add(`${name} headers`, of.headers);
    add(`${name} trailers`, of.trailers);
  };
  message('Request', exchange.request, 'The request was not seen.');
  for (const interim of exchange.interim) {
    add(visibleLine(`${interim.status ?? 'Interim'} ${interim.statusText}`), interim.headers);
  }
  const missing = exchange.durationMs === null ? 'No response yet.' : 'No response was seen.';
  message('Response', exchange.response, missing);
  return parts;
}

function section(title: string, fields: Fields, actions: TabActions): HTMLElement {
  const copy = copyButton(`Copy ${title.toLowerCase()}`, () => {
    actions.copy(
      fields.map(([name, value]) => `${copiedLine(`${name ?? UNKNOWN}: ${value ?? UNKNOWN}`)}\n`).join(''),
    );
  });
  const count = el('span', { class: 'remark' }, countText(fields.length, 'field'));
  return heading(title, count, copy);
}

/** HTTP/2 refers to earlier fields; one that was not seen is unknown. */
function known(text: string | null): Node | string {
  if (text !== null) return visibleLine(shorten(text, MAX_VALUE));
  return el(
    'span',
    { class: 'unknown', title: 'Refers to a header field that was sent before the trace started' },
    'unknown',
  );
}

function table(fields: Fields): HTMLElement {
  if (order === 'text') {
    const lines = fields.map(([name, value]) => visibleLine(`${name ?? UNKNOWN}: ${value ?? UNKNOWN}`));
    return el('pre', { class: 'code', tabindex: 0 }, shorten(lines.join('\n'), MAX_TEXT));
  }
  const key = ([name]: Fields[number]): string => (name ?? '').toLowerCase();
  const sorted =
    order === 'sent' ? fields : [...fields].sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
  const rows = sorted
    .slice(0, MAX_FIELDS)
    .map(([name, value]) =>
      el('tr', {}, el('th', { scope: 'row' }, known(name)), el('td', {}, known(value))),
    );
  if (fields.length > MAX_FIELDS) {
    const more = `and ${countText(fields.length - MAX_FIELDS, 'more field')}`;
    rows.push(el('tr', {}, el('td', { colspan: 2, class: 'unknown' }, more)));
  }
  return el('table', { class: 'fields' }, el('tbody', {}, ...rows));
}
