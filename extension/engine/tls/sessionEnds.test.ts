/** How a session ended, and its calls. */
import { describe, expect, it } from 'vitest';
import type { ExchangeJson } from '../exchangeJson.ts';
import { Direction, Ending } from '../record.ts';
import { ciphertext, SOCKET } from '../testing/handshakes.ts';
import { type RecordSpec, recordBatch, START } from '../testing/records.ts';
import {
  GET,
  inOrder,
  library,
  MS,
  made,
  only,
  plaintext,
  rows,
  SECOND,
  SESSION,
} from '../testing/tlsSessions.ts';

describe('the end of a session', () => {
  const CLOSE_DELIMITED = 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\npart';

  it.each([
    [true, ['complete']],
    // The socket's end was read before the session's, which some libraries report alike.
    [null, ['aborted']],
  ])('confirms the end of a body, or is not known to: close_notify %j', (closeNotify, completeness) => {
    expect(ended(closeNotify).completeness).toEqual(completeness);
  });

  it('may be read after the end of its socket: there is no row without plaintext then', () => {
    const [session, ...data] = plaintext({ session: { socket: SOCKET }, start: START + SECOND / 2n });
    const bound = { ...session!, time: START + 2n * MS };
    const engine = made(inOrder(ciphertext('tls13', { rest: [{ close: true }] }), [bound]));
    engine.setTls(4242, [library({})]);
    expect(rows(engine).filter(({ state }) => state === 'ended')).toEqual([]);
    engine.push(recordBatch(data));
    engine.advance(START + 10n * SECOND);
    expect(only(engine)).toMatchObject({ method: 'GET', status: 200, encrypted: null });
  });

  it('without close_notify leaves open whether a body was cut off', () => {
    const exchange = ended(false);
    expect(exchange.completeness).not.toContain('complete');
    expect(exchange.tls?.closeNotify).toBe(false);
  });

  it('without close_notify says nothing of a tunnel, which is no body', () => {
    expect(ended(false).ending?.detail).toBe('no-close-notify');
    const tunnel = ended(false, [
      'CONNECT a:22 HTTP/1.1\r\nHost: a:22\r\n\r\n',
      'HTTP/1.1 200 OK\r\n\r\nSSH-2.0-a',
    ]);
    expect(tunnel).toMatchObject({ method: 'CONNECT', status: 200, ending: { detail: null } });
  });

  function ended(closeNotify: boolean | null, [request, response] = [GET, CLOSE_DELIMITED]): ExchangeJson {
    return only(
      made(
        inOrder(
          ciphertext('tls13', { rest: [{ close: true }] }),
          plaintext({ session: { socket: SOCKET }, start: START + 2n * MS }, [
            { out: request },
            { in: response },
          ]),
          [{ type: 'tls', connection: SESSION, socket: SOCKET, closeNotify, time: START + 30n * MS }],
          [
            {
              ...({ type: 'ended', connection: SESSION, direction: 1, ending: Ending.ReadEof } as const),
              ...{ position: response.length, time: START + 31n * MS },
            },
            {
              ...({ type: 'closed', connection: SESSION, sent: request.length } as const),
              ...{ received: response.length, time: START + 32n * MS },
            },
          ],
        ),
      ),
    );
  }
});

it('a session that is closed has ended as its socket did before', () => {
  const body = 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\npart';
  const trace = (kind: 'openssl' | 'go'): ExchangeJson => {
    const engine = made();
    engine.setTls(4242, [library({ kind })]);
    engine.push(
      recordBatch(
        inOrder(
          ciphertext('tls13', { rest: [{ wait: SECOND }, { close: true }] }),
          plaintext({ session: { socket: SOCKET, library: kind }, start: START + 2n * MS }, [
            { out: GET },
            { in: body },
            { wait: 30n * MS },
            { close: true },
          ]),
        ),
      ),
    );
    return only(engine);
  };
  // Python's asyncio does not ask the library for more once the socket has ended.
  expect(trace('openssl')).toMatchObject({
    completeness: ['aborted'],
    ending: { how: 'closed', by: 'server', detail: 'no-close-notify' },
  });
  expect(trace('go')).toMatchObject({ completeness: ['complete'], ending: { how: 'answered' } });
});

describe('what is written into a session after its handshake has failed says so', () => {
  const closed = (time: bigint): RecordSpec => ({
    type: 'closed',
    connection: SOCKET,
    sent: 0,
    received: 0,
    time,
  });
  const left: RecordSpec = {
    ...({ type: 'ended', connection: SOCKET, direction: Direction.Out, ending: Ending.Close } as const),
    ...{ position: 0, time: START + 5n * MS },
  };
  it.each<[string, RecordSpec[]]>([
    ['the socket is gone', [closed(START + 5n * MS)]],
    // The peer has not answered the FIN when the session ends.
    ['the socket was closed', [left, closed(START + SECOND)]],
  ])('%s', (_, ends) => {
    const engine = made(
      inOrder(
        [...ciphertext('tls13').slice(0, 3), ...ends],
        plaintext({ session: { socket: SOCKET }, start: START + SECOND / 2n }, [
          { out: GET },
          { close: true },
        ]),
      ),
    );
    engine.finish();
    const calls = rows(engine).map(({ id }) => engine.json(id)!);
    expect(calls.find(({ method }) => method === 'GET')).toMatchObject({
      tls: { failure: 'the handshake was not finished' },
    });
  });
});
