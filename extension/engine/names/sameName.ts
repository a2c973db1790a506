/** Whether two addresses that a process tried, one after the other or at once, can be those of one name. */
import type { Lookup } from './lookup.ts';
import { plainAddress } from './message.ts';

/** An address to which a process connected. */
export interface FoundAddress {
  readonly bytes: Uint8Array;
  /** By which the process may have found it. */
  readonly lookups: readonly Lookup[];
}

/**
 * Where lookups were seen, they decide. Where none was (a hosts file, a cache of the program), only what a name usually
 * has is taken for one: an address of each family, both of this machine or both of others.
 */
export function mayBeOneName(one: FoundAddress, other: FoundAddress): boolean {
  const [a, b] = [plainAddress(one.bytes), plainAddress(other.bytes)];
  if (one.lookups.length > 0 || other.lookups.length > 0) {
    // A lookup that a connection has claimed is not offered any more.
    if (one.lookups.some(({ addresses }) => addresses.has(b))) return true;
    if (other.lookups.some(({ addresses }) => addresses.has(a))) return true;
    return one.lookups.some(({ name }) => other.lookups.some((lookup) => lookup.name === name));
  }
  return a.includes(':') !== b.includes(':') && isLoopback(a) === isLoopback(b);
}

/** connect(2) takes the unspecified address for the loopback one. */
function isLoopback(address: string): boolean {
  return ['::1', '::', '0.0.0.0'].includes(address) || address.startsWith('127.');
}
