/** What the helper gets from the loader: descriptors at fixed numbers, and those that the broker sends (loader/broker.h). */

import type { Backend, KernelPart } from './protocol.ts';
import { BACKENDS } from './protocol.ts';

/** What the helper inherits (enum in helper/loader/loader.h). */
export const INHERITED = { socket: 3, broker: 4 } as const;

/** Descriptors that the broker sends, in this order (list_handed_over in helper/loader/broker.c); the rest are links. */
const HANDED_OVER = [
  'dataRing',
  'structureRing',
  'targets',
  'counters',
  'namedTargets',
  'processRing',
  'waiting',
  'breaks',
  'automaton',
  'stacks',
] as const;

export type Descriptors = Readonly<Record<(typeof HANDED_OVER)[number], number>> & {
  /** Links of the programs that are always attached. */
  readonly links: readonly number[];
};

/** @throws Error when the loader is of another version. */
export function nameDescriptors(descriptors: readonly number[], links: number): Descriptors {
  if (descriptors.length !== HANDED_OVER.length + links)
    throw new Error('The loader and the helper have different versions.');
  const named = Object.fromEntries(HANDED_OVER.map((name, index) => [name, descriptors[index]]));
  return { ...(named as Omit<Descriptors, 'links'>), links: descriptors.slice(HANDED_OVER.length) };
}

/** Bytes of a message's head that are copied beyond the body limit: the loader's copy limits are the sum of both. */
export const HEAD_ALLOWANCE = 32 * 1024;

/** A copy limit for "everything" (UINT32_MAX). */
export const UNLIMITED = 0xffff_ffff;

export interface Facts {
  readonly links: number;
  /** The broker can attach the programs again, for another trace. */
  readonly keepable: boolean;
  /** How the broker attaches programs to functions of TLS libraries. */
  readonly tlsAttach: 'multi' | 'perf' | 'none';
  /** Whether the client asked for TLS plaintext. */
  readonly tlsWanted: boolean;
  readonly owner: number;
  /** The owner's groups: a process with another group is not traced. */
  readonly groups: readonly number[];
  /** Process ids here are not those of the initial pid namespace. */
  readonly foreignPids: boolean;
  readonly ringSize: number;
  readonly requestCopyLimit: number;
  readonly responseCopyLimit: number;
  readonly backend: Backend;
  readonly refused: Readonly<Record<Backend, string>>;
  /** Why a part was left out; empty where it was not. */
  readonly missing: Readonly<Record<KernelPart, string>>;
}

/** @throws Error when the helper was not started by its loader. */
export function readFacts(text: string): Facts {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = null;
  }
  const facts = (value ?? {}) as Record<string, unknown>;
  for (const name of ['links', 'owner', 'ringSize', 'requestCopyLimit', 'responseCopyLimit']) {
    if (!Number.isSafeInteger(facts[name])) throw new Error('The helper can only be started by its loader.');
  }
  if (!BACKENDS.includes(facts['backend'] as Backend))
    throw new Error('The helper does not know this backend.');
  const groups = facts['groups'];
  if (!Array.isArray(groups) || !groups.every(Number.isSafeInteger))
    throw new Error('The helper can only be started by its loader.');
  return facts as unknown as Facts;
}

/** Why TLS is not decrypted, as a text for the user, to follow "not decrypted: "; null when it is. */
export function tlsOff({
  tlsAttach,
  tlsWanted,
  missing,
}: Pick<Facts, 'tlsAttach' | 'tlsWanted' | 'missing'>): string | null {
  if (tlsAttach !== 'none') return null;
  return tlsWanted ? missing.tls : 'TLS decryption is switched off for this trace';
}
