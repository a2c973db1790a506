/** Debug sessions by the secret token that their hooks report. Pure. */

/** Ended sessions kept, because their last findings may still arrive. */
export const MAX_ENDED = 100;

export class SessionTokens<T> {
  readonly #all = new Map<string, T>();
  /** Tokens of ended sessions, oldest first. */
  readonly #ended = new Set<string>();

  add(token: string, session: T): void {
    this.#all.set(token, session);
  }

  get(token: string): T | null {
    return this.#all.get(token) ?? null;
  }

  /** Idempotent. The oldest of more than {@link MAX_ENDED} ended sessions is dropped. */
  end(token: string): void {
    if (!this.#all.has(token)) return;
    this.#ended.add(token);
    const [oldest] = this.#ended;
    if (this.#ended.size <= MAX_ENDED || oldest === undefined) return;
    this.#ended.delete(oldest);
    this.#all.delete(oldest);
  }
}
