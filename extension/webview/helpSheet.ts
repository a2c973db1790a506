/** The sheet behind "?": the filter language and the keys. */

import { PROPERTIES } from '../filter/properties.ts';
import { localized } from '../words/localized.ts';
import { t } from '../words/translate.ts';
import { el, iconButton, textButton } from './dom.ts';
import { icon } from './icons.ts';

const COMBINED: readonly (readonly [example: string, about: string])[] = [
  ['orders 404', t('words match method, status, URL and operation; all must match')],
  ['method:GET or 5xx', t('either of the two')],
  ['-host:cdn.*', t('not; ! does the same')],
  ['(a or b) -c', t('parentheses')],
  ['status:404,410', t('a list: one of them')],
  ['"out of stock"', t('quotes, for spaces and colons')],
  ['/orders\\/\\d+$/', t('a regular expression')],
];

const KEYS: readonly (readonly [keys: string, about: string])[] = [
  [t('↑ ↓  Page Up  Page Down  Home  End'), t('another call')],
  ['→  ←', t("show or hide the server's side of a call seen at both ends")],
  [t('Enter'), t('open the details')],
  [t('Escape'), t('close them; then show the whole time range; then select no call')],
  [t('Shift+F10'), t('the menu of the call; so does a right click')],
  [t('/  or  Ctrl+F'), t('filter')],
  [t('Ctrl+C'), t('copy the URL')],
  [t('W  S  or  Ctrl+wheel'), t('zoom the waterfall in and out')],
  [t('A  D  or  Shift+wheel'), t('earlier and later')],
  ['F', t('fit the waterfall to the calls in view')],
  [t('←  →  in the overview'), t('select a time range; Shift+← → moves its end')],
  [t('←  →  in the header'), t('another column; Enter sorts, Shift+← → makes it wider')],
  [t('Ctrl+Shift+←  →  in the header'), t('moves the column; so does dragging it')],
  [t('Shift+F10  in the header'), t('chooses the columns; so does a right click')],
  ['?', t('this sheet')],
];

export class HelpSheet {
  readonly element = el('dialog', { class: 'help', 'aria-label': t('Filter and keys') });

  /** @param example puts an example into the filter. */
  constructor(example: (text: string) => void) {
    const use = (text: string): HTMLElement =>
      textButton(
        text,
        () => {
          this.element.close();
          example(text);
        },
        'example',
      );
    const rows = (list: readonly (readonly [Node, string])[]): HTMLElement =>
      el('dl', {}, ...list.flatMap(([term, about]) => [el('dt', {}, term), el('dd', {}, about)]));
    this.element.append(
      el(
        'div',
        { class: 'help-title' },
        el('h2', {}, t('Filter and Keys')),
        iconButton(icon('close'), t('Close'), () => this.element.close()),
      ),
      el(
        'div',
        { class: 'help-columns' },
        el(
          'section',
          {},
          el('h3', {}, t('Combine')),
          rows(COMBINED.map(([text, about]) => [use(text), about])),
        ),
        el(
          'section',
          {},
          el('h3', {}, t('Filter by')),
          rows(PROPERTIES.map(({ example: text, about }) => [use(text), localized(about)])),
        ),
        el(
          'section',
          {},
          el('h3', {}, t('Keys')),
          rows(KEYS.map(([keys, about]) => [el('kbd', {}, keys), about])),
        ),
      ),
    );
    // A click outside closes it.
    this.element.addEventListener('click', (event) => {
      if (event.target === this.element) this.element.close();
    });
    this.element.addEventListener('keydown', (event) => event.stopPropagation());
  }

  show(): void {
    if (!this.element.open) this.element.showModal();
  }
}
