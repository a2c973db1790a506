/** The filter line, with syntax colours; errors are underlined and explained. */

import type { ExchangeRow } from '../engine/row.ts';
import { type Completions, completions } from '../filter/completion.ts';
import { type Filter, parseFilter } from '../filter/parser.ts';
import { localized } from '../words/localized.ts';
import { numberText } from '../words/numbers.ts';
import { t } from '../words/translate.ts';
import { TEXT_MENU } from './callContext.ts';
import { CompletionList } from './completionList.ts';
import { el, iconButton, setText } from './dom.ts';
import { icon } from './icons.ts';
import { SavedFilters } from './savedFilters.ts';

/** Debounce of the list while typing. */
const DELAY_MS = 80;

export interface FilterEvents {
  readonly changed: (filter: Filter, text: string) => void;
  /** Moves the focus to the list. */
  readonly leave: () => void;
  readonly help: () => void;
  /** Rows for completion, the newest first. */
  readonly newest: () => Iterable<ExchangeRow>;
  /** Saves these filters. */
  readonly saved: (filters: readonly string[]) => void;
}

export class FilterInput {
  readonly #events: FilterEvents;
  readonly element: HTMLElement;
  /** Explains the first error; below the toolbar. */
  readonly message = el('div', { class: 'filter-message', id: 'filter-message', role: 'status', hidden: '' });
  readonly #box: HTMLElement;
  readonly #completions: CompletionList;
  readonly #input: HTMLInputElement;
  readonly #painted = el('div', { class: 'painted', 'aria-hidden': 'true' });
  readonly #progress = el('span', { class: 'searching', role: 'status', hidden: '' });
  readonly #clear: HTMLButtonElement;
  readonly #saved: SavedFilters;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(text: string, events: FilterEvents) {
    this.#events = events;
    this.#saved = new SavedFilters({
      text: () => this.#input.value.trim(),
      use: (filter) => this.set(filter),
      saved: events.saved,
    });

    this.#input = el('input', {
      type: 'text',
      spellcheck: 'false',
      autocomplete: 'off',
      placeholder: t('Filter, e.g. orders status:5xx or duration:>1s (? for help)'),
      'aria-label': t('Filter calls'),
      'aria-describedby': 'filter-message',
    });
    this.#input.dataset['vscodeContext'] = TEXT_MENU;
    this.#input.value = text;
    this.#clear = iconButton(icon('close'), t('Clear Filter'), () => this.set(''), 'icon small');
    this.#completions = new CompletionList(this.#input, ({ text: chosen }, place) =>
      this.#complete(chosen, place),
    );
    const help = iconButton(icon('help'), t('Filter and Keys (?)'), events.help, 'icon small');
    this.#box = el(
      'div',
      { class: 'filter' },
      icon('search'),
      el('div', { class: 'line' }, this.#painted, this.#input),
      this.#progress,
      this.#clear,
      this.#saved.button,
      help,
    );
    this.element = el('div', { class: 'filter-box' }, this.#box, this.#completions.element, this.#saved.menu);
    this.#input.addEventListener('input', () => {
      if (this.#input.value === '?') {
        this.#input.value = '';
        events.help();
      }
      this.#edited(false);
      this.#offer();
    });
    this.#input.addEventListener('blur', () => this.#completions.show(null));
    this.#input.addEventListener('scroll', () => this.#align());
    this.#input.addEventListener('keydown', (event) => this.#key(event));
  }

  get text(): string {
    return this.#input.value;
  }

  focus(): void {
    this.#input.focus();
    this.#input.select();
  }

  set(text: string): void {
    this.#input.value = text;
    this.#edited(true);
    this.#input.focus();
  }

  showSaved(filters: readonly string[]): void {
    this.#saved.show(filters);
    this.#saved.mark();
  }

  /** Parses the line and reports it at once. */
  apply(): void {
    this.#edited(true);
  }

  /** Progress of the search in details; null: none is running. */
  showProgress(progress: { readonly done: number; readonly total: number } | null): void {
    const searching = progress !== null && progress.done < progress.total;
    this.#progress.hidden = !searching;
    if (!searching) return;
    setText(this.#progress, t('searched {0} of {1}', numberText(progress.done), numberText(progress.total)));
  }

  #edited(now: boolean): void {
    const text = this.#input.value;
    const filter = parseFilter(text);
    this.#paint(text, filter);
    this.#clear.hidden = text === '';
    this.#saved.mark();
    const [error] = filter.errors;
    this.message.hidden = error === undefined;
    setText(this.message, localized(error?.message ?? ''));
    this.#input.setAttribute('aria-invalid', String(error !== undefined));
    this.#box.classList.toggle('wrong', error !== undefined);
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const report = (): void => {
      this.#timer = null;
      this.#events.changed(filter, text);
    };
    if (now) report();
    else this.#timer = setTimeout(report, DELAY_MS);
  }

  /** The input's own text is transparent; this lies exactly on it. */
  #paint(text: string, filter: Filter): void {
    const nodes: Node[] = [];
    let at = 0;
    for (const { start, end, kind } of filter.parts) {
      nodes.push(document.createTextNode(text.slice(at, start)));
      nodes.push(el('span', { class: `part-${kind}` }, text.slice(start, end)));
      at = end;
    }
    nodes.push(document.createTextNode(text.slice(at)));
    this.#painted.replaceChildren(...nodes);
    this.#align();
  }

  #align(): void {
    this.#painted.style.transform = `translateX(${-this.#input.scrollLeft}px)`;
  }

  /** Offers completions. */
  #offer(): void {
    const { value, selectionStart, selectionEnd } = this.#input;
    const cursor = selectionStart === selectionEnd ? selectionStart : null;
    const found = cursor === null ? null : completions(value, cursor, this.#events.newest);
    // All characters are equally wide.
    const width = this.#painted.scrollWidth > 0 ? textWidth(this.#painted) / Math.max(1, value.length) : 0;
    this.#completions.show(found, found === null ? 0 : 24 + found.start * width - this.#input.scrollLeft);
  }

  #complete(text: string, { start, end }: Completions): void {
    this.#input.setRangeText(text, start, end, 'end');
    this.#edited(true);
    // After a colon comes a value.
    if (text.endsWith(':')) this.#offer();
  }

  #key(event: KeyboardEvent): void {
    if (this.#completions.key(event)) {
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    if (event.key === ' ' && event.ctrlKey) this.#offer();
    else if (event.key === 'Escape' && this.#input.value !== '') this.set('');
    else if (event.key === 'Escape' || event.key === 'Enter' || event.key === 'ArrowDown') {
      this.#completions.show(null);
      // Applies the pending filter first: the list of the previous text may be empty.
      if (this.#timer !== null) this.#edited(true);
      this.#events.leave();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

function textWidth(element: Element): number {
  const range = document.createRange();
  range.selectNodeContents(element);
  return range.getBoundingClientRect().width;
}
