/**
 * A scrolling list of rows of equal height; only the rows in view are in the document. While it follows, its end
 * stays in view; otherwise visible rows keep their position when rows are added or removed around them. While the
 * user aims at a row with the pointer, that row stays under it (aim.ts), and following is suspended. The owner
 * decides what a row shows and which row is selected.
 */

import { Aim } from './aim.ts';
import { outOfOrder } from './elementOrder.ts';

/** The rows of the list, in order. */
export interface RowSource {
  readonly count: () => number;
  /** The key of the row at this index; it does not change with the index. */
  readonly keyAt: (index: number) => number | undefined;
  /** -1: the row is gone, and no other row replaces it. */
  readonly indexOf: (key: number) => number;
}

/** An element that shows one row and is reused for others. */
export interface RowElement {
  readonly element: HTMLElement;
}

export interface VirtualListOptions<View extends RowElement> {
  readonly scroller: HTMLElement;
  /** In the scroller: as high as all rows. Its children lie at `index * rowHeight`. */
  readonly body: HTMLElement;
  /** CSS pixels. */
  readonly rowHeight: number;
  readonly source: RowSource;
  readonly create: () => View;
  /** Called for each row in view, whenever it may have changed. */
  readonly show: (view: View, index: number) => void;
  /** false while the end of the list is not where new rows appear. */
  readonly mayFollow?: () => boolean;
  /** Called after the rows in view were drawn. */
  readonly drawn?: () => void;
}

/** Rows rendered above and below those in view, so that scrolling shows no gaps. */
const OVERSCAN = 8;
/** Tidying takes a frame: once a second, not once per call. */
const TIDY_AFTER_MS = 1_000;

export class VirtualList<View extends RowElement> {
  readonly #options: VirtualListOptions<View>;
  readonly #views = new Map<number, View>();
  #viewport = 0;
  /** The scroll position at the last draw: reading it back after a write would force a layout. */
  #top = 0;
  #first = 0;
  /** Keys of the rows in the document, in order, as of the last draw. */
  #drawn: number[] = [];
  #last = 0;
  #following = true;
  /** In a sort order that is not followed, the user has scrolled to the end: it stays in view. */
  #atEnd = false;
  /** The first row in view and where it was in the list. */
  #anchor: { readonly key: number; readonly index: number } | null = null;
  #tidyTimer: ReturnType<typeof setTimeout> | null = null;
  readonly #aim: Aim;
  /** The list was at its top when aiming began, and was scrolled to keep a row in place. */
  #leftTop = false;

  constructor(options: VirtualListOptions<View>) {
    this.#options = options;
    this.#aim = new Aim(options.scroller, () => this.#aimed());
    options.scroller.addEventListener('scroll', () => this.#scrolled(), { passive: true });
  }

  get following(): boolean {
    return this.#following;
  }

  /** Pixels, as of the last {@link resized}. 0 while it is not shown. */
  get viewport(): number {
    return this.#viewport;
  }

  /** Rows that a page key moves by. */
  get page(): number {
    return Math.max(1, Math.floor(this.#viewport / this.#options.rowHeight) - 1);
  }

  /** Indices of the rows in view, at least in part: from the first up to, not including, the last. */
  get inView(): { readonly first: number; readonly last: number } {
    const { rowHeight } = this.#options;
    return {
      first: Math.max(this.#first, Math.floor(this.#top / rowHeight)),
      last: Math.min(this.#last, Math.ceil((this.#top + this.#viewport) / rowHeight)),
    };
  }

  /** Index after the last row that is completely in view. */
  get wholeEnd(): number {
    const { rowHeight, source } = this.#options;
    return Math.min(source.count(), Math.floor((this.#top + this.#viewport) / rowHeight));
  }

  get views(): Iterable<View> {
    return this.#views.values();
  }

  /** null: the row is not in the document. */
  view(key: number): View | null {
    return this.#views.get(key) ?? null;
  }

  keyOf(element: Element): number | undefined {
    for (const [key, view] of this.#views) if (view.element === element) return key;
    return undefined;
  }

  /** The rows have changed. @param move scrolls elsewhere, instead of keeping the rows in place. */
  refresh(move?: () => void): void {
    if (this.#viewport === 0) this.measure();
    const { body, rowHeight, source } = this.#options;
    body.style.height = `${source.count() * rowHeight}px`;
    if (move !== undefined) {
      this.#anchor = null;
      this.#atEnd = false;
      move();
    } else if (this.#aim.y !== null) this.#keepAimed(this.#aim.y);
    else if (this.#atEnd) this.#options.scroller.scrollTop = source.count() * rowHeight;
    else if (this.#following) this.#scrollToEnd();
    else this.#keepAnchor();
    this.draw();
  }

  /** The scroller was resized. */
  resized(): void {
    this.measure();
    if (this.#following) this.#scrollToEnd();
    this.draw();
  }

  /** A list just shown already has a size, before any observer reports it. */
  measure(): void {
    this.#viewport = this.#options.scroller.clientHeight;
  }

  /** Goes to the end, and stays there. */
  follow(): void {
    this.#following = true;
    this.#scrollToEnd();
    this.draw();
  }

  stopFollowing(): void {
    this.#following = false;
    this.#atEnd = false;
    this.#leftTop = false;
  }

  /** Back to the initial state: following the end. */
  reset(): void {
    this.#following = true;
    this.#atEnd = false;
    this.#leftTop = false;
    this.#anchor = null;
  }

  isVisible(index: number): boolean {
    const { rowHeight, scroller } = this.#options;
    const top = index * rowHeight - scroller.scrollTop;
    return index >= 0 && top >= 0 && top + rowHeight <= this.#viewport;
  }

  scrollTo(index: number, how: 'nearest' | 'center'): void {
    if (this.isVisible(index)) return;
    const { rowHeight, scroller } = this.#options;
    const top = index * rowHeight;
    const { scrollTop } = scroller;
    if (how === 'center') scroller.scrollTop = top - (this.#viewport - rowHeight) / 2;
    else scroller.scrollTop = top < scrollTop ? top : top + rowHeight - this.#viewport;
  }

  /** Discards the row elements; draw makes new ones. */
  discard(): void {
    this.#options.body.replaceChildren();
    this.#views.clear();
  }

  /** Puts the rows in view, and only those, into the document. */
  draw(): void {
    if (this.#viewport === 0) return;
    const { scroller, body, rowHeight, source, create, show, drawn } = this.#options;
    const { scrollTop } = scroller;
    this.#top = scrollTop;
    this.#first = Math.max(0, Math.floor(scrollTop / rowHeight) - OVERSCAN);
    this.#last = Math.min(source.count(), Math.ceil((scrollTop + this.#viewport) / rowHeight) + OVERSCAN);

    this.#drawn = [...this.#keys()];
    const wanted = new Set(this.#drawn);
    const spare: View[] = [];
    for (const [key, view] of this.#views) {
      if (wanted.has(key)) continue;
      this.#views.delete(key);
      spare.push(view);
    }
    let index = this.#first;
    for (const key of this.#drawn) {
      let view = this.#views.get(key);
      if (view === undefined) {
        view = spare.pop() ?? create();
        if (!view.element.isConnected) body.append(view.element);
        this.#views.set(key, view);
      }
      show(view, index++);
    }
    for (const view of spare) view.element.remove();
    this.#tidySoon();

    const top = Math.min(source.count() - 1, Math.floor(scrollTop / rowHeight));
    const key = source.keyAt(top);
    this.#anchor = key === undefined ? null : { key, index: top };
    drawn?.();
  }

  *#keys(): Generator<number, void, undefined> {
    for (let index = this.#first; index < this.#last; index++) {
      const key = this.#options.source.keyAt(index);
      if (key !== undefined) yield key;
    }
  }

  #scrolled(): void {
    const { scroller } = this.#options;
    const { scrollTop, scrollHeight, clientHeight } = scroller;
    // Scrolled by the list to keep a row under the pointer, not by the user.
    if (this.#aim.y !== null && Math.abs(scrollTop - this.#top) < 1) return;
    this.#leftTop = false;
    const isAtEnd = scrollTop + clientHeight >= scrollHeight - 2;
    this.#following = this.#mayFollow && isAtEnd;
    // If all rows fit, the end is also the top: such an order stays at the top.
    this.#atEnd = !this.#mayFollow && isAtEnd && scrollTop > 0;
    this.draw();
  }

  get #mayFollow(): boolean {
    return this.#options.mayFollow?.() ?? true;
  }

  #scrollToEnd(): void {
    const { scroller, rowHeight, source } = this.#options;
    if (this.#mayFollow) scroller.scrollTop = source.count() * rowHeight;
  }

  /** @param y CSS pixels from the top of the scroller. */
  #keepAimed(y: number): void {
    const { scroller, rowHeight, source } = this.#options;
    const key = this.#keyDrawnAt(Math.floor((this.#top + y) / rowHeight));
    const index = key === undefined ? -1 : source.indexOf(key);
    const before = Math.floor((this.#top + y) / rowHeight);
    if (index < 0 || index === before) return;
    if (this.#top <= 0 && !this.#following) this.#leftTop = true;
    scroller.scrollTop = this.#top + (index - before) * rowHeight;
  }

  /** Key of the row drawn at this index. */
  #keyDrawnAt(index: number): number | undefined {
    return this.#drawn[index - this.#first];
  }

  /** Aiming has ended. */
  #aimed(): void {
    if (this.#following) this.#scrollToEnd();
    else if (this.#leftTop) this.#options.scroller.scrollTop = 0;
    else return;
    this.#leftTop = false;
    this.draw();
  }

  #keepAnchor(): void {
    const { scroller, rowHeight, source } = this.#options;
    if (this.#anchor === null || scroller.scrollTop <= 0) return;
    const index = source.indexOf(this.#anchor.key);
    if (index >= 0 && index !== this.#anchor.index) {
      scroller.scrollTop += (index - this.#anchor.index) * rowHeight;
    }
  }

  /** Elements are reused in any order, but screen readers need them in row order. */
  #tidySoon(): void {
    this.#tidyTimer ??= setTimeout(() => {
      this.#tidyTimer = null;
      this.#tidy();
    }, TIDY_AFTER_MS);
  }

  #tidy(): void {
    const { body } = this.#options;
    const elements: Element[] = [];
    for (const key of this.#keys()) {
      const element = this.#views.get(key)?.element;
      if (element !== undefined) elements.push(element);
    }
    const places = new Map(elements.map((element, place) => [element, place]));
    const present = [...body.children].flatMap((element) => places.get(element) ?? []);
    const moving = outOfOrder(present);
    for (let place = elements.length - 1; place >= 0; place--) {
      if (moving.has(place)) body.insertBefore(elements[place]!, elements[place + 1] ?? null);
    }
  }
}
