/** Which call caused which: made-up services whose truth is known. What is named is right, whatever goes on at once. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../test/kit/runs.ts';
import { Engine } from '../engine.ts';
import type { ExchangeRow } from '../row.ts';
import {
  type ConversationOptions,
  conversation,
  type RecordSpec,
  recordBytes,
  START,
} from '../testing/records.ts';

const TICK = 100_000n;
const CLIENT = 99;
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

/** A call, and those that its server makes before it answers. */
interface Plan {
  readonly service: number;
  /** Ticks that its server works before and after what it calls. */
  readonly before: number;
  readonly after: number;
  readonly atOnce: boolean;
  readonly calls: Plan[];
}

const parent = (trace: string, span: number): string =>
  `traceparent: 00-${trace}-${span.toString(16).padStart(16, '0')}-01\r\n`;

/** Makes the records of calls. The path of each is its number, and the number of what caused it. */
class Script {
  readonly specs: RecordSpec[] = [];
  #number = 0;

  /** Both ends of one call, or one of them. @returns its number. */
  call(options: {
    readonly from: number;
    readonly to: number;
    readonly start: bigint;
    readonly end: bigint;
    readonly cause?: number;
    readonly fields?: string;
    readonly type?: string;
    readonly ends?: 'both' | 'client' | 'server';
    /** The server's end has another address: something lies between. */
    readonly apart?: boolean;
    readonly late?: boolean;
  }): number {
    const number = ++this.#number;
    const { from, to, start, end, ends = 'both' } = options;
    const request = `GET /${number}/${options.cause ?? 0} HTTP/1.1\r\nHost: a\r\n${options.fields ?? ''}\r\n`;
    const response = `HTTP/1.1 200 OK\r\nContent-Length: 2\r\n${options.type ?? ''}\r\n`;
    const local = `127.0.0.1:${10_000 + number}`;
    const remote = `127.0.0.1:${to}`;
    const common = (pid: number, at: bigint): ConversationOptions => ({ pid, start: at, interval: 0n });
    if (ends !== 'server') {
      this.specs.push(
        ...conversation(
          [{ out: request }, { wait: end - start - 1n }, { in: response }, { wait: 1n }, { in: 'ok' }],
          {
            ...common(from, start),
            connection: BigInt(2 * number),
            local,
            remote: options.apart === true ? `10.0.0.1:${to}` : remote,
            connectStarted: start - 2n,
            established: start - 1n,
          },
        ),
      );
    }
    if (ends !== 'client') {
      const [read, wrote] = [start + TICK, end - TICK];
      this.specs.push(
        ...conversation(
          [{ in: request }, { wait: wrote - read - 1n }, { out: response }, { wait: 1n }, { out: 'ok' }],
          {
            ...common(to, read),
            connection: BigInt(2 * number + 1),
            side: 'server',
            joinedLate: options.late === true,
            local: remote,
            remote: local,
            established: options.late === true ? 0n : start - 1n,
          },
        ),
      );
    }
    return number;
  }

  /** @returns when it has ended. */
  plan(plan: Plan, from: number, start: bigint, fields: () => string, cause = 0): bigint {
    const number = this.#number + 1;
    // The number is taken now, the end is known later.
    const at = this.specs.length;
    this.#number++;
    let time = start + TICK + BigInt(plan.before) * TICK;
    let last = time;
    for (const call of plan.calls) {
      const end = this.plan(call, plan.service, time, fields, number);
      if (end > last) last = end;
      time = plan.atOnce ? time + TICK : end + TICK;
    }
    const end = last + BigInt(plan.after + 2) * TICK;
    const count = this.#number;
    this.#number = number - 1;
    const below = this.specs.splice(at);
    this.call({ from, to: plan.service, start, end, cause, fields: fields() });
    this.specs.push(...below);
    this.#number = count;
    return end;
  }

  rows(): ExchangeRow[] {
    return rowsOf(this.engine());
  }

  engine(): Engine {
    const engine = new Engine();
    const sorted = [...this.specs].sort((a, b) => Number((a.time ?? 0n) - (b.time ?? 0n)));
    for (const spec of sorted) engine.push(recordBytes(spec));
    engine.finish();
    return engine;
  }
}

function rowsOf(engine: Engine): ExchangeRow[] {
  return engine.takeChanges().changed.flatMap((id) => engine.row(id) ?? []);
}

const numberOf = ({ path }: ExchangeRow): number => Number(path?.split('/')[1]);
const truthOf = ({ path }: ExchangeRow): number => Number(path?.split('/')[2]);

/** Each cause is the true one. @returns of the calls that have a true cause those that name it, and those that do not. */
function judged(rows: readonly ExchangeRow[]): { found: ExchangeRow[]; missing: ExchangeRow[] } {
  const byId = new Map(rows.map((row) => [row.id, row]));
  const found: ExchangeRow[] = [];
  const missing: ExchangeRow[] = [];
  for (const row of rows) {
    if (row.side === 'server') {
      expect(row.cause).toBeNull();
      continue;
    }
    if (row.cause === null) {
      if (truthOf(row) !== 0) missing.push(row);
      continue;
    }
    const cause = byId.get(row.cause.id);
    expect(cause).toMatchObject({ side: 'server', pid: row.pid });
    expect(cause === undefined ? null : numberOf(cause)).toBe(truthOf(row));
    found.push(row);
  }
  return { found, missing };
}

const plans = (services: number): fc.Arbitrary<Plan> => {
  const { plan } = fc.letrec<{ plan: Plan; calls: Plan[] }>((tie) => ({
    plan: fc.record({
      service: fc.integer({ min: 1, max: services }),
      before: fc.nat(20),
      after: fc.nat(20),
      atOnce: fc.boolean(),
      calls: tie('calls'),
    }),
    calls: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      fc.constant<Plan[]>([]),
      fc.array(tie('plan'), { maxLength: 3 }),
    ),
  }));
  return plan;
};

/** gateway → orders → stock. */
const CHAIN: Plan = {
  service: 1,
  before: 3,
  after: 2,
  atOnce: false,
  calls: [
    {
      service: 2,
      before: 3,
      after: 2,
      atOnce: false,
      calls: [{ service: 3, before: 3, after: 2, atOnce: false, calls: [] }],
    },
  ],
};

describe('what caused a call', () => {
  it('is found by time along three services, one call at a time, and is certain', () => {
    const script = new Script();
    let start = START;
    for (let call = 0; call < 5; call++) start = script.plan(CHAIN, CLIENT, start, () => '') + TICK;
    const { found, missing } = judged(script.rows());
    expect(missing).toEqual([]);
    expect(found).toHaveLength(10);
    for (const { cause } of found) expect(cause).toMatchObject({ by: 'time', doubt: null });
  });

  it('is never wrong by time alone, whatever goes on at once', () => {
    let named = 0;
    const numRuns = runs(100);
    fc.assert(
      fc.property(fc.array(fc.tuple(plans(3), fc.nat(60)), { minLength: 1, maxLength: 6 }), (roots) => {
        const script = new Script();
        for (const [plan, delay] of roots) script.plan(plan, CLIENT, START + BigInt(delay) * TICK, () => '');
        named += judged(script.rows()).found.length;
      }),
      { numRuns },
    );
    expect(named).toBeGreaterThan(0.3 * numRuns);
  });

  it('is found by traceparent for all calls that go on at once, where a trace comes to each process once', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { minLength: 1, maxLength: 12 }), (delays) => {
        const script = new Script();
        let span = 1;
        for (const [index, delay] of delays.entries()) {
          const trace = (index + 1).toString(16).padStart(32, '0');
          script.plan(CHAIN, CLIENT, START + BigInt(delay) * TICK, () => parent(trace, span++));
        }
        const { found, missing } = judged(script.rows());
        expect(missing).toEqual([]);
        for (const { cause } of found) expect(cause).toMatchObject({ by: 'traceparent', doubt: null });
      }),
      { numRuns: runs(50) },
    );
  });

  it('is never wrong by traceparent, also where one trace comes to a process many times at once', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(plans(3), fc.nat(60)), { minLength: 1, maxLength: 6 }), (roots) => {
        const script = new Script();
        let span = 1;
        for (const [index, [plan, delay]] of roots.entries()) {
          const trace = (index + 1).toString(16).padStart(32, '0');
          script.plan(plan, CLIENT, START + BigInt(delay) * TICK, () => parent(trace, span++));
        }
        judged(script.rows());
      }),
      { numRuns: runs(100) },
    );
  });

  const at = (ticks: number): bigint => START + BigInt(ticks) * TICK;

  it('is not named where several calls may have caused it; where one of them outlasts it alone, with a doubt', () => {
    const script = new Script();
    const one = script.call({ from: CLIENT, to: 1, start: at(0), end: at(100) });
    script.call({ from: CLIENT, to: 1, start: at(5), end: at(100) });
    const first = script.call({ from: 1, to: 2, start: at(10), end: at(20), cause: one });
    script.call({ from: CLIENT, to: 3, start: at(5), end: at(12) });
    const two = script.call({ from: CLIENT, to: 3, start: at(6), end: at(100) });
    const second = script.call({ from: 3, to: 2, start: at(10), end: at(50), cause: two });
    const rows = script.rows();
    const causeOf = (number: number): unknown =>
      rows.find((row) => numberOf(row) === number && row.side === 'client')?.cause;
    expect(causeOf(first)).toBeNull();
    expect(causeOf(second)).toMatchObject({ by: 'time', doubt: 'others' });
    judged(rows);
  });

  it('by time is doubtful where the call goes on after what it began in; by traceparent it is not', () => {
    for (const [fields, cause] of [
      ['', { by: 'time', doubt: 'outlived' }],
      [parent(TRACE, 1), { by: 'traceparent', doubt: null }],
    ] as const) {
      const script = new Script();
      const one = script.call({ from: CLIENT, to: 1, start: at(0), end: at(20), fields });
      script.call({ from: 1, to: 2, start: at(10), end: at(50), cause: one, fields });
      const { found, missing } = judged(script.rows());
      expect(missing).toEqual([]);
      expect(found[0]?.cause).toMatchObject(cause);
    }
  });

  it('is of the same trace also after the answer, and is not a call of another trace', () => {
    const script = new Script();
    const one = script.call({ from: CLIENT, to: 1, start: at(0), end: at(10), fields: parent(TRACE, 1) });
    script.call({
      from: CLIENT,
      to: 1,
      start: at(15),
      end: at(100),
      fields: parent(TRACE.replace('4', '5'), 9),
    });
    script.call({ from: 1, to: 2, start: at(20), end: at(50), cause: one, fields: parent(TRACE, 2) });
    // A trace of its own, such as of a job that the process does by itself.
    script.call({ from: 1, to: 2, start: at(20), end: at(50), fields: parent(TRACE.replace('4', '6'), 2) });
    const { found, missing } = judged(script.rows());
    expect([found.length, missing.length]).toEqual([1, 0]);
  });

  it('is what has the same parent-id, where a proxy hands it on, of many calls of one trace', () => {
    const script = new Script();
    for (let span = 1; span <= 4; span++) {
      const fields = parent(TRACE, span);
      const one = script.call({ from: CLIENT, to: 1, start: at(span), end: at(100), fields });
      script.call({ from: 1, to: 2, start: at(10 + span), end: at(50), cause: one, fields });
    }
    const { found, missing } = judged(script.rows());
    expect([found.length, missing.length]).toEqual([4, 0]);
    for (const { cause } of found) expect(cause).toMatchObject({ by: 'traceparent', doubt: null });
  });

  it('is the client’s call by its traceparent, where no connection joins the ends; two alike are no evidence', () => {
    const joined = (times: number): (ExchangeRow | undefined)[] => {
      const script = new Script();
      const fields = parent(TRACE, 7);
      for (let time = 0; time < times; time++)
        script.call({
          from: CLIENT,
          to: 1,
          start: at(time),
          end: at(50),
          fields,
          ends: 'client',
          apart: true,
        });
      script.call({ from: CLIENT, to: 1, start: at(10), end: at(40), fields, ends: 'server' });
      const rows = script.rows();
      return [rows.find(({ side }) => side === 'client'), rows.find(({ side }) => side === 'server')];
    };
    const [client, server] = joined(1);
    expect(server).toMatchObject({ peer: null, cause: { id: client?.id, by: 'traceparent', doubt: null } });
    expect(joined(2)[1]?.cause).toBeNull();
  });

  it('is no long stream, and is doubtful beside one', () => {
    const stream = 'Content-Type: text/event-stream\r\n';
    const script = new Script();
    script.call({ from: CLIENT, to: 1, start: at(0), end: at(90), type: stream });
    // The response begins at the end: what it is shows then. A stream that has begun is known from another.
    const engine = new Engine();
    const long = conversation(
      [
        { in: 'GET /1/0 HTTP/1.1\r\nHost: a\r\n\r\n' },
        { out: 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n' },
      ],
      {
        pid: 1,
        side: 'server',
        connection: 3n,
        start: at(0),
        interval: TICK,
        local: '127.0.0.1:1',
        remote: '127.0.0.1:9',
      },
    );
    const alone = new Script();
    alone.call({ from: 1, to: 2, start: at(10), end: at(20), ends: 'client' });
    const beside = new Script();
    beside.call({ from: CLIENT, to: 1, start: at(30), end: at(60), ends: 'server' });
    const cause = beside.call({ from: 1, to: 2, start: at(40), end: at(50), cause: 1, ends: 'client' });
    for (const spec of [...long, ...alone.specs].map((one) => ({ ...one })))
      engine.push(
        recordBytes({ ...spec, ...(spec.pid === 1 && spec.connection !== 3n ? { connection: 5n } : {}) }),
      );
    const sorted = [...beside.specs].sort((a, b) => Number((a.time ?? 0n) - (b.time ?? 0n)));
    for (const spec of sorted)
      engine.push(recordBytes({ ...spec, connection: (spec.connection ?? 0n) + 10n }));
    const rows = rowsOf(engine);
    const [first, second] = rows.filter(({ side }) => side === 'client');
    expect(first?.cause).toBeNull();
    expect(second?.cause).toMatchObject({ by: 'time', doubt: 'stream' });
    expect(numberOf(second as ExchangeRow)).toBe(cause);
    expect(rows.find(({ id }) => id === second?.cause?.id)?.path).toBe('/1/0');
  });

  it('by time is never a call of a process to itself, whenever that shows', () => {
    const script = new Script();
    // A sample that is shop and customer at once.
    script.call({ from: 1, to: 1, start: at(0), end: at(60) });
    script.call({ from: 1, to: 1, start: at(10), end: at(20) });
    script.call({ from: 1, to: 2, start: at(30), end: at(40) });
    expect(script.rows().map(({ cause }) => cause)).toEqual(Array(6).fill(null));
  });

  it('by time is never one of these while they run, on connections that were open before the trace', () => {
    const engine = new Engine();
    const both = (connection: bigint, start: bigint): RecordSpec[] => {
      const [local, remote] = [`127.0.0.1:${10_000 + Number(connection)}`, '127.0.0.1:1'];
      const ends = (['client', 'server'] as const).map((side, at) => {
        const [get, answer] = ['GET /own HTTP/1.1\r\nHost: a\r\n\r\n', 'HTTP/1.1 204 No Content\r\n\r\n'];
        const request = side === 'client' ? { out: get } : { in: get };
        const response = side === 'client' ? { in: answer } : { out: answer };
        return conversation([request, response, request], {
          pid: 1,
          side,
          connection: connection + BigInt(at),
          start: start + BigInt(at),
          interval: TICK,
          joinedLate: true,
          established: 0n,
          local: side === 'client' ? local : remote,
          remote: side === 'client' ? remote : local,
        });
      });
      return ends.flat();
    };
    // The first request of each shows with its answer, the second at once.
    const specs = [...both(2n, at(0)), ...both(4n, at(20))];
    for (const spec of specs.sort((a, b) => Number((a.time ?? 0n) - (b.time ?? 0n))))
      engine.push(recordBytes(spec));
    const rows = rowsOf(engine);
    expect(rows.filter(({ state }) => state === 'running')).toHaveLength(4);
    expect(rows.map(({ cause }) => cause)).toEqual(Array(rows.length).fill(null));
  });

  it('by time is doubtful where the process makes calls while it answers none, as by a timer', () => {
    const script = new Script();
    script.call({ from: 1, to: 2, start: at(0), end: at(5) });
    const one = script.call({ from: CLIENT, to: 1, start: at(10), end: at(50) });
    script.call({ from: 1, to: 2, start: at(20), end: at(40), cause: one });
    const { found, missing } = judged(script.rows());
    expect([found.length, missing.length]).toEqual([1, 0]);
    expect(found[0]?.cause).toMatchObject({ by: 'time', doubt: 'own-calls' });
  });

  it('is doubtful where a request showed late, as its connection had been open before', () => {
    const script = new Script();
    // Shows with its answer, when what it caused is over.
    const hidden = script.call({
      from: CLIENT,
      to: 1,
      start: at(0),
      end: at(60),
      ends: 'server',
      late: true,
    });
    script.call({ from: 1, to: 2, start: at(10), end: at(20), cause: hidden });
    script.call({ from: CLIENT, to: 1, start: at(25), end: at(50) });
    script.call({ from: 1, to: 2, start: at(30), end: at(40), cause: hidden });
    const rows = script.rows();
    const causes = rows.filter(({ pid, side }) => pid === 1 && side === 'client').map(({ cause }) => cause);
    expect(causes).toMatchObject([{ doubt: 'joined-late' }, { doubt: 'joined-late' }]);
  });

  it('is in the JSON of both, with the chain and the trace that it is in', () => {
    const script = new Script();
    let span = 1;
    script.plan(CHAIN, CLIENT, at(0), () => (span++ === 3 ? parent(TRACE, 1) : ''));
    const engine = script.engine();
    const rows = rowsOf(engine);
    const json = (number: number, side: string) =>
      engine.json(rows.find((row) => row.side === side && numberOf(row) === number)?.id ?? 0);
    const [first, gateway, call, orders, last] = [
      json(1, 'client'),
      json(1, 'server'),
      json(2, 'client'),
      json(2, 'server'),
      json(3, 'client'),
    ];
    expect(first).toMatchObject({ causedBy: null, caused: [], trace: { first: first?.id } });
    expect(gateway).toMatchObject({ causedBy: null, caused: [call?.id], trace: { first: first?.id } });
    expect(call).toMatchObject({ causedBy: { id: gateway?.id, by: 'time', doubt: null }, caused: [] });
    expect(orders).toMatchObject({ peer: call?.id, caused: [last?.id], trace: { first: first?.id } });
    expect(last?.trace.first).toBe(first?.id);
    // Only the first request names a trace; the others are in it as it caused them.
    for (const one of [first, gateway, call, orders, last]) expect(one?.trace.id).toBe(TRACE);
  });

  it('is found by time where traceparents are malformed', () => {
    for (const field of [
      'traceparent: 00-0-0-00\r\n',
      'traceparent: ff\r\n',
      `traceparent: 00-${TRACE}-00-01\r\n`,
    ]) {
      const script = new Script();
      const one = script.call({ from: CLIENT, to: 1, start: at(0), end: at(50), fields: field });
      script.call({ from: 1, to: 2, start: at(10), end: at(20), cause: one, fields: field });
      expect(judged(script.rows()).found[0]?.cause).toMatchObject({ by: 'time', doubt: null });
    }
  });
});

it('costs bounded memory and time, however much a process answers at once and calls', () => {
  const engine = new Engine();
  const script = new Script();
  const many = 1_000;
  for (let n = 0; n < many; n++) {
    const fields = parent((n + 1).toString(16).padStart(32, '0'), 1);
    script.call({ from: CLIENT, to: 1, start: START, end: START + 1_000n * TICK, fields, ends: 'server' });
    script.call({
      from: 1,
      to: 2,
      start: START + 2n * TICK,
      end: START + 10n * TICK,
      fields,
      ends: 'client',
    });
  }
  const sorted = [...script.specs].sort((a, b) => Number((a.time ?? 0n) - (b.time ?? 0n)));
  for (const spec of sorted) engine.push(recordBytes(spec));
  const clients = rowsOf(engine).filter(({ side }) => side === 'client');
  expect(clients).toHaveLength(many);
  for (const { cause } of clients) expect(cause).toMatchObject({ by: 'traceparent' });
});
