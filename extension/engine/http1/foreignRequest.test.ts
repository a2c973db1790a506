import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../test/kit/runs.ts';
import { MASK } from '../../privacy/secrets.ts';
import { Engine } from '../engine.ts';
import type { ExchangeJson } from '../exchangeJson.ts';
import { WireProtocol } from '../record.ts';
import { conversation, recordBatch, type Step, split } from '../testing/records.ts';

type Moves = readonly (readonly ['ask' | 'answer', string])[];

const BAD = 'HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbad';
const KEPT = 'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n';
const GET = 'GET /next HTTP/1.1\r\nHost: a\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** @param size of the pieces; 0: each move is one. */
function shown(moves: Moves, side: 'client' | 'server' = 'client', size = 0): ExchangeJson[] {
  const steps = moves.map(([who, bytes]): Step => {
    return (who === 'ask') === (side === 'client') ? { out: bytes } : { in: bytes };
  });
  const whole = conversation([...steps, { close: true }], { protocol: WireProtocol.Undecided, side });
  const engine = new Engine();
  engine.push(recordBatch(size === 0 ? whole : split(whole, size)));
  engine.finish();
  return engine.takeChanges().changed.map((id) => engine.json(id) as ExchangeJson);
}

const STRANGERS: readonly (readonly [kind: string, bytes: string, quote: string])[] = [
  ['a byte order mark', '\xef\xbb\xbfGET /x HTTP/1.1\r\nHost: a\r\n\r\n', '\\xef\\xbb\\xbfGET /x HTTP/1.1'],
  ['a NUL', '\0GET /x HTTP/1.1\r\nHost: a\r\n\r\n', '\\x00GET /x HTTP/1.1\\x0d\\x0a'],
  ['UTF-16', 'G\0E\0T\0 \0/\0\r\0\n\0', 'G\\x00E\\x00T\\x00 \\x00/\\x00'],
  ['a quoted command', '"GET /x HTTP/1.1"\r\n\r\n', '"GET /x HTTP/1.1"'],
  ['a line of text', 'hello\r\n', 'hello'],
  ['SMTP', 'EHLO mail.example\r\n', 'EHLO mail.example'],
  ['an SSH banner', 'SSH-2.0-OpenSSH_9.2p1\r\n', 'SSH-2.0-OpenSSH_9.2p1'],
  ['Redis, inline', 'PING\r\n', 'PING'],
  ['Redis', '*1\r\n$4\r\nPING\r\n', '*1'],
  ['something like TLS', '\x16\x02\x01\0\x05hello', '\\x16\\x02\\x01\\x00\\x05hello'],
  ['JSON', '{"jsonrpc":"2.0"}\n', '{"jsonrpc":"2.0"}'],
  ['a secret', 'AUTH hunter2\r\n', `AUTH ${MASK}`],
];

describe('bytes that are not HTTP, but are answered in HTTP', () => {
  it.each(STRANGERS)('are one row with the answer: %s', (_kind, bytes, quote) => {
    for (const side of ['client', 'server'] as const) {
      for (const size of [0, 1, 7]) {
        const moves: Moves = [
          ['ask', bytes],
          ['answer', BAD],
        ];
        const [row, ...others] = shown(moves, side, size);
        expect(others).toEqual([]);
        expect(row).toMatchObject({
          method: null,
          status: 400,
          side,
          completeness: ['complete'],
          ending: { how: 'answered', detail: 'request-not-http' },
          response: { body: { text: 'bad' } },
        });
        const said = row?.violations.map(({ rule, message, in: kind }) => `${kind}: ${rule}: ${message}`);
        expect(said).toHaveLength(1);
        expect(said?.[0]).toContain(`request: RFC 9112 section 3: The request is not HTTP (${quote}`);
      }
    }
  });

  it.each([
    ['text without a line end, which the server has not waited for', 'hello', 'hello'],
    ['two lines of text', 'hello\r\nthere\r\n', 'hello'],
  ])('are one row: %s', (_kind, bytes, quote) => {
    const moves: Moves = [
      ['ask', bytes],
      ['answer', BAD],
    ];
    for (const side of ['client', 'server'] as const) {
      const rows = shown(moves, side);
      expect(rows.map(({ status, violations }) => [status, violations[0]?.message])).toEqual([
        [400, `The request is not HTTP (${quote}).`],
      ]);
    }
  });

  it('are followed by calls, if the server goes on', () => {
    for (const side of ['client', 'server'] as const) {
      const rows = shown(
        [
          ['ask', 'hello\r\n'],
          ['answer', KEPT],
          ['ask', GET],
          ['answer', OK],
          ['ask', GET],
          ['answer', OK],
        ],
        side,
      );
      expect(rows.map(({ method, status, completeness }) => [method, status, completeness])).toEqual([
        [null, 400, ['complete']],
        ['GET', 200, ['complete']],
        ['GET', 200, ['complete']],
      ]);
    }
  });

  it.each([
    ['a NUL', '\0x\r\n', '\\x00x'],
    ['a line of text', 'hello\r\n', 'hello'],
    ['what is more than its Content-Length says', 'rest of the body', 'rest of the body'],
  ])('is one row behind calls, too: %s', (_kind, bytes, quote) => {
    for (const side of ['client', 'server'] as const) {
      const rows = shown(
        [
          ['ask', GET],
          ['answer', OK],
          ['ask', bytes],
          ['answer', BAD],
        ],
        side,
      );
      expect(rows.map(({ method, status, completeness }) => [method, status, completeness])).toEqual([
        ['GET', 200, ['complete']],
        [null, 400, ['complete']],
      ]);
      expect(rows[1]?.violations[0]?.message).toContain(`The request is not HTTP (${quote}`);
    }
  });

  it('are labelled on a request that follows in the same system call', () => {
    const rows = shown([
      ['ask', `hello\r\n${GET}`],
      ['answer', BAD],
    ]);
    expect(rows.map(({ url, status }) => [url, status])).toEqual([['http://a/next', 400]]);
    expect(rows[0]?.violations.map(({ message }) => message)).toContain(
      'Bytes that are not an HTTP message precede this one; they are skipped.',
    );
  });

  it('are not a row if the answer is not HTTP, or there is no answer', () => {
    const answers = ['+PONG\r\n', '220 b\r\n', '\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64', ''];
    fc.assert(
      fc.property(
        fc.constantFrom(...STRANGERS.map(([, bytes]) => bytes), 'HELLO wor'),
        fc.constantFrom(...answers),
        fc.integer({ min: 0, max: 9 }),
        fc.constantFrom('client', 'server'),
        (bytes, answer, size, side) => {
          const moves: Moves = [
            ['ask', bytes],
            ['answer', answer],
            ['ask', bytes],
          ];
          expect(shown(moves, side, size)).toEqual([]);
        },
      ),
      { numRuns: runs(300) },
    );
  });
});
