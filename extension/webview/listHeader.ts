/** The header of the list: sorting, widths, and the ruler above the waterfall. */
import type { ColumnId } from './columnChoice.ts';
import { COLUMN_GAP, COLUMNS, type Column, type Layout, NATURAL, type Sort } from './columns.ts';
import { drag, el, setText } from './dom.ts';
import type { Place } from './popupMenu.ts';
import { tickText } from './ticks.ts';
import { type TimeWindow, ticks, toPixels } from './timeWindow.ts';

interface HeaderEvents {
  readonly sort: (sort: Sort) => void;
  /** null: back to the default width. */
  readonly resize: (column: ColumnId, width: number | null) => void;
  /** Moves before another column; null: to the end. */
  readonly move: (column: ColumnId, before: ColumnId | null) => void;
  /** Opens the column menu. @param back restores the focus when it closes. */
  readonly menu: (place: Place, back: () => void) => void;
}

const KEY_STEP_PX = 16;
/** A press that moves less is a click. */
const DRAG_PX = 5;
/** Room for a tick label, and for the column's name at the left. */
const TICK_GAP_PX = 72;
const NAME_PX = 66;

export class ListHeader {
  readonly #events: HeaderEvents;
  readonly element = el('div', { class: 'header', role: 'row', 'aria-rowindex': 1 });
  #cells: { column: Column; element: HTMLElement }[] = [];
  /** Drawn behind the bars of the rows. */
  readonly lines = el('div', { class: 'lines', 'aria-hidden': 'true' });
  readonly #ruler = el('div', { class: 'ruler', 'aria-hidden': 'true' });
  #rulerKey = '';
  /** Where a column that is dragged would go. */
  readonly #drop = el('div', { class: 'drop-place', 'aria-hidden': 'true', hidden: '' });
  #focused: ColumnId = 'id';

  constructor(events: HeaderEvents) {
    this.#events = events;
    this.element.addEventListener('keydown', (event) => this.#key(event));
    this.element.addEventListener('contextmenu', (event) => {
      event.preventDefault();
      // A menu opened by key has no position: it opens below the focused column.
      const cell = this.#cells.find(({ column }) => column.id === this.#stop)?.element ?? this.element;
      const { left, bottom } = cell.getBoundingClientRect();
      const byKey = !(event instanceof PointerEvent) || event.pointerType === '';
      events.menu(byKey ? { x: left, y: bottom } : { x: event.clientX, y: event.clientY }, () =>
        // The focused column may be hidden by now.
        this.#focus(this.#stop),
      );
    });
    this.element.append(this.#drop);
  }

  show(layout: Layout, sort: Sort): void {
    const hadFocus = this.element.contains(document.activeElement);
    const same =
      this.#cells.length === layout.visible.length &&
      this.#cells.every(({ column }, i) => column === layout.visible[i]);
    if (!same) this.#place(layout.visible);
    for (const { column, element } of this.#cells) {
      const sorted = column.id === sort.column;
      const natural = sort.column === NATURAL.column && sort.ascending;
      element.setAttribute('aria-sort', sorted ? (sort.ascending ? 'ascending' : 'descending') : 'none');
      element.classList.toggle('sorted', sorted && !natural);
      element.tabIndex = column.id === this.#stop ? 0 : -1;
    }
    if (hadFocus && !same) this.#focus(this.#stop);
  }

  /** Remaining cells are not touched: the user may be dragging the edge of one. */
  #place(columns: readonly Column[]): void {
    const kept = new Map(this.#cells.map((cell) => [cell.column, cell.element]));
    this.#cells = columns.map((column) => ({ column, element: kept.get(column) ?? this.#cell(column) }));
    for (const [column, element] of kept) if (!columns.includes(column)) element.remove();
    this.#cells.forEach(({ element }, index) => {
      element.setAttribute('aria-colindex', String(index + 1));
      const there = this.element.children[index] ?? null;
      if (there !== element) this.element.insertBefore(element, there);
    });
    this.#rulerKey = '';
  }

  /** Width of the waterfall's column in pixels; 0 when it is not shown. Call after each resize. */
  measureWaterfall(): number {
    const cell = this.#cells.find(({ column }) => column.id === 'waterfall')?.element;
    this.lines.style.left = `${cell?.offsetLeft ?? 0}px`;
    return cell?.clientWidth ?? 0;
  }

  drawRuler(window: TimeWindow | null, width: number): void {
    if (width === 0 || window === null) {
      this.#ruler.replaceChildren();
      this.lines.replaceChildren();
      this.#rulerKey = '';
      return;
    }
    const key = `${window.from} ${window.to} ${width}`;
    if (key === this.#rulerKey) return;
    this.#rulerKey = key;
    const { step, times } = ticks(window, width, TICK_GAP_PX);
    const labels = children(this.#ruler, 'tick', times.length);
    const lines = children(this.lines, 'grid-line', times.length);
    // In a narrow column the name is hidden first: a waterfall without times is of little use.
    const fits = (time: number, from: number): boolean => {
      const left = toPixels(window, width, time);
      return left >= from && left <= width - TICK_GAP_PX / 2;
    };
    const named = times.some((time) => fits(time, NAME_PX));
    this.element.classList.toggle('unnamed-waterfall', !named);
    times.forEach((time, index) => {
      const tick = labels[index];
      const line = lines[index];
      if (tick === undefined || line === undefined) return;
      const left = toPixels(window, width, time);
      setText(tick, fits(time, named ? NAME_PX : 0) ? tickText(time, step) : '');
      tick.style.transform = `translateX(${left.toFixed(1)}px)`;
      line.style.transform = `translateX(${Math.round(left)}px)`;
    });
  }

  /** The column that is the tab stop: the last one used, if it is shown. */
  get #stop(): ColumnId {
    const shown = this.#cells.find(({ column }) => column.id === this.#focused) ?? this.#cells[0];
    return shown?.column.id ?? this.#focused;
  }

  #cell(column: Column): HTMLElement {
    const element = el(
      'div',
      {
        class: `cell c-${column.id}${column.align === 'end' ? ' end' : ''}`,
        role: 'columnheader',
        'aria-label': column.spoken ?? null,
      },
      el('span', { class: 'name' }, column.label),
    );
    if (column.id === 'waterfall') element.append(this.#ruler);
    let wasMoved = false;
    element.addEventListener('click', () => {
      if (wasMoved) return;
      this.#focused = column.id;
      this.#sortBy(column.id);
    });
    const last = column.id === 'waterfall';
    if (!last) element.append(this.#handle(column, element));
    let from = 0;
    drag(element, {
      start: (event) => {
        wasMoved = false;
        from = event.clientX;
        return !(event.target instanceof Element && event.target.closest('.handle') !== null);
      },
      move: (event) => {
        if (Math.abs(event.clientX - from) > DRAG_PX) wasMoved = true;
        if (wasMoved) this.#showDrop(event.clientX);
      },
      end: (event) => {
        this.#drop.hidden = true;
        if (!wasMoved || event.type !== 'pointerup') return;
        const before = this.#cellAt(event.clientX)?.column.id ?? null;
        if (before !== column.id) this.#events.move(column.id, before);
      },
    });
    return element;
  }

  /** The first column whose middle is to the right of the pointer. */
  #cellAt(x: number): { column: Column; element: HTMLElement } | undefined {
    return this.#cells.find(({ element }) => {
      const { left, width } = element.getBoundingClientRect();
      return x < left + width / 2;
    });
  }

  /** Only a marker moves: the header is unchanged until the drop. */
  #showDrop(x: number): void {
    const cell = this.#cellAt(x)?.element;
    const last = this.#cells.at(-1)?.element;
    const left =
      cell?.offsetLeft ?? (last === undefined ? 0 : last.offsetLeft + last.offsetWidth + COLUMN_GAP);
    this.#drop.style.transform = `translateX(${left - COLUMN_GAP / 2}px)`;
    this.#drop.hidden = false;
  }

  #handle(column: Column, cell: HTMLElement): HTMLElement {
    const handle = el('div', { class: 'handle' });
    let width = 0;
    let from = 0;
    drag(handle, {
      start: (event) => {
        width = cell.getBoundingClientRect().width;
        from = event.clientX;
        return true;
      },
      move: (event) =>
        this.#events.resize(column.id, Math.max(column.minWidth, Math.round(width + event.clientX - from))),
    });
    handle.addEventListener('click', (event) => event.stopPropagation());
    handle.addEventListener('dblclick', () => this.#events.resize(column.id, null));
    return handle;
  }

  /** Ascending, then descending, then in the order of arrival. */
  #sortBy(column: ColumnId): void {
    const current = this.#cells.find((cell) => cell.column.id === column)?.element.getAttribute('aria-sort');
    if (current === 'ascending') this.#events.sort({ column, ascending: false });
    else if (current === 'descending') this.#events.sort(NATURAL);
    else this.#events.sort({ column, ascending: true });
  }

  #key(event: KeyboardEvent): void {
    const stop = this.#stop;
    const index = this.#cells.findIndex(({ column }) => column.id === stop);
    const current = this.#cells[index];
    if (current === undefined || event.altKey) return;
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (event.ctrlKey || event.metaKey) {
      if (step === 0 || !event.shiftKey) return;
      // To the right: before the column after the next.
      const to = index + (step > 0 ? 2 : -1);
      if (to >= 0 && to <= this.#cells.length)
        this.#events.move(current.column.id, this.#cells[to]?.column.id ?? null);
    } else if (step !== 0 && event.shiftKey) {
      const width = current.element.getBoundingClientRect().width + step * KEY_STEP_PX;
      this.#events.resize(current.column.id, Math.max(current.column.minWidth, Math.round(width)));
    } else if (step !== 0) {
      const next = this.#cells[index + step];
      if (next !== undefined) this.#focus(next.column.id);
    } else if (event.key === 'Enter' || event.key === ' ') {
      this.#sortBy(current.column.id);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  #focus(id: ColumnId): void {
    this.#focused = id;
    for (const { column, element } of this.#cells) {
      element.tabIndex = column.id === id ? 0 : -1;
      if (column.id === id) element.focus();
    }
  }
}

/** Exactly `count` children, made or removed as needed. */
function children(parent: HTMLElement, name: string, count: number): readonly HTMLElement[] {
  while (parent.childElementCount > count) parent.lastElementChild?.remove();
  while (parent.childElementCount < count) parent.append(el('span', { class: name }));
  return [...parent.children] as HTMLElement[];
}

/** Drops stored widths of columns that no longer exist. */
export function knownWidths(widths: unknown): Partial<Record<ColumnId, number>> {
  const known: Partial<Record<ColumnId, number>> = {};
  if (typeof widths !== 'object' || widths === null) return known;
  for (const { id } of COLUMNS) {
    const width = (widths as Record<string, unknown>)[id];
    if (typeof width === 'number' && Number.isFinite(width)) known[id] = width;
  }
  return known;
}
