import type { SeenField } from '../../engine/exchange.ts';
import type { ExchangeJson, MessageJson } from '../../engine/exchangeJson.ts';
import { copiedLine } from '../../escape/copied.ts';
import { counted, sizeText, UNKNOWN } from '../../words/numbers.ts';
import { language, t } from '../../words/translate.ts';
import { shorten, visibleLine } from '../../words/visible.ts';
import { el, textButton } from '../dom.ts';
import { cookieSections } from './cookies.ts';
import { copyButton, heading, nothing } from './elements.ts';
import type { TabActions } from './tabActions.ts';

type Fields = readonly SeenField[];

/** Characters of all fields as text; copying gives all. */
const MAX_TEXT = 256 * 1024;

/** Longer values are truncated on screen; copying gives all. */
const MAX_VALUE = 16_384;
/** More fields than any sane message has; copying gives all of them. */
const MAX_FIELDS = 1_000;

/** How fields are shown; kept while moving from call to call. */
type Order = 'sent' | 'name' | 'text';
let order: Order = 'sent';
const ORDERS: readonly (readonly [Order, string])[] = [
  ['sent', t('As sent')],
  ['name', t('By name')],
  ['text', t('As text')],
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
  const bar = el('div', { class: 'orders', role: 'group', 'aria-label': t('Show the fields') }, ...buttons);
  return [bar, content, ...cookieSections(exchange)];
}

const REQUEST = {
  headers: t('Request headers'),
  trailers: t('Request trailers'),
  none: t('The request has no headers.'),
};
const RESPONSE: typeof REQUEST = {
  headers: t('Response headers'),
  trailers: t('Response trailers'),
  none: t('The response has no headers.'),
};

function sections(exchange: ExchangeJson, actions: TabActions): readonly Node[] {
  const parts: Node[] = [];
  const add = (title: string, fields: Fields, size: number | null = null): void => {
    if (fields.length > 0) parts.push(section(title, fields, size, actions), table(fields));
  };
  const message = (names: typeof REQUEST, of: MessageJson | null, missing: string): void => {
    if (of === null) {
      parts.push(heading(names.headers), nothing(missing));
      return;
    }
    if (of.headers.length === 0) parts.push(heading(names.headers), nothing(names.none));
    add(names.headers, of.headers, of.headersSize);
    add(names.trailers, of.trailers);
  };
  message(REQUEST, exchange.request, t('The request was not seen.'));
  for (const interim of exchange.interim) {
    add(visibleLine(`${interim.status ?? t('Interim')} ${interim.statusText}`), interim.headers);
  }
  const missing = exchange.durationMs === null ? t('No response yet.') : t('No response was seen.');
  message(RESPONSE, exchange.response, missing);
  return parts;
}

/** @param size bytes of the head as sent; null: not known. */
function section(title: string, fields: Fields, size: number | null, actions: TabActions): HTMLElement {
  const copy = copyButton(t('Copy {0}', language() === 'en' ? title.toLowerCase() : title), () => {
    actions.copy(
      fields.map(([name, value]) => `${copiedLine(`${name ?? UNKNOWN}: ${value ?? UNKNOWN}`)}\n`).join(''),
    );
  });
  const count = counted(fields.length, '{0} field', '{0} fields');
  const facts = size === null ? count : `${count} · ${t('{0} as sent', sizeText(size))}`;
  return heading(title, el('span', { class: 'remark' }, facts), copy);
}

/** HTTP/2 refers to earlier fields; one that was not seen is unknown. */
function known(text: string | null): Node | string {
  if (text !== null) return visibleLine(shorten(text, MAX_VALUE));
  return el(
    'span',
    { class: 'unknown', title: t('Refers to a header field that was sent before the trace started') },
    t('unknown'),
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
    const more = counted(fields.length - MAX_FIELDS, 'and {0} more field', 'and {0} more fields');
    rows.push(el('tr', {}, el('td', { colspan: 2, class: 'unknown' }, more)));
  }
  return el('table', { class: 'fields' }, el('tbody', {}, ...rows));
}
