/**
 * The list of calls: columns, selection and keyboard. The newest call stays in view until
 * the user scrolls away or selects a call.
 */

import type { EndedProcesses } from '../engine/endedProcesses.ts';
import type { ExchangeRow } from '../engine/row.ts';
import { counted } from '../words/numbers.ts';
import { t } from '../words/translate.ts';
import { AS_USUAL, type ColumnChoice, type ColumnId, moved, withColumn } from './columnChoice.ts';
import { columnMenuItems } from './columnMenu.ts';
import { COLUMNS, type Layout, layout, NATURAL, type Sort } from './columns.ts';
import { el, setText } from './dom.ts';
import { icon } from './icons.ts';
import { ListHeader } from './listHeader.ts';
import type { Pauses } from './pauses.ts';
import { type MenuItem, PopupMenu } from './popupMenu.ts';
import { openMenuOfRow } from './rowMenu.ts';
import type { RowStore } from './rowStore.ts';
import { ROW_HEIGHT, RowView, rowElementId } from './rowView.ts';
import type { TimeWindow } from './timeWindow.ts';
import { VirtualList } from './virtualList.ts';
import { Waterfall } from './waterfall.ts';
import { widestColumn } from './widestColumn.ts';

/** CSS pixels of the Process column when it names both ends. */
const BOTH_NAMES_WIDTH = 136;

export interface ListEvents {
  /** By the user; never by {@link CallList.select}. */
  readonly selected: (id: number) => void;
  readonly opened: () => void;
  readonly escaped: () => void;
  readonly copy: (row: ExchangeRow) => void;
  readonly sorted: (sort: Sort) => void;
  readonly resized: (widths: Partial<Record<ColumnId, number>>) => void;
  readonly chosen: (columns: ColumnChoice) => void;
  /** The time range that the waterfall shows. */
  readonly window: (window: TimeWindow | null) => void;
  /** Show or hide the rows beneath this row. */
  readonly expanded: (id: number, expanded: boolean) => void;
  /** The rows on screen were drawn again. */
  readonly drawn: () => void;
}

export class CallList {
  readonly #store: RowStore;
  #widths: Partial<Record<ColumnId, number>>;
  #choice: ColumnChoice;
  readonly #events: ListEvents;
  readonly element: HTMLElement;
  readonly #grid: HTMLElement;
  readonly #scroller: HTMLElement;
  readonly #body = el('div', { class: 'rows', role: 'presentation' });
  readonly #hint: HTMLButtonElement;
  readonly #hintText = el('span');
  readonly #header: ListHeader;
  readonly #columnMenu = new PopupMenu(t('Columns'));
  readonly #rows: VirtualList<RowView>;
  readonly #waterfall: Waterfall;
  #columns: Layout;
  #joins = false;
  #seen = 0;
  /** As last passed to `layout`. */
  #hasSources = false;
  #selectedId: number | null = null;

  constructor(
    store: RowStore,
    pauses: Pauses,
    ended: EndedProcesses,
    widths: Partial<Record<ColumnId, number>>,
    choice: ColumnChoice,
    events: ListEvents,
  ) {
    this.#store = store;
    this.#widths = widths;
    this.#choice = choice;
    this.#events = events;
    this.#header = new ListHeader({
      sort: (sort) => events.sorted(sort),
      resize: (column, width) => this.#resizeColumn(column, width),
      move: (column, before) => this.#chooseColumns(moved(this.#choice, COLUMNS, column, before)),
      menu: (place, back) => this.#columnMenu.open(() => this.#columnItems(), place, back),
    });
    // The header does not scroll, so it needs no background of its own, wherever the panel is.
    this.#scroller = el('div', { class: 'scroller', role: 'rowgroup', tabindex: -1 }, this.#body);
    this.#grid = el(
      'div',
      {
        class: 'grid',
        role: 'treegrid',
        tabindex: 0,
        'aria-label': t('HTTP calls'),
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
    this.element = el('div', { class: 'list' }, this.#grid, this.#hint, this.#columnMenu.element);
    this.#columns = layout(0, widths, false, choice);
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
        if (row !== undefined)
          view.show(row, index, row.id === this.#selectedId, store.foldOf(row), store.placeOf(row));
      },
      mayFollow: () => this.#natural,
      drawn: () => this.#drawn(),
    });
    this.#waterfall = new Waterfall(pauses, {
      body: this.#body,
      header: this.#header,
      views: () => this.#rows.views,
      inView: () => {
        const { first, last } = this.#rows.inView;
        return Array.from({ length: Math.max(0, last - first) }, (_, index) => store.at(first + index));
      },
      window: (window) => events.window(window),
    });
    this.#grid.addEventListener('keydown', (event) => this.#key(event));
    openMenuOfRow(this.#grid, () => this.#selectedRow());
    this.#body.addEventListener('pointerdown', (event) => this.#pressed(event));
    this.#body.addEventListener('dblclick', () => events.opened());
    this.#scroller.addEventListener('wheel', (event) => this.#waterfall.wheel(event), { passive: false });
    new ResizeObserver(() => this.#resized()).observe(this.#scroller);
  }

  /** `joins`: rows represent both ends; `some`: some unfold. */
  showFolds(joins: boolean, some: boolean): void {
    this.#grid.classList.toggle('folds', some);
    if (joins === this.#joins) return;
    this.#joins = joins;
    this.#resized();
  }

  /** Widths of columns that fit their content, unless the user has chosen others. */
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
    if (this.#hasSources !== this.#store.hasSources) this.#resized();
    this.#showCount();
    this.#rows.refresh();
  }

  /** The filter changed: the selected call stays on screen, if still listed. A new sort order starts at its top. */
  rearranged(by: 'order' | 'filter' = 'filter'): void {
    this.#measure();
    this.#showCount();
    this.#header.show(this.#columns, this.#store.sort);
    const index = this.#selectedId === null ? -1 : this.#store.indexOf(this.#selectedId);
    this.#rows.refresh(() => {
      // After sorting, the first row is of interest, such as the slowest call.
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

  /** Moves the selection by `step` rows. Without one: to the first on screen, or backwards to the last of the list. */
  move(step: number): void {
    const from = this.#selectedId === null ? -1 : this.#store.indexOf(this.#selectedId);
    const last = this.#store.length - 1;
    if (last < 0) return;
    let to = Math.min(last, Math.max(0, from + step));
    if (from < 0) to = step > 0 ? Math.min(last, Math.ceil(this.#scroller.scrollTop / ROW_HEIGHT)) : last;
    this.#choose(to);
  }

  /** Row of the selected call; without one, selects the first on screen. */
  #selectedRow(): HTMLElement | null {
    if (this.#selectedId === null) this.move(1);
    else this.select(this.#selectedId, 'nearest');
    return this.#selectedId === null ? null : (this.#rows.view(this.#selectedId)?.element ?? null);
  }

  /** Extends running calls to `now`. */
  grow(now: number): void {
    this.#waterfall.grow(now);
  }

  /** Milliseconds until a running call can look different. */
  get pace(): number {
    return this.#waterfall.pace;
  }

  /** The waterfall shows the calls on screen again. */
  fit(): void {
    this.#waterfall.fit();
  }

  /** Scrolls to the newest call, and follows new ones. */
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

  /** A list just shown already has a size, before its observer reports it. */
  #measure(): void {
    if (this.#rows.viewport === 0 && this.#scroller.clientHeight > 0) this.#resized();
  }

  #resized(): void {
    const selected = this.#selectedId === null ? -1 : this.#store.indexOf(this.#selectedId);
    const wasVisible = this.#rows.isVisible(selected);
    this.#hasSources = this.#store.hasSources;
    const columns = layout(this.#scroller.clientWidth, this.#wantedWidths, this.#hasSources, this.#choice);
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
    this.#waterfall.measure();
    this.#rows.measure();
    if (wasVisible && !this.#rows.following) this.#rows.scrollTo(selected, 'nearest');
    this.#rows.resized();
  }

  #resizeColumn(column: ColumnId, width: number | null): void {
    const { [column]: _, ...others } = this.#widths;
    const room = this.#scroller.clientWidth;
    this.#widths =
      width === null
        ? others
        : { ...others, [column]: widestColumn(room, others, column, width, this.#columns, this.#choice) };
    this.#events.resized(this.#widths);
    this.#resized();
  }

  #chooseColumns(choice: ColumnChoice): void {
    this.#choice = choice;
    this.#events.chosen(choice);
    this.#resized();
  }

  #columnItems(): readonly MenuItem[] {
    return columnMenuItems(this.#choice, this.#columns.visible, {
      choose: (id, shown) => this.#chooseColumns(withColumn(this.#choice, id, shown)),
      reset: () => {
        this.#widths = {};
        this.#events.resized(this.#widths);
        this.#chooseColumns(AS_USUAL);
      },
    });
  }

  #drawn(): void {
    const active =
      this.#selectedId !== null && this.#rows.view(this.#selectedId) !== null ? this.#selectedId : null;
    if (active === null) this.#grid.removeAttribute('aria-activedescendant');
    else this.#grid.setAttribute('aria-activedescendant', rowElementId(active));
    this.#drawHint();
    this.#waterfall.draw();
    this.#events.drawn();
  }

  #drawHint(): void {
    const { following, wholeEnd } = this.#rows;
    const shown = this.#store.highest(following ? this.#store.length : wholeEnd);
    if (this.#natural) this.#seen = Math.max(this.#seen, shown);
    const unseen = this.#natural && !following ? this.#store.countAfter(this.#seen) : 0;
    this.#hint.hidden = unseen === 0;
    if (unseen > 0) setText(this.#hintText, counted(unseen, '{0} new', '{0} new'));
  }

  /** The trace was cleared or another one began: numbers may start again. */
  reset(): void {
    this.#seen = 0;
    this.#rows.reset();
    this.#waterfall.reset();
  }

  #pressed(event: PointerEvent): void {
    // The right button selects the row and opens its menu.
    if ((event.button !== 0 && event.button !== 2) || !(event.target instanceof Element)) return;
    const element = event.target.closest('.row');
    const id = element === null ? undefined : this.#rows.keyOf(element);
    if (id === undefined) return;
    this.#rows.stopFollowing();
    if (event.button === 0 && event.target.closest('.twistie') !== null) {
      this.#toggle(id);
      return;
    }
    this.select(id, 'nearest');
    this.#events.selected(id);
    if (event.button === 0) this.#events.opened();
  }

  #toggle(id: number): void {
    const row = this.#store.get(id);
    const expanded = row === undefined ? null : this.#store.placeOf(row).expanded;
    if (expanded !== null) this.#events.expanded(id, !expanded);
  }

  /** As in a tree: the right arrow unfolds, or goes to the first child; the left arrow folds, or goes to the parent. */
  #foldByKey(toRight: boolean): void {
    const row = this.#selectedId === null ? undefined : this.#store.get(this.#selectedId);
    if (row === undefined) return;
    const { expanded } = this.#store.placeOf(row);
    if (expanded === !toRight) this.#events.expanded(row.id, toRight);
    else if (toRight && expanded === true) this.move(1);
    else if (!toRight) {
      const parent = this.#store.parentOf(row.id);
      if (parent === null) return;
      this.select(parent.id, 'nearest');
      this.#events.selected(parent.id);
    }
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
        this.#waterfall.zoomByKey(1);
        break;
      case 's':
        this.#waterfall.zoomByKey(-1);
        break;
      case 'a':
        this.#waterfall.panByKey(-1);
        break;
      case 'd':
        this.#waterfall.panByKey(1);
        break;
      default:
        return;
    }
    event.preventDefault();
  }
}
