/**
 * The rows that the host has sent, and which of them are listed in which order. Changes are collected and applied once
 * per frame; unchanged rows are neither filtered nor sorted again.
 */
import { type ExchangeRow, isCall } from '../engine/row.ts';
import type { Filter } from '../filter/parser.ts';
import { comparator, NATURAL, type Sort } from './columns.ts';
import { lowerBound, merged } from './orderedItems.ts';
import { type Chip, RowMatcher, type TimeRange } from './rowMatcher.ts';
import { type Fold, type Item, RowTree } from './rowTree.ts';

/** Where a row stands in the tree. */
export interface Place {
  /** 1: top level. */
  readonly level: number;
  /** Rows beneath it are shown; null: there are none. */
  readonly expanded: boolean | null;
  /** It does not match the filter, but something beneath it does. */
  readonly dimmed: boolean;
}

export class RowStore {
  readonly #items = new Map<number, Item>();
  #list: Item[] = [];
  readonly #fresh = new Set<Item>();
  #staleListed = 0;
  #all = false;
  readonly #matcher = new RowMatcher();
  #shownSort: Sort = NATURAL;
  #compareRows = comparator(NATURAL);
  readonly #tree = new RowTree(this.#items);
  #revised = 0;
  #listRevised = 0;
  /** Rows held that are not calls. */
  #others = 0;
  #hasSources = false;

  /** The source line of a call has become known since the last {@link reset}. */
  get hasSources(): boolean {
    return this.#hasSources;
  }

  /** Rows held, listed or not. */
  get size(): number {
    return this.#items.size;
  }

  /** Rows listed as of the last {@link flush}. */
  get length(): number {
    return this.#list.length;
  }

  /**
   * Calls among the rows listed; connections without plaintext do not count, a call with one row for both ends counts
   * once, and a call that is listed only for a match beneath it does not count.
   */
  get calls(): number {
    if (this.#others === 0 && !this.#tree.showsServers && !this.#dims) return this.#list.length;
    return this.#list.reduce((count, item) => (this.#counts(item) ? count + 1 : count), 0);
  }

  /** Ids of what {@link calls} counts, in the order of the list. */
  listedCalls(): number[] {
    return this.#list.filter((item) => this.#counts(item)).map(({ row }) => row.id);
  }

  /** Some rows are listed only because a row beneath them matches. */
  get #dims(): boolean {
    return this.filtered && this.#tree.nests;
  }

  #counts(item: Item): boolean {
    return isCall(item.row) && this.#tree.clientOf(item) === null && (item.matched || !this.#dims);
  }

  /** Both sides of a call are one row. */
  get joins(): boolean {
    return this.#tree.joins;
  }

  setJoins(joins: boolean): void {
    if (joins === this.#tree.joins) return;
    this.#tree.joins = joins;
    this.#tree.foldAll();
    this.#all = true;
  }

  /** The cause of at least one call is known. */
  get hasCauses(): boolean {
    return this.#tree.hasCauses;
  }

  /** Number of listed rows with a higher id. */
  countAfter(id: number): number {
    const list = this.#list;
    let count = 0;
    // Without nesting, the list is ordered by id.
    if (this.#byNumber) while (count < list.length && (list.at(-1 - count)?.row.id ?? 0) > id) count++;
    else for (const { row } of list) if (row.id > id) count++;
    return count;
  }

  get #byNumber(): boolean {
    return !this.#tree.nests || !this.#tree.hasCauses;
  }

  /** The highest id among the first `count` rows; 0: there are none. */
  highest(count: number): number {
    if (this.#byNumber) return this.#list[count - 1]?.row.id ?? 0;
    let highest = 0;
    for (let index = 0; index < count; index++) highest = Math.max(highest, this.#list[index]?.row.id ?? 0);
    return highest;
  }

  /** Calls that a call caused are nested beneath it. */
  get nests(): boolean {
    return this.#tree.nests;
  }

  setNests(nests: boolean): void {
    if (nests === this.#tree.nests) return;
    this.#tree.nests = nests;
    this.#tree.foldAll();
    this.#all = true;
  }

  /** null: the row is shown separately. */
  foldOf(row: ExchangeRow): Fold | null {
    const item = row.peer === null ? undefined : this.#items.get(row.id);
    return item === undefined ? null : this.#tree.foldOf(item);
  }

  placeOf({ id }: ExchangeRow): Place {
    const item = this.#items.get(id);
    if (item === undefined) return { level: 1, expanded: null, dimmed: false };
    return {
      level: this.#tree.above(item).length + 1,
      expanded: this.#tree.expanded(item),
      dimmed: !item.matched,
    };
  }

  /** Held calls that the call caused, in order of arrival. */
  causedBy(row: ExchangeRow): ExchangeRow[] {
    return this.#tree.causedBy(row.id).map((item) => item.row);
  }

  /** The row's parent; null: none. */
  parentOf(id: number): ExchangeRow | null {
    const item = this.#items.get(id);
    return (item === undefined ? undefined : this.#tree.above(item).at(-1))?.row ?? null;
  }

  /** `id` is beneath `other`, at any depth. */
  isBeneath(id: number, other: number): boolean {
    const item = this.#items.get(id);
    return item !== undefined && this.#tree.above(item).some(({ row }) => row.id === other);
  }

  isCollapsed(id: number): boolean {
    return this.#tree.isCollapsed(id);
  }

  /** Shows or hides the rows beneath a row. */
  expand(id: number, expanded: boolean): void {
    const item = this.#items.get(id);
    if (item === undefined) return;
    for (const one of this.#tree.expand(item, expanded)) this.#again(one);
    this.#revised++;
    this.#listRevised++;
  }

  /** Expands all rows above the row. @returns whether anything was folded. */
  reveal(id: number): boolean {
    const item = this.#items.get(id);
    if (item === undefined || this.#tree.isOpen(item)) return false;
    for (const above of this.#tree.above(item))
      if (this.#tree.isCollapsed(above.row.id)) this.expand(above.row.id, true);
    this.unfold(id);
    return true;
  }

  /** Shows or hides the server's row beneath the client's. @param id of either. */
  unfold(id: number, unfolded = true): void {
    const item = this.#items.get(id);
    if (item === undefined) return;
    const client = this.#tree.clientOf(item) ?? item;
    const server = this.#tree.serverOf(client);
    if (server === null || !this.#tree.unfold(client, unfolded)) return;
    this.#revised++;
    this.#again(server);
  }

  /** Incremented when any row changes. */
  get revision(): number {
    return this.#revised;
  }

  get sort(): Sort {
    return this.#shownSort;
  }

  get chip(): Chip {
    return this.#matcher.chip;
  }

  get range(): TimeRange | null {
    return this.#matcher.range;
  }

  /** true when some rows held may not be listed. */
  get filtered(): boolean {
    return this.#matcher.narrows;
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

  /** Rows that pass the filter (or those that do not), even if folded away, in order of arrival. */
  *rowsPassing(passing: boolean): Generator<ExchangeRow, void, undefined> {
    for (const item of this.#items.values()) {
      // The other side of a call passes with it.
      const { passes } = this.#tree.clientOf(item) ?? item;
      if (passes === passing) yield item.row;
    }
  }

  /** Incremented when the list changes. */
  get listRevision(): number {
    return this.#listRevised;
  }

  /** Place in the list, or -1. */
  indexOf(id: number): number {
    const item = this.#items.get(id);
    if (item === undefined || !item.listed) return -1;
    const index = lowerBound(this.#list, item, (a, b) => this.#compare(a, b));
    return this.#list[index] === item ? index : -1;
  }

  apply(rows: readonly ExchangeRow[], removed: readonly number[]): void {
    this.#revised++;
    for (const id of removed) {
      const item = this.#items.get(id);
      if (item === undefined) continue;
      this.#concerned(item);
      this.#items.delete(id);
      this.#tree.remove(item.row, true);
      if (!isCall(item.row)) this.#others--;
      this.#retire(item);
      this.#aboveAgain(this.#otherSide(item.row));
    }
    for (const row of rows) {
      const before = this.#items.get(row.id);
      // The last result holds until the next evaluation: a running call must not flicker.
      const found = before?.found;
      const moved = before === undefined || this.#isMoved(before.row, row);
      if (before !== undefined) {
        // Messages are in order, but a full send can overlap with changes.
        if (before.row.revision > row.revision) continue;
        if (moved) this.#concerned(before);
        if (!isCall(before.row)) this.#others--;
        this.#tree.remove(before.row, false);
        this.#retire(before);
      } else this.#aboveAgain(this.#otherSide(row));
      if (!isCall(row)) this.#others++;
      if (row.debug?.source != null) this.#hasSources = true;
      const { matched = true, passes = true } = before ?? {};
      const item: Item = {
        row,
        text: null,
        found,
        asked: false,
        matched,
        passes,
        listed: false,
        stale: false,
      };
      this.#items.set(row.id, item);
      this.#tree.add(row);
      this.#fresh.add(item);
      if (moved || this.filtered) this.#concerned(item);
      if (moved && before !== undefined) this.#aboveAgain(this.#otherSide(before.row));
    }
  }

  /** Whether rows beneath it move, too. */
  #isMoved(before: ExchangeRow, row: ExchangeRow): boolean {
    if (before.peer !== row.peer || before.cause?.id !== row.cause?.id || before.side !== row.side)
      return true;
    return this.#compareRows(before, row) !== 0;
  }

  /**
   * For a row that was added, changed or removed: rows that may now be unlisted or in another place are treated as new.
   */
  #concerned(item: Item): void {
    const other = this.#otherSide(item.row);
    if (other !== undefined && other !== item) this.#again(other);
    if (!this.#tree.nests) return;
    for (const one of this.#tree.descendants(item)) this.#again(one);
    this.#aboveAgain(item);
  }

  #otherSide({ peer }: ExchangeRow): Item | undefined {
    return peer === null ? undefined : this.#items.get(peer);
  }

  /** Ancestors, old and new, may be listed only because of this row. */
  #aboveAgain(item: Item | undefined): void {
    if (item === undefined || !this.filtered || !this.#tree.nests) return;
    for (const one of this.#tree.above(item)) this.#again(one);
  }

  /** Treats the row as new; a row that was already added since the last flush is not added twice. */
  #again({ row }: Item): void {
    const item = this.#items.get(row.id);
    if (item === undefined) return;
    if (!item.listed) {
      this.#fresh.add(item);
      return;
    }
    const again: Item = { ...item, listed: false, stale: false };
    this.#retire(item);
    this.#items.set(row.id, again);
    this.#fresh.add(again);
  }

  reset(): void {
    this.#revised++;
    this.#items.clear();
    this.#matcher.takeWanted();
    this.#others = 0;
    this.#hasSources = false;
    this.#tree.clear();
    this.#fresh.clear();
    this.#list = [];
    this.#staleListed = 0;
    // The empty list is a change, too.
    this.#all = true;
  }

  /** @param filter its `matches` null: everything passes. */
  setFilter(filter: Filter): void {
    this.#matcher.setFilter(filter);
    for (const item of this.#items.values()) {
      item.found = undefined;
      item.asked = false;
    }
    this.#all = true;
  }

  /** Calls not taken before whose details the filter needs. Their rows are not listed yet. */
  takeWanted(): number[] {
    return this.#matcher.takeWanted();
  }

  /** Detail test results of these calls. */
  setFound(results: readonly (readonly [id: number, found: number])[]): void {
    for (const [id, found] of results) {
      const item = this.#items.get(id);
      if (item === undefined || item.found === found) continue;
      item.found = found;
      this.#again(item);
      this.#concerned(this.#items.get(id) ?? item);
    }
  }

  setChip(chip: Chip): void {
    this.#matcher.chip = chip;
    this.#all = true;
  }

  setRange(range: TimeRange | null): void {
    this.#matcher.range = range;
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
    if (this.#all) this.#list = this.#arranged();
    else {
      for (const item of this.#fresh) this.#judge(item);
      const added: Item[] = [];
      for (const item of this.#fresh) {
        item.passes = this.#passes(item);
        item.listed = item.passes && this.#tree.isOpen(item);
        if (item.listed) added.push(item);
      }
      const compare = (a: Item, b: Item): number => this.#compare(a, b);
      added.sort(compare);
      const kept = this.#staleListed > 0 ? this.#list.filter((item) => !item.stale) : this.#list;
      this.#list = merged(kept, added, compare);
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

  #arranged(): Item[] {
    for (const item of this.#items.values()) this.#judge(item);
    const listed: Item[] = [];
    const dims = this.filtered && this.#tree.nests;
    if (dims) for (const item of this.#items.values()) item.passes = item.matched;
    for (const item of this.#items.values()) {
      if (!dims) item.passes = item.matched;
      else if (item.matched) for (const above of this.#tree.above(item)) above.passes = true;
    }
    for (const item of this.#items.values()) {
      item.listed = item.passes && this.#tree.isOpen(item);
      if (item.listed) listed.push(item);
    }
    return this.#tree.sorted(listed, this.#compareRows);
  }

  /** A row with both sides of a call matches if either side does. */
  #judge(item: Item): void {
    const other = this.#tree.clientOf(item) ?? this.#tree.serverOf(item);
    item.matched = this.#matcher.matches(item) || (other !== null && this.#matcher.matches(other));
  }

  /** It matches, or something beneath it does. */
  #passes(item: Item): boolean {
    if (item.matched || !this.filtered || !this.#tree.nests) return item.matched;
    for (const one of this.#tree.descendants(item)) {
      if (!this.#tree.above(one).includes(item)) continue;
      if (!this.#fresh.has(one)) this.#judge(one);
      if (one.matched) return true;
    }
    return false;
  }

  #compare(a: Item, b: Item): number {
    return this.#tree.compare(a, b, this.#compareRows);
  }
}
