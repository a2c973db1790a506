/** Many sessions of one process at the same time: plaintext never lands on the wrong socket. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../test/kit/runs.ts';
import { Engine } from '../engine.ts';
import { WireProtocol } from '../record.ts';
import { conversation, type RecordSpec, recordBatch, START } from '../testing/records.ts';

interface Pair {
  readonly secret: string;
  readonly remote: string;
  readonly specs: readonly RecordSpec[];
  /** When the socket becomes known, from the first record of the session; null: never. */
  readonly bound: number | null;
}

const CALLS = 3;

/** One socket and the session on it. Ids of sockets are odd, those of sessions even. */
function pair(number: number, bound: number | null): Pair {
  const socket = BigInt(2 * number + 1);
  const session = socket + 1n;
  const remote = `10.0.${number >> 8}.${number & 255}:443`;
  const secret = `secret-${number * 7919}`;
  const body = `{"for":"${secret}"}`;
  const steps = Array.from({ length: CALLS }, (_, call) => [
    {
      out: `POST /${secret}/${call} HTTP/1.1\r\nHost: h${number}\r\nContent-Length: ${secret.length}\r\n\r\n${secret}`,
    },
    { in: `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}` },
  ]).flat();
  const plain = conversation([...steps, { close: true }], { connection: session, session: {} });
  const cipher = conversation(
    [{ out: '\x16\x03\x01\x00\x01\x00' }, { in: '\x16\x03\x03\x00\x01\x00' }, { close: true }],
    { connection: socket, remote, protocol: WireProtocol.Tls },
  );
  const binding: RecordSpec[] =
    bound === null ? [] : [{ type: 'tls', connection: session, socket, binding: 'call' }];
  // Opened, ciphertext and plaintext; the socket becomes known somewhere in between; the ends come last.
  const middle = [...plain.slice(0, -1)];
  middle.splice(Math.min(bound ?? 0, middle.length), 0, ...binding);
  return {
    secret,
    remote,
    bound,
    specs: [...cipher.slice(0, -1), ...middle, ...plain.slice(-1), ...cipher.slice(-1)],
  };
}

/** Each pair's records in their order, mixed as the numbers say, with times that grow. */
function mix(pairs: readonly Pair[], choices: Iterable<number>): RecordSpec[] {
  const left = pairs.map(({ specs }) => [...specs]);
  const mixed: RecordSpec[] = [];
  const numbers = choices[Symbol.iterator]();
  for (let time = START; left.some((specs) => specs.length > 0); time += 1_000n) {
    const open = left.filter((specs) => specs.length > 0);
    const next = open[(numbers.next().value ?? 0) % open.length]?.shift();
    if (next !== undefined) mixed.push({ ...next, time, emitted: time });
  }
  return mixed;
}

function check(pairs: readonly Pair[], engine: Engine): void {
  const found = new Map<string, number>();
  for (let id = 1; id <= pairs.length * (CALLS + 1); id++) {
    const json = engine.json(id);
    if (json === undefined || json.encrypted !== null) continue;
    const secret = json.url?.split('/')[3] ?? '';
    const one = pairs.find((candidate) => candidate.secret === secret);
    expect(one, json.url ?? '').toBeDefined();
    expect(json.request?.body).toEqual({ text: secret });
    expect(json.response?.body).toEqual({ text: `{"for":"${secret}"}` });
    expect(json.connection.remote).toBe(one?.bound === null ? null : one?.remote);
    expect(json.completeness).toEqual([one?.bound === null ? 'socket-unknown' : 'complete']);
    found.set(secret, (found.get(secret) ?? 0) + 1);
  }
  for (const { secret } of pairs) expect(found.get(secret), secret).toBe(CALLS);
}

describe('interleaved sessions', () => {
  it('of any number, bound at any moment or never, keep their own secrets and addresses', () => {
    const bound = fc.option(fc.nat(8), { nil: null });
    fc.assert(
      fc.property(
        fc.array(bound, { minLength: 1, maxLength: 12 }),
        fc.infiniteStream(fc.nat(1_000)),
        (bounds, order) => {
          const pairs = bounds.map((at, number) => pair(number, at));
          const engine = new Engine();
          engine.setClock({ offset: 0n, bootTime: START });
          engine.push(recordBatch(mix(pairs, order)));
          engine.advance(START + 10_000_000_000n);
          engine.finish();
          check(pairs, engine);
          expect(engine.stats()).toMatchObject({
            connections: pairs.length,
            exchanges: pairs.length * CALLS,
            running: 0,
          });
        },
      ),
      { numRuns: runs(150) },
    );
  });

  it('of two hundred sockets do, too', () => {
    let state = 7;
    const order = (function* numbers() {
      for (;;) {
        state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 1;
        yield state;
      }
    })();
    const pairs = Array.from({ length: 200 }, (_, number) =>
      pair(number, number % 10 === 9 ? null : number % 7),
    );
    const engine = new Engine();
    engine.setClock({ offset: 0n, bootTime: START });
    for (const spec of mix(pairs, order)) engine.push(recordBatch([spec]));
    engine.finish();
    check(pairs, engine);
  });
});
