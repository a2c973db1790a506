/** The list and the details: side by side if there is enough width, else stacked. */
import { t } from '../words/translate.ts';
import { drag, el } from './dom.ts';

/** Minimum width, in CSS pixels, for details beside the list. */
const BESIDE_FROM = 760;
/** The same for a low panel: below the list, the details would have only three lines. */
const BESIDE_FROM_IF_LOW = 640;
const LOW = 300;
/** A third, but at least room for all tabs. */
const DEFAULT_WIDTH = 'max(34%, 400px)';
const MIN_SHARE = 0.15;
const MAX_SHARE = 0.85;
const KEY_STEP = 0.03;

export interface Shares {
  /** Share of the details, 0 to 1; null: not chosen. */
  readonly width: number | null;
  readonly height: number;
}

export class SplitPane {
  readonly #details: HTMLElement;
  #shares: Shares;
  readonly #onShares: (shares: Shares) => void;
  readonly element: HTMLElement;
  readonly #sash = el('div', {
    class: 'sash',
    role: 'separator',
    tabindex: 0,
    'aria-label': t('Size of the details'),
  });
  #beside = true;

  constructor(list: HTMLElement, details: HTMLElement, shares: Shares, onShares: (shares: Shares) => void) {
    this.#details = details;
    this.#shares = shares;
    this.#onShares = onShares;
    this.element = el('div', { class: 'split' }, list, this.#sash, details);
    drag(this.#sash, {
      start: () => {
        this.#sash.classList.add('active');
        return true;
      },
      move: (event) => {
        const box = this.element.getBoundingClientRect();
        this.#set(
          this.#beside ? (box.right - event.clientX) / box.width : (box.bottom - event.clientY) / box.height,
        );
      },
      end: () => {
        this.#sash.classList.remove('active');
        onShares(this.#shares);
      },
    });
    this.#sash.addEventListener('keydown', (event) => this.#key(event));
    new ResizeObserver(() => this.#arrange()).observe(this.element);
    this.open(false);
  }

  get isOpen(): boolean {
    return !this.#details.hidden;
  }

  open(open: boolean): void {
    this.#details.hidden = !open;
    this.#sash.hidden = !open;
    this.#arrange();
  }

  get #share(): number {
    if (!this.#beside) return this.#shares.height;
    return this.#shares.width ?? this.#details.offsetWidth / Math.max(1, this.element.clientWidth);
  }

  #set(share: number): void {
    const bounded = Math.min(MAX_SHARE, Math.max(MIN_SHARE, share));
    this.#shares = this.#beside ? { ...this.#shares, width: bounded } : { ...this.#shares, height: bounded };
    this.#arrange();
  }

  #arrange(): void {
    const { clientWidth, clientHeight } = this.element;
    this.#beside = clientWidth >= (clientHeight < LOW ? BESIDE_FROM_IF_LOW : BESIDE_FROM);
    this.element.classList.toggle('beside', this.#beside);
    const chosen = this.#beside ? this.#shares.width : this.#shares.height;
    this.#details.style.flexBasis = chosen === null ? DEFAULT_WIDTH : `${(chosen * 100).toFixed(2)}%`;
    this.#sash.setAttribute('aria-orientation', this.#beside ? 'vertical' : 'horizontal');
    this.#sash.setAttribute('aria-valuenow', String(Math.round(this.#share * 100)));
  }

  #key(event: KeyboardEvent): void {
    const larger = this.#beside ? 'ArrowLeft' : 'ArrowUp';
    const smaller = this.#beside ? 'ArrowRight' : 'ArrowDown';
    if (event.key === larger) this.#set(this.#share + KEY_STEP);
    else if (event.key === smaller) this.#set(this.#share - KEY_STEP);
    else return;
    this.#onShares(this.#shares);
    event.preventDefault();
  }
}
