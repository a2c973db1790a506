/** Typed interface to the extension host, and the UI state that survives hiding. */
import type { ToHost, ToWebview } from '../views/webviewProtocol.ts';
import type { ColumnChoice, ColumnId } from './columnChoice.ts';
import type { Sort } from './columns.ts';
import type { TabId } from './details/tabs.ts';
import type { Chip } from './rowMatcher.ts';

/**
 * How the panel looks, never what was captured: this is stored by VS Code in plain text.
 * Every part may be missing or stale.
 */
export interface UiState {
  readonly filter?: string;
  readonly chip?: Chip;
  readonly sort?: Sort;
  readonly widths?: Partial<Record<ColumnId, number>>;
  readonly columns?: ColumnChoice;
  readonly tab?: TabId;
  readonly detailsOpen?: boolean;
  /** Share of the details in the pane, 0 to 1. */
  readonly detailsWidth?: number;
  readonly detailsHeight?: number;
  /** The call and the list that it belongs to: ids start again with each list. */
  readonly selected?: { readonly id: number; readonly startedAt: number; readonly list: number };
  /** Number of calls held at the last write, and their trace: a reload of the window loses them. */
  readonly held?: { readonly calls: number; readonly startedAt: number };
}

interface Api {
  postMessage(message: ToHost): void;
  getState(): UiState | undefined;
  setState(state: UiState): void;
}

declare const acquireVsCodeApi: () => Api;

export class Host {
  readonly #api = acquireVsCodeApi();
  #current: UiState = this.#api.getState() ?? {};

  get state(): UiState {
    return this.#current;
  }

  update(change: UiState): void {
    this.#current = { ...this.#current, ...change };
    this.#api.setState(this.#current);
  }

  /** exactOptionalPropertyTypes does not allow undefined, so removing needs its own method. */
  forget(part: 'selected' | 'held'): void {
    const { [part]: _, ...rest } = this.#current;
    this.#current = rest;
    this.#api.setState(rest);
  }

  send(message: ToHost): void {
    this.#api.postMessage(message);
  }

  /** Only the extension host and VS Code's own frame can post here, so the type is trusted. */
  listen(listener: (message: ToWebview) => void): void {
    window.addEventListener('message', (event: MessageEvent<ToWebview>) => listener(event.data));
  }
}
