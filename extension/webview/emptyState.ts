/** What is shown in place of an empty list: one sentence, and what to do. */

import type { TraceStatus } from '../engine/traceStatus.ts';
import { processText } from '../words/exchange.ts';
import { localizedOrNull } from '../words/localized.ts';
import { counted } from '../words/numbers.ts';
import { t } from '../words/translate.ts';
import { visibleLine } from '../words/visible.ts';
import { el, textButton } from './dom.ts';

export interface EmptyActions {
  readonly start: () => void;
  readonly pickProcess: () => void;
  readonly clearFilter: () => void;
  readonly manageTrust: () => void;
  readonly openTrace: () => void;
  readonly whyNothing: () => void;
}

type Action = 'start' | 'pick' | 'clear' | 'trust' | 'open' | 'why';

interface Content {
  readonly sentence: string;
  readonly detail?: string;
  readonly actions: readonly Action[];
  readonly busy?: boolean;
}

const FIRST_TARGETS = 3;

/** The host recreates the page when the workspace becomes trusted. */
export const isTrusted = (): boolean => document.body.dataset['trusted'] !== 'false';

const isSupported = (): boolean => document.body.dataset['supported'] !== 'false';

/** null: there is something to show. */
function contentOf(status: TraceStatus, held: number, listed: number, dropped: number): Content | null {
  if (listed > 0) return null;
  if (held > 0) return { sentence: t('No call matches the filter.'), actions: ['clear'] };
  // A panel just opened or moved receives its rows a moment later.
  if (status.calls > 0)
    return {
      sentence: counted(status.calls, 'Loading {0} call…', 'Loading {0} calls…'),
      actions: [],
      busy: true,
    };
  switch (status.phase) {
    case 'idle':
      if (!isTrusted())
        return {
          sentence: t('HTTP Trace is off in Restricted Mode: it reads the traffic of the program you debug.'),
          actions: ['trust', 'open'],
        };
      if (!isSupported())
        return {
          sentence: t(
            'HTTP Trace captures calls on Linux only: open the workspace there, by Remote - SSH, WSL or in a container.',
          ),
          detail: t('Traces and HTTP Archives (HAR) that were captured elsewhere can be opened here.'),
          actions: ['open'],
        };
      return {
        sentence: t('Start a trace to see every HTTP call your program makes or answers, live.'),
        detail:
          dropped === 0
            ? t('No proxy, no certificate, no code changes.')
            : counted(
                dropped,
                'The window was closed or reloaded: the previous trace has ended, and its {0} call was not kept.',
                'The window was closed or reloaded: the previous trace has ended, and its {0} calls were not kept.',
              ),
        actions: ['start', 'pick', 'open'],
      };
    case 'starting':
      return { sentence: t('Starting…'), actions: [], busy: true };
    case 'running':
      return { sentence: waiting(status), actions: ['why'], busy: true };
    case 'stopping':
      return { sentence: t('Stopping…'), actions: [], busy: true };
    case 'stopped':
      return {
        sentence: t('No calls. Start a trace, then repeat the action.'),
        actions: ['start', 'pick', 'open'],
      };
    case 'failed':
      return {
        sentence: localizedOrNull(status.problem) ?? t('The trace could not be started.'),
        actions: ['start', 'pick', 'open'],
      };
    default:
      return status.phase satisfies never;
  }
}

/** `Waiting for node (42) and 2 more to make or answer a call`. */
function waiting(status: TraceStatus): string {
  const alive = status.targets.filter(({ ended }) => !ended);
  if (alive.length === 0) return t('Waiting for a call');
  const named = alive.slice(0, FIRST_TARGETS).map(processText);
  const more = alive.length - named.length;
  if (more > 0) named.push(t('{0} more', more));
  const last = named.pop() ?? '';
  const processes = named.length === 0 ? last : t('{0} and {1}', named.join(', '), last);
  return t('Waiting for {0} to make or answer a call', processes);
}

export class EmptyState {
  readonly #actions: EmptyActions;
  readonly element = el('div', { class: 'empty', role: 'status', tabindex: -1, hidden: '' });
  #shown = '';

  constructor(actions: EmptyActions) {
    this.#actions = actions;
  }

  /**
   * @param dropped calls that the previous window held.
   * @returns true when it is shown, in place of the list.
   */
  show(status: TraceStatus, held: number, listed: number, dropped: number): boolean {
    const content = contentOf(status, held, listed, dropped);
    this.element.hidden = content === null;
    const key = JSON.stringify([content, status.phase]);
    if (content === null || key === this.#shown) return content !== null;
    this.#shown = key;
    const buttons = content.actions.map((action) => this.#button(action, status));
    this.element.dataset['phase'] = status.phase;
    this.element.replaceChildren(
      ...(content.busy === true ? [el('div', { class: 'progress', 'aria-hidden': 'true' })] : []),
      el('p', { class: 'sentence' }, visibleLine(content.sentence)),
      ...(content.detail === undefined ? [] : [el('p', { class: 'detail' }, content.detail)]),
      ...(buttons.length === 0 ? [] : [el('div', { class: 'actions' }, ...buttons)]),
    );
    return true;
  }

  /** Focuses the first button, or the sentence if there is none. */
  focus(): void {
    (this.element.querySelector('button') ?? this.element).focus();
  }

  #button(action: Action, status: TraceStatus): HTMLButtonElement {
    switch (action) {
      case 'start': {
        const label = status.phase === 'failed' ? t('Try Again') : t('Start');
        return textButton(label, this.#actions.start, 'primary');
      }
      case 'pick':
        return textButton(t('Choose a Process…'), this.#actions.pickProcess, 'secondary');
      case 'clear':
        return textButton(t('Show All Calls'), this.#actions.clearFilter, 'secondary');
      case 'trust':
        return textButton(t('Manage Workspace Trust'), this.#actions.manageTrust, 'primary');
      case 'open':
        return textButton(t('Open Trace…'), this.#actions.openTrace, isSupported() ? 'secondary' : 'primary');
      case 'why':
        return textButton(t('Why Is Nothing Shown?'), this.#actions.whyNothing, 'secondary');
      default:
        return action satisfies never;
    }
  }
}
