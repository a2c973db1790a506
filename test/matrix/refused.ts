/**
 * Kernels that refuse an optional part of the programs (test/kit/refuse.c makes them refuse): the rest works as
 * usual, and the summary says in one sentence what is missing.
 */
import type { Backend } from '../../helper/protocol.ts';
import { assert, same } from '../kit/check.ts';
import { newId } from '../kit/peers.ts';
import { type Report, reportOutcome } from '../kit/report.ts';
import { WHOLE } from '../kit/tier.mjs';
import { Tracing } from '../kit/tracing.ts';
import type { Context } from './context.ts';
import { answersIn, expectRight, startCrowd } from './pressure.ts';

const NOT_LOADED = /: the kernel does not load its programs: Operation not permitted\.$/;
const WAITING =
  /^With --min-latency, requests that are still unanswered when the trace stops are not reported: /;
const BEGUN =
  /^Name lookups, and calls that were already waiting in the kernel when the trace started, are not seen: /;
const TLS = /^TLS is not decrypted: /;
const HOOKS =
  /^Bytes that move through some less common socket functions are not seen: the kernel does not attach to unix_stream_sendmsg: Operation not permitted\.$/;
const CALLERS = /^Source lines of Go programs are not known: /;
const STACKS = /^Source lines of C, C\+\+ and Rust programs are not known: /;

/** Of {@link BEGUN}: with tracepoints these calls are seen anyhow. */
const WITH_BACKSTOP: readonly Backend[] = ['fentry', 'kprobe'];

interface Case {
  readonly name: string;
  /** For refuse.c. */
  readonly refused: readonly string[];
  /** One for each sentence of the summary, in order. */
  readonly notes: (backend: Backend) => readonly RegExp[];
  /** Where the part exists; everywhere by default. */
  readonly backends?: readonly Backend[];
  /** Run also in emulated machines, where each trace takes half a minute. */
  readonly everywhere?: true;
  /** Only in the long run, as another case shows it too. */
  readonly long?: true;
}

const LOADED = ['load:trace_http_wait', 'load:trace_http_begu', 'load:trace_http_tls', 'load:trace_http_go_'];
const STACK_MAP = 'map:stack_policies';
const UNIX_KPROBE = 'kprobe:unix_stream_sendmsg';

const CASES: readonly Case[] = [
  { name: 'nothing', refused: ['nothing'], notes: () => [], long: true },
  {
    name: 'the program for waiting requests',
    refused: ['load:trace_http_wait'],
    notes: () => [notLoaded(WAITING)],
    long: true,
  },
  { name: 'iterators', refused: ['iterator'], notes: () => [], everywhere: true },
  {
    name: 'the programs for TLS',
    refused: ['load:trace_http_tls'],
    notes: () => [notLoaded(TLS)],
    long: true,
  },
  { name: 'the program for callers', refused: ['load:trace_http_go_'], notes: () => [notLoaded(CALLERS)] },
  { name: 'the stacks of native programs', refused: [STACK_MAP], notes: () => [notLoaded(STACKS)] },
  {
    name: 'the program for calls under way',
    refused: ['load:trace_http_begu'],
    notes: () => [notLoaded(BEGUN)],
    backends: WITH_BACKSTOP,
  },
  {
    name: 'a kprobe on Unix sockets',
    refused: [UNIX_KPROBE],
    notes: () => [HOOKS],
    backends: ['kprobe'],
  },
  {
    name: 'all optional parts',
    refused: [...LOADED, STACK_MAP, UNIX_KPROBE],
    notes: (backend) => [
      notLoaded(WAITING),
      ...(WITH_BACKSTOP.includes(backend) ? [notLoaded(BEGUN)] : []),
      notLoaded(TLS),
      ...(backend === 'kprobe' ? [HOOKS] : []),
      notLoaded(CALLERS),
      notLoaded(STACKS),
    ],
    everywhere: true,
  },
];

function notLoaded(consequence: RegExp): RegExp {
  return new RegExp(`${consequence.source.replace(/: $/, '')}${NOT_LOADED.source}`);
}

/** Sentences end with a full stop and a blank; none has one inside. */
function sentences(note: string | null): string[] {
  return note === null ? [] : note.split(/(?<=\.) /);
}

const CONNECTIONS = ['threads=1', 'connections=8'];
/** Milliseconds until an answer, and the filter's threshold: every call passes. */
const DELAY = 1_000;
const THRESHOLD = 200;

export async function runRefused(context: Context, only: RegExp, report: Report): Promise<void> {
  for (const one of CASES) {
    const scenario = `a kernel that refuses: ${one.name}`;
    if (!only.test(scenario) || one.backends?.includes(context.backend) === false) continue;
    if (context.slow && one.everywhere === undefined) continue;
    if (!WHOLE && one.long === true) continue;
    await reportOutcome(report, scenario, () => trace(context, one));
  }
}

/** @returns the summary's sentence on the missing part */
async function trace(context: Context, { refused, notes }: Case): Promise<string> {
  const id = newId();
  const [server, port] = await startCrowd(context, DELAY, CONNECTIONS);
  const client = [context.peer, 'crowd', 'role=client', port, `id=${id}`, 'scenario=x', ...CONNECTIONS];
  const tracing = Tracing.run(
    { ...context, program: [context.refuse, refused.join(','), ...context.program], tls: 'auto' },
    client,
    ['--min-latency', `${THRESHOLD}ms`],
  );
  same('exit status', await tracing.process.status, 0);
  same('exit status of the server', await server.status, 0);
  const { exchanges, summary } = await tracing.result();
  const answers = answersIn(id, tracing.process.lines);
  same('answers', answers.size, 8);
  expectRight(exchanges, answers);
  same('exchanges', exchanges.length, 8);
  const said = sentences(summary.note);
  const expected = notes(context.backend);
  const right = said.length === expected.length && expected.every((one, i) => one.test(said[i] ?? ''));
  assert(right, `the summary says: ${summary.note}`);
  return said.join(' ');
}
