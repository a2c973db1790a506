/** Times of calls whose sending takes long, or overlaps with the response. */
import { describe, expect, it } from 'vitest';
import { Engine } from './engine.ts';
import { Direction, WireProtocol } from './record.ts';
import {
  data,
  END_HEADERS,
  FieldEncoder,
  headers,
  PREFACE,
  requestFields,
  responseFields,
  settings,
} from './testing/http2.ts';
import { type RecordSpec, recordBatch, START } from './testing/records.ts';

const MS = 1_000_000n;
const HEAD = 'POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

interface Call {
  readonly direction: 'out' | 'in';
  /** Milliseconds since the start. */
  readonly entered: number;
  readonly returned: number;
  readonly bytes: string | Buffer;
}

/** Records in the order in which the calls return, as the kernel makes them. */
function records(calls: readonly Call[], side: 'client' | 'server', protocol: WireProtocol): RecordSpec[] {
  const positions = { out: 0, in: 0 };
  const specs = calls.map(({ direction, entered, returned, bytes }) => {
    const position = positions[direction];
    positions[direction] += bytes.length;
    const at = (milliseconds: number): bigint => START + BigInt(milliseconds) * MS;
    const spec: RecordSpec = {
      type: 'data',
      direction: direction === 'out' ? Direction.Out : Direction.In,
      position,
      bytes,
      protocol,
      time: at(direction === 'out' ? entered : returned),
      returned: at(returned),
      emitted: at(returned),
    };
    return spec;
  });
  const order = specs.map((spec, i) => ({ spec, at: calls[i]?.returned ?? 0 })).sort((a, b) => a.at - b.at);
  return [{ type: 'opened', side }, ...order.map(({ spec }) => spec)];
}

function timesOf(
  calls: readonly Call[],
  side: 'client' | 'server' = 'client',
  protocol = WireProtocol.Http1,
) {
  const engine = new Engine();
  engine.setClock({ offset: 0n, bootTime: START });
  engine.push(recordBatch(records(calls, side, protocol)));
  engine.finish();
  const row = engine.json(1);
  const { sendMs, waitMs, receiveMs, overlapMs } = row?.timings ?? {};
  return { durationMs: row?.durationMs, sendMs, waitMs, receiveMs, overlapMs, is: row?.completeness.join() };
}

describe('a send that blocks', () => {
  it('is sending until it returns', () => {
    expect(
      timesOf([
        { direction: 'out', entered: 0, returned: 1_500, bytes: `${HEAD}0123456789` },
        { direction: 'in', entered: 1_500, returned: 1_504, bytes: OK },
      ]),
    ).toEqual({ durationMs: 1_504, sendMs: 1_500, waitMs: 4, receiveMs: 0, overlapMs: 0, is: 'complete' });
  });

  it('of a response is the time in which the server sends it', () => {
    expect(
      timesOf(
        [
          { direction: 'in', entered: 0, returned: 5, bytes: `${HEAD}0123456789` },
          { direction: 'out', entered: 7, returned: 900, bytes: OK },
        ],
        'server',
      ),
    ).toEqual({ durationMs: 895, sendMs: 0, waitMs: 2, receiveMs: 893, overlapMs: 0, is: 'complete' });
  });

  it('and an early response overlap', () => {
    expect(
      timesOf([
        { direction: 'out', entered: 0, returned: 1, bytes: HEAD },
        { direction: 'out', entered: 1, returned: 800, bytes: '0123456789' },
        { direction: 'in', entered: 2, returned: 300, bytes: OK.slice(0, 30) },
        { direction: 'in', entered: 300, returned: 320, bytes: OK.slice(30) },
      ]),
    ).toEqual({ durationMs: 800, sendMs: 800, waitMs: 0, receiveMs: 20, overlapMs: 500, is: 'complete' });
  });

  it('on HTTP/2', () => {
    const client = new FieldEncoder();
    const server = new FieldEncoder();
    const open = headers(1, client.block(requestFields('/1', 'POST')), END_HEADERS);
    expect(
      timesOf(
        [
          { direction: 'out', entered: 0, returned: 1, bytes: Buffer.concat([PREFACE, settings(), open]) },
          { direction: 'out', entered: 1, returned: 700, bytes: data(1, 'body') },
          {
            direction: 'in',
            entered: 0,
            returned: 200,
            bytes: Buffer.concat([
              settings(),
              headers(1, server.block(responseFields(200)), END_HEADERS),
              data(1, 'ok'),
            ]),
          },
        ],
        'client',
        WireProtocol.Http2,
      ),
    ).toEqual({ durationMs: 700, sendMs: 700, waitMs: 0, receiveMs: 0, overlapMs: 500, is: 'complete' });
  });
});

describe('a request whose body is not sent, as the final response comes first', () => {
  const head = 'PUT /up HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n';
  const put: Call = { direction: 'out', entered: 0, returned: 0, bytes: head };
  const refused: Call = {
    ...{ direction: 'in', entered: 1, returned: 500 },
    bytes: 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 4\r\n\r\nnope',
  };

  it('lasts until that response, also when the next request shows it', () => {
    const next: Call = {
      direction: 'out',
      entered: 9_000,
      returned: 9_000,
      bytes: 'GET /next HTTP/1.1\r\nHost: a\r\n\r\n',
    };
    const times = { durationMs: 500, sendMs: 0, waitMs: 500, receiveMs: 0, overlapMs: 0, is: 'complete' };
    expect(timesOf([put, refused, next])).toEqual(times);
  });
});
