/** Converts a lookup to its form in exchange.ts. */
import type { NameLookup } from '../exchange.ts';
import { codeName } from './failure.ts';
import type { Lookup } from './lookup.ts';

/** @param span null: not certain. */
export function factsOf(
  lookup: Lookup,
  span: { readonly from: number; readonly to: number } | null,
): NameLookup {
  const { asked, attempts, questions, server, transport, addresses, alias, queries } = lookup;
  return {
    name: asked.name,
    alsoTried: [...attempts, lookup].filter((one) => one !== asked).map(({ name }) => name),
    types: [...questions.keys()],
    server,
    transport,
    addresses: [...addresses.keys()],
    alias,
    queries,
    error: lookup.succeeded ? null : codeName(lookup),
    started: span?.from ?? null,
    ended: span?.to ?? null,
  };
}
