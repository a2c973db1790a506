/**
 * The times of a trace: boot time in records, milliseconds since its start in exchanges, wall time for
 * display.
 */
export class TraceClock {
  /** Wall time minus boot time (ns). */
  #offset = 0n;
  /** Boot time (ns) of millisecond 0; null before the first clock or record. */
  #origin: bigint | null = null;

  /** The origin as upper and lower 32 bits, signed, as in data records. */
  #originHigh = 0;
  #originLow = 0;

  /** @param offset wall time minus boot time (ns); may change when the machine was suspended. */
  set(offset: bigint, bootTime: bigint): void {
    this.#offset = offset;
    this.start(bootTime);
  }

  /** The trace starts at this boot time (ns), unless it has started before. */
  start(bootTime: bigint): void {
    if (this.#origin !== null) return;
    this.#origin = bootTime;
    this.#originHigh = Number(BigInt.asIntN(32, bootTime >> 32n));
    this.#originLow = Number(BigInt.asIntN(32, bootTime));
  }

  get started(): boolean {
    return this.#origin !== null;
  }

  /** As {@link milliseconds}, from the two halves of a boot time. */
  millisecondsOf(high: number, low: number): number {
    const upper = (high >>> 0) - (this.#originHigh >>> 0);
    return (upper * 2 ** 32 + ((low >>> 0) - (this.#originLow >>> 0))) / 1e6;
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
