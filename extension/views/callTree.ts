/**
 * The tree "HTTP Calls" without VS Code: process → host → route → newest calls, with counts that are kept up
 * to date from the changes of rows alone. Memory is bounded by the rows that the trace holds; what is shown of
 * one node is bounded by {@link MAX_CALLS} and {@link MAX_BRANCHES}.
 *
 * As in the list, a call that was seen at both ends is one call, the client's, while {@link CallTree.joins}. The
 * server's end is beneath it if one process has both; another process still lists the calls that it answered, which
 * count there as answered and not as calls.
 */
import type { RowChanges } from '../capture/trace.ts';
import { type ExchangeRow, isCall, isError, isRunning } from '../engine/row.ts';
import { routeOf } from '../words/address.ts';
import { otherEnd } from './otherEnd.ts';
import { SortedIds } from './sortedIds.ts';

/** Calls shown below one route: the timeline shows more than a screenful of them. */
export const MAX_CALLS = 50;
/** Hosts shown below one process, and routes below one host. */
export const MAX_BRANCHES = 200;

export type TreeNode = Branch | CallNode | MoreNode;
export type BranchKind = 'process' | 'host' | 'route';

/** A call below its route, or the server's end of it below that. */
export interface CallNode {
  readonly kind: 'call';
  readonly id: string;
  readonly row: ExchangeRow;
  readonly parent: Branch | CallNode;
  /** The server's end, which is beneath it; null: there is none. */
  readonly end: ExchangeRow | null;
}

/** `… 12,340 more in the timeline`. */
export interface MoreNode {
  readonly kind: 'more';
  readonly id: string;
  readonly count: number;
  /** How many are newer than the shown calls: see {@link CallTree.hold}. */
  readonly newer: number;
  /** Kind of hidden nodes. */
  readonly of: 'call' | 'host' | 'route';
  readonly parent: Branch;
}

/** A process, a host or a route, with sums over all calls below it. */
export class Branch {
  calls = 0;
  /** Connections without plaintext, which are not calls. */
  encrypted = 0;
  errors = 0;
  running = 0;
  /** Calls of other traced processes that were answered here: each counts as a call at the process that made it. */
  answered = 0;
  /** How many of them failed here. */
  failedAnswers = 0;
  /** Calls of other traced processes that are being answered. */
  answering = 0;
  /** Child hosts or routes by key, in the order first seen. */
  readonly branches = new Map<string, Branch>();
  /** Of a route: ids of its calls. */
  readonly ids = new SortedIds();
  /** Of a route: the top call when its calls were last requested. */
  top: number | null = null;
  /** The row that was seen last here: process names become known late. */
  sample: ExchangeRow;

  constructor(
    readonly kind: BranchKind,
    /** Stable while the node exists, and unique in the tree. */
    readonly id: string,
    /** Host or route, null when unknown; of a process: null. */
    readonly name: string | null,
    readonly parent: Branch | null,
    readonly key: string,
    sample: ExchangeRow,
  ) {
    this.sample = sample;
  }
}

/** Where a call is in the tree, and what it adds to the sums. */
interface Place {
  readonly route: Branch;
  readonly counts: 'call' | 'encrypted' | 'answer';
  readonly error: boolean;
  readonly running: boolean;
}

export interface TreeChanges {
  /** Processes below which something changed. */
  readonly processes: ReadonlySet<Branch>;
  /** A process came or went: the list of processes itself changed. */
  readonly root: boolean;
}

export class CallTree {
  readonly #processes = new Map<string, Branch>();
  readonly #places = new Map<number, Place>();
  /** Ids of server ends beneath a client's call, and of those calls. */
  readonly #ends = new Map<number, number>();
  /** The other ends of rows, as last reported. */
  readonly #peers = new Map<number, number>();
  #joins = true;
  #nextBranch = 1;
  /** See {@link hold}. */
  #held: { readonly route: Branch; readonly top: number | null } | null = null;

  readonly #rows: ReadonlyMap<number, ExchangeRow>;

  constructor(rows: ReadonlyMap<number, ExchangeRow>) {
    this.#rows = rows;
  }

  /** A call seen at both ends counts once. */
  get joins(): boolean {
    return this.#joins;
  }

  /** @returns what this changed. */
  setJoins(joins: boolean): TreeChanges {
    this.#joins = joins;
    return this.apply({ rows: [...this.#rows.values()], removed: [] });
  }

  /** Takes in new, changed and removed rows. `changes.rows` must be in `rows` already, `removed` no longer. */
  apply(changes: RowChanges): TreeChanges {
    const touched = new Set<Branch>();
    const before = [...this.#processes.values()];
    for (const id of changes.removed) this.#remove(id, touched);
    for (const row of changes.rows) this.#put(row, touched);
    for (const process of touched) if (process.branches.size === 0) this.#processes.delete(process.key);
    const after = [...this.#processes.values()];
    const root = before.length !== after.length || before.some((process, i) => process !== after[i]);
    return { processes: touched, root };
  }

  children(node?: TreeNode): TreeNode[] {
    if (node === undefined) return [...this.#processes.values()];
    if (node.kind === 'more') return [];
    if (node.kind === 'call') return node.end === null ? [] : [callNode(node.end, node, null)];
    return node.kind === 'route' ? this.#newestCalls(node) : shownBranches(node);
  }

  /** The call's node, with all its ancestors; null when it is not held. */
  call(id: number): CallNode | null {
    const row = this.#rows.get(id);
    if (row === undefined) return null;
    const clientId = this.#ends.get(id);
    const client = clientId === undefined ? null : this.call(clientId);
    if (client !== null) return callNode(row, client, null);
    const route = this.#places.get(id)?.route;
    return route === undefined ? null : callNode(row, route, this.#endOf(row));
  }

  #endOf({ id, peer }: ExchangeRow): ExchangeRow | null {
    if (peer === null || this.#ends.get(peer) !== id) return null;
    return this.#rows.get(peer) ?? null;
  }

  /**
   * While a call is selected, its list does not change: newer calls would push it out of sight. @returns the processes
   * whose children have changed.
   */
  hold(call: CallNode | null): readonly Branch[] {
    const before = this.#held?.route ?? null;
    const route = call === null ? null : routeAbove(call);
    if (before === route) return [];
    this.#held = route === null ? null : { route, top: route.top };
    return before === null ? [] : [before.parent!.parent!];
  }

  /** True when `children` of its ancestors lead to the call: only such a node can be revealed. */
  isShown(node: CallNode): boolean {
    const route = node.parent;
    if (route.kind === 'call') return this.isShown(route);
    const host = route.parent!;
    const position = (route.ids.positionOf(node.row.id) ?? MAX_CALLS) - this.#newerThanHeld(route);
    return (
      position >= 0 &&
      position < MAX_CALLS &&
      isAmongFirst(host.branches, route) &&
      isAmongFirst(host.parent!.branches, host)
    );
  }

  /** The nearest ancestor that `children` leads to, of a call that is not shown. */
  shownAncestor(node: CallNode): Branch {
    const route = routeAbove(node);
    const host = route.parent!;
    const process = host.parent!;
    if (!isAmongFirst(process.branches, host)) return process;
    return isAmongFirst(host.branches, route) ? route : host;
  }

  #newestCalls(route: Branch): TreeNode[] {
    const nodes: TreeNode[] = [];
    const newer = this.#newerThanHeld(route);
    const end = Math.min(route.ids.size, newer + MAX_CALLS);
    route.top = newer < end ? (route.ids.newest(newer) ?? null) : null;
    for (let position = newer; position < end; position++) {
      const row = this.#rows.get(route.ids.newest(position)!);
      if (row !== undefined) nodes.push(callNode(row, route, this.#endOf(row)));
    }
    const count = route.ids.size - nodes.length;
    if (count > 0)
      nodes.push({ kind: 'more', id: `${route.id}/more`, count, newer, of: 'call', parent: route });
    return nodes;
  }

  /** Calls that came while the list was held. */
  #newerThanHeld(route: Branch): number {
    if (this.#held?.route !== route || this.#held.top === null) return 0;
    return route.ids.positionOf(this.#held.top) ?? 0;
  }

  #put(row: ExchangeRow, touched: Set<Branch>): void {
    const formerPeer = this.#peers.get(row.id);
    if (row.peer === null) this.#peers.delete(row.id);
    else this.#peers.set(row.id, row.peer);
    this.#place(row, touched);
    // The place of the other end, and what it adds to the sums, depends on this one.
    if (row.peer !== null) this.#placeAgain(row.peer, touched);
    if (formerPeer !== undefined && formerPeer !== row.peer) this.#placeAgain(formerPeer, touched);
  }

  #placeAgain(id: number, touched: Set<Branch>): void {
    const row = this.#rows.get(id);
    if (row !== undefined && (this.#places.has(id) || this.#ends.has(id))) this.#place(row, touched);
  }

  #place(row: ExchangeRow, touched: Set<Branch>): void {
    const other = this.#joins ? otherEnd(this.#rows, row) : undefined;
    const client = row.side === 'server' ? other : undefined;
    if (client !== undefined && processKey(client) === processKey(row)) {
      this.#leave(row.id, touched);
      this.#ends.set(row.id, client.id);
      const route = this.#places.get(client.id)?.route;
      if (route !== undefined) touched.add(route.parent!.parent!);
      return;
    }
    this.#ends.delete(row.id);
    const old = this.#places.get(row.id);
    const stays = old !== undefined && isPlaceOf(old.route, row);
    // A call that moves is removed first: its old host may be deleted with it and created anew.
    if (old !== undefined && !stays) this.#leave(row.id, touched);
    const route = stays ? old.route : this.#routeFor(row);
    const place: Place = {
      route,
      counts: client !== undefined ? 'answer' : isCall(row) ? 'call' : 'encrypted',
      // As in the list, a row for both ends has failed if either end has.
      error: isError(row) || (client === undefined && other !== undefined && isError(other)),
      running: isRunning(row),
    };
    if (stays) add(old, -1);
    else route.ids.add(row.id);
    this.#places.set(row.id, place);
    add(place, 1);
    route.sample = row;
    route.parent!.sample = row;
    const process = route.parent!.parent!;
    // A process has a new name after execve(2): the newest known name is shown.
    if (row.processName !== null || process.sample.processName === null) process.sample = row;
    touched.add(process);
  }

  #remove(id: number, touched: Set<Branch>): void {
    const peer = this.#peers.get(id);
    this.#peers.delete(id);
    this.#ends.delete(id);
    this.#leave(id, touched);
    if (peer !== undefined) this.#placeAgain(peer, touched);
  }

  #leave(id: number, touched: Set<Branch>): void {
    const place = this.#places.get(id);
    if (place === undefined) return;
    this.#places.delete(id);
    add(place, -1);
    const { route } = place;
    route.ids.delete(id);
    const host = route.parent!;
    const process = host.parent!;
    if (route.ids.size === 0) host.branches.delete(route.key);
    if (host.branches.size === 0) process.branches.delete(host.key);
    touched.add(process);
  }

  #routeFor(row: ExchangeRow): Branch {
    const process = this.#branch(this.#processes, 'process', null, processKey(row), null, row);
    const host = this.#branch(process.branches, 'host', process, key(row.host), row.host, row);
    return this.#branch(host.branches, 'route', host, routeKey(row), routeOf(row.path), row);
  }

  #branch(
    siblings: Map<string, Branch>,
    kind: BranchKind,
    parent: Branch | null,
    branchKey: string,
    name: string | null,
    row: ExchangeRow,
  ): Branch {
    const existing = siblings.get(branchKey);
    if (existing !== undefined) return existing;
    const made = new Branch(kind, `${kind}-${this.#nextBranch++}`, name, parent, branchKey, row);
    siblings.set(branchKey, made);
    return made;
  }
}

function isPlaceOf(route: Branch, row: ExchangeRow): boolean {
  const host = route.parent!;
  return route.key === routeKey(row) && host.key === key(row.host) && host.parent!.key === processKey(row);
}

/** Processes from a file differ from those traced here; its calls without a process are grouped by file. */
function processKey({ pid, file }: ExchangeRow): string {
  return file === null ? `${pid}` : `${pid} ${file}`;
}

/** Connections without plaintext are together, and failed lookups, apart from calls whose path is unknown. */
function routeKey(row: ExchangeRow): string {
  if (row.failure !== null) return '?lookup';
  return row.encrypted === null ? key(routeOf(row.path)) : '!';
}

/** An unknown name has its own key, unlike any known name. */
function key(name: string | null): string {
  return name === null ? '?' : `=${name}`;
}

function callNode(row: ExchangeRow, parent: Branch | CallNode, end: ExchangeRow | null): CallNode {
  return { kind: 'call', id: `call-${row.id}`, row, parent, end };
}

function routeAbove({ parent }: CallNode): Branch {
  return parent.kind === 'call' ? routeAbove(parent) : parent;
}

function shownBranches(parent: Branch): TreeNode[] {
  const nodes: TreeNode[] = [];
  for (const branch of parent.branches.values()) {
    if (nodes.length === MAX_BRANCHES) break;
    nodes.push(branch);
  }
  const more = parent.branches.size - nodes.length;
  const of = parent.kind === 'process' ? 'host' : 'route';
  if (more > 0) nodes.push({ kind: 'more', id: `${parent.id}/more`, count: more, newer: 0, of, parent });
  return nodes;
}

function isAmongFirst(siblings: ReadonlyMap<string, Branch>, branch: Branch): boolean {
  let position = 0;
  for (const sibling of siblings.values()) {
    if (position++ === MAX_BRANCHES) return false;
    if (sibling === branch) return true;
  }
  return false;
}

function add({ route, counts, error, running }: Place, sign: 1 | -1): void {
  for (let branch: Branch | null = route; branch !== null; branch = branch.parent) {
    if (counts === 'answer') {
      if (running) branch.answering += sign;
      else branch.answered += sign;
      if (error) branch.failedAnswers += sign;
      continue;
    }
    if (counts === 'call') branch.calls += sign;
    else branch.encrypted += sign;
    if (error) branch.errors += sign;
    if (running) branch.running += sign;
  }
}
