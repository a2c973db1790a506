import type { Phases } from '../row.ts';

/** For tests: phases of which only these are known. */
export function examplePhases(known: Partial<Phases> = {}): Phases {
  return {
    lookupMs: null,
    connectMs: null,
    tlsMs: null,
    sendMs: null,
    waitMs: null,
    receiveMs: null,
    overlapMs: null,
    ...known,
  };
}
