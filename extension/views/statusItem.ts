/** The item in the status bar: calls, errors, bytes that were not captured. */

import * as vscode from 'vscode';
import type { Trace } from '../capture/trace.ts';
import { focusCommand, STATUS_ITEM, View } from '../contributions.ts';
import type { TraceStatus } from '../engine/traceStatus.ts';
import { counted, sizeText } from '../words/numbers.ts';
import { progressText } from '../words/progress.ts';
import { t } from '../words/translate.ts';
import { joinsBothEnds } from './listSettings.ts';

/** Milliseconds between two texts. The window redraws for each; a phase change is shown at once. */
const INTERVAL_MS = 500;

export class StatusItem implements vscode.Disposable {
  readonly #item = vscode.window.createStatusBarItem(STATUS_ITEM, vscode.StatusBarAlignment.Left, 5);
  readonly #listener: vscode.Disposable;
  #phase: TraceStatus['phase'] | null = null;
  #helperKept = false;
  /** Milliseconds since the epoch. */
  #lastShown = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(trace: Trace) {
    this.#item.name = 'HTTP Trace';
    this.#item.command = focusCommand(View.panel);
    const listener = trace.onDidChangeStatus((status) => {
      const wait = status.phase === this.#phase ? this.#lastShown + INTERVAL_MS - Date.now() : 0;
      clearTimeout(this.#timer);
      if (wait <= 0) this.#show(status);
      else this.#timer = setTimeout(() => this.#show(trace.status), wait);
    });
    const settings = vscode.workspace.onDidChangeConfiguration(() => this.#show(trace.status));
    this.#listener = new vscode.Disposable(() => {
      listener.dispose();
      settings.dispose();
    });
    this.#show(trace.status);
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#listener.dispose();
    this.#item.dispose();
  }

  #show(status: TraceStatus): void {
    this.#phase = status.phase;
    this.#lastShown = Date.now();
    if (status.phase === 'idle' && status.files.length === 0) {
      this.#item.hide();
      // So that the same text is shown next time.
      this.#item.text = '';
      return;
    }
    const text = `${ICONS[status.phase]} ${inShort(status)}`;
    // Each assignment is sent to the window: assigns only changes.
    if (this.#item.text === text && this.#helperKept === status.helperKept) return;
    this.#item.text = text;
    this.#helperKept = status.helperKept;
    const sentences = [HEADINGS[status.phase], ...summary(status), ...(status.helperKept ? [KEPT] : [])];
    this.#item.tooltip = [...sentences, t('Click to show the timeline.')].join('\n');
    this.#item.accessibilityInformation = { label: sentences.join(' ') };
    this.#item.backgroundColor =
      status.phase === 'failed' ? new vscode.ThemeColor('statusBarItem.warningBackground') : undefined;
    this.#item.show();
  }
}

const ICONS = {
  idle: '$(file)',
  starting: '$(loading~spin)',
  running: '$(pulse)',
  stopping: '$(loading~spin)',
  stopped: '$(debug-stop)',
  failed: '$(warning)',
} as const;

const HEADINGS = {
  idle: t('HTTP Trace shows calls from a file.'),
  starting: t('HTTP Trace is starting.'),
  running: t('HTTP Trace is running.'),
  stopping: t('HTTP Trace is stopping.'),
  stopped: t('HTTP Trace has stopped.'),
  failed: t('HTTP Trace failed.'),
} as const;

const KEPT = t('Nothing is captured. The helper waits for the next trace (httpTrace.keepHelper).');

/** Without counts where there cannot be calls yet, or a failure left none. */
function inShort(status: TraceStatus): string {
  if (status.phase === 'starting') return t('Starting HTTP Trace');
  if (status.phase === 'failed' && status.calls === 0) return t('HTTP Trace failed');
  return summary(status).join(' · ');
}

function summary(status: TraceStatus): string[] {
  // A pair shown as one row counts once.
  const { pairs, failedPairs } = joinsBothEnds() ? status : { pairs: 0, failedPairs: 0 };
  const errors = status.errors - failedPairs;
  const parts = [counted(status.calls - pairs, '{0} call', '{0} calls')];
  if (errors > 0) parts.push(counted(errors, '{0} error', '{0} errors'));
  const progress = progressText(status);
  if (progress !== null) parts.push(progress);
  if (status.bytesLost > 0) parts.push(t('{0} not captured', sizeText(status.bytesLost)));
  return parts;
}
