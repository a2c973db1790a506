import { describe, expect, it } from 'vitest';
import { Engine } from '../engine.ts';
import type { ExchangeJson } from '../exchangeJson.ts';
import { Ending } from '../record.ts';
import { ADDRESSES, handshake, SOCKET } from '../testing/handshakes.ts';
import { conversation, type RecordSpec, recordBatch, START, type Step } from '../testing/records.ts';

const MS = 1_000_000n;
const SESSION = 7n;
const CONNECT = 'CONNECT api.example:443 HTTP/1.1\r\nHost: api.example:443\r\n\r\n';
const OPENED = 'HTTP/1.1 200 OK\r\n\r\n';
const THROUGH = [{ protocol: 'CONNECT', client: null, target: 'api.example:443' }];

type Side = 'client' | 'server';

function read(...groups: readonly RecordSpec[][]): ExchangeJson[] {
  const time = (spec: RecordSpec): bigint => spec.emitted ?? spec.time ?? START;
  const engine = new Engine();
  engine.push(recordBatch(groups.flat().sort((a, b) => Number(time(a) - time(b)))));
  engine.finish();
  return engine.takeChanges().changed.map((id) => engine.json(id) as ExchangeJson);
}

/** A tunnel through a proxy, with the first pieces of a recorded conversation in it. */
function tunnel(side: Side, name: string, pieces: number, ...rest: readonly Step[]): RecordSpec[] {
  const way = (by: Side, bytes: Buffer | string): Step => (by === side ? { out: bytes } : { in: bytes });
  const inside = handshake(name)
    .slice(0, pieces)
    .flatMap((piece) => ('bytes' in piece ? [way(piece.by, piece.bytes)] : []));
  const steps = [way('client', CONNECT), way('server', OPENED), ...inside, ...rest];
  return conversation([...steps, { close: true }], { connection: SOCKET, ...ADDRESSES, side });
}

/** @param steps its plaintext */
function session(side: Side, steps: readonly Step[] = []): RecordSpec[] {
  const options = { connection: SESSION, side, session: { socket: SOCKET }, start: START + 3n * MS };
  return conversation(steps, options);
}

const ended = { end: 'in', ending: Ending.ReadEof } as const;

describe('TLS in a tunnel through a proxy', () => {
  it('that fails is a failed call', () => {
    const alert = Buffer.from([0x15, 3, 3, 0, 2, 2, 40]);
    const [connect, failed, ...others] = read(tunnel('client', 'tls13', 1, { in: alert }), session('client'));
    expect(others).toEqual([]);
    expect(connect).toMatchObject({ method: 'CONNECT', status: 200, encrypted: null });
    expect(failed).toMatchObject({
      completeness: ['handshake-failed'],
      encrypted: { reason: 'TLS handshake failed: handshake_failure (alert 40) sent by the server' },
      connection: { remote: ADDRESSES.remote, through: THROUGH },
    });
  });

  it.each<[string, readonly Step[], string]>([
    ['is cut off', [ended], 'TLS handshake not finished: the server closed the connection'],
    [
      'is answered by the proxy',
      [{ in: 'HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n' }],
      'TLS handshake failed: the server did not answer with TLS: its answer begins with "HTTP/1.1 502 Bad Gateway"',
    ],
  ])('that %s is one, whether its library is probed or not', (_name, steps, reason) => {
    for (const sessions of [[], session('client')]) {
      const [, failed] = read(tunnel('client', 'tls13', 1, ...steps), sessions);
      expect(failed).toMatchObject({ completeness: ['handshake-failed'], encrypted: { reason } });
    }
  });

  it('whose plaintext is not seen is a row that says so', () => {
    const [, encrypted, ...others] = read(tunnel('client', 'tls13', 99));
    expect(others).toEqual([]);
    expect(encrypted).toMatchObject({
      completeness: ['encrypted'],
      tls: { serverName: 'api.example', version: 'TLSv1.3' },
      connection: { through: THROUGH },
    });
  });

  it('whose plaintext is seen is its calls', () => {
    const calls = session('client', [
      { out: 'GET / HTTP/1.1\r\nHost: api.example\r\n\r\n' },
      { in: 'HTTP/1.1 204 No Content\r\n\r\n' },
    ]);
    const rows = read(tunnel('client', 'tls13', 99), calls);
    expect(rows.map(({ method, status }) => [method, status])).toEqual([
      ['CONNECT', 200],
      ['GET', 204],
    ]);
    expect(rows[1]).toMatchObject({
      connection: { through: THROUGH },
      tls: { serverName: 'api.example', version: 'TLSv1.3' },
    });
  });

  it('is not a call of a proxy that passes it on, but of one that terminates it', () => {
    expect(read(tunnel('server', 'tls13', 1, ended))).toHaveLength(1);
    expect(read(tunnel('server', 'tls13', 99))).toHaveLength(1);
    const [, failed, ...others] = read(tunnel('server', 'tls13', 1, ended), session('server'));
    expect(others).toEqual([]);
    expect(failed).toMatchObject({ side: 'server', completeness: ['handshake-failed'] });
  });
});

it('a call in a tunnel ends as its connection does', () => {
  const steps: Step[] = [
    { out: CONNECT },
    { in: OPENED },
    { out: 'GET /inside HTTP/1.1\r\nHost: a\r\n\r\n' },
    ended,
    { close: true },
  ];
  const rows = read(conversation(steps, { connection: SOCKET, ...ADDRESSES, side: 'client' }));
  expect(rows.map(({ method, completeness, ending }) => [method, completeness[0], ending?.how])).toEqual([
    ['CONNECT', 'complete', 'answered'],
    ['GET', 'unanswered', 'closed'],
  ]);
});
