/** Which call is selected, in the panel or in the tree: the default for commands without an argument. */
import type { Listen, Subscription, Trace } from '../capture/trace.ts';

/** A view in which a call can be selected. */
export interface SelectsCalls {
  /** The user selected, or another view revealed, a call; null: none is selected any more. */
  readonly onDidSelect: Listen<number | null>;
}

export interface CallsOfTree extends SelectsCalls {
  /** The tree's own selection once it is known: while the tree is being refreshed VS Code does not know it. */
  selected(): Promise<number | undefined>;
}

export class SelectedCall implements Subscription {
  readonly #trace: Pick<Trace, 'rows' | 'onDidChangeStatus' | 'status'>;
  readonly #tree: CallsOfTree;
  readonly #subscriptions: readonly Subscription[];
  #inPanel: number | null = null;
  /** View of the latest selection. */
  #newest: 'panel' | 'tree' = 'tree';

  constructor(
    trace: Pick<Trace, 'rows' | 'onDidChangeStatus' | 'status'>,
    panel: SelectsCalls,
    tree: CallsOfTree,
  ) {
    this.#trace = trace;
    this.#tree = tree;
    let { list } = trace.status;
    this.#subscriptions = [
      panel.onDidSelect((id) => {
        this.#inPanel = id;
        if (id !== null) this.#newest = 'panel';
      }),
      tree.onDidSelect((id) => {
        if (id !== null) this.#newest = 'tree';
      }),
      trace.onDidChangeStatus((status) => {
        // Ids have started over: the known one means another call.
        if (status.list !== list) this.#inPanel = null;
        list = status.list;
      }),
    ];
  }

  /** Id of the most recently selected call that still is; undefined: none. */
  async get(): Promise<number | undefined> {
    const inPanel = this.#inPanel !== null && this.#trace.rows.has(this.#inPanel) ? this.#inPanel : undefined;
    if (this.#newest === 'panel' && inPanel !== undefined) return inPanel;
    return (await this.#tree.selected()) ?? inPanel;
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
  }
}
