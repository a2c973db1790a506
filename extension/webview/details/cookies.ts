/** The cookies of a call as tables: what was sent, and what was set, with the meaning of its attributes. */

import type { SeenField } from '../../engine/exchange.ts';
import type { ExchangeJson } from '../../engine/exchangeJson.ts';
import {
  attributeMeaning,
  cookieWarnings,
  type SetCookie,
  sentCookies,
  setCookie,
} from '../../http/cookies.ts';
import { MASK } from '../../privacy/secrets.ts';
import { localized } from '../../words/localized.ts';
import { counted } from '../../words/numbers.ts';
import { t } from '../../words/translate.ts';
import { shorten, visibleLine } from '../../words/visible.ts';
import { el } from '../dom.ts';
import { heading, note, nothing } from './elements.ts';

const MAX_COOKIES = 300;
const MAX_VALUE = 4_096;

export function cookieSections(exchange: ExchangeJson): readonly Node[] {
  const sent = valuesOf(exchange.request?.headers ?? [], 'cookie');
  const set = valuesOf(exchange.response?.headers ?? [], 'set-cookie');
  return [
    ...section(t('Cookies sent'), sent, (values) => sentTable(values.flatMap(sentCookies))),
    ...section(t('Cookies set'), set, (values) =>
      setTable(
        exchange,
        values.flatMap((value) => setCookie(value) ?? []),
      ),
    ),
  ];
}

function section(
  title: string,
  values: readonly string[],
  table: (values: readonly string[]) => readonly Node[],
): readonly Node[] {
  if (values.length === 0) return [];
  // A masked field has no name, either.
  if (values.includes(MASK)) {
    return [
      heading(title),
      nothing(t('They are masked. The eye at the top shows the secrets of this call.')),
    ];
  }
  return [heading(title), ...table(values)];
}

function sentTable(cookies: readonly { readonly name: string; readonly value: string }[]): readonly Node[] {
  return [
    fields(
      cookies.map(({ name, value }) => [name, [text(value)]]),
      cookies.length,
    ),
  ];
}

function setTable(exchange: ExchangeJson, cookies: readonly SetCookie[]): readonly Node[] {
  const [, scheme = '', host = ''] = /^(https?):\/\/([^/?#]*)/i.exec(exchange.url ?? '') ?? [];
  const received = Date.parse(exchange.startedAt) + (exchange.durationMs ?? 0);
  const rows = cookies.map((cookie): [string, Node[]] => {
    const isHttps = scheme.toLowerCase() === 'https';
    const warnings = scheme === '' ? [] : cookieWarnings(cookie, isHttps, host, received);
    const attributes = cookie.attributes.map(([name, value]) => {
      const written = visibleLine(shorten(value === null ? name : `${name}=${value}`, MAX_VALUE));
      return el(
        'li',
        {},
        el('span', { class: 'code' }, written),
        el('span', { class: 'remark' }, localized(attributeMeaning(name, value) ?? '')),
      );
    });
    return [
      cookie.name,
      [
        text(cookie.value),
        ...(attributes.length === 0 ? [] : [el('ul', { class: 'attributes' }, ...attributes)]),
        ...warnings.map((warning) => note(warning, 'limit')),
      ],
    ];
  });
  return [fields(rows, cookies.length)];
}

function text(value: string): Node {
  return el('span', {}, visibleLine(shorten(value, MAX_VALUE)));
}

function fields(rows: readonly (readonly [string, readonly Node[]])[], all: number): HTMLElement {
  const lines = rows
    .slice(0, MAX_COOKIES)
    .map(([name, cell]) =>
      el('tr', {}, el('th', { scope: 'row' }, visibleLine(shorten(name, MAX_VALUE))), el('td', {}, ...cell)),
    );
  if (all > MAX_COOKIES) {
    const more = counted(all - MAX_COOKIES, 'and {0} more cookie', 'and {0} more cookies');
    lines.push(el('tr', {}, el('td', { colspan: 2, class: 'unknown' }, more)));
  }
  return el('table', { class: 'fields' }, el('tbody', {}, ...lines));
}

function valuesOf(headers: readonly SeenField[], name: string): string[] {
  return headers.flatMap(([other, value]) =>
    other?.toLowerCase() === name && value !== null && value !== '' ? [value] : [],
  );
}
