/** The breaks of a workspace: their conditions are stored with it, their hits are not. */
import * as vscode from 'vscode';
import type { Condition } from './condition.ts';
import { parseCondition } from './parseCondition.ts';

export interface Break {
  readonly id: number;
  /** In the filter's language. */
  readonly text: string;
  readonly enabled: boolean;
  /** How often it has stopped a program since the window was opened. */
  readonly hits: number;
}

export interface ActiveBreak {
  readonly id: number;
  readonly condition: Condition;
}

/** In the workspace's state: {@link Kept}, in order. */
const KEPT = 'breaks';
/** Each one is evaluated for each call. */
const MAX_BREAKS = 100;

interface Kept {
  readonly text: string;
  readonly enabled: boolean;
}

export class BreakList implements vscode.Disposable {
  readonly #state: vscode.Memento;
  readonly #changed = new vscode.EventEmitter<void>();
  #breaks: readonly Break[];
  #lastId = 0;

  readonly onDidChange = this.#changed.event;

  constructor(state: vscode.Memento) {
    this.#state = state;
    this.#breaks = keptBreaks(state.get<unknown>(KEPT)).map((kept) => ({
      id: ++this.#lastId,
      hits: 0,
      ...kept,
    }));
  }

  get all(): readonly Break[] {
    return this.#breaks;
  }

  /** The enabled breaks, as data for hooks. */
  get active(): readonly ActiveBreak[] {
    return this.#breaks.flatMap(({ id, text, enabled }) => {
      const { condition } = parseCondition(text);
      return enabled && condition !== null ? [{ id, condition }] : [];
    });
  }

  /** Enables the break if it exists already. @returns false: there are too many. */
  add(text: string): boolean {
    const existing = this.#breaks.find((one) => one.text === text);
    if (existing !== undefined) this.change(existing.id, { enabled: true });
    else if (this.#breaks.length >= MAX_BREAKS) return false;
    else this.#set([...this.#breaks, { id: ++this.#lastId, text, enabled: true, hits: 0 }]);
    return true;
  }

  change(id: number, change: Partial<Kept>): void {
    this.#set(this.#breaks.map((one) => (one.id === id ? { ...one, ...change } : one)));
  }

  /** @param id of one break; omitted: of all. */
  remove(id?: number): void {
    this.#set(this.#breaks.filter((one) => id !== undefined && one.id !== id));
  }

  countHit(id: number): void {
    this.#breaks = this.#breaks.map((one) => (one.id === id ? { ...one, hits: one.hits + 1 } : one));
    this.#changed.fire();
  }

  dispose(): void {
    this.#changed.dispose();
  }

  #set(breaks: readonly Break[]): void {
    this.#breaks = breaks;
    void this.#state.update(
      KEPT,
      breaks.map(({ text, enabled }): Kept => ({ text, enabled })),
    );
    this.#changed.fire();
  }
}

/** Skips entries of another version that are unknown here. */
function keptBreaks(value: unknown): Kept[] {
  if (!Array.isArray(value)) return [];
  return value.slice(0, MAX_BREAKS).flatMap((one: Partial<Kept> | null) => {
    if (typeof one?.text !== 'string' || parseCondition(one.text).condition === null) return [];
    return [{ text: one.text, enabled: one.enabled !== false }];
  });
}
