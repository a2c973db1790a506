/** One line of the list. It is reused for other calls while scrolling; only what differs is written. */

import type { EndedProcesses } from '../engine/endedProcesses.ts';
import { grpcFailureText } from '../engine/grpc/status.ts';
import { type ExchangeRow, isError } from '../engine/row.ts';
import { addressParts, addressText } from '../words/address.ts';
import { causeText } from '../words/cause.ts';
import { badgeOf } from '../words/completeness.ts';
import { endingSentence } from '../words/ending.ts';
import {
  pausedPeerText,
  proxyText,
  reasonOf,
  rowProcessText,
  sessionText,
  statusText,
} from '../words/exchange.ts';
import { localized } from '../words/localized.ts';
import { counted, durationText, elapsedText } from '../words/numbers.ts';
import { t } from '../words/translate.ts';
import { labelText } from '../words/visible.ts';
import { extent, gradient, MIN_BAR_PX, segments, withPauses } from './bars.ts';
import { callContext } from './callContext.ts';
import { bothNames, type Column, statusClass } from './columns.ts';
import { el, setText, setTitle } from './dom.ts';
import { type IconName, icon } from './icons.ts';
import type { Pauses } from './pauses.ts';
import { phasesText } from './phases.ts';
import type { Place } from './rowStore.ts';
import type { Fold } from './rowTree.ts';
import { type TimeWindow, toPixels } from './timeWindow.ts';

/** CSS pixels. */
export const ROW_HEIGHT = 22;
const MAX_TITLE = 1_000;
const MAX_CALL = 512;
/** Prefixes to strip: the badge says this, and room is short. */
const FAILED = [t('TLS handshake failed: {0}', ''), t('name lookup failed: {0}', '')];
/** Deeper levels are not indented further. */
const MAX_INDENTED = 12;
const ROOT: Place = { level: 1, expanded: null, dimmed: false };
const PINNED = t('Pinned: kept when older calls are dropped, until the list is cleared');

export const rowElementId = (id: number): string => `call-${id}`;

export class RowView {
  readonly element = el('div', { class: 'row', role: 'row' });
  readonly #pauses: Pauses;
  readonly #ended: EndedProcesses;
  #isEnded = false;
  readonly #cells = new Map<Column, HTMLElement>();
  readonly #pin = el(
    'span',
    { class: 'pin', role: 'img', 'aria-label': t('pinned'), title: PINNED, hidden: '' },
    smallIcon('pin'),
  );
  readonly #host = el('span', { class: 'host' });
  readonly #path = el('span', { class: 'path' });
  readonly #operation = el('span', { class: 'operation', hidden: '' });
  readonly #badge = el('span', { class: 'badge', hidden: '' });
  readonly #proxy = el('span', { class: 'proxy', hidden: '' });
  readonly #messages = el('span', { class: 'message-count', hidden: '' });
  readonly #bar = el('div', { class: 'bar' });
  /** The bar's cell, once its tooltip was requested. */
  #explained: HTMLElement | null = null;
  /** Shows the rows beneath: the calls it caused, or the server's side. */
  readonly #twistie = el('span', { class: 'twistie', 'aria-hidden': 'true', hidden: '' }, icon('right'));
  #fold: Fold | null = null;
  #place: Place = ROOT;
  #shown: ExchangeRow | null = null;
  #index = -1;
  #selected = false;

  constructor(columns: readonly Column[], pauses: Pauses, ended: EndedProcesses) {
    this.#pauses = pauses;
    this.#ended = ended;
    columns.forEach((column, index) => {
      const cell = el('div', {
        class: `cell c-${column.id}${column.align === 'end' ? ' end' : ''}`,
        role: 'gridcell',
        'aria-colindex': index + 1,
      });
      if (column.id === 'call') {
        cell.append(
          this.#twistie,
          this.#pin,
          el('span', { class: 'call', 'data-doubt': t('probably') }, this.#host, this.#path, this.#operation),
          this.#proxy,
          this.#messages,
          this.#badge,
        );
      } else if (column.id === 'waterfall') {
        // Screen readers get the bar's content from the column Time and the tab Timing.
        cell.setAttribute('aria-hidden', 'true');
        cell.append(this.#bar);
        cell.addEventListener('pointerenter', () => this.#explainBar(cell));
      }
      this.#cells.set(column, cell);
      this.element.append(cell);
    });
    this.element.setAttribute('aria-selected', 'false');
  }

  get row(): ExchangeRow | null {
    return this.#shown;
  }

  /** @param fold null: the row represents one side of a call. */
  show(
    row: ExchangeRow,
    index: number,
    selected: boolean,
    fold: Fold | null = null,
    place: Place = ROOT,
  ): void {
    if (index !== this.#index) {
      this.#index = index;
      this.element.style.transform = `translateY(${index * ROW_HEIGHT}px)`;
      this.element.setAttribute('aria-rowindex', String(index + 2));
    }
    if (selected !== this.#selected) {
      this.#selected = selected;
      this.element.setAttribute('aria-selected', String(selected));
    }
    if (row === this.#shown && isSame(fold, this.#fold) && isSamePlace(place, this.#place)) return;
    this.#fold = fold;
    this.#place = place;
    this.#drawFold(row, fold, place);
    const hasSource = row.debug?.source != null;
    if (
      row.id !== this.#shown?.id ||
      row.pinned !== this.#shown.pinned ||
      hasSource !== (this.#shown.debug?.source != null)
    ) {
      this.element.id = rowElementId(row.id);
      this.#pin.hidden = !row.pinned;
      // VS Code's menu passes this object to its commands.
      this.element.dataset['vscodeContext'] = callContext(row, true);
    }
    this.#shown = row;
    this.element.dataset['status'] = statusClass(row);
    this.element.dataset['state'] = row.state;
    if (row.side === null) delete this.element.dataset['side'];
    else this.element.dataset['side'] = row.side;
    for (const [column, cell] of this.#cells) this.#fill(column, cell, row);
  }

  #drawFold(row: ExchangeRow, fold: Fold | null, { level, expanded, dimmed }: Place): void {
    const { element } = this;
    this.#twistie.hidden = expanded === null;
    if (fold === null) delete element.dataset['fold'];
    else element.dataset['fold'] = fold.kind;
    element.classList.toggle('dimmed', dimmed);
    element.classList.toggle('doubtful', row.cause !== null && row.cause.doubt !== null && level > 1);
    element.style.setProperty('--level', String(Math.min(level, MAX_INDENTED) - 1));
    element.setAttribute('aria-level', String(level));
    if (expanded === null) element.removeAttribute('aria-expanded');
    else element.setAttribute('aria-expanded', String(expanded));
    if (expanded === null) return;
    const both = fold !== null && fold.kind !== 'server';
    const what = both ? t('Both ends of the call were seen.') : t('The call caused others.');
    const click = expanded ? t('Click to hide what is beneath it.') : t('Click to show what is beneath it.');
    setTitle(this.#twistie, `${what} ${click}`);
  }

  /** How long a call has been running. */
  drawElapsed(now: number): void {
    const row = this.#shown;
    if (row === null || row.state !== 'running') return;
    for (const [column, cell] of this.#cells) {
      if (column.id !== 'time') continue;
      setText(cell, elapsedText(Math.max(0, now - row.start - this.#pauses.pausedMs(row, now))));
    }
  }

  /** Whether the process of the call has ended. */
  drawEnded(): void {
    const row = this.#shown;
    const ended = row !== null && this.#ended.has(row.pid);
    if (row === null || ended === this.#isEnded) return;
    this.#isEnded = ended;
    for (const [column, cell] of this.#cells) if (column.id === 'process') this.#fill(column, cell, row);
  }

  /** @param width of the waterfall's column in pixels. */
  drawBar(window: TimeWindow, width: number, now: number): void {
    const row = this.#shown;
    if (row === null || width <= 0) return;
    const { from, to } = extent(row, now);
    const left = toPixels(window, width, from);
    const right = Math.max(toPixels(window, width, to), left + MIN_BAR_PX);
    const style = this.#bar.style;
    if (right < 0 || left > width) {
      style.display = 'none';
      return;
    }
    // Clipped outside the column: at deep zoom, a bar would be millions of pixels long.
    const shownLeft = Math.max(left, -8);
    const shownRight = Math.min(right, width + 8);
    style.display = 'block';
    style.transform = `translateX(${shownLeft.toFixed(1)}px)`;
    style.width = `${(shownRight - shownLeft).toFixed(1)}px`;
    style.backgroundImage = gradient(withPauses(segments(row, now), this.#pauses.of(row, now)), right - left);
    style.backgroundSize = `${(right - left).toFixed(1)}px 100%`;
    style.backgroundPositionX = `${(left - shownLeft).toFixed(1)}px`;
  }

  /** Only when the pointer is over it: hundreds of rows are drawn. */
  #explainBar(cell: HTMLElement): void {
    const row = this.#shown;
    this.#explained = cell;
    setTitle(cell, row === null ? '' : phasesText(row));
  }

  #fill(column: Column, cell: HTMLElement, row: ExchangeRow): void {
    switch (column.id) {
      case 'waterfall':
        if (this.#explained !== null) this.#explainBar(this.#explained);
        return;
      case 'call':
        this.#fillCall(cell, row);
        return;
      case 'status':
        setTitle(cell, statusTitle(row));
        break;
      case 'process':
        this.#isEnded = this.#ended.has(row.pid);
        cell.classList.toggle('ended', this.#isEnded);
        if (this.#fold !== null && this.#fold.kind !== 'server') {
          fillBoth(cell, row, this.#fold.server);
          return;
        }
        setTitle(cell, processTitle(row, this.#isEnded));
        break;
      case 'time':
        setTitle(cell, timeTitle(row));
        break;
      default:
    }
    const text = column.text(row);
    if (column.id !== 'time' || row.state !== 'running') setText(cell, text);
    const spoken = column.speak?.(row);
    if (spoken === undefined || spoken === text) cell.removeAttribute('aria-label');
    else cell.setAttribute('aria-label', spoken);
  }

  #fillCall(cell: HTMLElement, row: ExchangeRow): void {
    const operation = row.operation ?? grpcFailureText(row.grpcStatus);
    this.#operation.hidden = operation === '';
    setText(this.#operation, labelText(operation, MAX_CALL));
    const reason = reasonOf(row);
    if (reason === null) this.#fillTarget(cell, row);
    else this.#fillReason(cell, row, reason);
    this.#proxy.hidden = row.proxy === null;
    setText(this.#proxy, proxyText(row));
    setTitle(this.#proxy, proxyText(row));
    this.#messages.hidden = row.messageFormat === null;
    if (row.messageFormat !== null)
      setText(this.#messages, counted(row.messages, '{0} message', '{0} messages'));
    const badge = badgeOf(row);
    this.#badge.hidden = badge === null;
    this.#proxy.classList.toggle('beside-badge', badge !== null);
    if (badge === null) return;
    setText(this.#badge, badge.label);
    setTitle(this.#badge, badge.sentence);
    this.#badge.dataset['tone'] = badge.tone;
  }

  #fillTarget(cell: HTMLElement, row: ExchangeRow): void {
    const { host, path } = addressParts(row);
    const address = addressText(row);
    const unknown = address === null;
    setText(this.#host, labelText(host, MAX_CALL));
    setText(this.#path, unknown ? t('request not seen') : labelText(path, MAX_CALL));
    this.#path.classList.toggle('reason', row.connectAttempts > 0);
    if (row.connectAttempts > 0) {
      // The badge says why connecting failed.
      setText(this.#host, labelText(address ?? t('unknown address'), MAX_CALL));
      setText(this.#path, '');
    }
    this.#path.classList.toggle('unknown', unknown);
    const operation = row.operation === null ? '' : `\n${labelText(row.operation, MAX_TITLE)}`;
    const cause =
      row.cause === null || this.#place.level === 1
        ? ''
        : `\n${t('Caused by the call above ({0})', causeText(row.cause))}`;
    setTitle(cell, labelText(address ?? '', MAX_TITLE) + operation + cause);
  }

  /** The other end, and why there are no messages. */
  #fillReason(cell: HTMLElement, row: ExchangeRow, reason: string): void {
    const host = row.host ?? t('unknown host');
    setText(this.#host, `${labelText(host, MAX_CALL)} `);
    setText(this.#path, labelText(withoutFailed(localized(reason)), MAX_CALL));
    this.#path.classList.toggle('unknown', !isError(row));
    this.#path.classList.add('reason');
    setTitle(cell, labelText(`${host}: ${localized(reason)}`, MAX_TITLE));
  }
}

function withoutFailed(reason: string): string {
  const said = FAILED.find((beginning) => reason.startsWith(beginning));
  return said === undefined ? reason : reason.slice(said.length);
}

function isSame(a: Fold | null, b: Fold | null): boolean {
  if (a === null || b === null) return a === b;
  return a.kind === b.kind && otherOf(a) === otherOf(b);
}

function isSamePlace(a: Place, b: Place): boolean {
  return a.level === b.level && a.expanded === b.expanded && a.dimmed === b.dimmed;
}

function otherOf(fold: Fold): ExchangeRow {
  return fold.kind === 'server' ? fold.client : fold.server;
}

/** Caller and callee, if both are known. */
function fillBoth(cell: HTMLElement, client: ExchangeRow, server: ExchangeRow): void {
  setText(cell, bothNames(client, server));
  setTitle(cell, t('called by {0}\nanswered by {1}', rowProcessText(client), rowProcessText(server)));
  cell.setAttribute(
    'aria-label',
    t('both ends: client {0}, server {1}', rowProcessText(client), rowProcessText(server)),
  );
}

function smallIcon(name: IconName): SVGSVGElement {
  const drawn = icon(name);
  drawn.setAttribute('width', '12');
  drawn.setAttribute('height', '12');
  return drawn;
}

function statusTitle(row: ExchangeRow): string {
  if (row.status !== null) return statusText(row);
  if (row.failure !== null) return t('No call was made');
  if (row.encrypted !== null) return t('Not decrypted');
  return row.state === 'running' ? t('No response yet') : (endingSentence(row) ?? t('No response was seen'));
}

function processTitle(row: ExchangeRow, ended: boolean): string {
  const process = ended ? t('{0}, which has ended', rowProcessText(row)) : rowProcessText(row);
  const session = sessionText(row);
  const lines = [roleText(row, process)];
  if (session !== '') lines.push(t('Debug session “{0}”', session));
  return lines.join('\n');
}

function roleText({ side }: ExchangeRow, process: string): string {
  if (side === null) return t('side unknown: {0}', process);
  return side === 'client' ? t('called by {0}', process) : t('answered by {0}', process);
}

/** Explains times that would mislead. */
function timeTitle(row: ExchangeRow): string {
  const paused = row.debug?.pausedMs ?? 0;
  const lines = [pausedPeerText(row.debug)];
  if (paused > 0)
    lines.unshift(t('Without about {0} during which the debugger paused the program', durationText(paused)));
  return lines.filter((text) => text !== '').join('\n');
}
