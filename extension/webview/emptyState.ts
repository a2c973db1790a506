/** What stands where there are no calls: one clear sentence, and what to do. */
import type { TraceStatus } from '../engine/traceStatus.ts';
import { processText } from '../words/exchange.ts';
import { visibleLine } from '../words/visible.ts';
import { el, textButton } from './dom.ts';

export interface EmptyActions {
  readonly start: () => void;
  readonly pickProcess: () => void;
  readonly clearFilter: () => void;
}

type Action = 'start' | 'pick' | 'clear';

interface Said {
  readonly sentence: string;
  readonly detail?: string;
  readonly actions: readonly Action[];
  readonly busy?: boolean;
}

const FIRST_TARGETS = 3;

/** null: there is something to show. */
function say(status: TraceStatus, held: number, listed: number): Said | null {
  if (listed > 0) return null;
  if (held > 0) return { sentence: 'No call matches the filter.', actions: ['clear'] };
  switch (status.phase) {
    case 'idle':
      return {
        sentence: 'Start a trace to see every HTTP call of your program here as it happens.',
        detail: 'No proxy, no certificate, no change to the program.',
        actions: ['start', 'pick'],
      };
    case 'starting':
      return { sentence: 'Starting…', actions: [], busy: true };
    case 'running':
      return { sentence: `Waiting for the first call${from(status)}…`, actions: [], busy: true };
    case 'stopping':
      return { sentence: 'Stopping…', actions: [], busy: true };
    case 'stopped':
      return {
        sentence: 'The trace has ended; there is no call to show.',
        detail: 'Start it again before the program makes its calls.',
        actions: ['start', 'pick'],
      };
    case 'failed':
      return {
        sentence: status.problem ?? 'The trace could not be started.',
        actions: ['start', 'pick'],
      };
    default:
      return status.phase satisfies never;
  }
}

function from(status: TraceStatus): string {
  const alive = status.targets.filter(({ ended }) => !ended);
  if (alive.length === 0) return '';
  const named = alive.slice(0, FIRST_TARGETS).map(processText);
  const more = alive.length - named.length;
  if (more > 0) named.push(`${more} more`);
  const last = named.pop() ?? '';
  return ` from ${named.length === 0 ? last : `${named.join(', ')} and ${last}`}`;
}

export class EmptyState {
  readonly element = el('div', { class: 'empty', role: 'status', hidden: '' });
  private shown = '';

  constructor(private readonly actions: EmptyActions) {}

  /** @returns true when it is shown, in place of the list. */
  show(status: TraceStatus, held: number, listed: number): boolean {
    const said = say(status, held, listed);
    this.element.hidden = said === null;
    const key = JSON.stringify([said, status.phase]);
    if (said === null || key === this.shown) return said !== null;
    this.shown = key;
    const buttons = said.actions.map((action) => this.button(action, status));
    this.element.dataset['phase'] = status.phase;
    this.element.replaceChildren(
      ...(said.busy === true ? [el('div', { class: 'progress', 'aria-hidden': 'true' })] : []),
      el('p', { class: 'sentence' }, visibleLine(said.sentence)),
      ...(said.detail === undefined ? [] : [el('p', { class: 'detail' }, said.detail)]),
      ...(buttons.length === 0 ? [] : [el('div', { class: 'actions' }, ...buttons)]),
    );
    return true;
  }

  private button(action: Action, status: TraceStatus): HTMLButtonElement {
    switch (action) {
      case 'start': {
        const label = status.phase === 'failed' ? 'Try Again' : 'Start HTTP Trace';
        return textButton(label, this.actions.start, 'primary');
      }
      case 'pick':
        return textButton('Choose a Process…', this.actions.pickProcess, 'secondary');
      case 'clear':
        return textButton('Show All Calls', this.actions.clearFilter, 'secondary');
      default:
        return action satisfies never;
    }
  }
}
