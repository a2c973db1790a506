/**
 * The list of calls: columns, selection, keyboard and the waterfall's window. The newest call stays in view until
 * the user scrolls away or selects a call.
 */
import type { EndedProcesses } from '../engine/endedProcesses.ts';
import type { ExchangeRow } from '../engine/row.ts';
import { countText } from '../words/numbers.ts';
import { extent } from './bars.ts';
import { COLUMNS, type ColumnId, type Layout, layout, NATURAL, type Sort } from './columns.ts';
import { el, setText } from './dom.ts';
import { icon } from './icons.ts';
import { ListHeader } from './listHeader.ts';
import { bandsImage, type Pauses } from './pauses.ts';
import type { Fold, RowStore } from './rowStore.ts';
import { ROW_HEIGHT, RowView, rowElementId } from './rowView.ts';
import { pan, type TimeWindow, timeWindow, toTime, zoom } from './timeWindow.ts';
import { VirtualList } from './virtualList.ts';

/** Empty part on both sides of the waterfall when it fits what is on screen. */
const FIT_MARGIN = 0.02;
const WHEEL_ZOOM = 0.0015;
const KEY_ZOOM = 0.7;
const KEY_PAN = 0.15;
/** CSS pixels of the column Process where it has the names of both ends. */
const BOTH_NAMES_WIDTH = 136;

/** The width that is wanted, or less: no other column has to give way to it. */
function widest(
  room: number,
  others: Partial<Record<ColumnId, number>>,
  column: ColumnId,
  wanted: number,
  { visible }: Layout,
): number {
  const fits = (width: number): boolean =>
    layout(room, { ...others, [column]: width }).visible.length >= visible.length;
  let width = wanted;
  const least = COLUMNS.find(({ id }) => id === column)?.minWidth ?? 0;
  while (width > least && !fits(width)) width = Math.max(least, width - 4);
  return width;
}

export interface ListEvents {
  /** By a person; never by {@link CallList.select}. */
  readonly selected: (id: number) => void;
  readonly opened: () => void;
  readonly escaped: () => void;
  readonly copy: (row: ExchangeRow) => void;
  readonly sorted: (sort: Sort) => void;
  readonly resized: (widths: Partial<Record<ColumnId, number>>) => void;
  /** The stretch of time that the waterfall shows. */
  readonly window: (window: TimeWindow | null) => void;
  /** The server's row of this call is to be shown beneath the client's, or no more. */
  readonly unfolded: (id: number, unfolded: boolean) => void;
  /** The rows on screen were drawn again. */
  readonly drawn: () => void;
}

export class CallList {
  readonly #store: RowStore;
  readonly #pauses: Pauses;
  #widths: Partial<Record<ColumnId, number>>;
  readonly #events: ListEvents;
  readonly element: HTMLElement;
  readonly #grid: HTMLElement;
  readonly #scroller: HTMLElement;
  readonly #body = el('div', { class: 'rows', role: 'presentation' });
  readonly #hint: HTMLButtonElement;
  readonly #hintText = el('span');
  readonly #header: ListHeader;
  readonly #rows: VirtualList<RowView>;
  #columns: Layout;
  #joins = false;
  #waterfallWidth = 0;
  #seen = 0;
  #selectedId: number | null = null;
  /** What the user zoomed to; null: fit the calls on screen. */
  #chosenWindow: TimeWindow | null = null;
  #shownWindow: TimeWindow | null = null;
  #now = 0;
  /** As they are drawn. */
  #bands = 'none';

  constructor(
    store: RowStore,
    pauses: Pauses,
    ended: EndedProcesses,
    widths: Partial<Record<ColumnId, number>>,
    events: ListEvents,
  ) {
    this.#store = store;
    this.#pauses = pauses;
    this.#widths = widths;
    this.#events = events;
    this.#header = new ListHeader({
      sort: (sort) => events.sorted(sort),
      resize: (column, width) => this.#resizeColumn(column, width),
    });
    // The header does not scroll, so that it needs no background of its own, wherever the panel is put.
    this.#scroller = el('div', { class: 'scroller', role: 'rowgroup', tabindex: -1 }, this.#body);
    this.#grid = el(
      'div',
      {
        class: 'grid',
        role: 'treegrid',
        tabindex: 0,
        'aria-label': 'HTTP calls',
        'aria-multiselectable': 'false',
      },
      this.#header.element,
      this.#header.lines,
      this.#scroller,
    );
    this.#hint = el('button', { type: 'button', class: 'hint', hidden: '' }, icon('down'), this.#hintText);
    this.#hint.addEventListener('click', () => {
      this.follow();
      this.#grid.focus({ preventScroll: true });
    });
    this.element = el('div', { class: 'list' }, this.#grid, this.#hint);
    this.#columns = layout(0, widths);
    this.#rows = new VirtualList({
      scroller: this.#scroller,
      body: this.#body,
      rowHeight: ROW_HEIGHT,
      source: {
        count: () => store.length,
        keyAt: (index) => store.at(index)?.id,
        indexOf: (id) => store.indexOf(id),
      },
      create: () => new RowView(this.#columns.visible, pauses, ended),
      show: (view, index) => {
        const row = store.at(index);
        if (row !== undefined) view.show(row, index, row.id === this.#selectedId, store.foldOf(row));
      },
      mayFollow: () => this.#natural,
      drawn: () => this.#drawn(),
    });
    this.#grid.addEventListener('keydown', (event) => this.#key(event));
    this.#body.addEventListener('pointerdown', (event) => this.#pressed(event));
    this.#body.addEventListener('dblclick', () => events.opened());
    this.#scroller.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
    new ResizeObserver(() => this.#resized()).observe(this.#scroller);
  }

  /** Some rows stand for both ends of a call, and unfold. */
  showJoins(some: boolean): void {
    if (some === this.#joins) return;
    this.#joins = some;
    this.#grid.classList.toggle('joins', some);
    this.#resized();
  }

  /** What columns are wide for what they hold, unless somebody has chosen otherwise. */
  get #wantedWidths(): Partial<Record<ColumnId, number>> {
    return this.#joins ? { process: BOTH_NAMES_WIDTH, ...this.#widths } : this.#widths;
  }

  get selected(): number | null {
    return this.#selectedId;
  }

  /** true while a call on screen is running, so that its bar has to grow. */
  get live(): boolean {
    for (const view of this.#rows.views) if (view.row?.state === 'running') return true;
    return false;
  }

  focus(): void {
    this.#grid.focus({ preventScroll: true });
  }

  /** The store's list has changed. */
  refresh(): void {
    this.#measure();
    this.#showCount();
    this.#rows.refresh();
  }

  /** The filter has changed: the selected call stays on screen, if it is still listed. Another order begins at its top. */
  rearranged(by: 'order' | 'filter' = 'filter'): void {
    this.#measure();
    this.#showCount();
    this.#header.show(this.#columns, this.#store.sort);
    const index = this.#selectedId === null ? -1 : this.#store.indexOf(this.#selectedId);
    this.#rows.refresh(() => {
      // Who sorts wants to see what comes first, such as the slowest call.
      if (by === 'order' && !this.#natural) this.#scroller.scrollTop = 0;
      else if (index >= 0) this.#rows.scrollTo(index, 'center');
      else if (this.#natural) this.#rows.follow();
      else this.#scroller.scrollTop = 0;
    });
  }

  /** null: none. Does not call {@link ListEvents.selected}. */
  select(id: number | null, scroll: 'nearest' | 'center' | 'none'): void {
    this.#measure();
    this.#selectedId = id;
    const index = id === null ? -1 : this.#store.indexOf(id);
    if (index >= 0 && scroll !== 'none') {
      this.#rows.stopFollowing();
      this.#rows.scrollTo(index, scroll);
    }
    this.#rows.draw();
  }

  /** Another call, by steps from the selected one; the first on screen when none is. */
  move(step: number): void {
    const from = this.#selectedId === null ? -1 : this.#store.indexOf(this.#selectedId);
    const last = this.#store.length - 1;
    if (last < 0) return;
    let to = Math.min(last, Math.max(0, from + step));
    if (from < 0) to = step > 0 ? Math.min(last, Math.ceil(this.#scroller.scrollTop / ROW_HEIGHT)) : last;
    this.#choose(to);
  }

  /** Up to where running calls have grown. */
  grow(now: number): void {
    this.#now = now;
    this.#drawBars();
  }

  /** The waterfall shows the calls on screen again. */
  fit(): void {
    this.#chosenWindow = null;
    this.#drawBars();
  }

  /** Back to the newest call, and on with it. */
  follow(): void {
    this.#rows.follow();
  }

  get #natural(): boolean {
    return this.#store.sort.column === NATURAL.column && this.#store.sort.ascending;
  }

  #choose(index: number): void {
    const row = this.#store.at(index);
    if (row === undefined) return;
    this.select(row.id, 'nearest');
    this.#events.selected(row.id);
  }

  #showCount(): void {
    this.#grid.setAttribute('aria-rowcount', String(this.#store.length + 1));
  }

  /** Just shown, the list has a size at once, before its observer reports it. */
  #measure(): void {
    if (this.#rows.viewport === 0 && this.#scroller.clientHeight > 0) this.#resized();
  }

  #resized(): void {
    const selected = this.#selectedId === null ? -1 : this.#store.indexOf(this.#selectedId);
    const wasVisible = this.#rows.isVisible(selected);
    const columns = layout(this.#scroller.clientWidth, this.#wantedWidths);
    const same =
      columns.visible.length === this.#columns.visible.length &&
      columns.visible.every((column, i) => column === this.#columns.visible[i]);
    this.#columns = columns;
    this.#grid.style.setProperty('--columns', columns.template);
    const scrollbar = this.#scroller.offsetWidth - this.#scroller.clientWidth;
    this.#grid.style.setProperty('--scrollbar', `${scrollbar}px`);
    this.#grid.setAttribute('aria-colcount', String(columns.visible.length));
    this.#grid.classList.toggle('no-process', !columns.visible.some(({ id }) => id === 'process'));
    if (!same) this.#rows.discard();
    this.#header.show(columns, this.#store.sort);
    this.#waterfallWidth = this.#header.measureWaterfall();
    this.#rows.measure();
    if (wasVisible && !this.#rows.following) this.#rows.scrollTo(selected, 'nearest');
    this.#rows.resized();
  }

  #resizeColumn(column: ColumnId, width: number | null): void {
    const { [column]: _, ...others } = this.#widths;
    const room = this.#scroller.clientWidth;
    this.#widths =
      width === null ? others : { ...others, [column]: widest(room, others, column, width, this.#columns) };
    this.#events.resized(this.#widths);
    this.#resized();
  }

  #drawn(): void {
    const active =
      this.#selectedId !== null && this.#rows.view(this.#selectedId) !== null ? this.#selectedId : null;
    if (active === null) this.#grid.removeAttribute('aria-activedescendant');
    else this.#grid.setAttribute('aria-activedescendant', rowElementId(active));
    this.#drawHint();
    this.#drawBars();
    this.#events.drawn();
  }

  #drawHint(): void {
    const { following, wholeEnd } = this.#rows;
    const shown = this.#store.at((following ? this.#store.length : wholeEnd) - 1);
    if (shown !== undefined && this.#natural) this.#seen = Math.max(this.#seen, shown.id);
    const unseen = this.#natural && !following ? this.#countAfter(this.#seen) : 0;
    this.#hint.hidden = unseen === 0;
    if (unseen > 0) setText(this.#hintText, countText(unseen, 'new', 'new'));
  }

  /** Rows numbered above `id`; the list is in the order of numbers. */
  #countAfter(id: number): number {
    let low = 0;
    let high = this.#store.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#store.at(middle)?.id ?? 0) <= id) low = middle + 1;
      else high = middle;
    }
    return this.#store.length - low;
  }

  /** The trace was cleared or another one began: numbers may start again. */
  reset(): void {
    this.#seen = 0;
    this.#rows.reset();
    this.#chosenWindow = null;
  }

  #drawBars(): void {
    const window = this.#waterfallWidth === 0 ? null : (this.#chosenWindow ?? this.#fitted());
    for (const view of this.#rows.views) {
      view.drawElapsed(this.#now);
      view.drawEnded();
      if (window !== null) view.drawBar(window, this.#waterfallWidth, this.#now);
    }
    const bands = window === null ? [] : this.#pauses.bands(window, this.#waterfallWidth, this.#now);
    const image = bandsImage(bands);
    if (image !== this.#bands) {
      this.#bands = image;
      this.#body.style.setProperty('--pauses', image);
    }
    this.#header.drawRuler(window, this.#waterfallWidth);
    if (window?.from !== this.#shownWindow?.from || window?.to !== this.#shownWindow?.to) {
      this.#shownWindow = window;
      this.#events.window(window);
    }
  }

  #fitted(): TimeWindow | null {
    const { first, last } = this.#rows.inView;
    let from = Number.POSITIVE_INFINITY;
    let to = Number.NEGATIVE_INFINITY;
    for (let index = first; index < last; index++) {
      const row = this.#store.at(index);
      if (row === undefined) continue;
      const bar = extent(row, this.#now);
      from = Math.min(from, bar.from);
      to = Math.max(to, bar.to);
    }
    if (from > to) return null;
    const margin = (to - from) * FIT_MARGIN;
    return timeWindow(from - margin, to + margin);
  }

  #pressed(event: PointerEvent): void {
    // The right button opens the menu: of the row that is selected then.
    if ((event.button !== 0 && event.button !== 2) || !(event.target instanceof Element)) return;
    const element = event.target.closest('.row');
    const id = element === null ? undefined : this.#rows.keyOf(element);
    if (id === undefined) return;
    this.#rows.stopFollowing();
    if (event.button === 0 && event.target.closest('.twistie') !== null) {
      const fold = this.#foldOf(id);
      if (fold !== null) this.#events.unfolded(id, fold.kind === 'folded');
      return;
    }
    this.select(id, 'nearest');
    this.#events.selected(id);
    if (event.button === 0) this.#events.opened();
  }

  #foldOf(id: number | null): Fold | null {
    const row = id === null ? undefined : this.#store.get(id);
    return row === undefined ? null : this.#store.foldOf(row);
  }

  /** As in a tree: to the right opens, to the left closes, or goes to what it is beneath. */
  #foldByKey(unfold: boolean): void {
    const id = this.#selectedId;
    const fold = this.#foldOf(id);
    if (id === null || fold === null) return;
    if (fold.kind === 'server') {
      if (unfold) return;
      this.select(fold.client.id, 'nearest');
      this.#events.selected(fold.client.id);
    } else if ((fold.kind === 'folded') === unfold) this.#events.unfolded(id, unfold);
  }

  #key(event: KeyboardEvent): void {
    if (event.altKey) return;
    const command = event.ctrlKey || event.metaKey;
    if (command) {
      const row = this.#selectedId === null ? undefined : this.#store.get(this.#selectedId);
      if (event.key !== 'c' || row === undefined) return;
      this.#events.copy(row);
      event.preventDefault();
      return;
    }
    const { page } = this.#rows;
    switch (event.key) {
      case 'ArrowDown':
        this.move(1);
        break;
      case 'ArrowUp':
        this.move(-1);
        break;
      case 'PageDown':
        this.move(page);
        break;
      case 'PageUp':
        this.move(-page);
        break;
      case 'Home':
        this.#choose(0);
        break;
      case 'End':
        this.#choose(this.#store.length - 1);
        if (this.#natural) this.follow();
        break;
      case 'ArrowRight':
      case 'ArrowLeft':
        this.#foldByKey(event.key === 'ArrowRight');
        break;
      case 'Enter':
        if (this.#selectedId === null) this.move(1);
        this.#events.opened();
        break;
      case 'Escape':
        this.#events.escaped();
        break;
      case 'f':
        this.fit();
        break;
      case 'w':
        this.#zoomBy(KEY_ZOOM, null);
        break;
      case 's':
        this.#zoomBy(1 / KEY_ZOOM, null);
        break;
      case 'a':
        this.#panBy(-KEY_PAN);
        break;
      case 'd':
        this.#panBy(KEY_PAN);
        break;
      default:
        return;
    }
    event.preventDefault();
  }

  #wheel(event: WheelEvent): void {
    if (this.#waterfallWidth === 0 || this.#shownWindow === null) return;
    // A wheel that counts lines instead of pixels.
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? 1 : ROW_HEIGHT;
    if (event.ctrlKey) {
      event.preventDefault();
      const column = this.#header.element.querySelector('.c-waterfall')?.getBoundingClientRect();
      const at = column === undefined ? null : event.clientX - column.left;
      this.#zoomBy(Math.exp(event.deltaY * unit * WHEEL_ZOOM), at);
    } else if (event.deltaX !== 0 || event.shiftKey) {
      event.preventDefault();
      const delta = event.deltaX !== 0 ? event.deltaX : event.deltaY;
      this.#panBy((delta * unit) / this.#waterfallWidth);
    }
  }

  /** @param at pixels from the left edge of the waterfall; null: its middle. */
  #zoomBy(factor: number, at: number | null): void {
    if (this.#shownWindow === null) return;
    const pixels = at === null ? this.#waterfallWidth / 2 : Math.min(Math.max(at, 0), this.#waterfallWidth);
    this.#chosenWindow = zoom(
      this.#shownWindow,
      toTime(this.#shownWindow, this.#waterfallWidth, pixels),
      factor,
    );
    this.#drawBars();
  }

  /** @param share of the width that is shown. */
  #panBy(share: number): void {
    if (this.#shownWindow === null) return;
    this.#chosenWindow = pan(this.#shownWindow, share * (this.#shownWindow.to - this.#shownWindow.from));
    this.#drawBars();
  }
}
