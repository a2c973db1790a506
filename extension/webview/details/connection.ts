import type { ExchangeJson, TlsJson } from '../../engine/exchangeJson.ts';
import { tlsLibraryName } from '../../engine/tls/library.ts';
import { connectText } from '../../words/ending.ts';
import { localized } from '../../words/localized.ts';
import { durationText } from '../../words/numbers.ts';
import { t } from '../../words/translate.ts';
import { shorten, visibleLine } from '../../words/visible.ts';
import { type Fact, facts, heading, note, nothing } from './elements.ts';
import { lookupFacts } from './lookup.ts';
import { callProcessText } from './summary.ts';
import type { TabActions } from './tabActions.ts';

export function connectionTab(exchange: ExchangeJson, actions: TabActions): readonly Node[] {
  const { connection, tls, lookup } = exchange;
  if (exchange.failure?.phase === 'lookup') return [nothing(t('There was no connection.'))];
  const other = actions.peer() === null ? null : t('traced');
  const ends: readonly Fact[] =
    exchange.side === 'server'
      ? [
          { name: t('Client'), value: connection.remote, remark: other, code: true, copy: actions.copy },
          { name: t('Server'), value: connection.local, remark: t('traced'), code: true, copy: actions.copy },
        ]
      : exchange.side === 'client'
        ? [
            {
              name: t('Client'),
              value: connection.local,
              remark: t('traced'),
              code: true,
              copy: actions.copy,
            },
            { name: t('Server'), value: connection.remote, remark: other, code: true, copy: actions.copy },
          ]
        : [
            { name: t('Local'), value: connection.local, code: true, copy: actions.copy },
            { name: t('Remote'), value: connection.remote, code: true, copy: actions.copy },
          ];
  const parts: Node[] = [];
  if (connection.joinedLate) {
    parts.push(
      note(
        t(
          'This connection was open before the trace started; what it carried before is unknown, and bytes that may belong to it are not shown.',
        ),
      ),
    );
  }
  parts.push(
    facts([
      ...ends,
      ...connection.through.map(proxyFact),
      { name: t('Transport'), value: connection.transport === 'tcp' ? 'TCP' : t('Unix socket') },
      { name: t('Protocol'), value: exchange.protocol },
      ...(exchange.http2 === null ? [] : streamFacts(exchange.http2)),
      { name: t('Process'), value: callProcessText(exchange) },
      ...connection.attempts.map(attemptFact),
      { name: t('Connection id'), value: connection.id, remark: socketRemark(exchange), code: true },
    ]),
  );
  if (lookup !== null) parts.push(heading(t('DNS lookup')), facts(lookupFacts(exchange)));
  if (tls !== null) parts.push(heading('TLS'), facts(tlsFacts(exchange, tls)));
  return parts;
}

/** Another address that the process tried just before, or at the same time. */
function attemptFact({ remote, ending, durationMs }: ExchangeJson['connection']['attempts'][number]): Fact {
  const what = connectText(ending);
  return {
    name: t('Tried before'),
    value: remote,
    remark: durationMs === null ? what : t('{0}, after {1}', what, durationText(durationMs)),
    code: true,
  };
}

/** What a proxy sent, or was sent, before the call. */
function proxyFact({ protocol, client, target }: ExchangeJson['connection']['through'][number]): Fact {
  const named = (address: string | null): string => (address === null ? t('unknown') : address);
  const value = client === null ? named(target) : t('{0} to {1}', client, named(target));
  const remark =
    client === null ? t('where the proxy connects to') : t('the connection that the proxy forwards');
  return { name: t('Through {0}', protocol), value, remark, code: true };
}

/** TLS sessions have their own id. */
function socketRemark({ connection, tls }: ExchangeJson): string | null {
  const socket = tls?.socket ?? connection.id;
  return socket === connection.id ? null : t('session on connection {0}', socket);
}

/** How the session was matched to its socket. */
const BINDINGS: Readonly<Record<NonNullable<TlsJson['binding']>, string>> = {
  call: t('by the system call in which the library sent or received it'),
  ciphertext: t('by its ciphertext, recognised on the socket'),
  descriptor: t('by the file descriptor that the program gave to the library'),
};

function tlsFacts({ encrypted }: ExchangeJson, tls: TlsJson): Fact[] {
  const list: Fact[] = [
    { name: t('Version'), value: tls.version },
    { name: t('Cipher suite'), value: tls.cipher, code: true },
    { name: t('Server name'), value: tls.serverName, code: true },
    { name: t('Protocol (ALPN)'), value: tls.alpn, remark: offered(tls), code: true },
    {
      name: t('Handshake'),
      value: tls.handshakeMs === null ? null : durationText(tls.handshakeMs),
      remark: resumption(tls),
    },
  ];
  if (tls.alert !== null) list.push({ name: t('Alert'), value: alertText(tls.alert), code: true });
  if (tls.failure !== null) list.push({ name: t('Failure'), value: localized(tls.failure) });
  if (tls.closeNotify === false) list.push({ name: t('End'), value: t('without close_notify') });
  if (encrypted === null) {
    const name = tls.library === null ? null : tlsLibraryName(tls.library);
    list.push(
      { name: t('Library'), value: name, remark: tls.libraryVersion },
      { name: t('Matched to its socket'), value: tls.binding === null ? null : BINDINGS[tls.binding] },
    );
  }
  return list;
}

function offered({ alpn, alpnOffered }: TlsJson): string | null {
  if (alpnOffered === null || alpnOffered.length === 0) return null;
  const all = alpnOffered.map((name) => visibleLine(shorten(name, 40))).join(', ');
  return alpn === alpnOffered[0] && alpnOffered.length === 1 ? null : t('{0} offered', all);
}

function resumption({ resumed }: TlsJson): string | null {
  if (resumed === null) return null;
  return resumed ? t('resumed') : t('full');
}

function alertText({ name, code, sentBy }: NonNullable<TlsJson['alert']>): string {
  const what = code === null ? t('encrypted') : name === null ? String(code) : `${name} (${code})`;
  if (sentBy === null) return what;
  return sentBy === 'client' ? t('{0}, sent by the client', what) : t('{0}, sent by the server', what);
}

function streamFacts({
  stream,
  pushed,
  reset,
  goAway,
  blockedMs,
}: NonNullable<ExchangeJson['http2']>): readonly Fact[] {
  const facts: Fact[] = [
    {
      name: t('Stream'),
      value: String(stream),
      remark: pushed ? t('pushed by the server') : null,
      code: true,
    },
  ];
  if (blockedMs !== null && blockedMs > 0) {
    facts.push({
      name: t('Blocked'),
      value: durationText(blockedMs),
      remark: t('waiting for the peer to allow more data (flow control)'),
    });
  }
  if (reset !== null) {
    const name = reset.name ?? t('error {0}', reset.code);
    facts.push({
      name: t('Stream reset'),
      value: name,
      remark: reset.by === 'client' ? t('by the client') : t('by the server'),
      code: true,
    });
  }
  if (goAway !== null) {
    const { code, name, by, processed, text } = goAway;
    const sender = by === 'client' ? t('GOAWAY sent by the client') : t('GOAWAY sent by the server');
    const remark = processed
      ? sender
      : t('{0}, which has not processed the request: it is safe to retry', sender);
    const what = name ?? t('error {0}', code);
    facts.push({
      name: t('Connection closing'),
      value: text === null ? what : `${what}: ${text}`,
      remark,
      code: true,
    });
  }
  return facts;
}
