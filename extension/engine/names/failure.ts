/** Why a name was not found, in one readable line. */
import type { AddressType, Lookup, Outcome } from './lookup.ts';

/** IANA's registry of RCODEs: name and meaning. */
const CODES: Readonly<Record<number, readonly [name: string, meaning: string]>> = {
  1: ['FORMERR', 'the name server did not understand the query'],
  2: ['SERVFAIL', 'the name server failed'],
  3: ['NXDOMAIN', 'the name does not exist'],
  4: ['NOTIMP', 'the name server does not support the query'],
  5: ['REFUSED', 'the name server refused the query'],
};

const ERRORS: Readonly<Record<number, string>> = {
  1: 'the query was not permitted',
  101: 'the name server cannot be reached (network unreachable)',
  110: 'the name server cannot be reached (timed out)',
  111: 'no name server listens there (connection refused)',
  113: 'the name server cannot be reached (no route to host)',
};

/** systemd-resolved's errors that come without an RCODE. */
const RESOLVED: ReadonlyMap<string, string> = new Map([
  ['NoNameServers', 'no name server is configured'],
  ['NoSuchResourceRecord', 'the name has no address'],
  ['QueryTimedOut', 'no answer in time'],
  ['MaxAttemptsReached', 'no answer in time'],
  ['NetworkDown', 'the network is down'],
]);

/** A code such as `NXDOMAIN`; null if no server sent one. */
export function codeName(lookup: Lookup): string | null {
  const outcome = decisive(lookup.asked);
  return outcome?.kind === 'code' ? (CODES[outcome.code]?.[0] ?? `RCODE ${outcome.code}`) : null;
}

/** `name lookup failed: the name does not exist (NXDOMAIN from 127.0.0.53:53)`. */
export function lookupFailure(lookup: Lookup): string {
  const outcome = decisive(lookup.asked);
  if (outcome !== null && outcome.kind !== 'silent') return `name lookup failed: ${answered(outcome)}`;
  const server = outcome?.server ?? lookup.server;
  const queries = lookup.queries === 1 ? '1 query' : `${lookup.queries} queries`;
  const end = lookup.cut === null ? '' : ` before the ${lookup.cut} ended`;
  const from = server === null ? '' : ` from ${server}`;
  const what = lookup.cut === 'trace' ? 'name lookup not finished' : 'name lookup failed';
  return `${what}: no answer${from}${end} (${queries})`;
}

function answered(outcome: Outcome): string {
  const { server } = outcome;
  const from = server === null ? '' : ` from ${server}`;
  switch (outcome.kind) {
    case 'code': {
      const [name, meaning] = CODES[outcome.code] ?? [
        `RCODE ${outcome.code}`,
        'the name server reported an error',
      ];
      return server === null ? `${meaning} (${name})` : `${meaning} (${name} from ${server})`;
    }
    case 'error': {
      const text = ERRORS[outcome.errno] ?? `the query failed with errno ${outcome.errno}`;
      return server === null ? text : `${text}: ${server}`;
    }
    case 'resolved':
      return `${RESOLVED.get(outcome.error) ?? outcome.error} (systemd-resolved)`;
    case 'truncated':
      return `the answer${from} was truncated, and no complete one was seen`;
    default:
      return server === null ? 'the name has no address' : `the name has no address (answer${from})`;
  }
}

const WEIGHT: Readonly<Record<Outcome['kind'], number>> = {
  code: 6,
  truncated: 5,
  error: 4,
  resolved: 3,
  silent: 2,
  'no-data': 1,
  addresses: 0,
};

/** The outcome that best explains why there is no address. */
function decisive({ questions }: Lookup): Outcome | null {
  let found: Outcome | null = null;
  for (const type of ['A', 'AAAA'] satisfies AddressType[]) {
    const outcome = questions.get(type)?.outcome ?? null;
    if (outcome !== null && (found === null || WEIGHT[outcome.kind] > WEIGHT[found.kind])) found = outcome;
  }
  return found;
}
