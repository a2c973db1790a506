/** Calls of an archive that belong together stay together, whatever their numbers are in the list. */
import { describe, expect, it } from 'vitest';
import { Engine } from '../engine/engine.ts';
import type { ExchangeJson } from '../engine/exchangeJson.ts';
import { conversation, recordBytes, START } from '../engine/testing/records.ts';
import { harEntry } from '../export/har.ts';
import { ImportedCalls } from './importedCalls.ts';

const MS = 1_000_000n;

/** A client calls a gateway, which calls another service, which is not traced. */
function traced(): ExchangeJson[] {
  const engine = new Engine();
  const head = 'HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n';
  const ask = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`;
  const common = { interval: 0n, established: START };
  const specs = [
    ...conversation([{ out: ask('/a') }, { wait: 20n * MS }, { in: head }], {
      ...common,
      connection: 1n,
      pid: 10,
      local: '127.0.0.1:4000',
      remote: '127.0.0.1:80',
      connectStarted: START - MS,
    }),
    ...conversation([{ in: ask('/a') }, { wait: 16n * MS }, { out: head }], {
      ...common,
      connection: 2n,
      pid: 20,
      side: 'server',
      start: START + 2n * MS,
      local: '127.0.0.1:80',
      remote: '127.0.0.1:4000',
    }),
    ...conversation([{ out: ask('/b') }, { wait: 5n * MS }, { in: head }], {
      ...common,
      connection: 3n,
      pid: 20,
      start: START + 5n * MS,
      local: '127.0.0.1:4001',
      remote: '127.0.0.1:81',
    }),
  ];
  for (const spec of specs.sort((a, b) => Number((a.time ?? 0n) - (b.time ?? 0n))))
    engine.push(recordBytes(spec));
  engine.finish();
  return [1, 2, 3].map((id) => engine.json(id) as ExchangeJson);
}

function imported(calls: readonly ExchangeJson[]): ImportedCalls {
  const held = new ImportedCalls(100, 1e6);
  for (const call of calls) expect(held.add(Buffer.from(JSON.stringify(harEntry(call))))).toBe('held');
  return held;
}

describe('calls of an archive', () => {
  const [client, server, call] = traced() as [ExchangeJson, ExchangeJson, ExchangeJson];

  it('are both ends of one, and caused each other, as before', () => {
    expect(call.causedBy).toEqual({ id: server.id, by: 'time', doubt: null });
    const held = imported([call, server, client]);
    expect(held.row(1)).toMatchObject({ path: '/b', peer: null, cause: { id: 2, by: 'time', doubt: null } });
    expect([held.row(2)?.peer, held.row(3)?.peer]).toEqual([3, 2]);
    expect(held.json(2)).toMatchObject({ caused: [1], causedBy: null, trace: { first: 3 } });
    expect(held.json(1)).toMatchObject({ causedBy: { id: 2 }, trace: { first: 3 } });
    expect(held.stats()).toMatchObject({ exchanges: 3, errors: 3, pairs: 1, failedPairs: 1 });
    held.clear();
    expect(held.stats()).toMatchObject({ exchanges: 0, pairs: 0, failedPairs: 0 });
  });

  it('are not accepted from invalid claims: one-sided, twice, itself, in a cycle', () => {
    expect(imported([{ ...client, peer: 99 }, server]).row(2)?.peer).toBeNull();
    expect(imported([client, client, server]).row(3)?.peer).toBeNull();
    expect(imported([{ ...client, peer: client.id }]).row(1)?.peer).toBeNull();
    const ring = [
      { ...client, causedBy: { id: server.id, by: 'time', doubt: null } },
      { ...server, peer: null, causedBy: { id: client.id, by: 'time', doubt: null } },
    ] as const;
    expect(imported(ring).json(1)?.trace.first).toBe(2);
    const odd = { ...harEntry(client), _httpTrace: { id: -1, causedBy: { id: 'x', by: 'magic' } } };
    const held = new ImportedCalls(100, 1e6);
    expect(held.add(Buffer.from(JSON.stringify(odd)))).toBe('held');
    expect(held.row(1)).toMatchObject({ peer: null, cause: null });
  });
});
