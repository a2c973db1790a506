/** Thousands of connections and requests in flight at once, also more than the kernel's tables hold. */
import type { ExchangeJson } from '../../extension/engine/exchangeJson.ts';
import { assert, same } from '../kit/check.ts';
import { newId } from '../kit/peers.ts';
import { Child } from '../kit/process.ts';
import { type Report, reportOutcome } from '../kit/report.ts';
import { WHOLE } from '../kit/tier.mjs';
import { Tracing } from '../kit/tracing.ts';
import { bodyOf, field } from '../kit/truth.ts';
import type { Context } from './context.ts';
import type { Scenario } from './scenarios.ts';

/** Both ends are a few processes each, as the descriptors of a process are limited. */
const PROCESSES = 4;
/** Requests that `http_events` holds (bpf/state.h); an LRU map evicts some before it is full, for each CPU. */
const HTTP_EVENTS = 10_240;
const HTTP_EVENTS_SURE = 9_000;

/** Connections of the trace that other scenarios share. */
const CONNECTIONS = WHOLE ? 20_000 : 5_000;

/** Requests, each on a connection of its own, all under way at once. */
function count(context: Context, natively: number): number {
  return context.slow ? 1_000 : natively;
}

/** Options of `peer crowd` for both ends. */
function shape(total: number): string[] {
  return [`threads=${PROCESSES}`, `connections=${total / PROCESSES}`];
}

/** @returns the server, and the option that names its port to the client */
export async function startCrowd(
  context: Context,
  delay: number,
  size: readonly string[],
): Promise<[Child, string]> {
  const server = new Child(context.peer, ['crowd', 'role=server', `delay=${delay}`, ...size]);
  await server.until(() => server.lines.length > 0, 'port');
  const { port } = JSON.parse(server.lines[0] ?? '') as { port: number };
  return [server, `port=${port}`];
}

/** The answer to each request, by its id. */
export function answersIn(id: string, lines: readonly string[]): Map<string, string> {
  const said = lines.filter((line) => line.startsWith('{"number"'));
  return new Map(
    said.map((line) => {
      const { number, answer } = JSON.parse(line) as { number: number; answer: string };
      return [`${id}-${number}`, answer] as const;
    }),
  );
}

let server: Child | null = null;

/** For a trace that other scenarios share. */
export const thousands: Scenario = {
  name: 'connections by the thousand, a request under way on each',
  async command(context, id) {
    const total = count(context, CONNECTIONS);
    const [started, port] = await startCrowd(context, 0, shape(total));
    server = started;
    return `${context.peer} crowd role=client ${port} id=${id} scenario=x ${shape(total).join(' ')}`;
  },
  async outside() {
    await server?.ended;
    return [];
  },
  check({ id, lines, context }, trace) {
    const total = count(context, CONNECTIONS);
    const answers = answersIn(id, lines);
    same('answers', answers.size, total);
    const exchanges = trace.exchanges.filter(({ url }) => url?.includes(id) === true);
    expectRight(exchanges, answers);
    same('exchanges', exchanges.length, total);
    return `${total} at once`;
  },
};

/** With a latency filter, a trace of its own. */
export async function runPressure(context: Context, only: RegExp, report: Report): Promise<void> {
  const scenario = 'requests in flight by the thousand, with a latency filter';
  if (!only.test(scenario)) return;
  await reportOutcome(report, scenario, () => fill(context));
}

async function fill(context: Context): Promise<string> {
  const total = count(context, 12_000);
  const id = newId();
  const [started, port] = await startCrowd(context, 1_500, shape(total));
  const client = [context.peer, 'crowd', 'role=client', port, `id=${id}`, 'scenario=x', ...shape(total)];
  const tracing = Tracing.run(context, client, ['--ring-size', '32MiB', '--min-latency', '1s']);
  same('exit status', await tracing.process.status, 0);
  same('exit status of the server', await started.status, 0);
  const { exchanges, summary } = await tracing.result();
  const answers = answersIn(id, tracing.process.lines);
  same('answers', answers.size, total);
  expectRight(exchanges, answers);
  same('dropped', summary.dropped, 0);
  same('bytes unseen', summary.bytes?.unseen, 0);
  const omitted = Number(
    /^([\d,]+) calls could not be followed/.exec(summary.note ?? '')?.[1]?.replaceAll(',', '') ?? 0,
  );
  same('exchanges, and those that are reported as not followed', exchanges.length + omitted, total);
  if (total < HTTP_EVENTS_SURE) same('note', summary.note, null);
  else
    assert(
      omitted >= total - HTTP_EVENTS && omitted <= total - HTTP_EVENTS_SURE,
      `${omitted} of ${total} are missing`,
    );
  return `${total} at once: ${exchanges.length} shown, all correct; ${omitted} reported as not followed`;
}

/** Each exchange is complete, has the right response, and is there once. */
export function expectRight(exchanges: readonly ExchangeJson[], answers: ReadonlyMap<string, string>): void {
  const seen = new Set<string>();
  for (const exchange of exchanges) {
    const [id = ''] = field(exchange.request, 'X-Trace-Id');
    const answer = answers.get(id);
    assert(answer !== undefined && !seen.has(id), `not requested, or shown twice: ${id}`);
    seen.add(id);
    same(`side of ${id}`, exchange.side, 'client');
    same(`completeness of ${id}`, exchange.completeness, ['complete']);
    same(`answer to ${id}`, field(exchange.response, 'X-Answer'), [answer]);
    same(`body of ${id}`, bodyOf(exchange.response).toString(), answer);
    same(`late, ${id}`, exchange.connection.joinedLate, false);
  }
}
