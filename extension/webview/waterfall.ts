/** The time range that the waterfall shows: it fits the calls on screen until the user zooms or pans. */
import type { ExchangeRow } from '../engine/row.ts';
import { ELAPSED_MS } from '../words/numbers.ts';
import { extent } from './bars.ts';
import type { ListHeader } from './listHeader.ts';
import { bandsImage, type Pauses } from './pauses.ts';
import { ROW_HEIGHT, type RowView } from './rowView.ts';
import { pan, type TimeWindow, timeWindow, toTime, zoom } from './timeWindow.ts';

/** Empty part on both sides of the waterfall when it fits what is on screen. */
const FIT_MARGIN = 0.02;
const WHEEL_ZOOM = 0.0015;
const KEY_ZOOM = 0.7;
const KEY_PAN = 0.15;

export interface WaterfallHost {
  /** Contains the rows; its --pauses has the pause bands. */
  readonly body: HTMLElement;
  readonly header: ListHeader;
  readonly views: () => Iterable<RowView>;
  /** The rows that are wholly or partly on screen. */
  readonly inView: () => readonly (ExchangeRow | undefined)[];
  readonly window: (window: TimeWindow | null) => void;
}

export class Waterfall {
  readonly #pauses: Pauses;
  readonly #host: WaterfallHost;
  /** CSS pixels; 0: not shown. */
  #width = 0;
  /** What the user zoomed to; null: fit the calls on screen. */
  #chosen: TimeWindow | null = null;
  #shown: TimeWindow | null = null;
  #now = 0;
  /** CSS as last drawn. */
  #bands = 'none';

  constructor(pauses: Pauses, host: WaterfallHost) {
    this.#pauses = pauses;
    this.#host = host;
  }

  /** Column widths have changed. */
  measure(): void {
    this.#width = this.#host.header.measureWaterfall();
  }

  /** Extends running calls to `now`. */
  grow(now: number): void {
    this.#now = now;
    this.draw();
  }

  /** Milliseconds until a running call looks different: its bar by a pixel, or its elapsed time. */
  get pace(): number {
    const perPixel =
      this.#shown === null || this.#width === 0
        ? ELAPSED_MS
        : (this.#shown.to - this.#shown.from) / this.#width;
    return Math.min(ELAPSED_MS, perPixel);
  }

  fit(): void {
    this.#chosen = null;
    this.draw();
  }

  /** Like {@link fit}, at the next draw. */
  reset(): void {
    this.#chosen = null;
  }

  draw(): void {
    const width = this.#width;
    const window = width === 0 ? null : (this.#chosen ?? this.#fitted());
    for (const view of this.#host.views()) {
      view.drawElapsed(this.#now);
      view.drawEnded();
      if (window !== null) view.drawBar(window, width, this.#now);
    }
    const bands = window === null ? [] : this.#pauses.bands(window, width, this.#now);
    const image = bandsImage(bands);
    if (image !== this.#bands) {
      this.#bands = image;
      this.#host.body.style.setProperty('--pauses', image);
    }
    this.#host.header.drawRuler(window, width);
    if (window?.from !== this.#shown?.from || window?.to !== this.#shown?.to) {
      this.#shown = window;
      this.#host.window(window);
    }
  }

  #fitted(): TimeWindow | null {
    let from = Number.POSITIVE_INFINITY;
    let to = Number.NEGATIVE_INFINITY;
    for (const row of this.#host.inView()) {
      if (row === undefined) continue;
      const bar = extent(row, this.#now);
      from = Math.min(from, bar.from);
      to = Math.max(to, bar.to);
    }
    if (from > to) return null;
    const margin = (to - from) * FIT_MARGIN;
    return timeWindow(from - margin, to + margin);
  }

  wheel(event: WheelEvent): void {
    if (this.#width === 0 || this.#shown === null) return;
    // A wheel that counts lines instead of pixels.
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? 1 : ROW_HEIGHT;
    if (event.ctrlKey) {
      event.preventDefault();
      const column = this.#host.header.element.querySelector('.c-waterfall')?.getBoundingClientRect();
      const at = column === undefined ? null : event.clientX - column.left;
      this.#zoomBy(Math.exp(event.deltaY * unit * WHEEL_ZOOM), at);
    } else if (event.deltaX !== 0 || event.shiftKey) {
      event.preventDefault();
      const delta = event.deltaX !== 0 ? event.deltaX : event.deltaY;
      this.#panBy((delta * unit) / this.#width);
    }
  }

  /** @param way 1: in, -1: out. */
  zoomByKey(way: 1 | -1): void {
    this.#zoomBy(way === 1 ? KEY_ZOOM : 1 / KEY_ZOOM, null);
  }

  /** @param way 1: later, -1: earlier. */
  panByKey(way: 1 | -1): void {
    this.#panBy(way * KEY_PAN);
  }

  /** @param at pixels from the left edge of the waterfall; null: its middle. */
  #zoomBy(factor: number, at: number | null): void {
    if (this.#shown === null) return;
    const pixels = at === null ? this.#width / 2 : Math.min(Math.max(at, 0), this.#width);
    this.#chosen = zoom(this.#shown, toTime(this.#shown, this.#width, pixels), factor);
    this.draw();
  }

  /** @param share of the width that is shown. */
  #panBy(share: number): void {
    if (this.#shown === null) return;
    this.#chosen = pan(this.#shown, share * (this.#shown.to - this.#shown.from));
    this.draw();
  }
}
