import type { ExchangeJson, TlsJson } from '../../engine/exchangeJson.ts';
import { tlsLibraryName } from '../../engine/tls/library.ts';
import { formatMs } from '../format.ts';
import { shorten, visibleLine } from '../text.ts';
import { type Fact, facts, heading, note } from './parts.ts';
import { processText } from './summary.ts';
import type { TabActions } from './tabActions.ts';

export function connectionTab(exchange: ExchangeJson, actions: TabActions): readonly Node[] {
  const { connection, tls } = exchange;
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
    parts.push(note('This connection was already open when the trace began. What came before is unknown.'));
  }
  parts.push(
    facts([
      ...ends,
      { name: 'Transport', value: connection.transport === 'tcp' ? 'TCP' : 'Unix socket' },
      { name: 'Protocol', value: exchange.protocol },
      ...(exchange.http2 === null ? [] : streamFacts(exchange.http2)),
      { name: 'Process', value: processText(exchange) },
      { name: 'Connection id', value: connection.id, remark: socketRemark(exchange), code: true },
    ]),
  );
  if (tls !== null) parts.push(heading('TLS'), facts(tlsFacts(exchange, tls)));
  return parts;
}

/** A session has an id of its own. */
function socketRemark({ connection, tls }: ExchangeJson): string | null {
  const socket = tls?.socket ?? connection.id;
  return socket === connection.id ? null : `session on connection ${socket}`;
}

/** How the plaintext was told to its socket. */
const BINDINGS: Readonly<Record<NonNullable<TlsJson['binding']>, string>> = {
  call: 'by the socket call that the library made for it',
  ciphertext: 'by its ciphertext, found again on the socket',
  descriptor: 'by the descriptor that the program gave to the library',
};

function tlsFacts({ encrypted }: ExchangeJson, tls: TlsJson): Fact[] {
  const list: Fact[] = [
    { name: 'Version', value: tls.version },
    { name: 'Cipher suite', value: tls.cipher, code: true },
    { name: 'Server name', value: tls.serverName, code: true },
    { name: 'Protocol (ALPN)', value: tls.alpn, remark: offered(tls), code: true },
    {
      name: 'Handshake',
      value: tls.handshakeMs === null ? null : formatMs(tls.handshakeMs),
      remark: resumption(tls),
    },
  ];
  if (tls.alert !== null) list.push({ name: 'Alert', value: alertText(tls.alert), code: true });
  if (encrypted === null) {
    const name = tls.library === null ? null : tlsLibraryName(tls.library);
    list.push(
      { name: 'Library', value: name, remark: tls.libraryVersion },
      { name: 'Socket found', value: tls.binding === null ? null : BINDINGS[tls.binding] },
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
      value: formatMs(blockedMs),
      remark: 'the peer allowed no more to be sent',
    });
  }
  if (reset !== null) {
    const name = reset.name ?? `error ${reset.code}`;
    facts.push({ name: 'Stream reset', value: name, remark: `by the ${reset.by}`, code: true });
  }
  if (goAway !== null) {
    const { code, name, by, processed, text } = goAway;
    const remark = `GOAWAY of the ${by}${processed ? '' : ', which has not acted on the request: it may be sent again'}`;
    const what = name ?? `error ${code}`;
    facts.push({
      name: 'Connection given up',
      value: text === null ? what : `${what}: ${text}`,
      remark,
      code: true,
    });
  }
  return facts;
}
