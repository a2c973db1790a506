/** Start and stop, clear, the filter, the chips and the counters. */

import type { TraceStatus } from '../engine/traceStatus.ts';
import { counted, numberText, sizeText } from '../words/numbers.ts';
import { progressText } from '../words/progress.ts';
import { t } from '../words/translate.ts';
import { el, iconButton, setText, setTitle } from './dom.ts';
import { isTrusted } from './emptyState.ts';
import type { FilterInput } from './filterInput.ts';
import { type IconName, icon } from './icons.ts';
import type { Chip } from './rowMatcher.ts';
import type { RowStore } from './rowStore.ts';

const CHIPS: readonly { id: Chip; label: string }[] = [
  { id: 'all', label: t('All') },
  { id: 'errors', label: t('Errors') },
  { id: 'running', label: t('Running') },
];

export class Toolbar {
  readonly element: HTMLElement;
  readonly #startStop: HTMLButtonElement;
  readonly #clear: HTMLButtonElement;
  readonly #joins: HTMLButtonElement;
  readonly #nests: HTMLButtonElement;
  readonly #chips: Map<Chip, HTMLButtonElement>;
  readonly #calls = el('span', { class: 'count-calls' });
  readonly #errors = el('span', { class: 'count-errors' });
  readonly #bytes = el('span', { class: 'count-bytes' });
  #coming = 0;
  readonly #progress = el('span', {
    class: 'count-behind',
    title: t('Calls appear with a delay: the traced program has priority on the processor.'),
  });
  readonly #lost = el('span', {
    class: 'count-lost',
    title: t('Bytes that could not be captured. Bodies truncated at the limit do not count.'),
  });
  #running = false;

  constructor(
    filter: FilterInput,
    events: {
      readonly start: () => void;
      readonly stop: () => void;
      readonly clear: () => void;
      readonly chip: (chip: Chip) => void;
      /** Both sides of a call are shown as one row, or two. */
      readonly joins: (joins: boolean) => void;
      /** Calls that a call caused are nested beneath it, or not. */
      readonly nests: (nests: boolean) => void;
    },
  ) {
    this.#startStop = iconButton(icon('start'), '', () => (this.#running ? events.stop() : events.start()));
    this.#clear = iconButton(icon('clear'), t('Clear'), events.clear);
    this.#joins = switchButton('bothEnds', t('Both Ends of a Call in One Row'), events.joins);
    this.#nests = switchButton('nest', t('Nest Calls Beneath the Call That Caused Them'), events.nests);
    this.#chips = new Map(
      CHIPS.map(({ id, label }) => {
        const chip = el('button', { type: 'button', class: 'chip', 'data-chip': id }, label);
        chip.addEventListener('click', () => events.chip(id));
        return [id, chip];
      }),
    );
    this.element = el(
      'div',
      { class: 'toolbar' },
      this.#startStop,
      this.#clear,
      filter.element,
      el('div', { class: 'chips', role: 'group', 'aria-label': t('Show') }, ...this.#chips.values()),
      this.#joins,
      this.#nests,
      el(
        'div',
        { class: 'counters', role: 'status' },
        this.#calls,
        this.#errors,
        this.#bytes,
        this.#progress,
        this.#lost,
      ),
    );
  }

  /** Rows still to be received. @returns whether the number changed. */
  setComing(rows: number): boolean {
    const changed = rows !== this.#coming;
    this.#coming = rows;
    return changed;
  }

  show(status: TraceStatus, store: RowStore): void {
    this.#showPhase(status, store.size);
    // Joined rows were counted twice.
    const pairs = store.joins ? status.pairs : 0;
    const errors = status.errors - (store.joins ? status.failedPairs : 0);
    this.#joins.hidden = status.pairs === 0;
    this.#joins.setAttribute('aria-pressed', String(store.joins));
    this.#nests.hidden = !store.hasCauses;
    this.#nests.setAttribute('aria-pressed', String(store.nests));
    const all = status.calls - pairs;
    const { calls } = store;
    // Rows that are not calls are counted only if there are no calls.
    const others = store.length - calls;
    const also = calls === 0 && others > 0 ? ` + ${t('{0} encrypted', numberText(others))}` : '';
    setText(
      this.#calls,
      this.#coming > 0
        ? t('Loading, {0} to come…', numberText(this.#coming))
        : store.filtered && status.calls > 0
          ? counted(all, '{1} of {0} call', '{1} of {0} calls', numberText(calls)) + also
          : counted(all, '{0} call', '{0} calls') + also,
    );
    const held = store.size;
    const evicted =
      status.evicted === 0
        ? ''
        : counted(
            held,
            'Showing the newest call; {1} older ones were dropped to make room.',
            'Showing the newest {0} calls; {1} older ones were dropped to make room.',
            numberText(status.evicted),
          );
    const both =
      pairs === 0 ? '' : `${t('{0} of them were seen at both ends, and count once.', numberText(pairs))} `;
    setTitle(this.#calls, `${both}${evicted}`.trim());
    setText(this.#errors, counted(errors, '{0} error', '{0} errors'));
    this.#errors.classList.toggle('some', errors > 0);
    // Files have no byte count.
    this.#bytes.hidden = status.bytesSeen === 0 && status.calls > 0;
    setText(this.#bytes, sizeText(status.bytesSeen));
    setTitle(
      this.#bytes,
      status.pairs > 0
        ? t('Bytes moved on the traced connections, counted at each end that is traced')
        : t('Bytes moved on the traced connections'),
    );
    const progress = progressText(status);
    this.#progress.hidden = progress === null;
    setText(this.#progress, progress ?? '');
    this.#lost.hidden = status.bytesLost === 0;
    setText(this.#lost, t('{0} not captured', sizeText(status.bytesLost)));
  }

  showChip(chip: Chip): void {
    for (const [id, button] of this.#chips) button.setAttribute('aria-pressed', String(id === chip));
  }

  #showPhase({ phase, calls, bytesSeen, waitingRecords }: TraceStatus, held: number): void {
    const waits = phase === 'stopping' && waitingRecords > 0;
    const running = phase === 'running' || phase === 'starting' || waits;
    const label = waits ? t('Stop and Drop the Rest') : running ? t('Stop') : t('Start');
    if (this.#startStop.title !== label) {
      this.#running = running;
      this.#startStop.replaceChildren(icon(running ? 'stop' : 'start'));
      this.#startStop.title = label;
      this.#startStop.setAttribute('aria-label', label);
      this.#startStop.classList.toggle('stop', running);
      this.#startStop.classList.toggle('start', !running);
    }
    this.#startStop.disabled = (phase === 'stopping' && !waits) || !isTrusted();
    this.#clear.disabled = calls === 0 && held === 0 && bytesSeen === 0;
  }
}

/** A toggle button; hidden until it has an effect. */
function switchButton(name: IconName, label: string, changed: (on: boolean) => void): HTMLButtonElement {
  const button = iconButton(icon(name), label, () => changed(button.getAttribute('aria-pressed') !== 'true'));
  button.classList.add('switch');
  button.hidden = true;
  return button;
}
