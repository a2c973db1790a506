/**
 * A menu over the panel, for mouse and keyboard. Its items are requested again after each choice that leaves it open.
 */
import { t } from '../words/translate.ts';
import { el, iconButton } from './dom.ts';
import { icon } from './icons.ts';

export interface MenuItem {
  readonly label: string;
  /** Makes it a checkbox item. Choosing it leaves the menu open. */
  readonly checked?: boolean;
  readonly disabled?: boolean;
  /** A line is drawn above it. */
  readonly separated?: boolean;
  readonly run: () => void;
  /** Also by the key Delete. */
  readonly remove?: () => void;
}

/** Preferred position of the upper left corner, in CSS pixels of the window. */
export interface Place {
  readonly x: number;
  readonly y: number;
}

/** Least distance to the window's edge, in CSS pixels. */
const MARGIN = 4;

export class PopupMenu {
  readonly element: HTMLElement;
  #items: () => readonly MenuItem[] = () => [];
  #shown: readonly MenuItem[] = [];
  #back: () => void = () => {};
  /** The items are being replaced, so `focusout` must not close the menu. */
  #drawing = false;
  readonly #closed: () => void;

  constructor(label: string, closed: () => void = () => {}) {
    this.#closed = closed;
    this.element = el('div', { class: 'popup-menu', role: 'menu', 'aria-label': label, hidden: '' });
    this.element.addEventListener('keydown', (event) => this.#key(event));
    this.element.addEventListener('focusout', (event) => {
      const to = event.relatedTarget;
      if (!this.#drawing && !(to instanceof Node && this.element.contains(to))) this.close();
    });
    this.element.addEventListener('contextmenu', (event) => event.preventDefault());
  }

  get isOpen(): boolean {
    return !this.element.hidden;
  }

  /** @param back restores the focus when the menu closes by a key or a choice */
  open(items: () => readonly MenuItem[], { x, y }: Place, back: () => void): void {
    this.#items = items;
    this.#back = back;
    this.element.hidden = false;
    this.#draw(0);
    const { width, height } = this.element.getBoundingClientRect();
    const within = (at: number, size: number, room: number): number =>
      Math.max(MARGIN, Math.min(at, room - size - MARGIN));
    this.element.style.left = `${within(x, width, window.innerWidth)}px`;
    this.element.style.top = `${within(y, height, window.innerHeight)}px`;
  }

  close(): void {
    if (!this.isOpen) return;
    this.element.hidden = true;
    this.#closed();
  }

  #draw(focus: number): void {
    this.#shown = this.#items();
    this.#drawing = true;
    this.element.replaceChildren(...this.#shown.map((item) => this.#item(item)));
    this.#drawing = false;
    this.#focus(Math.min(focus, this.#shown.length - 1));
  }

  #item(item: MenuItem): HTMLElement {
    const { label, checked, separated = false, disabled = false, remove } = item;
    const button = el(
      'button',
      {
        type: 'button',
        role: checked === undefined ? 'menuitem' : 'menuitemcheckbox',
        tabindex: -1,
        title: label,
        'aria-checked': checked === undefined ? null : String(checked),
        'aria-disabled': disabled ? 'true' : null,
      },
      label,
    );
    button.addEventListener('click', () => this.#run(item));
    const classes = `entry${separated ? ' separated' : ''}`;
    if (remove === undefined) return el('div', { class: classes, role: 'presentation' }, button);
    // For the mouse only, so hidden from assistive technology. The keyboard uses Delete.
    const cross = iconButton(icon('close'), t('Remove (Delete)'), () => this.#remove(item), 'icon small');
    cross.tabIndex = -1;
    cross.setAttribute('aria-hidden', 'true');
    return el('div', { class: classes, role: 'presentation' }, button, cross);
  }

  #run(item: MenuItem): void {
    if (item.disabled === true) return;
    if (item.checked !== undefined) {
      item.run();
      this.#draw(this.#shown.indexOf(item));
      return;
    }
    this.#leave();
    item.run();
  }

  #remove(item: MenuItem): void {
    const at = this.#shown.indexOf(item);
    item.remove?.();
    this.#draw(at);
    if (this.#shown.length === 0) this.#leave();
  }

  #leave(): void {
    this.close();
    this.#back();
  }

  #focus(index: number): void {
    this.element.querySelectorAll<HTMLElement>('[role^="menuitem"]')[index]?.focus();
  }

  #key(event: KeyboardEvent): void {
    const count = this.#shown.length;
    const items = [...this.element.querySelectorAll('[role^="menuitem"]')];
    const at = items.indexOf(document.activeElement as Element);
    const item = this.#shown[at];
    switch (event.key) {
      case 'ArrowDown':
        this.#focus((at + 1) % count);
        break;
      case 'ArrowUp':
        this.#focus((at + count - 1) % count);
        break;
      case 'Home':
        this.#focus(0);
        break;
      case 'End':
        this.#focus(count - 1);
        break;
      case 'Delete':
        if (item?.remove !== undefined) this.#remove(item);
        break;
      case 'Tab':
      case 'Escape':
        this.#leave();
        break;
      case 'Enter':
      case ' ':
        if (item !== undefined) this.#run(item);
        break;
      default:
        event.stopPropagation();
        return;
    }
    event.preventDefault();
    event.stopPropagation();
  }
}
