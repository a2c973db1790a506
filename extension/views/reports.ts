/** Texts of the reports that are documents, by path. Pure. */

/** Reports kept that are not open: VS Code may open one again from the editor's history. */
export const MAX_CLOSED = 20;

export class Reports {
  /** The newest last. */
  readonly #texts = new Map<string, string>();

  get(path: string): string | undefined {
    return this.#texts.get(path);
  }

  /** Replaces a report of the same path. @param open paths of open documents: their reports are kept. */
  set(path: string, text: string, open: ReadonlySet<string>): void {
    this.#texts.delete(path);
    this.#texts.set(path, text);
    const closed = [...this.#texts.keys()].filter((one) => !open.has(one) && one !== path);
    for (const one of closed.slice(0, Math.max(0, closed.length - MAX_CLOSED))) this.#texts.delete(one);
  }
}
