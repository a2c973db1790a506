/** The sheet behind "?": the filter language and the keys. */
import { PROPERTIES } from '../filter/properties.ts';
import { el, iconButton, textButton } from './dom.ts';
import { icon } from './icons.ts';

const COMBINED: readonly (readonly [example: string, about: string])[] = [
  ['orders 404', 'words match method, status, URL and operation; all must hold'],
  ['method:GET or 5xx', 'one of both'],
  ['-host:cdn.*', 'not; ! does the same'],
  ['(a or b) -c', 'parentheses'],
  ['status:404,410', 'a list: one of them'],
  ['"out of stock"', 'quotes, for blanks and colons'],
  ['/orders\\/\\d+$/', 'a regular expression'],
];

const KEYS: readonly (readonly [keys: string, about: string])[] = [
  ['↑ ↓  Page Up  Page Down  Home  End', 'another call'],
  ['→  ←', "show or hide the server's side of a call seen at both ends"],
  ['Enter', 'open the details'],
  ['Escape', 'close them; all of the time; no call'],
  ['/  or  Ctrl+F', 'filter'],
  ['Ctrl+C', 'copy the URL'],
  ['W  S  or  Ctrl+wheel', 'zoom the waterfall in and out'],
  ['A  D  or  Shift+wheel', 'earlier and later'],
  ['F', 'fit the waterfall to the calls in view'],
  ['←  →  in the header', 'another column; Enter sorts, Shift+← → makes it wider'],
  ['?', 'this sheet'],
];

export class HelpSheet {
  readonly element = el('dialog', { class: 'help', 'aria-label': 'Filter and keys' });

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
        el('h2', {}, 'Filter and Keys'),
        iconButton(icon('close'), 'Close', () => this.element.close()),
      ),
      el(
        'div',
        { class: 'help-columns' },
        el('section', {}, el('h3', {}, 'Combine'), rows(COMBINED.map(([text, about]) => [use(text), about]))),
        el(
          'section',
          {},
          el('h3', {}, 'Filter by'),
          rows(PROPERTIES.map(({ example: text, about }) => [use(text), about])),
        ),
        el(
          'section',
          {},
          el('h3', {}, 'Keys'),
          rows(KEYS.map(([keys, about]) => [el('kbd', {}, keys), about])),
        ),
      ),
    );
    // A click beside it closes it.
    this.element.addEventListener('click', (event) => {
      if (event.target === this.element) this.element.close();
    });
    this.element.addEventListener('keydown', (event) => event.stopPropagation());
  }

  show(): void {
    if (!this.element.open) this.element.showModal();
  }
}
