/** Failed connection attempts in quick succession: which of them share a row. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PYTHON } from '../kit/peers.ts';
import { CallTracing, describeTraced, PEERS, temporaryFolder, tracingIn } from './support/environment.ts';

const context = tracingIn(temporaryFolder());

describeTraced('connections that are refused', () => {
  it('are one row for the addresses of a name, and one for each host', async () => {
    const { exchanges, ended } = await CallTracing.run(context, [
      PYTHON,
      join(PEERS, 'connecting.py'),
    ]).result();
    const ports = JSON.parse(ended.stdout) as Record<string, number>;
    const at = (name: string): unknown[] =>
      exchanges
        .filter(({ side, connection }) => side === 'client' && connection.remote?.endsWith(`:${ports[name]}`))
        .map(({ url, failure, connection }) => [
          connection.remote?.replace(/:\d+$/, ''),
          failure === null ? url?.replace(/^.*\//, '/') : failure.attempts,
          connection.attempts.map(({ remote }) => remote?.replace(/:\d+$/, '')),
        ])
        .sort();
    expect(at('hosts')).toEqual([
      ['127.0.0.1', 1, []],
      ['127.0.0.2', 1, []],
    ]);
    expect(at('name')).toEqual([['127.0.0.1', 1, ['[::1]']]]);
    expect(at('rounds')).toEqual([['127.0.0.1', 4, ['[::1]']]]);
    expect(at('again')).toEqual([['127.0.0.1', 4, []]]);
    expect(at('other')).toEqual([
      ['127.0.0.1', 1, []],
      ['127.0.0.3', '/other', []],
    ]);
  });
});
