/** The star in the filter line: saves the filter, and offers the saved ones. */
import { parseFilter } from '../filter/parser.ts';
import { MAX_SAVED_FILTER, MAX_SAVED_FILTERS } from '../filter/saved.ts';
import { t } from '../words/translate.ts';
import { shorten, visibleLine } from '../words/visible.ts';
import { iconButton } from './dom.ts';
import { icon } from './icons.ts';
import { type MenuItem, PopupMenu } from './popupMenu.ts';

/** Characters of a filter in the menu. */
const MAX_LABEL = 80;

export interface SavedFilterEvents {
  /** The current text. */
  readonly text: () => string;
  readonly use: (filter: string) => void;
  readonly saved: (filters: readonly string[]) => void;
}

export class SavedFilters {
  readonly button: HTMLButtonElement;
  readonly #menu = new PopupMenu(t('Saved Filters'), () =>
    this.button.setAttribute('aria-expanded', 'false'),
  );
  readonly #events: SavedFilterEvents;
  #filters: readonly string[] = [];

  constructor(events: SavedFilterEvents) {
    this.#events = events;
    this.button = iconButton(icon('star'), t('Saved Filters'), () => this.#open(), 'icon small star');
    this.button.setAttribute('aria-haspopup', 'menu');
    this.button.setAttribute('aria-expanded', 'false');
  }

  get menu(): HTMLElement {
    return this.#menu.element;
  }

  show(filters: readonly string[]): void {
    this.#filters = filters;
  }

  /** The star is filled while the line is a saved filter. */
  mark(): void {
    this.button.classList.toggle('full', this.#filters.includes(this.#events.text()));
  }

  #open(): void {
    const { right, bottom } = this.button.getBoundingClientRect();
    this.button.setAttribute('aria-expanded', 'true');
    this.#menu.open(
      () => this.#items(),
      { x: right - 200, y: bottom + 4 },
      () => this.button.focus(),
    );
  }

  #items(): readonly MenuItem[] {
    const text = this.#events.text();
    const isNew = !this.#filters.includes(text);
    const mayBeSaved =
      text !== '' &&
      text.length <= MAX_SAVED_FILTER &&
      this.#filters.length < MAX_SAVED_FILTERS &&
      parseFilter(text).errors.length === 0;
    const kept = this.#filters.map(
      (filter): MenuItem => ({
        label: visibleLine(shorten(filter, MAX_LABEL)),
        run: () => this.#events.use(filter),
        remove: () => this.#keep(this.#filters.filter((other) => other !== filter)),
      }),
    );
    if (!isNew) return kept;
    return [
      ...kept,
      {
        label:
          text === ''
            ? t('Type a filter to save it')
            : t('Save “{0}”', visibleLine(shorten(text, MAX_LABEL))),
        disabled: !mayBeSaved,
        separated: true,
        run: () => this.#keep([...this.#filters, text]),
      },
    ];
  }

  /** Shown at once; the setting follows. */
  #keep(filters: readonly string[]): void {
    this.#filters = filters;
    this.mark();
    this.#events.saved(filters);
  }
}
