/** The strip above the list: all calls over the whole trace, and a brush that selects a time range. */

import type { ExchangeRow } from '../engine/row.ts';
import { durationText } from '../words/numbers.ts';
import { t } from '../words/translate.ts';
import { drag, el } from './dom.ts';
import { density, lanes, Mark } from './lanes.ts';
import type { Pauses } from './pauses.ts';
import type { TimeRange } from './rowMatcher.ts';
import type { RowStore } from './rowStore.ts';
import type { StoryMarks } from './story.ts';
import { tickText } from './ticks.ts';
import { type TimeWindow, ticks, timeWindow, toPixels, toTime } from './timeWindow.ts';

/** CSS pixels. */
const LABEL_HEIGHT = 14;
const LANE_HEIGHT = 3;
const LANE_GAP = 1;
const TICK_GAP = 110;
const COLUMN_WIDTH = 3;
const GRID_ALPHA = 0.5;
const DIMMED_ALPHA = 0.25;
/** A press that moves less is a click. */
const CLICK_PX = 3;
/** Distance from an end of the brush within which a press grabs it. */
const GRIP_PX = 5;
/** Redrawing 100,000 calls takes a few milliseconds; while they come in, this is often enough. */
const REDRAW_MS = 250;
/** A redraw due this soon is done now, with the list update: a separate frame would cost as much as both. */
const SOON_MS = 50;
const KEY_STEP = 0.02;

type Grip = 'new' | 'from' | 'to' | 'move';

export class Overview {
  readonly #store: RowStore;
  readonly #pauses: Pauses;
  readonly #story: StoryMarks;
  /** null: the whole trace. */
  readonly #onRange: (range: TimeRange | null) => void;
  readonly element: HTMLElement;
  readonly #canvas = el('canvas', { 'aria-hidden': 'true' });
  readonly #brush = el('div', { class: 'brush', hidden: '' });
  readonly #view = el('div', { class: 'window', hidden: '' });
  #width = 0;
  #height = 0;
  #extentMs = 1;
  #now = 0;
  #shownWindow: TimeWindow | null = null;
  #range: TimeRange | null = null;
  #drawn = '';
  #timer: ReturnType<typeof setTimeout> | null = null;
  /** By performance.now(). */
  #lastDrawn = Number.NEGATIVE_INFINITY;

  constructor(
    store: RowStore,
    pauses: Pauses,
    story: StoryMarks,
    onRange: (range: TimeRange | null) => void,
  ) {
    this.#store = store;
    this.#pauses = pauses;
    this.#story = story;
    this.#onRange = onRange;
    this.element = el(
      'div',
      {
        class: 'overview',
        role: 'slider',
        tabindex: 0,
        'aria-label': t('Time range'),
        'aria-orientation': 'horizontal',
        title: t('Drag to choose a time range. Double-click or Escape for all.'),
      },
      this.#canvas,
      this.#view,
      this.#brush,
      story.element,
    );
    this.#listen();
    new ResizeObserver(() => {
      this.#width = this.element.clientWidth;
      this.#height = this.element.clientHeight;
      this.redraw();
    }).observe(this.element);
    // A theme is a set of variables on the root and a class on the body.
    const themes = new MutationObserver(() => this.redraw());
    themes.observe(document.documentElement, { attributes: true, attributeFilter: ['style', 'class'] });
    themes.observe(document.body, { attributes: true, attributeFilter: ['class'] });
    this.#describe();
  }

  /** Something in the store may have changed. */
  update(now: number): void {
    this.#now = now;
    if (this.#timer !== null) return;
    const wait = this.#lastDrawn + REDRAW_MS - performance.now();
    if (wait <= SOON_MS) {
      this.#draw();
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#draw();
    }, wait);
  }

  /** At once, even if nothing changed. */
  redraw(): void {
    this.#drawn = '';
    this.#draw();
  }

  /** The waterfall's time range. */
  showWindow(window: TimeWindow | null): void {
    this.#shownWindow = window;
    this.#place();
  }

  showRange(range: TimeRange | null): void {
    this.#range = range;
    this.#place();
    this.#describe();
  }

  get #whole(): TimeWindow {
    return timeWindow(0, this.#extentMs);
  }

  #draw(): void {
    this.#lastDrawn = performance.now();
    const width = this.#width;
    const height = this.#height;
    if (width === 0 || height === 0) return;
    const running = this.#now;
    const key = `${this.#store.revision} ${this.#pauses.revision} ${this.#story.revision} ${this.#store.listRevision} ${running} ${width} ${height}`;
    if (key === this.#drawn) return;
    this.#drawn = key;
    this.#extentMs = this.#measure();

    const scale = window.devicePixelRatio;
    this.#canvas.width = Math.round(width * scale);
    this.#canvas.height = Math.round(height * scale);
    const context = this.#canvas.getContext('2d');
    if (context === null) return;
    context.scale(scale, scale);
    const theme = getComputedStyle(this.element);
    const colour = (name: string): string => theme.getPropertyValue(name).trim();

    const { step, times } = ticks(this.#whole, width, TICK_GAP);
    context.font = `10px ${theme.fontFamily}`;
    context.textBaseline = 'top';
    for (const time of times) {
      const x = Math.round(toPixels(this.#whole, width, time));
      context.fillStyle = colour('--line');
      context.globalAlpha = GRID_ALPHA;
      if (time > 0) context.fillRect(x, 0, 1, height);
      context.globalAlpha = 1;
      context.fillStyle = colour('--muted');
      if (x < width - 40) context.fillText(tickText(time, step), x + 5, 3);
    }

    context.fillStyle = colour('--pause-band');
    for (const band of this.#pauses.bands(this.#whole, width, running))
      context.fillRect(band.left, 0, band.width, height);

    const count = Math.max(1, Math.floor((height - LABEL_HEIGHT - 2) / (LANE_HEIGHT + LANE_GAP)));
    const colours: Record<Mark, string> = {
      [Mark.None]: 'transparent',
      [Mark.Done]: colour('--overview-done'),
      [Mark.Running]: colour('--overview-running'),
      [Mark.Error]: colour('--overview-error'),
    };
    // With more calls than this, bars would overlap: their density is drawn instead.
    const dense = this.#store.size > (width / COLUMN_WIDTH) * count;
    // Calls hidden by the filter are drawn faintly behind the listed ones.
    for (const listed of [false, true]) {
      if (!listed && this.#store.length === this.#store.size) continue;
      context.globalAlpha = listed ? 1 : DIMMED_ALPHA;
      if (dense) {
        this.#drawDensity(context, colours, listed ? this.#store.rowsPassing(true) : this.#store.rows());
        continue;
      }
      for (const run of lanes(this.#store.rowsPassing(listed), this.#whole, width, count, running)) {
        context.fillStyle = colours[run.mark];
        const y = LABEL_HEIGHT + run.lane * (LANE_HEIGHT + LANE_GAP);
        context.fillRect(run.from, y, run.to - run.from, LANE_HEIGHT);
      }
    }
    context.globalAlpha = 1;
    this.#story.draw(this.#whole, width);
    this.#place();
    this.#describe();
  }

  /** Bars on the lower edge, with errors at the bottom, where they line up. */
  #drawDensity(
    context: CanvasRenderingContext2D,
    colours: Record<Mark, string>,
    rows: Iterable<ExchangeRow>,
  ): void {
    const count = Math.ceil(this.#width / COLUMN_WIDTH);
    const columns = density(rows, this.#whole, count);
    const all = density(this.#store.rows(), this.#whole, count);
    const most = all.reduce((max, { calls }) => Math.max(max, calls), 1);
    const room = this.#height - LABEL_HEIGHT - 3;
    columns.forEach(({ calls, errors, running }, index) => {
      let y = this.#height - 3;
      const part = (count: number, mark: Mark): void => {
        if (count === 0) return;
        // Even the smallest value is visible.
        const length = Math.max(mark === Mark.Error ? 2 : 1, (count / most) * room);
        context.fillStyle = colours[mark];
        context.fillRect(index * COLUMN_WIDTH, y - length, COLUMN_WIDTH - 1, length);
        y -= length;
      };
      part(errors, Mark.Error);
      part(running, Mark.Running);
      part(calls - errors - running, Mark.Done);
    });
  }

  #measure(): number {
    let end = 0;
    for (const row of this.#store.rows()) {
      end = Math.max(end, row.state === 'running' ? this.#now : row.start + (row.duration ?? 0));
    }
    return Math.max(1, end * 1.01);
  }

  #place(): void {
    const set = (element: HTMLElement, range: TimeWindow | null): void => {
      element.hidden = range === null;
      if (range === null) return;
      const left = Math.max(0, toPixels(this.#whole, this.#width, range.from));
      const right = Math.min(this.#width, toPixels(this.#whole, this.#width, range.to));
      element.style.transform = `translateX(${left.toFixed(1)}px)`;
      element.style.width = `${Math.max(2, right - left).toFixed(1)}px`;
    };
    set(this.#brush, this.#range);
    set(this.#view, this.#shownWindow);
  }

  /** What a screen reader announces. */
  #describe(): void {
    const range = this.#range;
    this.element.setAttribute('aria-valuemin', '0');
    this.element.setAttribute('aria-valuemax', String(Math.round(this.#extentMs)));
    this.element.setAttribute('aria-valuenow', String(Math.round(range?.from ?? 0)));
    this.element.setAttribute(
      'aria-valuetext',
      range === null
        ? t('the whole trace')
        : t('{0} to {1}', durationText(range.from), durationText(range.to)),
    );
  }

  #set(range: TimeRange | null): void {
    this.showRange(range);
    this.#onRange(range);
  }

  #listen(): void {
    let grip: Grip = 'new';
    let pressedAt = 0;
    // Stored as a time: the scale changes while calls arrive.
    let pressedTime = 0;
    let before: TimeRange | null = null;
    const position = (event: PointerEvent): number => {
      const x = event.clientX - this.element.getBoundingClientRect().left;
      return Math.min(this.#width, Math.max(0, x));
    };
    const time = (x: number): number => toTime(this.#whole, this.#width, x);

    drag(this.element, {
      start: (event) => {
        this.element.focus({ preventScroll: true });
        pressedAt = position(event);
        pressedTime = time(pressedAt);
        before = this.#range;
        grip = this.#gripAt(pressedAt);
        return true;
      },
      move: (event) => {
        const x = position(event);
        if (Math.abs(x - pressedAt) < CLICK_PX && this.#range === before) return;
        const now = time(x);
        const by = now - pressedTime;
        if (grip === 'new' || before === null) {
          this.#set({ from: Math.min(now, pressedTime), to: Math.max(now, pressedTime) });
        } else if (grip === 'move') {
          this.#set({ from: before.from + by, to: before.to + by });
        } else {
          const ends = grip === 'from' ? [before.from + by, before.to] : [before.from, before.to + by];
          this.#set({ from: Math.min(...ends), to: Math.max(...ends) });
        }
      },
    });
    this.element.addEventListener('pointermove', (event) => {
      if (event.buttons !== 0) return;
      const at = this.#gripAt(position(event));
      this.element.dataset['grip'] = at;
    });
    this.element.addEventListener('dblclick', () => this.#set(null));
    this.element.addEventListener('keydown', (event) => this.#key(event));
  }

  #gripAt(x: number): Grip {
    if (this.#range === null) return 'new';
    const from = toPixels(this.#whole, this.#width, this.#range.from);
    const to = toPixels(this.#whole, this.#width, this.#range.to);
    if (Math.abs(x - from) <= GRIP_PX) return 'from';
    if (Math.abs(x - to) <= GRIP_PX) return 'to';
    return x > from && x < to ? 'move' : 'new';
  }

  /** Arrows move the range (Shift: its end); the first creates it. */
  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Escape' && this.#range !== null) {
      this.#set(null);
    } else if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') {
      const step = (event.key === 'ArrowRight' ? 1 : -1) * KEY_STEP * this.#extentMs;
      const range = this.#range ?? { from: this.#extentMs * 0.4, to: this.#extentMs * 0.6 };
      if (this.#range === null) this.#set(range);
      else if (event.shiftKey) this.#set({ from: range.from, to: Math.max(range.from, range.to + step) });
      else this.#set({ from: range.from + step, to: range.to + step });
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }
}
