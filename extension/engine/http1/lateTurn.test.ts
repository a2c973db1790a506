/** Requests with large bodies on connections that were joined late: what is held of them, and what is shown. */
import { describe, expect, it } from 'vitest';
import { Engine } from '../engine.ts';
import { conversation, recordBatch, START, type Step } from '../testing/records.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const MIB = 1024 * 1024;
const PIECE = 64 * 1024;

function upload(size: number): Step[] {
  const steps: Step[] = [
    { in: OK },
    { out: `POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n` },
  ];
  for (let at = 0; at < size; at += PIECE) steps.push({ out: Buffer.alloc(Math.min(PIECE, size - at), 'x') });
  return [...steps, { in: OK }];
}

function row(steps: readonly Step[], bodyLimit: number) {
  const engine = new Engine({ bodyLimit });
  engine.setClock({ offset: 0n, bootTime: START });
  engine.push(recordBatch(conversation(steps, { joinedLate: true })));
  engine.finish();
  const found = [1, 2, 3].map((id) => engine.json(id)).find((one) => one?.method === 'POST');
  if (found == null) return null;
  const { status, completeness, request } = found;
  return { status, completeness, size: request?.bodySize, captured: request?.bodyCaptured };
}

describe('an upload on a connection joined late', () => {
  it.each([
    ['as much as the limit keeps', 64 * 1024, 2 * MIB, ['request-truncated'], 64 * 1024],
    ['all of it', Number.POSITIVE_INFINITY, 2 * MIB, ['complete'], 2 * MIB],
    ['at most 16 MiB', Number.POSITIVE_INFINITY, 20 * MIB, ['request-truncated'], 16 * MIB],
  ])('keeps %s', (_, bodyLimit, size, completeness, captured) => {
    const found = row(upload(size), bodyLimit);
    expect(found).toMatchObject({ status: 200, completeness, size });
    expect(Math.abs((found?.captured ?? 0) - captured)).toBeLessThanOrEqual(2 * PIECE);
  });

  it('is not recognised when another request follows in the same turn', () => {
    const steps = upload(2 * MIB);
    steps.splice(-1, 0, { out: 'GET /inner HTTP/1.1\r\nHost: a\r\n\r\n' });
    expect(row(steps, Number.POSITIVE_INFINITY)).toBeNull();
  });
});
