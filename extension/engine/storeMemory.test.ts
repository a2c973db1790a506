/**
 * What a full store takes of the machine's memory. Has a process of its own (project `memory`): one that was larger
 * before would not grow.
 */
import { expect, it } from 'vitest';
import { Engine } from './engine.ts';
import { collectGarbage } from './testing/garbage.ts';
import { conversation, recordBatch, START, type Step } from './testing/records.ts';

const MIB = 1024 * 1024;

it('holds 100,000 small calls in less than 400 MB', () => {
  const request = (id: number): string =>
    `POST /orders/${id}?page=1 HTTP/1.1\r\nHost: api.example:8443\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n` +
    `Content-Type: application/json\r\nX-Request-Id: ${id}-abcdef\r\nContent-Length: 20\r\n\r\n{"id":"a7","n":1234}`.slice(
      0,
      -1,
    );
  const response = (id: number): string =>
    `HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sun, 22 Nov 2026 18:00:00 GMT\r\nContent-Type: application/json\r\n` +
    `Connection: keep-alive\r\nETag: "${id}"\r\nContent-Length: 22\r\n\r\n{"ok":true,"items":[]}`;
  collectGarbage();
  const before = process.memoryUsage().rss;
  const target = new Engine({ maxBytes: 400 * MIB });
  target.setClock({ offset: 0n, bootTime: START });
  for (let connection = 0; connection < 1_000; connection++) {
    const steps: Step[] = [];
    for (let i = 0; i < 100; i++)
      steps.push({ out: request(connection * 100 + i) }, { in: response(connection * 100 + i) });
    target.push(
      recordBatch(conversation([...steps, { close: true }], { connection: BigInt(connection + 1) })),
    );
    for (const id of target.takeChanges().changed) target.row(id);
  }
  const used = process.memoryUsage().rss - before;
  expect(target.stats()).toMatchObject({ exchanges: 100_000, evicted: 0, running: 0 });
  expect(target.json(77_777)?.completeness).toEqual(['complete']);
  expect(used).toBeLessThan(400 * MIB);
});
