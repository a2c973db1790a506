/** Decides whether two addresses that a process tried, in turn or at once, can belong to one name. */
import type { Lookup } from './lookup.ts';
import { plainAddress } from './message.ts';

/** An address to which a process connected. */
export interface FoundAddress {
  readonly bytes: Uint8Array;
  /** The lookups that may have found it. */
  readonly lookups: readonly Lookup[];
}

/**
 * If lookups were seen, they decide. If none was (a hosts file, a cache in the program), the addresses must be what one
 * name usually has: one of each family, and both loopback or both not.
 */
export function mayBeOneName(one: FoundAddress, other: FoundAddress): boolean {
  const [a, b] = [plainAddress(one.bytes), plainAddress(other.bytes)];
  if (one.lookups.length > 0 || other.lookups.length > 0) {
    // A claimed lookup is not in these lists any more, so each side is checked for the other's address.
    if (one.lookups.some(({ addresses }) => addresses.has(b))) return true;
    if (other.lookups.some(({ addresses }) => addresses.has(a))) return true;
    return one.lookups.some(({ name }) => other.lookups.some((lookup) => lookup.name === name));
  }
  return a.includes(':') !== b.includes(':') && isLoopback(a) === isLoopback(b);
}

/** connect(2) treats the unspecified address as the loopback address. */
function isLoopback(address: string): boolean {
  return ['::1', '::', '0.0.0.0'].includes(address) || address.startsWith('127.');
}
