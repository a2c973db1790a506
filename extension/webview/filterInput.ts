/** The filter line, with syntax colours; errors are underlined and explained. */
import { el, iconButton, setText } from './dom.ts';
import { type Filter, parseFilter } from './filter.ts';
import { icon } from './icons.ts';

/** While typing, the list follows this much later. */
const DELAY_MS = 80;

export class FilterInput {
  readonly #events: {
    readonly changed: (filter: Filter, text: string) => void;
    /** Enter, or down: on to the list. */
    readonly leave: () => void;
  };
  readonly element: HTMLElement;
  /** Explains the first error; below the toolbar. */
  readonly message = el('div', { class: 'filter-message', id: 'filter-message', role: 'status', hidden: '' });
  readonly #input: HTMLInputElement;
  readonly #painted = el('div', { class: 'painted', 'aria-hidden': 'true' });
  readonly #clear: HTMLButtonElement;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(
    text: string,
    events: {
      readonly changed: (filter: Filter, text: string) => void;
      /** Enter, or down: on to the list. */
      readonly leave: () => void;
    },
  ) {
    this.#events = events;

    this.#input = el('input', {
      type: 'text',
      spellcheck: 'false',
      autocomplete: 'off',
      placeholder: 'Filter, e.g. orders status:5xx -method:GET',
      'aria-label': 'Filter calls',
      'aria-describedby': 'filter-message',
    });
    this.#input.value = text;
    this.#clear = iconButton(icon('close'), 'Clear Filter', () => this.set(''), 'icon small');
    this.element = el(
      'div',
      { class: 'filter' },
      icon('search'),
      el('div', { class: 'line' }, this.#painted, this.#input),
      this.#clear,
    );
    this.#input.addEventListener('input', () => this.#edited(false));
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

  /** Parses the line and reports it at once. */
  apply(): void {
    this.#edited(true);
  }

  #edited(now: boolean): void {
    const text = this.#input.value;
    const filter = parseFilter(text);
    this.#paint(text, filter);
    this.#clear.hidden = text === '';
    const [error] = filter.errors;
    this.message.hidden = error === undefined;
    setText(this.message, error?.message ?? '');
    this.#input.setAttribute('aria-invalid', String(error !== undefined));
    this.element.classList.toggle('wrong', error !== undefined);
    if (this.#timer !== null) clearTimeout(this.#timer);
    const report = (): void => this.#events.changed(filter, text);
    if (now) report();
    else this.#timer = setTimeout(report, DELAY_MS);
  }

  /** The input's own text is transparent; this lies exactly behind it. */
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

  #key(event: KeyboardEvent): void {
    if (event.key === 'Escape' && this.#input.value !== '') this.set('');
    else if (event.key === 'Escape' || event.key === 'Enter' || event.key === 'ArrowDown')
      this.#events.leave();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
