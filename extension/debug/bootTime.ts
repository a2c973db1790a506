/** The clock of captured records, in this process. */
import { uptime } from 'node:os';

/** Smaller differences are within the resolution of `uptime`. */
const NEVER_SUSPENDED = 50;

/** Boot time minus monotonic time, in milliseconds; estimated until a trace reports it. */
let suspended = estimate();

/** Milliseconds since the machine was started (CLOCK_BOOTTIME). */
export function bootTime(): number {
  return monotonic() + suspended;
}

/** Converts a time of CLOCK_MONOTONIC to this clock. @param milliseconds of CLOCK_MONOTONIC */
export function monotonicToBoot(milliseconds: number): number {
  return milliseconds + suspended;
}

/** A helper has read both clocks. @param milliseconds boot time minus monotonic time */
export function setSuspended(milliseconds: number): void {
  suspended = milliseconds;
}

function estimate(): number {
  const ahead = uptime() * 1_000 - monotonic();
  return ahead < NEVER_SUSPENDED ? 0 : ahead;
}

function monotonic(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
