/** Completions below the filter line: a list box controlled by keys in the line. */

import type { Completion, Completions } from '../filter/completion.ts';
import { localized } from '../words/localized.ts';
import { shorten, visibleLine } from '../words/visible.ts';
import { el } from './dom.ts';

const MAX_TEXT = 80;

export class CompletionList {
  readonly element = el('div', { class: 'completions', role: 'listbox', id: 'completions', hidden: '' });
  readonly #input: HTMLInputElement;
  readonly #choose: (completion: Completion, place: Completions) => void;
  #shown: Completions | null = null;
  /** -1: none, so that Enter leaves the line as it is. */
  #active = -1;

  constructor(input: HTMLInputElement, choose: (completion: Completion, place: Completions) => void) {
    this.#input = input;
    this.#choose = choose;
    input.setAttribute('role', 'combobox');
    input.setAttribute('aria-autocomplete', 'list');
    input.setAttribute('aria-controls', 'completions');
    this.show(null);
    // The focus stays in the line.
    this.element.addEventListener('pointerdown', (event) => {
      event.preventDefault();
      const option = event.target instanceof Element ? event.target.closest('[role=option]') : null;
      const index = option === null ? -1 : [...this.element.children].indexOf(option);
      if (index >= 0) this.#take(index);
    });
  }

  get open(): boolean {
    return this.#shown !== null;
  }

  /** null: nothing to offer. @param left start of the replaced text, in pixels. */
  show(completions: Completions | null, left = 0): void {
    this.#shown = completions;
    this.#active = -1;
    this.element.hidden = completions === null;
    this.#input.setAttribute('aria-expanded', String(completions !== null));
    this.#input.removeAttribute('aria-activedescendant');
    if (completions === null) return;
    this.element.style.setProperty('--left', `${Math.round(left)}px`);
    this.element.replaceChildren(
      ...completions.items.map(({ text, about }, index) =>
        el(
          'div',
          { role: 'option', id: `completion-${index}`, 'aria-selected': 'false' },
          el('span', { class: 'text' }, visibleLine(shorten(text, MAX_TEXT))),
          about === null ? null : el('span', { class: 'about' }, localized(about)),
        ),
      ),
    );
  }

  /** @returns true when the key was meant for the list. */
  key(event: KeyboardEvent): boolean {
    if (this.#shown === null || event.ctrlKey || event.altKey || event.metaKey) return false;
    const count = this.#shown.items.length;
    switch (event.key) {
      case 'ArrowDown':
        this.#activate((this.#active + 1) % count);
        return true;
      case 'ArrowUp':
        this.#activate((this.#active <= 0 ? count : this.#active) - 1);
        return true;
      case 'Escape':
        this.show(null);
        return true;
      case 'Tab':
        if (event.shiftKey) return false;
        this.#take(Math.max(0, this.#active));
        return true;
      case 'Enter':
        if (this.#active < 0) return false;
        this.#take(this.#active);
        return true;
      default:
        return false;
    }
  }

  #activate(index: number): void {
    this.#active = index;
    [...this.element.children].forEach((option, at) => {
      option.setAttribute('aria-selected', String(at === index));
    });
    this.#input.setAttribute('aria-activedescendant', `completion-${index}`);
  }

  #take(index: number): void {
    const place = this.#shown;
    const item = place?.items[index];
    if (place === null || item === undefined) return;
    this.show(null);
    this.#choose(item, place);
  }
}
