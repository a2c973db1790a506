/** The tree "HTTP Calls" in the Run and Debug side bar. */

import { setTimeout } from 'node:timers/promises';
import * as vscode from 'vscode';
import type { Trace } from '../capture/trace.ts';
import { Command, focusCommand, Setting, TITLES, View, ViewItem } from '../contributions.ts';
import { EndedProcesses } from '../engine/endedProcesses.ts';
import { isError } from '../engine/row.ts';
import {
  messagesText,
  methodText,
  proxyText,
  reasonOf,
  rowDurationText,
  rowProcessText,
  sessionText,
  spokenText,
  statusText,
  tooltipText,
} from '../words/exchange.ts';
import { localized } from '../words/localized.ts';
import { counted, numberText, sizeText } from '../words/numbers.ts';
import { t } from '../words/translate.ts';
import { labelText } from '../words/visible.ts';
import {
  type Branch,
  type CallNode,
  CallTree,
  type MoreNode,
  type TreeChanges,
  type TreeNode,
} from './callTree.ts';
import { joinsBothEnds } from './listSettings.ts';

/**
 * Shortest time between two refreshes, in milliseconds: four a second are as many as one can read. It counts
 * from VS Code's last request, because refreshing a tree takes several, and until they are answered VS Code
 * knows neither the selection nor how to reveal a node. So a slow window gets fewer refreshes.
 */
const REFRESH_INTERVAL = 250;
const REVEAL_ATTEMPTS = 5;

export class CallsView implements vscode.TreeDataProvider<TreeNode>, vscode.Disposable {
  readonly #trace: Trace;
  readonly #tree: CallTree;
  readonly #view: vscode.TreeView<TreeNode>;
  readonly #ended = new EndedProcesses();
  readonly #changed = new vscode.EventEmitter<TreeNode | undefined>();
  readonly #disposables: vscode.Disposable[];
  #refreshing: NodeJS.Timeout | undefined;
  /** Processes that changed since the last refresh. */
  #stale = new Set<Branch>();
  #rootStale = false;
  #lastAsked = 0;
  #lastFired = 0;
  #pauses = 0;
  /** As VS Code last reported it. Its own list of selected nodes is empty during a refresh. */
  #selectedNode: TreeNode | null = null;

  readonly onDidChangeTreeData = this.#changed.event;
  readonly #selectedCall = new vscode.EventEmitter<number | null>();
  /** See SelectedCall. */
  readonly onDidSelect = this.#selectedCall.event;

  constructor(trace: Trace) {
    this.#trace = trace;
    this.#tree = new CallTree(trace.rows);
    this.#tree.setJoins(joinsBothEnds());
    this.#view = vscode.window.createTreeView(View.calls, { treeDataProvider: this, showCollapseAll: true });
    this.#disposables = [
      this.#changed,
      this.#selectedCall,
      this.#view,
      this.#view.onDidChangeSelection(({ selection: [node] }) => {
        this.#select(node ?? null);
      }),
      this.#view.onDidChangeVisibility(() => this.#refreshSoon()),
      trace.onDidChangeRows((changes) => this.#changedBy(this.#tree.apply(changes))),
      vscode.workspace.onDidChangeConfiguration((change) => {
        if (change.affectsConfiguration(Setting.joinBothEnds))
          this.#changedBy(this.#tree.setJoins(joinsBothEnds()));
      }),
      trace.onDidChangeStatus((status) => {
        const changed = this.#ended.update(status);
        for (const node of changed.size === 0 ? [] : this.#tree.children())
          if (node.kind === 'process' && changed.has(node.sample.pid ?? 0)) this.#stale.add(node);
        this.#refreshSoon();
        this.#showMessage();
      }),
    ];
  }

  /**
   * Id of the call that is selected here; undefined when none is. During a refresh VS Code does not know the selection,
   * so this waits. If a busy window takes too long, the call that was selected last counts, if it still exists.
   */
  async selected(): Promise<number | undefined> {
    await this.#paused(async () => {
      if (this.#view.selection.length === 0) await this.#settled();
    });
    const node = this.#view.selection[0] ?? this.#selectedNode;
    return node?.kind === 'call' && this.#tree.call(node.row.id) !== null ? node.row.id : undefined;
  }

  /** Shows and selects the call, or, where the tree shows only newer ones, the nearest node above it. */
  async reveal(id: number): Promise<void> {
    const call = this.#tree.call(id);
    if (call === null) return;
    this.#hold(null);
    await this.#paused(async () => {
      // VS Code silently reveals nothing if a refresh comes in between.
      for (let attempt = 0; attempt < REVEAL_ATTEMPTS; attempt++) {
        if (this.#rootStale || this.#stale.size > 0) this.#refresh();
        await this.#settled();
        const node = this.#tree.isShown(call) ? call : this.#tree.shownAncestor(call);
        await this.#view.reveal(node, { select: true, focus: true, expand: node !== call });
        if (!(await this.#isSelected(node, REFRESH_INTERVAL * 2 ** (attempt + 1)))) continue;
        // VS Code's event came before it knew the node, and the next refresh empties its list.
        if (this.#selectedNode?.id !== node.id) this.#select(node);
        return;
      }
    });
  }

  #changedBy({ processes, root }: TreeChanges): void {
    for (const process of processes) this.#stale.add(process);
    this.#rootStale ||= root;
    this.#refreshSoon();
  }

  #select(node: TreeNode | null): void {
    this.#selectedNode = node;
    const call = node?.kind === 'call' ? node : null;
    this.#selectedCall.fire(call?.row.id ?? null);
    this.#hold(call);
  }

  #hold(call: CallNode | null): void {
    for (const process of this.#tree.hold(call)) this.#stale.add(process);
    this.#refreshSoon();
  }

  /** Runs `work` with refreshes suspended. */
  async #paused(work: () => Promise<void>): Promise<void> {
    this.#pauses += 1;
    try {
      await work();
    } finally {
      this.#pauses -= 1;
      this.#refreshSoon();
    }
  }

  /** Resolves when VS Code requests no more, so the last refresh is complete. */
  async #settled(): Promise<void> {
    for (;;) {
      const wait = Math.max(this.#lastAsked, this.#lastFired) + REFRESH_INTERVAL - performance.now();
      if (wait <= 0) return;
      await setTimeout(wait);
    }
  }

  /** A busy window may be slow: each attempt waits longer. @param patience milliseconds. */
  async #isSelected(node: TreeNode, patience: number): Promise<boolean> {
    for (let waited = 0; waited < patience; waited += 50) {
      if ((this.#view.selection[0] ?? this.#selectedNode)?.id === node.id) return true;
      await setTimeout(50);
    }
    return false;
  }

  getChildren(node?: TreeNode): TreeNode[] {
    this.#lastAsked = performance.now();
    return this.#tree.children(node);
  }

  getParent(node: TreeNode): TreeNode | null {
    return node.parent;
  }

  getTreeItem(node: TreeNode): vscode.TreeItem {
    switch (node.kind) {
      case 'call':
        return callItem(node);
      case 'more':
        return moreItem(node);
      default:
        return branchItem(node, node.kind === 'process' && this.#ended.has(node.sample.pid));
    }
  }

  resolveTreeItem(item: vscode.TreeItem, node: TreeNode): vscode.TreeItem {
    if (node.kind === 'call') return item;
    if (node.kind === 'more')
      item.tooltip =
        node.newer > 0
          ? t('While a call is selected, the list stays where it is. Select its path to see the newest.')
          : t('The tree shows only the newest; the timeline shows all.');
    else item.tooltip = branchTooltip(node);
    return item;
  }

  dispose(): void {
    clearTimeout(this.#refreshing);
    for (const disposable of this.#disposables) disposable.dispose();
  }

  #refreshSoon(): void {
    if (this.#refreshing !== undefined || !this.#view.visible) return;
    if (!this.#rootStale && this.#stale.size === 0) return;
    const wait = this.#lastAsked + REFRESH_INTERVAL - performance.now();
    if (wait <= 0 && this.#pauses === 0) this.#refresh();
    this.#refreshing = globalThis.setTimeout(
      () => {
        this.#refreshing = undefined;
        this.#refreshSoon();
      },
      wait > 0 ? wait : REFRESH_INTERVAL,
    );
  }

  #refresh(): void {
    this.#lastFired = performance.now();
    if (this.#rootStale) this.#changed.fire(undefined);
    else for (const process of this.#stale) this.#changed.fire(process);
    this.#rootStale = false;
    this.#stale.clear();
    this.#showMessage();
  }

  /** A line above the calls when some are missing. Without calls there is a welcome view instead. */
  #showMessage(): void {
    const { problem, bytesLost, evicted } = this.#trace.status;
    const sentences: string[] = [];
    if (problem !== null) sentences.push(labelText(localized(problem), 500));
    if (bytesLost > 0) sentences.push(t('{0} could not be captured.', sizeText(bytesLost)));
    if (evicted > 0)
      sentences.push(
        counted(
          evicted,
          'The oldest call was dropped to make room.',
          'The oldest {0} calls were dropped to make room.',
        ),
      );
    const message = this.#trace.rows.size === 0 || sentences.length === 0 ? undefined : sentences.join(' ');
    if (this.#view.message !== message) (this.#view as { message: string | undefined }).message = message;
  }
}

const ICONS = { process: 'symbol-event', host: 'globe', route: 'symbol-namespace' } as const;

function branchItem(branch: Branch, ended: boolean): vscode.TreeItem {
  const item = new vscode.TreeItem(
    branchLabel(branch),
    branch.kind === 'route'
      ? vscode.TreeItemCollapsibleState.Collapsed
      : vscode.TreeItemCollapsibleState.Expanded,
  );
  item.id = branch.id;
  const session = branch.kind === 'process' ? sessionText(branch.sample) : '';
  const about = (separator: string, calls?: (count: number) => string): string =>
    // The side bar is narrow, and names of sessions are long.
    [ended ? t('ended') : '', sums(branch, separator, calls), session]
      .filter((text) => text !== '')
      .join(separator);
  item.description = about(' · ', numberText);
  item.iconPath = new vscode.ThemeIcon(
    ended ? 'circle-slash' : ICONS[branch.kind],
    branch.errors > 0 || branch.failedAnswers > 0
      ? new vscode.ThemeColor('list.warningForeground')
      : undefined,
  );
  item.contextValue = ViewItem[branch.kind];
  item.accessibilityInformation = { label: `${branchLabel(branch)}, ${about(', ')}` };
  return item;
}

function branchLabel(branch: Branch): string {
  if (branch.kind === 'process') return rowProcessText(branch.sample);
  if (branch.kind === 'route' && branch.sample.failure !== null) return t('name lookups');
  if (branch.kind === 'route' && branch.sample.encrypted !== null) return t('TLS connections');
  if (branch.kind === 'route' && branch.sample.connectAttempts > 0) return t('failed connections');
  if (branch.name === null) return branch.kind === 'host' ? t('unknown host') : t('unknown path');
  return labelText(branch.name);
}

function sums(
  branch: Branch,
  separator: string,
  calls = (count: number) => counted(count, '{0} call', '{0} calls'),
): string {
  const answers = branch.answered + branch.answering;
  const parts = branch.calls > 0 || (branch.encrypted === 0 && answers === 0) ? [calls(branch.calls)] : [];
  if (branch.encrypted > 0) parts.push(t('{0} encrypted', numberText(branch.encrypted)));
  if (branch.errors > 0) parts.push(counted(branch.errors, '{0} error', '{0} errors'));
  if (branch.running > 0) parts.push(t('{0} running', numberText(branch.running)));
  if (branch.failedAnswers > 0)
    parts.push(t('{0} answered, {1} failed', numberText(branch.answered), numberText(branch.failedAnswers)));
  else if (branch.answered > 0) parts.push(t('{0} answered', numberText(branch.answered)));
  if (branch.answering > 0) parts.push(t('{0} being answered', numberText(branch.answering)));
  return parts.join(separator);
}

function branchTooltip(branch: Branch): string {
  const name =
    branch.kind === 'process' ? branchLabel(branch) : labelText(branch.name ?? t('unknown'), 2_000);
  const session = branch.kind === 'process' ? sessionText(branch.sample) : '';
  const lines = [name];
  if (session !== '') lines.push(t('Debug session “{0}”', session));
  lines.push(sums(branch, ', '));
  if (branch.answered + branch.answering > 0)
    lines.push(t('A request from another traced process is a call of that process, and is counted there.'));
  return lines.join('\n');
}

function callItem({ id, row, end }: CallNode): vscode.TreeItem {
  const item = new vscode.TreeItem(
    `${methodText(row)} ${row.status ?? statusText(row)}`,
    end === null ? vscode.TreeItemCollapsibleState.None : vscode.TreeItemCollapsibleState.Collapsed,
  );
  item.id = id;
  // Set at once: a refresh (four a second in a running trace) cancels the request for the tooltip.
  item.tooltip = tooltipText(row);
  const operation = row.operation === null ? '' : labelText(row.operation, 60);
  const duration = row.duration === null ? '' : rowDurationText(row);
  const reason = reasonOf(row);
  const outcome = reason === null ? duration : labelText(localized(reason));
  // Short texts first: the side bar is narrow.
  const phrase = row.status !== null && reason === null ? statusText(row).replace(/^\d+ ?/, '') : '';
  item.description = [outcome, operation, messagesText(row), phrase, proxyText(row)]
    .filter((text) => text !== '')
    .join(' · ');
  item.iconPath = callIcon(row);
  // The menu shows what applies to this call.
  const peer = row.peer === null ? '' : '.peer';
  const source = row.debug?.source == null ? '' : '.source';
  item.contextValue = `${row.pinned ? ViewItem.pinnedCall : ViewItem.call}${peer}${source}`;
  item.accessibilityInformation = { label: spokenText(row) };
  item.command = {
    command: Command.revealInTimeline,
    title: TITLES[Command.revealInTimeline],
    arguments: [row.id],
  };
  return item;
}

function callIcon(row: CallNode['row']): vscode.ThemeIcon {
  if (row.encrypted !== null && !isError(row)) return new vscode.ThemeIcon('lock');
  if (row.state === 'running') return new vscode.ThemeIcon('loading~spin');
  const icon =
    row.side === null ? 'circle-outline' : row.side === 'client' ? 'arrow-small-right' : 'arrow-small-left';
  return new vscode.ThemeIcon(icon, isError(row) ? new vscode.ThemeColor('list.errorForeground') : undefined);
}

function moreText({ of, count, newer }: MoreNode): string {
  const more = numberText(count);
  if (of === 'host') return t('… {0} more hosts in the timeline', more);
  if (of === 'route') return t('… {0} more routes in the timeline', more);
  if (newer === 0) return t('… {0} more in the timeline', more);
  return t('… {0} more, {1} of them newer, in the timeline', more, numberText(newer));
}

function moreItem(node: MoreNode): vscode.TreeItem {
  const item = new vscode.TreeItem(moreText(node));
  item.id = node.id;
  item.contextValue = ViewItem.more;
  item.command = { command: focusCommand(View.panel), title: t('Show Timeline') };
  return item;
}
