/**
 * A scrolled list of rows of one height, of which only those in view are in the document. While it follows, its
 * end stays in view; otherwise the rows on screen stay where they are, whatever is added or removed around them.
 * While the user aims at a row with the pointer, that row stays under it (aim.ts), and following waits. What a row
 * shows, and which one is selected, is up to the owner.
 */

import { Aim } from './aim.ts';
import { outOfOrder } from './elementOrder.ts';

/** The rows of the list, in order. */
export interface RowSource {
  readonly count: () => number;
  /** The identity of the row at this index, which stays when its index changes. */
  readonly keyAt: (index: number) => number | undefined;
  /** -1: the row is gone, and no other one takes its place. */
  readonly indexOf: (key: number) => number;
}

/** An element that shows one row, and is used again for others. */
export interface RowElement {
  readonly element: HTMLElement;
}

export interface VirtualListOptions<View extends RowElement> {
  /** Scrolls. */
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
  /** The rows in view are other ones, or elsewhere. */
  readonly drawn?: () => void;
}

/** Rows kept ready above and below those in view, so that scrolling shows no holes. */
const OVERSCAN = 8;
/** While calls come, this is a frame of its own: not one for each. */
const TIDY_AFTER_MS = 1_000;

export class VirtualList<View extends RowElement> {
  readonly #options: VirtualListOptions<View>;
  readonly #views = new Map<number, View>();
  #viewport = 0;
  /** The scroll position as of the last draw: asking the element again after writing would cost a layout. */
  #top = 0;
  #first = 0;
  /** Keys of the rows in the document, in order, as of the last draw. */
  #drawn: number[] = [];
  #last = 0;
  #following = true;
  /** In an order in which it does not follow, the user has scrolled to the end, and stays there. */
  #atEnd = false;
  /** The first row in view and where it was in the list. */
  #anchor: { readonly key: number; readonly index: number } | null = null;
  #tidyTimer: ReturnType<typeof setTimeout> | null = null;
  readonly #aim: Aim;
  /** The list was at its top when the user began to aim, and had to be scrolled for that. */
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

  /** Rows that are in view as a whole end here: the index behind the last one. */
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

  /** The rows have changed. @param move puts another row into view, instead of those that were there. */
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

  /** The scroller has another size. */
  resized(): void {
    this.measure();
    if (this.#following) this.#scrollToEnd();
    this.draw();
  }

  /** Just shown, the list has a size at once, before any observer reports it. */
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

  /** As in the beginning: at the end, wherever it was. */
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

  /** Throws the row elements away: others are needed. */
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
    // By the list itself, to keep a row under the pointer: the user has not scrolled.
    if (this.#aim.y !== null && Math.abs(scrollTop - this.#top) < 1) return;
    this.#leftTop = false;
    const isAtEnd = scrollTop + clientHeight >= scrollHeight - 2;
    this.#following = this.#mayFollow && isAtEnd;
    // Where all rows fit, the end is the top, which is what such an order is for.
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

  /** Of the row that was drawn at this index. */
  #keyDrawnAt(index: number): number | undefined {
    return this.#drawn[index - this.#first];
  }

  /** The user no longer aims. */
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

  /** Elements are used again in any order; a screen reader that reads on wants that of the rows. */
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
