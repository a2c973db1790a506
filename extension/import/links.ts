/** Relates the calls of an archive by their original ids: both ends of a call, and causes. */
import type { Cause, Side } from '../engine/exchange.ts';
import { MAX_CAUSED, MAX_CHAIN } from '../engine/limits.ts';

/** The relations in an entry, by the ids of the trace that it was exported from. */
export interface StatedLinks {
  readonly id: number | null;
  readonly peer: number | null;
  readonly causedBy: Cause | null;
}

export interface Links {
  readonly peer: number | null;
  readonly causedBy: Cause | null;
  readonly caused: readonly number[];
  /** The call with which the chain begins, as far as it is certain. */
  readonly first: number;
}

interface Call extends StatedLinks {
  readonly side: Side | null;
}

export class ImportedLinks {
  readonly #calls = new Map<number, Call>();
  /** By its original id; null: several had it, because archives were merged. */
  readonly #own = new Map<number, number | null>();
  readonly #caused = new Map<number, number[]>();

  add(id: number, side: Side | null, stated: StatedLinks): void {
    if (stated.id === null) return;
    this.#calls.set(id, { ...stated, side });
    this.#own.set(stated.id, this.#own.has(stated.id) ? null : id);
    const cause = stated.causedBy?.id;
    if (cause === undefined) return;
    const caused = this.#caused.get(cause);
    if (caused === undefined) this.#caused.set(cause, [id]);
    else if (caused.length < MAX_CAUSED) caused.push(id);
  }

  remove(id: number): void {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    if (call?.id != null && this.#own.get(call.id) === id) this.#own.delete(call.id);
  }

  of(id: number): Links {
    const call = this.#calls.get(id);
    if (call === undefined) return { peer: null, causedBy: null, caused: [], first: id };
    const causedBy = this.#causeOf(call);
    const caused = call.id === null || this.#known(call.id) !== id ? [] : (this.#caused.get(call.id) ?? []);
    return {
      peer: this.#peerOf(id, call),
      causedBy,
      caused: caused.filter((one) => this.#calls.has(one)),
      first: this.#firstOf(id),
    };
  }

  #known(stated: number | null): number | null {
    const id = stated === null ? null : (this.#own.get(stated) ?? null);
    return id !== null && this.#calls.has(id) ? id : null;
  }

  /** Only where each names the other, and one is the client. */
  #peerOf(id: number, call: Call): number | null {
    const peer = this.#known(call.peer);
    const other = peer === null ? undefined : this.#calls.get(peer);
    if (other === undefined || other.side === call.side || this.#known(other.peer) !== id) return null;
    return call.side === null || other.side === null ? null : peer;
  }

  #causeOf(call: Call): Cause | null {
    const id = this.#known(call.causedBy?.id ?? null);
    return call.causedBy === null || id === null ? null : { ...call.causedBy, id };
  }

  #firstOf(id: number): number {
    let first = id;
    for (let length = 1; length < MAX_CHAIN; length++) {
      const call = this.#calls.get(first);
      if (call === undefined) break;
      const cause = this.#causeOf(call);
      const peer = call.side === 'server' ? this.#peerOf(first, call) : null;
      const before = peer ?? (cause === null || cause.doubt !== null ? null : cause.id);
      if (before === null || before === id) break;
      first = before;
    }
    return first;
  }
}
