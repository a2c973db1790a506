/** Compares traced exchanges with the reports of the peers in C, which also know their sockets. */
import { assert, same } from '../kit/check.ts';
import type { SocketReport } from '../kit/peers.ts';
import type { Trace } from '../kit/tracing.ts';
import { type Expected, expectReported, findExchange } from '../kit/truth.ts';

/** The trace has this exchange once, as the peer reports it. @throws with the first difference */
export function expectTraced(trace: Trace, report: SocketReport, expected: Expected): void {
  const { id, side, local, remote, network } = report;
  const about = (what: string): string => `${side} ${id.slice(0, 6)}: ${what}`;
  const exchange = findExchange(trace.exchanges, id, side);
  expectReported(exchange, report, expected);
  const { connection } = exchange;
  if (network !== '') same(about('transport'), connection.transport, transportOf(report));
  same(about('local'), connection.local, local);
  same(about('remote'), connection.remote, remote);
  const opened = trace.recorded.opened.get(connection.id);
  assert(opened !== undefined, about('no record of its connection'));
  same(about('network namespace'), `net:[${opened.networkNamespace}]`, network);
}

/** Both ends of TCP have ports; of a Unix connection at least one end has a path, or neither has a name. */
function transportOf({ local }: SocketReport): 'tcp' | 'unix' {
  return /:\d+$/.test(local ?? '') ? 'tcp' : 'unix';
}
