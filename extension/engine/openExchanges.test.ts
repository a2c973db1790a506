/** Calls that stay open while many others come, end and are forgotten. */
import { expect, it } from 'vitest';
import { WHOLE } from '../../test/kit/tier.mjs';
import { Engine } from './engine.ts';
import { collect } from './testing/collect.ts';
import { conversation, ofConnection, recordBatch, START } from './testing/records.ts';

const KIB = 1024;
/** As many as a block of slab.ts has room for, and one more. */
const CALLS_BETWEEN = 65;
const OPEN = WHOLE ? 1_000 : 250;
const BODY = 'x'.repeat(1_024);

/** What blocks of bytes take, outside of the heap. */
function memory(): number {
  collect();
  return process.memoryUsage().arrayBuffers;
}

const STREAMING = recordBatch(
  conversation([
    { out: 'GET /events HTTP/1.1\r\nHost: a\r\n\r\n' },
    { in: 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n' },
    { in: '9\r\ndata: 1\n\n\r\n' },
  ]),
);

const CALLS = recordBatch(
  conversation(
    Array.from({ length: CALLS_BETWEEN }, () => [
      { out: 'GET /small HTTP/1.1\r\nHost: a\r\n\r\n' },
      { in: `HTTP/1.1 200 OK\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}` },
    ]).flat(),
  ),
);

it.each(['evicted', 'cleared'])('hold little more than their own bytes when the others are %s', (how) => {
  const engine = new Engine({ maxExchanges: how === 'evicted' ? 2 * OPEN : 1_000_000 });
  engine.setClock({ offset: 0n, bootTime: START });
  const before = memory();
  for (let n = 1; n <= OPEN; n++) {
    engine.push(ofConnection(STREAMING, BigInt(2 * n)));
    engine.push(ofConnection(CALLS, BigInt(2 * n + 1)));
    engine.takeChanges();
  }
  if (how === 'cleared') engine.clear();
  engine.takeChanges();
  const held = memory() - before;
  expect(engine.stats().running).toBe(OPEN);
  expect(held).toBeLessThan(8 * KIB * OPEN);
  const [request, response] = [engine.json(1)?.request, engine.json(1)?.response];
  expect(request?.headers).toEqual([['Host', 'a']]);
  expect(response?.headers).toContainEqual(['Content-Type', 'text/event-stream']);
  expect(response?.body).toEqual({ text: 'data: 1\n\n' });
});
