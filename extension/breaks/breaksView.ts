/** The list "Break on Calls" in the Run and Debug side bar: shown only while there are breaks. */

import * as vscode from 'vscode';
import { Context, View, ViewItem } from '../contributions.ts';
import { maskTarget } from '../privacy/maskUrl.ts';
import { showInStatusBar } from '../views/notify.ts';
import { localized } from '../words/localized.ts';
import { counted } from '../words/numbers.ts';
import { t } from '../words/translate.ts';
import { labelText } from '../words/visible.ts';
import type { Break, BreakList } from './breakList.ts';
import type { CallBreaks, CurrentHit } from './callBreaks.ts';

export class BreaksView implements vscode.TreeDataProvider<Break>, vscode.Disposable {
  readonly #list: BreakList;
  readonly #calls: CallBreaks;
  readonly #changed = new vscode.EventEmitter<undefined>();
  readonly #view: vscode.TreeView<Break>;
  readonly #disposables: vscode.Disposable[];

  readonly onDidChangeTreeData = this.#changed.event;

  constructor(list: BreakList, calls: CallBreaks) {
    this.#list = list;
    this.#calls = calls;
    this.#view = vscode.window.createTreeView(View.breaks, {
      treeDataProvider: this,
      manageCheckboxStateManually: true,
    });
    const refresh = () => {
      this.#changed.fire(undefined);
      this.#notify();
    };
    this.#disposables = [
      this.#changed,
      this.#view,
      this.#view.onDidChangeCheckboxState(({ items }) => {
        for (const [{ id }, state] of items)
          list.change(id, { enabled: state === vscode.TreeItemCheckboxState.Checked });
      }),
      list.onDidChange(refresh),
      calls.onDidChange(refresh),
      calls.onDidHit((hit) => this.#showHit(hit)),
    ];
    this.#notify();
  }

  getChildren(node?: Break): readonly Break[] & Break[] {
    return node === undefined ? [...this.#list.all] : [];
  }

  getTreeItem({ id, text, enabled, hits }: Break): vscode.TreeItem {
    const hit = this.#calls.currentHits.find((one) => one.id === id);
    const item = new vscode.TreeItem(labelText(text));
    item.id = String(id);
    item.contextValue = ViewItem.break;
    item.checkboxState = {
      state: enabled ? vscode.TreeItemCheckboxState.Checked : vscode.TreeItemCheckboxState.Unchecked,
      tooltip: enabled ? t('Stops before these calls') : t('Switched off'),
    };
    const count = hits === 0 ? '' : counted(hits, '{0} hit', '{0} hits');
    item.description = hit === undefined ? count : t('{0} · stopped before {1}', count, callText(hit));
    if (hit !== undefined)
      item.iconPath = new vscode.ThemeIcon(
        'debug-stackframe',
        new vscode.ThemeColor('debugIcon.breakpointCurrentStackframeForeground'),
      );
    item.tooltip = `${labelText(text)}\n${hit === undefined ? counted(hits, 'Stopped {0} time.', 'Stopped {0} times.') : t('{0} is stopped before {1}.', hit.session, callText(hit))}`;
    return item;
  }

  dispose(): void {
    for (const disposable of this.#disposables) disposable.dispose();
  }

  #notify(): void {
    void vscode.commands.executeCommand('setContext', Context.hasBreaks, this.#list.all.length > 0);
    const lines = this.#calls.failures.map(({ session, reason }) =>
      t('Cannot be set in {0}: {1}.', labelText(session, 60), labelText(localized(reason), 300)),
    );
    this.#view.message =
      lines.length === 0 ? (undefined as unknown as string) : [...new Set(lines)].join('\n');
  }

  /** Where a user looks when a program has stopped: the list if it is open, the Debug Console, the status bar. */
  #showHit(hit: CurrentHit): void {
    const one = this.#list.all.find(({ id }) => id === hit.id);
    if (one === undefined) return;
    const text = t('Stopped before {0} (Break on Calls: {1})', callText(hit), labelText(one.text, 100));
    vscode.debug.activeDebugConsole.appendLine(`HTTP Trace: ${text}`);
    showInStatusBar(text);
    if (this.#view.visible) void this.#view.reveal(one, { select: true, focus: false });
  }
}

/** Without the query, and with secrets masked. */
function callText({ method, host, path }: CurrentHit): string {
  return labelText(`${method} ${host}${maskTarget(path.split(/[?#]/, 1)[0] ?? '')}`, 120);
}
