/** The tabs of the details: those that have room, and a menu for the rest. */
import { t } from '../../words/translate.ts';
import { el, iconButton } from '../dom.ts';
import { icon } from '../icons.ts';
import { type MenuItem, PopupMenu } from '../popupMenu.ts';

export class TabBar {
  readonly #list: HTMLElement;
  readonly #more: HTMLButtonElement;
  readonly #menu = new PopupMenu(t('More tabs'), () => this.#more.setAttribute('aria-expanded', 'false'));
  readonly element: HTMLElement;
  readonly #tabs: readonly HTMLButtonElement[];

  constructor(list: HTMLElement, tabs: readonly HTMLButtonElement[]) {
    this.#list = list;
    this.#tabs = tabs;
    this.#more = iconButton(icon('more'), t('More Tabs'), () => this.#open(), 'icon small');
    this.#more.setAttribute('aria-haspopup', 'menu');
    this.#more.setAttribute('aria-expanded', 'false');
    this.element = el('div', { class: 'tab-bar' }, list, this.#more, this.#menu.element);
    new ResizeObserver(() => this.fit()).observe(this.element);
  }

  /** Call when the tabs or the selection change. The selected tab is always in the bar. */
  fit(): void {
    const offered = this.#tabs.filter((tab) => !tab.hidden);
    for (const tab of offered) tab.classList.remove('overflowed');
    this.#more.hidden = true;
    if (this.#list.scrollWidth <= this.#list.clientWidth) return;
    this.#more.hidden = false;
    for (const tab of offered.toReversed()) {
      if (tab.getAttribute('aria-selected') === 'true') continue;
      if (this.#list.scrollWidth <= this.#list.clientWidth) return;
      tab.classList.add('overflowed');
    }
  }

  #open(): void {
    const { right, bottom } = this.#more.getBoundingClientRect();
    this.#more.setAttribute('aria-expanded', 'true');
    const items = (): readonly MenuItem[] =>
      this.#tabs
        .filter((tab) => !tab.hidden && tab.classList.contains('overflowed'))
        .map((tab) => ({
          label: tab.textContent ?? '',
          run: () => {
            tab.click();
            tab.focus();
          },
        }));
    this.#menu.open(items, { x: right, y: bottom }, () => this.#more.focus());
  }
}
