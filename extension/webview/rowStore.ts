/**
 * The rows that the host has sent, and which of them are listed in which order. Changes are collected and
 * worked in once per frame; what did not change is neither filtered nor sorted again.
 */
import { type ExchangeRow, isCall, isError, isRunning } from '../engine/row.ts';
import type { Filter } from '../filter/parser.ts';
import { type Subject, searchText } from '../filter/subject.ts';
import { comparator, NATURAL, type Sort } from './columns.ts';

export type Chip = 'all' | 'errors' | 'running';

/** Milliseconds since the trace's start, both ends included. */
export interface TimeRange {
  readonly from: number;
  readonly to: number;
}

interface Item {
  readonly row: ExchangeRow;
  /** For the filter, made when first needed. */
  text: string | null;
  /** The filter's detail tests that hold, as bits; undefined: not known yet. */
  found: number | undefined;
  /** The details were asked for, or need not be. */
  asked: boolean;
  /** Is (still) in the list as of the last flush. */
  listed: boolean;
  /** Replaced or removed since. */
  stale: boolean;
}

/** How a row of a call both of whose sides are held is shown. */
export type Fold =
  /** The client's, which stands for both; the server's is beneath it, or not shown. */
  | { readonly kind: 'folded' | 'unfolded'; readonly server: ExchangeRow }
  /** The server's, beneath the client's. */
  | { readonly kind: 'server'; readonly client: ExchangeRow };

export class RowStore {
  readonly #items = new Map<number, Item>();
  #list: Item[] = [];
  readonly #fresh = new Set<Item>();
  #staleListed = 0;
  #all = false;
  #filter: Filter | null = null;
  /** Whose details have to be looked at. */
  #wanted = new Set<number>();
  #shownChip: Chip = 'all';
  #shownRange: TimeRange | null = null;
  #shownSort: Sort = NATURAL;
  #compareRows = comparator(NATURAL);
  /** Both sides of a call are one row. */
  #joins = true;
  /** The clients' rows with the server's beneath. */
  readonly #unfolded = new Set<number>();
  #revised = 0;
  #listRevised = 0;
  /** Rows held that are no calls. */
  #others = 0;

  /** Rows held, listed or not. */
  get size(): number {
    return this.#items.size;
  }

  /** Rows listed as of the last {@link flush}. */
  get length(): number {
    return this.#list.length;
  }

  /** Ids of the rows listed, in their order. */
  listed(): number[] {
    return this.#list.map(({ row }) => row.id);
  }

  /** Calls among the rows listed; connections without plaintext do not count, and a call with one row for both ends counts once. */
  get calls(): number {
    if (this.#others === 0 && this.#unfolded.size === 0) return this.#list.length;
    return this.#list.reduce(
      (count, item) => (isCall(item.row) && this.#clientOf(item) === null ? count + 1 : count),
      0,
    );
  }

  /** Both sides of a call are one row. */
  get joins(): boolean {
    return this.#joins;
  }

  setJoins(joins: boolean): void {
    if (joins === this.#joins) return;
    this.#joins = joins;
    this.#unfolded.clear();
    this.#all = true;
  }

  /** null: the row stands for itself. */
  foldOf(row: ExchangeRow): Fold | null {
    if (!this.#joins || row.peer === null) return null;
    const item = this.#items.get(row.id);
    if (item === undefined) return null;
    const client = this.#clientOf(item);
    if (client !== null) return { kind: 'server', client: client.row };
    const server = this.#serverOf(item);
    if (server === null) return null;
    return { kind: this.#unfolded.has(row.id) ? 'unfolded' : 'folded', server: server.row };
  }

  /** Shows the server's row beneath the client's, or no more. @param id of either. */
  unfold(id: number, unfolded = true): void {
    const item = this.#items.get(id);
    if (item === undefined) return;
    const client = this.#clientOf(item) ?? item;
    const server = this.#serverOf(client);
    if (server === null || this.#unfolded.has(client.row.id) === unfolded) return;
    if (unfolded) this.#unfolded.add(client.row.id);
    else this.#unfolded.delete(client.row.id);
    this.#revised++;
    this.#again(server);
  }

  /** Grows with every change of any row. */
  get revision(): number {
    return this.#revised;
  }

  get sort(): Sort {
    return this.#shownSort;
  }

  get chip(): Chip {
    return this.#shownChip;
  }

  get range(): TimeRange | null {
    return this.#shownRange;
  }

  /** true when some rows held may not be listed. */
  get filtered(): boolean {
    return this.#filter !== null || this.#shownChip !== 'all' || this.#shownRange !== null;
  }

  get(id: number): ExchangeRow | undefined {
    return this.#items.get(id)?.row;
  }

  at(index: number): ExchangeRow | undefined {
    return this.#list[index]?.row;
  }

  /** In the order of arrival. */
  *rows(): Generator<ExchangeRow, void, undefined> {
    for (const item of this.#items.values()) yield item.row;
  }

  /** The newest first. */
  newest(): readonly ExchangeRow[] {
    return [...this.rows()].reverse();
  }

  /** In the order of arrival: those that are listed, or those that are not. */
  *rowsThat(listed: boolean): Generator<ExchangeRow, void, undefined> {
    for (const item of this.#items.values()) {
      // The other side of a call is listed, or not, with it.
      const { listed: isListed } = (this.#joins ? this.#clientOf(item) : null) ?? item;
      if (isListed === listed) yield item.row;
    }
  }

  /** Grows with every change of what is listed. */
  get listRevision(): number {
    return this.#listRevised;
  }

  /** Place in the list, or -1. */
  indexOf(id: number): number {
    const item = this.#items.get(id);
    if (item === undefined || !item.listed) return -1;
    const index = this.#lowerBound(item);
    return this.#list[index] === item ? index : -1;
  }

  apply(rows: readonly ExchangeRow[], removed: readonly number[]): void {
    this.#revised++;
    for (const id of removed) {
      const item = this.#items.get(id);
      if (item === undefined) continue;
      this.#items.delete(id);
      this.#unfolded.delete(id);
      if (!isCall(item.row)) this.#others--;
      this.#retire(item);
      this.#peerChanged(item.row, null);
    }
    for (const row of rows) {
      const before = this.#items.get(row.id);
      // Until it is looked at again, what was found holds: a running call must not come and go.
      const found = before?.found;
      if (before !== undefined) {
        // Messages are in order, but a full send can overlap with changes.
        if (before.row.revision > row.revision) continue;
        if (!isCall(before.row)) this.#others--;
        this.#retire(before);
      }
      if (!isCall(row)) this.#others++;
      const item: Item = { row, text: null, found, asked: false, listed: false, stale: false };
      this.#items.set(row.id, item);
      this.#fresh.add(item);
      this.#peerChanged(row, row.peer);
      if (before !== undefined && before.row.peer !== row.peer) this.#peerChanged(before.row, row.peer);
    }
  }

  /**
   * Of a row that has come, changed or gone: the other side's is perhaps listed no more, or in another place, as if it
   * had come again.
   * @param now the peer that the row has by now; null: none, or the row is gone.
   */
  #peerChanged({ id, peer, side }: ExchangeRow, now: number | null): void {
    const other = peer === null || !this.#joins ? undefined : this.#items.get(peer);
    if (other === undefined) return;
    const beneath = side === 'client' && (other.listed || this.#unfolded.has(id));
    if (beneath || now !== peer || this.filtered) this.#again(other);
  }

  #again(item: Item): void {
    if (!item.listed && !item.stale) {
      this.#fresh.add(item);
      return;
    }
    const again: Item = { ...item, listed: false, stale: false };
    this.#retire(item);
    this.#items.set(item.row.id, again);
    this.#fresh.add(again);
  }

  /** Of a server's row the client's, where they are one row. */
  #clientOf({ row }: Item): Item | null {
    if (!this.#joins || row.side !== 'server' || row.peer === null) return null;
    const client = this.#items.get(row.peer);
    return client?.row.peer === row.id ? client : null;
  }

  #serverOf({ row }: Item): Item | null {
    if (!this.#joins || row.side !== 'client' || row.peer === null) return null;
    const server = this.#items.get(row.peer);
    return server?.row.peer === row.id ? server : null;
  }

  reset(): void {
    this.#revised++;
    this.#items.clear();
    this.#wanted.clear();
    this.#others = 0;
    this.#unfolded.clear();
    this.#fresh.clear();
    this.#list = [];
    this.#staleListed = 0;
    // The empty list is a change, too.
    this.#all = true;
  }

  /** null: everything matches. */
  setFilter(filter: Filter): void {
    this.#filter = filter.matches === null ? null : filter;
    this.#wanted.clear();
    for (const item of this.#items.values()) {
      item.found = undefined;
      item.asked = false;
    }
    this.#all = true;
  }

  /** Calls whose details decide, each once, since the last call. Their rows are not listed yet. */
  takeWanted(): number[] {
    const ids = [...this.#wanted];
    this.#wanted.clear();
    return ids;
  }

  /** What the details of these calls say. */
  setFound(results: readonly (readonly [id: number, found: number])[]): void {
    for (const [id, found] of results) {
      const item = this.#items.get(id);
      if (item === undefined || item.found === found) continue;
      item.found = found;
      this.#again(item);
      const other = this.#clientOf(item) ?? this.#serverOf(item);
      if (other !== null) this.#again(other);
    }
  }

  setChip(chip: Chip): void {
    this.#shownChip = chip;
    this.#all = true;
  }

  setRange(range: TimeRange | null): void {
    this.#shownRange = range;
    this.#all = true;
  }

  setSort(sort: Sort): void {
    this.#shownSort = sort;
    this.#compareRows = comparator(sort);
    this.#all = true;
  }

  /** Brings the list up to date; false when nothing had changed. */
  flush(): boolean {
    if (!this.#all && this.#fresh.size === 0 && this.#staleListed === 0) return false;
    const compare = (a: Item, b: Item): number => this.#compare(a, b);
    if (this.#all) {
      const listed: Item[] = [];
      for (const item of this.#items.values()) {
        item.listed = this.#isListed(item);
        if (item.listed) listed.push(item);
      }
      this.#list = listed.sort(compare);
    } else {
      const added: Item[] = [];
      for (const item of this.#fresh) {
        item.listed = this.#isListed(item);
        if (item.listed) added.push(item);
      }
      added.sort(compare);
      const kept = this.#staleListed > 0 ? this.#list.filter((item) => !item.stale) : this.#list;
      this.#list = merge(kept, added, compare);
    }
    this.#all = false;
    this.#listRevised++;
    this.#staleListed = 0;
    this.#fresh.clear();
    return true;
  }

  #retire(item: Item): void {
    this.#fresh.delete(item);
    item.stale = true;
    if (item.listed) this.#staleListed++;
  }

  /** A call whose sides are one row is listed where either side matches. */
  #isListed(item: Item): boolean {
    const client = this.#clientOf(item);
    if (client !== null && !this.#unfolded.has(client.row.id)) return false;
    const other = client ?? this.#serverOf(item);
    return this.#matches(item) || (other !== null && this.#matches(other));
  }

  /** A server's row beneath the client's follows that one in every order. */
  #compare(a: Item, b: Item): number {
    const clientOfA = this.#clientOf(a);
    const clientOfB = this.#clientOf(b);
    const order = this.#compareRows((clientOfA ?? a).row, (clientOfB ?? b).row);
    return order !== 0 ? order : Number(clientOfA !== null) - Number(clientOfB !== null);
  }

  #matches(item: Item): boolean {
    const { row } = item;
    if (this.#shownChip === 'errors' && !isError(row)) return false;
    if (this.#shownChip === 'running' && !isRunning(row)) return false;
    if (this.#shownRange !== null) {
      const { from, to } = this.#shownRange;
      if (row.start > to) return false;
      if (row.state !== 'running' && row.start + (row.duration ?? 0) < from) return false;
    }
    const filter = this.#filter;
    if (filter?.matches == null) return true;
    item.text ??= searchText(row);
    if (filter.details.length === 0) return filter.matches(item as Subject);
    if (!item.asked) {
      item.asked = true;
      if (filter.possible({ row, text: item.text })) this.#wanted.add(row.id);
      else item.found = 0;
    }
    return item.found !== undefined && filter.matches({ row, text: item.text, found: item.found });
  }

  #lowerBound(item: Item): number {
    let low = 0;
    let high = this.#list.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.#list[middle];
      if (other !== undefined && this.#compare(other, item) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Both are sorted. What is simply added at the end, as new calls are, is appended in place. */
function merge(kept: Item[], added: readonly Item[], compare: (a: Item, b: Item) => number): Item[] {
  const [first] = added;
  const last = kept.at(-1);
  if (first === undefined) return kept;
  if (last === undefined || compare(last, first) < 0) {
    for (const item of added) kept.push(item);
    return kept;
  }
  const merged: Item[] = [];
  let next = 0;
  for (const item of kept) {
    for (let other = added[next]; other !== undefined && compare(other, item) < 0; other = added[next]) {
      merged.push(other);
      next++;
    }
    merged.push(item);
  }
  for (const item of added.slice(next)) merged.push(item);
  return merged;
}
