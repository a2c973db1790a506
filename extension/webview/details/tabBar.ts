/** The tabs of the details: those that have room, and a menu for the rest. */
import { t } from '../../words/translate.ts';
import { el, iconButton } from '../dom.ts';
import { icon } from '../icons.ts';

export class TabBar {
  readonly #list: HTMLElement;
  readonly #more: HTMLButtonElement;
  readonly #menu = el('div', { class: 'tab-menu', role: 'menu', 'aria-label': t('More tabs'), hidden: '' });
  readonly element: HTMLElement;
  readonly #tabs: readonly HTMLButtonElement[];

  constructor(list: HTMLElement, tabs: readonly HTMLButtonElement[]) {
    this.#list = list;
    this.#tabs = tabs;
    this.#more = iconButton(
      icon('more'),
      t('More Tabs'),
      () => this.#toggle(this.#menu.hidden !== false),
      'icon small',
    );
    this.#more.setAttribute('aria-haspopup', 'menu');
    this.element = el('div', { class: 'tab-bar' }, list, this.#more, this.#menu);
    this.element.addEventListener('focusout', (event) => {
      if (!(event.relatedTarget instanceof Node && this.element.contains(event.relatedTarget)))
        this.#toggle(false);
    });
    this.#menu.addEventListener('keydown', (event) => this.#key(event));
    new ResizeObserver(() => this.fit()).observe(this.element);
    this.#toggle(false);
  }

  /** Another tab is selected, or there are others: the selected one is always in the bar. */
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

  #toggle(open: boolean): void {
    this.#menu.hidden = !open;
    this.#more.setAttribute('aria-expanded', String(open));
    if (!open) return;
    const rest = this.#tabs.filter((tab) => !tab.hidden && tab.classList.contains('overflowed'));
    this.#menu.replaceChildren(
      ...rest.map((tab) => {
        const item = el('button', { type: 'button', role: 'menuitem', tabindex: -1 }, tab.textContent);
        item.addEventListener('click', () => {
          this.#toggle(false);
          tab.click();
          tab.focus();
        });
        return item;
      }),
    );
    this.#menu.querySelector('button')?.focus();
  }

  #key(event: KeyboardEvent): void {
    const items = [...this.#menu.querySelectorAll('button')];
    const at = items.indexOf(document.activeElement as HTMLButtonElement);
    if (event.key === 'ArrowDown') items[(at + 1) % items.length]?.focus();
    else if (event.key === 'ArrowUp') items[(at + items.length - 1) % items.length]?.focus();
    else if (event.key === 'Escape') {
      this.#toggle(false);
      this.#more.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
