/**
 * The times of a trace: boot time in records, milliseconds since its start in exchanges, wall time for
 * people.
 */
export class TraceClock {
  /** Wall time minus boot time (ns). */
  #offset = 0n;
  /** Boot time (ns) of millisecond 0; null before the first clock or record. */
  #origin: bigint | null = null;

  /** @param offset wall time minus boot time (ns); may change when the machine was suspended. */
  set(offset: bigint, bootTime: bigint): void {
    this.#offset = offset;
    this.start(bootTime);
  }

  /** The trace starts at this boot time (ns), unless it has started before. */
  start(bootTime: bigint): void {
    this.#origin ??= bootTime;
  }

  /** Milliseconds since the trace's start. */
  milliseconds(bootTime: bigint): number {
    return Number(bootTime - (this.#origin ?? bootTime)) / 1e6;
  }

  /** Nanoseconds since the epoch. */
  wallTime(milliseconds: number): bigint {
    return (this.#origin ?? 0n) + this.#offset + BigInt(Math.round(milliseconds * 1e6));
  }
}
