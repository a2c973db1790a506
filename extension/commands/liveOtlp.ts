/**
 * Sends spans to an OpenTelemetry collector while a trace runs, if the setting names one; with a status bar item.
 */

import * as vscode from 'vscode';
import type { Trace } from '../capture/trace.ts';
import { OTLP_ITEM, Setting } from '../contributions.ts';
import type { TracePhase, TraceStatus } from '../engine/traceStatus.ts';
import { otlpEndpoint } from '../otlp/exporter.ts';
import { localized } from '../words/localized.ts';
import { t } from '../words/translate.ts';
import { notificationText } from '../words/visible.ts';
import { OtlpFeed } from './otlpFeed.ts';
import { collectorName, otlpItemText } from './otlpStatus.ts';

/** VS Code command that opens only this setting. A machine setting is a remote setting if the machine is remote. */
const OPEN_SETTING = {
  title: t('Open Setting'),
  command:
    vscode.env.remoteName === undefined
      ? 'workbench.action.openSettings'
      : 'workbench.action.openRemoteSettings',
  arguments: [{ query: `@id:${Setting.otlp}` }],
};

export class LiveOtlp implements vscode.Disposable {
  readonly #trace: Trace;
  readonly #version: string;
  readonly #item = vscode.window.createStatusBarItem(OTLP_ITEM, vscode.StatusBarAlignment.Left, 4);
  readonly #subscriptions: vscode.Disposable[];
  #phase: TracePhase;
  #list: number;
  /** Where spans go, and the value of the setting. Kept after a trace has ended: spans may still be pending. */
  #live: { readonly feed: OtlpFeed; readonly endpoint: URL; readonly address: string } | null = null;
  /** Spans lost before the current trace or list. */
  #lostBefore = 0;
  #warned = false;

  constructor(trace: Trace, version: string) {
    this.#trace = trace;
    this.#version = version;
    this.#phase = trace.status.phase;
    this.#list = trace.status.list;
    this.#item.name = 'HTTP Trace: OpenTelemetry';
    this.#item.command = OPEN_SETTING;
    const status = trace.onDidChangeStatus((now) => this.#takeStatus(now));
    this.#subscriptions = [
      new vscode.Disposable(() => status.dispose()),
      vscode.workspace.onDidChangeConfiguration((change) => {
        if (change.affectsConfiguration(Setting.otlp)) this.#configure();
      }),
      this.#item,
    ];
  }

  /** Sends pending spans, for a few seconds at most. */
  async close(): Promise<void> {
    await this.#live?.feed.close();
  }

  dispose(): void {
    for (const one of this.#subscriptions) one.dispose();
    void this.close();
  }

  #takeStatus({ phase, list }: TraceStatus): void {
    const starts = isActive(phase) && !isActive(this.#phase);
    this.#phase = phase;
    if (starts || list !== this.#list) {
      // The user has cleared the list: old counts do not matter.
      if (list !== this.#list) this.#live?.feed.restart();
      this.#list = list;
      this.#lostBefore = this.#live?.feed.counts.lost ?? 0;
      this.#warned = false;
    }
    if (starts) this.#configure();
    this.#show();
  }

  /** Nothing is created before a trace runs, so the user can edit the address undisturbed. */
  #configure(): void {
    const address = String(vscode.workspace.getConfiguration().get<unknown>(Setting.otlp) ?? '').trim();
    if (address === (this.#live?.address ?? '')) return;
    if (address !== '' && !isActive(this.#phase)) return;
    void this.#live?.feed.close();
    this.#live = null;
    this.#lostBefore = 0;
    this.#warned = false;
    const endpoint = otlpEndpoint(address);
    if (endpoint !== null) {
      const feed = new OtlpFeed(this.#trace, endpoint, this.#version, () => this.#show());
      this.#live = { feed, endpoint, address };
    } else if (address !== '')
      void warn(
        t(
          'The setting {0} needs the address of a collector, such as http://127.0.0.1:4318. No spans are sent.',
          Setting.otlp,
        ),
      );
    this.#show();
  }

  /** Shown while a trace runs, and afterwards if spans are pending or were lost. */
  #show(): void {
    const counts = this.#live?.feed.counts;
    const lost = (counts?.lost ?? 0) - this.#lostBefore;
    if (
      this.#live === null ||
      counts === undefined ||
      (!isActive(this.#phase) && counts.waiting === 0 && lost === 0)
    ) {
      this.#item.hide();
      return;
    }
    const { text, lines } = otlpItemText(this.#live.endpoint, { ...counts, lost }, Setting.otlp);
    const tooltip = lines.join('\n');
    // Each assignment is sent to the window: assigns only changes.
    if (this.#item.text !== text || this.#item.tooltip !== tooltip) {
      this.#item.text = text;
      this.#item.tooltip = tooltip;
      this.#item.accessibilityInformation = { label: lines.join(' ') };
    }
    this.#item.show();
    if (lost === 0 || this.#warned) return;
    this.#warned = true;
    const reason = localized(counts.problem ?? t('Calls come faster than it accepts them.'));
    void warn(
      t(
        'Calls do not reach the OpenTelemetry collector at {0}. {1} The status bar counts the spans that are lost.',
        collectorName(this.#live.endpoint),
        reason,
      ),
    );
  }
}

function isActive(phase: TracePhase): boolean {
  return phase === 'starting' || phase === 'running' || phase === 'stopping';
}

async function warn(text: string): Promise<void> {
  const { title, command, arguments: query } = OPEN_SETTING;
  if ((await vscode.window.showWarningMessage(notificationText(text), title)) === title)
    await vscode.commands.executeCommand(command, ...query);
}
