/**
 * The tree of rows: the server's view of a call is beneath the client's, caused calls are beneath their cause; which
 * rows are unfolded, and the resulting order.
 */
import type { ExchangeRow } from '../engine/row.ts';
import type { Matchable } from './rowMatcher.ts';

/**
 * Maximum number of ancestors. A deeper row, or one in a cycle of causes (only in files), is shown separately. Rows
 * beneath a row in a cycle stay beneath it.
 */
const MAX_DEPTH = 64;

export interface Item extends Matchable {
  /** Matches the filter, by itself or by the other side; as of the last flush. */
  matched: boolean;
  /** It is in the list unless it is folded away: it has matched, or something beneath it has. */
  passes: boolean;
  /** Is (still) in the list as of the last flush. */
  listed: boolean;
  /** Replaced or removed since. */
  stale: boolean;
}

/** How a row is shown if both sides of its call are held. */
export type Fold =
  /** The client's, which represents both; the server's is beneath it, or not shown. */
  | { readonly kind: 'folded' | 'unfolded'; readonly server: ExchangeRow }
  /** The server's, beneath the client's. */
  | { readonly kind: 'server'; readonly client: ExchangeRow };

type Compare = (a: ExchangeRow, b: ExchangeRow) => number;

export class RowTree {
  /** Both sides of a call are one row. */
  joins = true;
  /** Calls that a call caused are nested beneath it. */
  nests = true;
  readonly #items: ReadonlyMap<number, Item>;
  /** Ids of calls by the id of what caused them. */
  readonly #caused = new Map<number, Set<number>>();
  /** Client rows that show the server's row. */
  readonly #unfolded = new Set<number>();
  /** Rows whose children are hidden. */
  readonly #collapsed = new Set<number>();

  constructor(items: ReadonlyMap<number, Item>) {
    this.#items = items;
  }

  /** Some server row is shown beneath its client's. */
  get showsServers(): boolean {
    return this.#unfolded.size > 0;
  }

  get hasCauses(): boolean {
    return this.#caused.size > 0;
  }

  add({ id, cause }: ExchangeRow): void {
    if (cause === null) return;
    const ids = this.#caused.get(cause.id);
    if (ids === undefined) this.#caused.set(cause.id, new Set([id]));
    else ids.add(id);
  }

  /** @param forGood the call is gone, not replaced by a newer state. */
  remove({ id, cause }: ExchangeRow, forGood: boolean): void {
    if (forGood) {
      this.#unfolded.delete(id);
      this.#collapsed.delete(id);
    }
    const ids = cause === null ? undefined : this.#caused.get(cause.id);
    if (cause === null || ids === undefined) return;
    ids.delete(id);
    if (ids.size === 0) this.#caused.delete(cause.id);
  }

  clear(): void {
    this.#caused.clear();
    this.foldAll();
  }

  foldAll(): void {
    this.#unfolded.clear();
    this.#collapsed.clear();
  }

  /** The client's row of a server's, if both are shown as one; else null. */
  clientOf({ row }: Item): Item | null {
    return this.joins && row.side === 'server' ? this.#peerOf(row) : null;
  }

  serverOf({ row }: Item): Item | null {
    return this.joins && row.side === 'client' ? this.#peerOf(row) : null;
  }

  #peerOf({ id, peer }: ExchangeRow): Item | null {
    const other = peer === null ? undefined : this.#items.get(peer);
    return other?.row.peer === id ? other : null;
  }

  /** null: the row is shown separately. */
  foldOf(item: Item): Fold | null {
    const client = this.clientOf(item);
    if (client !== null) return { kind: 'server', client: client.row };
    const server = this.serverOf(item);
    if (server === null) return null;
    return { kind: this.#unfolded.has(item.row.id) ? 'unfolded' : 'folded', server: server.row };
  }

  /** Its parent; null: none. */
  parentOf(item: Item): Item | null {
    const { row } = item;
    if (row.side === 'server' && row.peer !== null && (this.joins || this.nests)) {
      const client = this.#peerOf(row);
      if (client !== null) return client;
    }
    if (!this.nests || row.cause === null) return null;
    const cause = this.#items.get(row.cause.id);
    const above = cause === undefined ? null : (this.clientOf(cause) ?? cause);
    return above === item ? null : above;
  }

  /** Its ancestors, the outermost first. */
  above(item: Item): Item[] {
    const path: Item[] = [];
    for (let at = this.parentOf(item); at !== null; at = this.parentOf(at)) {
      if (at === item || path.length >= MAX_DEPTH) return [];
      const ring = path.indexOf(at);
      if (ring !== -1) return path.slice(0, ring + 1).reverse();
      path.push(at);
    }
    return path.reverse();
  }

  /** Its children; among them the server's row of the same call, unless both are shown as one. */
  beneath(item: Item): Item[] {
    if (!this.nests) return [];
    const { id } = item.row;
    const server = item.row.side === 'client' ? this.#peerOf(item.row) : null;
    const ids = [...(this.#caused.get(id) ?? [])];
    if (server !== null && this.joins) ids.push(...(this.#caused.get(server.row.id) ?? []));
    const items = ids.flatMap((one) => this.#items.get(one) ?? []);
    if (server !== null && !this.joins) items.push(server);
    return items.filter((one) => this.parentOf(one) === item && this.above(one).length > 0);
  }

  /** Calls caused by either side of the call, in order of arrival. */
  causedBy(id: number): Item[] {
    const peer = this.#items.get(id)?.row.peer ?? null;
    const ids = [
      ...(this.#caused.get(id) ?? []),
      ...((peer === null ? undefined : this.#caused.get(peer)) ?? []),
    ];
    return ids.sort((a, b) => a - b).flatMap((one) => this.#items.get(one) ?? []);
  }

  /**
   * All rows beneath it, folded or not; also rows that were or will be beneath it, by ids alone. At most MAX_DEPTH
   * levels.
   */
  *descendants(item: Item): Generator<Item, void, undefined> {
    const seen = new Set([item.row.id]);
    let level: ExchangeRow[] = [item.row];
    for (let depth = 0; depth <= MAX_DEPTH && level.length > 0; depth++) {
      const below: ExchangeRow[] = [];
      for (const { id, peer } of level) {
        // The server's row of the same call is beneath the client's.
        for (const one of [peer, ...(this.#caused.get(id) ?? []), ...this.#causedByPeer(peer)]) {
          const found = one === null || seen.has(one) ? undefined : this.#items.get(one);
          if (found === undefined) continue;
          seen.add(found.row.id);
          yield found;
          below.push(found.row);
        }
      }
      level = below;
    }
  }

  #causedByPeer(peer: number | null): Iterable<number> {
    return (peer === null ? undefined : this.#caused.get(peer)) ?? [];
  }

  /** No ancestor is collapsed, and it is not a server row folded into its client's. */
  isOpen(item: Item): boolean {
    if (!this.joins && !this.nests) return true;
    const client = this.clientOf(item);
    if (client !== null && !this.#unfolded.has(client.row.id)) return false;
    return this.#collapsed.size === 0 || this.above(item).every(({ row }) => !this.#collapsed.has(row.id));
  }

  /** Whether rows beneath it are shown; null: none passes the filter. */
  expanded(item: Item): boolean | null {
    if (this.beneath(item).some(({ passes }) => passes)) return !this.#collapsed.has(item.row.id);
    const fold = this.foldOf(item);
    return fold === null || fold.kind === 'server' ? null : fold.kind === 'unfolded';
  }

  /** Shows or hides the rows beneath it. @returns the rows that this may affect. */
  expand(item: Item, expanded: boolean): Item[] {
    const { id } = item.row;
    const server = this.serverOf(item);
    if (this.beneath(item).length === 0) {
      this.unfold(item, expanded);
      return server === null ? [] : [server];
    }
    if (expanded) this.#collapsed.delete(id);
    else {
      this.#collapsed.add(id);
      this.#unfolded.delete(id);
    }
    return [...this.descendants(item)];
  }

  /** Shows or hides the server's row beneath the client's. @returns whether this is a change. */
  unfold(client: Item, unfolded: boolean): boolean {
    const { id } = client.row;
    if (this.serverOf(client) === null || this.#unfolded.has(id) === unfolded) return false;
    if (unfolded) this.#unfolded.add(id);
    else this.#unfolded.delete(id);
    return true;
  }

  isCollapsed(id: number): boolean {
    return this.#collapsed.has(id);
  }

  /** In every sort order, rows follow their parent, the server's row of the call first. */
  compare(a: Item, b: Item, compareRows: Compare): number {
    const aboveA = this.above(a);
    const aboveB = this.above(b);
    if (aboveA.length === 0 && aboveB.length === 0) return this.#compareSiblings(a, b, compareRows);
    const pathA = [...aboveA, a];
    const pathB = [...aboveB, b];
    for (let depth = 0; ; depth++) {
      const [one, other] = [pathA[depth], pathB[depth]];
      if (one === undefined || other === undefined) return pathA.length - pathB.length;
      if (one !== other && one.row.id !== other.row.id) return this.#compareSiblings(one, other, compareRows);
    }
  }

  #compareSiblings(a: Item, b: Item, compareRows: Compare): number {
    const first = Number(this.clientOf(b) !== null) - Number(this.clientOf(a) !== null);
    return first !== 0 ? first : compareRows(a.row, b.row);
  }

  /** The items in order: each level is sorted separately. */
  sorted(items: readonly Item[], compareRows: Compare): Item[] {
    const roots: Item[] = [];
    const below = new Map<Item, Item[]>();
    for (const item of items) {
      const parent = this.above(item).at(-1);
      if (parent === undefined) roots.push(item);
      else {
        const siblings = below.get(parent);
        if (siblings === undefined) below.set(parent, [item]);
        else siblings.push(item);
      }
    }
    const order = (a: Item, b: Item): number => this.#compareSiblings(a, b, compareRows);
    if (below.size === 0) return roots.sort(order);
    const sorted: Item[] = [];
    const add = (siblings: Item[]): void => {
      for (const item of siblings.sort(order)) {
        sorted.push(item);
        const beneath = below.get(item);
        if (beneath !== undefined) add(beneath);
      }
    };
    add(roots);
    return sorted;
  }
}
