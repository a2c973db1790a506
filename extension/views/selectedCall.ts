/** Which call is selected, in the panel or in the tree: what a command works on that was given no other. */
import type { Listen, Subscription, Trace } from '../capture/trace.ts';

/** A view in which a call can be selected. */
export interface SelectsCalls {
  /** By a person, or because another view revealed it; null: no call is selected any more. */
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
  /** Where something was selected last. */
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
        // Numbers have started again: the one that is known means another call.
        if (status.list !== list) this.#inPanel = null;
        list = status.list;
      }),
    ];
  }

  /** Id of the call that was selected last, of those that still are; undefined: none is. */
  async get(): Promise<number | undefined> {
    const inPanel = this.#inPanel !== null && this.#trace.rows.has(this.#inPanel) ? this.#inPanel : undefined;
    if (this.#newest === 'panel' && inPanel !== undefined) return inPanel;
    return (await this.#tree.selected()) ?? inPanel;
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
  }
}
