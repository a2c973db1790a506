import { describe, expect, it } from 'vitest';
import { Engine } from '../engine.ts';
import type { ExchangeJson } from '../exchangeJson.ts';
import { Ending, WireProtocol } from '../record.ts';
import { conversation, recordBatch, type Step } from '../testing/records.ts';

const SURPLUS = /^The bytes after the message are not the beginning of another one/;
const GET: Step = { out: 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n' };

function read(side: 'client' | 'server', ...steps: readonly Step[]): ExchangeJson[] {
  const engine = new Engine();
  engine.push(
    recordBatch(conversation([...steps, { close: true }], { side, protocol: WireProtocol.Undecided })),
  );
  engine.finish();
  return engine.takeChanges().changed.map((id) => engine.json(id) as ExchangeJson);
}

function surplusIn(row: ExchangeJson | undefined): string[] {
  return (row?.violations ?? []).filter(({ message }) => SURPLUS.test(message)).map((one) => one.in);
}

describe('bytes behind a message that belong to no message', () => {
  it.each([
    ['a body that is longer than it says', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more'],
    ['a body where none is allowed', 'HTTP/1.1 204 No Content\r\n\r\nok'],
    [
      'chunks behind the last one',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n2\r\nok\r\n',
    ],
  ])('are said of the response: %s', (_, response) => {
    const [row] = read('client', GET, { in: response });
    expect(row).toMatchObject({ method: 'GET' });
    expect(surplusIn(row)).toEqual(['response']);
  });

  it('are labelled on the request, whatever answers them', () => {
    const post = 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}}\r\n';
    const answers = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 400 Bad Request\r\n\r\n';
    const [row] = read('client', { out: post }, { in: answers });
    expect(row).toMatchObject({ method: 'POST', status: 200 });
    expect(surplusIn(row)).toEqual(['request']);
  });

  it.each([
    [
      'a response',
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    ],
    ['its beginning', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHT'],
    ['an empty line', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok\r\n'],
  ])('%s is not counted as surplus bytes', (_, response) => {
    expect(surplusIn(read('client', GET, { in: response })[0])).toEqual([]);
  });
});

describe('a request of which the server reads only the beginning', () => {
  const ended = { end: 'out', ending: Ending.Close } as const;
  it.each([
    ['GET /', 'GET'],
    ['POST ', 'POST'],
    ['HEAD ', 'HEAD'],
    ['PATCH', 'PATCH'],
    ['DELET', 'DELET'],
    ['OPTIO', 'OPTIO'],
  ])('is a row: %s', (bytes, method) => {
    const [row, ...others] = read('server', { in: bytes }, ended);
    expect(others).toEqual([]);
    expect(row?.completeness).toContain('headers-incomplete');
    expect(row).toMatchObject({
      method,
      side: 'server',
      status: null,
      ending: { how: 'closed', by: 'server' },
    });
    expect(row?.violations.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^Only the beginning of the request line/),
    ]);
  });

  it.each(['POS', 'HELO ', 'HELLO', 'DELETX'])('is not recognised in other bytes: %s', (bytes) => {
    expect(read('server', { in: bytes }, ended)).toEqual([]);
  });
});
