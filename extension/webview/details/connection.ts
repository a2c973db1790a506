import type { ExchangeJson, TlsJson } from '../../engine/exchangeJson.ts';
import { tlsLibraryName } from '../../engine/tls/library.ts';
import { connectText } from '../../words/ending.ts';
import { durationText } from '../../words/numbers.ts';
import { shorten, visibleLine } from '../../words/visible.ts';
import { type Fact, facts, heading, note, nothing } from './elements.ts';
import { lookupFacts } from './lookup.ts';
import { callProcessText } from './summary.ts';
import type { TabActions } from './tabActions.ts';

export function connectionTab(exchange: ExchangeJson, actions: TabActions): readonly Node[] {
  const { connection, tls, lookup } = exchange;
  if (exchange.failure?.phase === 'lookup') return [nothing('There was no connection.')];
  const ends: readonly Fact[] =
    exchange.side === 'server'
      ? [
          { name: 'Client', value: connection.remote, code: true, copy: actions.copy },
          { name: 'Server', value: connection.local, remark: 'traced', code: true, copy: actions.copy },
        ]
      : exchange.side === 'client'
        ? [
            { name: 'Client', value: connection.local, remark: 'traced', code: true, copy: actions.copy },
            { name: 'Server', value: connection.remote, code: true, copy: actions.copy },
          ]
        : [
            { name: 'Local', value: connection.local, code: true, copy: actions.copy },
            { name: 'Remote', value: connection.remote, code: true, copy: actions.copy },
          ];
  const parts: Node[] = [];
  if (connection.joinedLate) {
    parts.push(note('This connection was open before the trace started; what it carried before is unknown.'));
  }
  parts.push(
    facts([
      ...ends,
      ...connection.through.map(proxyFact),
      { name: 'Transport', value: connection.transport === 'tcp' ? 'TCP' : 'Unix socket' },
      { name: 'Protocol', value: exchange.protocol },
      ...(exchange.http2 === null ? [] : streamFacts(exchange.http2)),
      { name: 'Process', value: callProcessText(exchange) },
      ...connection.attempts.map(attemptFact),
      { name: 'Connection id', value: connection.id, remark: socketRemark(exchange), code: true },
    ]),
  );
  if (lookup !== null) parts.push(heading('DNS lookup'), facts(lookupFacts(exchange)));
  if (tls !== null) parts.push(heading('TLS'), facts(tlsFacts(exchange, tls)));
  return parts;
}

/** Another address that the process tried just before, or at the same time. */
function attemptFact({ remote, ending, durationMs }: ExchangeJson['connection']['attempts'][number]): Fact {
  const took = durationMs === null ? '' : `, after ${durationText(durationMs)}`;
  return { name: 'Tried before', value: remote, remark: `${connectText(ending)}${took}`, code: true };
}

/** What a proxy said, or was told, before the call. */
function proxyFact({ protocol, client, target }: ExchangeJson['connection']['through'][number]): Fact {
  const named = (address: string | null): string => (address === null ? 'unknown' : address);
  const value = client === null ? named(target) : `${client} to ${named(target)}`;
  const remark = client === null ? 'where the proxy connects to' : 'the connection that the proxy forwards';
  return { name: `Through ${protocol}`, value, remark, code: true };
}

/** A session has an id of its own. */
function socketRemark({ connection, tls }: ExchangeJson): string | null {
  const socket = tls?.socket ?? connection.id;
  return socket === connection.id ? null : `session on connection ${socket}`;
}

/** How the session was matched to its socket. */
const BINDINGS: Readonly<Record<NonNullable<TlsJson['binding']>, string>> = {
  call: 'by the system call in which the library sent or received it',
  ciphertext: 'by its ciphertext, recognised on the socket',
  descriptor: 'by the file descriptor that the program gave to the library',
};

function tlsFacts({ encrypted }: ExchangeJson, tls: TlsJson): Fact[] {
  const list: Fact[] = [
    { name: 'Version', value: tls.version },
    { name: 'Cipher suite', value: tls.cipher, code: true },
    { name: 'Server name', value: tls.serverName, code: true },
    { name: 'Protocol (ALPN)', value: tls.alpn, remark: offered(tls), code: true },
    {
      name: 'Handshake',
      value: tls.handshakeMs === null ? null : durationText(tls.handshakeMs),
      remark: resumption(tls),
    },
  ];
  if (tls.alert !== null) list.push({ name: 'Alert', value: alertText(tls.alert), code: true });
  if (tls.failure !== null) list.push({ name: 'Failure', value: tls.failure });
  if (tls.closeNotify === false) list.push({ name: 'End', value: 'without close_notify' });
  if (encrypted === null) {
    const name = tls.library === null ? null : tlsLibraryName(tls.library);
    list.push(
      { name: 'Library', value: name, remark: tls.libraryVersion },
      { name: 'Matched to its socket', value: tls.binding === null ? null : BINDINGS[tls.binding] },
    );
  }
  return list;
}

function offered({ alpn, alpnOffered }: TlsJson): string | null {
  if (alpnOffered === null || alpnOffered.length === 0) return null;
  const all = alpnOffered.map((name) => visibleLine(shorten(name, 40))).join(', ');
  return alpn === alpnOffered[0] && alpnOffered.length === 1 ? null : `${all} offered`;
}

function resumption({ resumed }: TlsJson): string | null {
  if (resumed === null) return null;
  return resumed ? 'resumed' : 'full';
}

function alertText({ name, code, sentBy }: NonNullable<TlsJson['alert']>): string {
  const what = code === null ? 'encrypted' : name === null ? String(code) : `${name} (${code})`;
  return sentBy === null ? what : `${what}, sent by the ${sentBy}`;
}

function streamFacts({
  stream,
  pushed,
  reset,
  goAway,
  blockedMs,
}: NonNullable<ExchangeJson['http2']>): readonly Fact[] {
  const facts: Fact[] = [
    { name: 'Stream', value: String(stream), remark: pushed ? 'pushed by the server' : null, code: true },
  ];
  if (blockedMs !== null && blockedMs > 0) {
    facts.push({
      name: 'Blocked',
      value: durationText(blockedMs),
      remark: 'waiting for the peer to allow more data (flow control)',
    });
  }
  if (reset !== null) {
    const name = reset.name ?? `error ${reset.code}`;
    facts.push({ name: 'Stream reset', value: name, remark: `by the ${reset.by}`, code: true });
  }
  if (goAway !== null) {
    const { code, name, by, processed, text } = goAway;
    const remark = `GOAWAY sent by the ${by}${processed ? '' : ', which has not processed the request: it is safe to retry'}`;
    const what = name ?? `error ${code}`;
    facts.push({
      name: 'Connection closing',
      value: text === null ? what : `${what}: ${text}`,
      remark,
      code: true,
    });
  }
  return facts;
}
