/**
 * Failing calls of widely used HTTP clients, and what their rows must say. All clients run in one trace, and
 * a row is found by the client's name in its path, or by its process. The kernel tests run them here, the matrix by each
 * backend in other kernels.
 */
import { join } from 'node:path';
import type { ExchangeJson } from '../../extension/engine/exchangeJson.ts';
import { same } from './check.ts';
import { endingText } from './endingText.ts';
import type { NamedNetwork } from './namedNetwork.ts';
import { PYTHON } from './peers.ts';
import { Child } from './process.ts';
import { Tracing } from './tracing.ts';

const PLAIN = 'http://127.0.0.1:8080';
/** Milliseconds after which a client gives up what is never answered. */
const PATIENCE = '400';
const PATIENCE_SLOW = '5000';

/** Method, URL, milliseconds, bytes; `NAME`: the client's. Order matters: `stale` reuses the connection of `warm`. */
const CALLS = [
  ['GET', `${PLAIN}/NAME/close`, '0', '0'],
  ['GET', `${PLAIN}/NAME/reset`, '0', '0'],
  ['GET', `${PLAIN}/NAME/half`, '0', '0'],
  ['GET', `${PLAIN}/NAME/cut`, '0', '0'],
  ['GET', `${PLAIN}/NAME/never`, PATIENCE, '0'],
  ['POST', `${PLAIN}/NAME/early`, '0', '500000'],
  ['GET', `${PLAIN}/NAME/warm`, '0', '0'],
  ['POST', `${PLAIN}/NAME/stale`, '0', '10'],
  ['GET', 'http://127.0.0.1:8081/NAME/dead', '0', '0'],
  ['GET', 'http://127.0.0.1:8082/NAME/full', PATIENCE, '0'],
  ['GET', 'http://10.9.8.7/NAME/lost', '0', '0'],
  ['GET', 'http://[fe80::1]:81/NAME/no-scope', '0', '0'],
  ['GET', 'http://nowhere.example/NAME/name', '0', '0'],
  ['GET', 'https://127.0.0.1:8080/NAME/not-tls', '0', '0'],
  ['GET', 'https://127.0.0.1:8443/NAME/untrusted', '0', '0'],
  ['GET', 'https+any://127.0.0.1:8443/NAME/unconfirmed', '0', '0'],
] as const;

interface Places {
  /** test/kernel/peers. */
  readonly peers: string;
  /** Where `failing` (failing.go) and Failing.class are, and `certificate.pem` with `key.pem`. */
  readonly built: string;
  /** The folder in which failures.py creates files for the clients. */
  readonly folder: string;
}

type Client = (places: Places) => readonly string[];

const python =
  (library: string): Client =>
  ({ peers }) => [PYTHON, join(peers, 'failing.py'), library];
const node =
  (library: string): Client =>
  ({ peers }) => [process.execPath, join(peers, 'failing.mjs'), library];
const java =
  (library: string): Client =>
  ({ built, folder }) => [
    ...['java', '-XX:TieredStopAtLevel=1', `-Dseen=${folder}`, '-cp', built, 'Failing'],
    library,
  ];

const CLIENTS = {
  'http.client': python('http.client'),
  requests: python('requests'),
  aiohttp: python('aiohttp'),
  http: node('http'),
  fetch: node('fetch'),
  go: ({ built }) => [join(built, 'failing')],
  HttpURLConnection: java('url'),
  'java.net.http': java('http'),
  curl: ({ peers }) => ['sh', join(peers, 'failing.sh')],
} satisfies Record<string, Client>;

/** Java has its own TLS, whose plaintext is not seen. */
const isJava = (client: string): boolean => ['HttpURLConnection', 'java.net.http'].includes(client);

/** What the rows of a situation say; a client that tries again has several. */
function expectedOf(situation: string, client: string): RegExp {
  switch (situation) {
    case 'close':
      return /^- unanswered, closed by server$/;
    case 'reset':
      return /^- unanswered, reset by server, ECONNRESET$/;
    case 'half':
      return /^200 aborted, closed by server$/;
    case 'cut':
      return /^200 aborted, reset by server, ECONNRESET$/;
    case 'never':
      return /^- unanswered, cancelled by client$/;
    case 'early':
      // A client that reads on after the failed upload gets the answer; others do not.
      return client === 'curl' || client === 'go'
        ? /^413 (?:aborted|complete), answered$/
        : /^413 (?:aborted|complete), answered$|^- (?:request-truncated\+)?(?:unanswered\+)?aborted, (?:reset by server, E\w+|cancelled by client)$/;
    case 'warm':
      return /^200 complete, answered$/;
    case 'stale':
      return /^- (?:unanswered|aborted|unanswered\+aborted), reset by server, E\w+$|^200 complete, answered$/;
    case 'dead':
      return /^- connect-failed, refused by server, ECONNREFUSED$/;
    case 'full':
      // fetch rejects, but its connection attempt continues.
      return /^- connect-failed, (?:cancelled|process-ended) by client$/;
    case 'lost':
      return /^- connect-failed, unreachable, ENETUNREACH$/;
    case 'no-scope':
      return /^- connect-failed, failed, EINVAL$/;
    case 'name':
      return /^- lookup-failed, failed: name lookup failed: the name does not exist/;
    case 'not-tls':
      return /^- handshake-failed, failed: .*did not answer with TLS/;
    case 'untrusted':
      // Node hands its request to the library although it has refused the certificate.
      return client === 'http'
        ? /certificate of the server: self-signed certificate/
        : /^- handshake-failed, failed: ./;
    case 'unconfirmed':
      if (isJava(client)) return /^- encrypted/;
      // Go's library reports an end with and without close_notify in the same way.
      return client === 'go'
        ? /^200 complete, answered$/
        : /^200 aborted, closed by server, no-close-notify$/;
    default:
      return /^never$/;
  }
}

/** A row's situation: from its path or, if it has none, from its address. */
function situationOf({ url, failure, connection, completeness }: ExchangeJson): string {
  const path = url === null ? '' : new URL(url).pathname;
  if (path !== '') return path.slice(path.lastIndexOf('/') + 1);
  if (failure?.phase === 'lookup') return 'name';
  const remote = connection.remote ?? '';
  if (remote.includes('10.9.8.7')) return 'lost';
  if (remote.includes('fe80::1')) return 'no-scope';
  const port = remote.slice(remote.lastIndexOf(':') + 1);
  if (port === '8443') return completeness.includes('encrypted') ? 'unconfirmed' : 'untrusted';
  return { 8080: 'not-tls', 8081: 'dead', 8082: 'full' }[port] ?? remote;
}

function clientsByPid(exchanges: readonly ExchangeJson[]): (row: ExchangeJson) => string {
  const known = new Map<number, string>();
  for (const { url, process } of exchanges) {
    const [, name] = url === null ? [] : new URL(url).pathname.split('/');
    if (name !== undefined && process !== null) known.set(process.pid, name);
  }
  // curl runs in a process of its own for each call.
  return ({ process }) => (process?.name === 'curl' ? 'curl' : (known.get(process?.pid ?? 0) ?? '?'));
}

export interface FailedCalls {
  /** The wrong rows of each client; none for a client whose rows are right. */
  readonly wrong: ReadonlyMap<string, readonly string[]>;
  /** Rows that belong to no call, by client and situation. */
  readonly others: Readonly<Record<string, readonly string[]>>;
  readonly note: string | null;
}

/**
 * All clients at once, in one trace.
 * @param slow an emulated machine, in which Java takes minutes to start, and curl longer than others wait for an answer
 * @throws when the trace or a peer does not work
 */
export async function callAndFail(network: NamedNetwork, places: Places, slow = false): Promise<FailedCalls> {
  const clients = Object.entries(CLIENTS).filter(([name]) => !slow || !isJava(name));
  const { peers, built, folder } = places;
  const [key, certificate] = [join(built, 'key.pem'), join(built, 'certificate.pem')];
  const server = Child.of(network.inside([PYTHON, join(peers, 'failures.py'), certificate, key, folder]));
  same('the server says', await server.line(), 'ready');
  const commands = clients.map(([name, client]) => {
    const words = CALLS.flat().map((word) =>
      (slow && word === PATIENCE ? PATIENCE_SLOW : word).replace('NAME', name),
    );
    return [...client(places), ...words].map((word) => `'${word}'`).join(' ');
  });
  const script = `${commands.map((command) => `${command} &`).join('\n')}\nwait`;
  const { exchanges, summary } = await Tracing.run(
    network.context,
    ['sh', '-c', script],
    ['--max-body', 'all'],
  ).result();
  const clientOf = clientsByPid(exchanges);
  const seen: Record<string, string[]> = {};
  for (const row of exchanges) {
    const at = `${clientOf(row)} ${situationOf(row)}`;
    seen[at] = [...(seen[at] ?? []), endingText(row)];
  }
  const wrong = new Map<string, readonly string[]>();
  for (const [client] of clients) wrong.set(client, wrongOf(client, seen));
  return { wrong, others: seen, note: summary.note };
}

/** This client's wrong rows, one text for each situation. Removes the rows of its situations from `seen`. */
function wrongOf(client: string, seen: Record<string, string[]>): string[] {
  return CALLS.flatMap(([, url]) => {
    const situation = url.slice(url.lastIndexOf('/') + 1);
    const rows = seen[`${client} ${situation}`] ?? [];
    delete seen[`${client} ${situation}`];
    const expected = expectedOf(situation, client);
    return rows.length > 0 && rows.every((row) => expected.test(row))
      ? []
      : [`${situation}: ${rows.join(' | ') || 'no row'}`];
  });
}
