import type { ExchangeJson } from '../../engine/exchangeJson.ts';
import { type Fact, facts, heading, note } from './parts.ts';
import { processText } from './summary.ts';
import type { TabActions } from './tabs.ts';

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
      { name: 'Process', value: processText(exchange) },
      { name: 'Connection id', value: connection.id, code: true },
    ]),
  );
  if (tls !== null) {
    parts.push(
      heading('TLS'),
      facts([
        { name: 'Version', value: tls.version },
        { name: 'Server name', value: tls.serverName, code: true },
        { name: 'ALPN', value: tls.alpn, code: true },
        { name: 'Library', value: tls.library },
      ]),
    );
  }
  return parts;
}
