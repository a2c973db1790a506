/** `http-trace` as tests use it, with everything that must hold for every trace. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import schema from '../../extension/cli/exchange.schema.json';
import type { ExchangeJson, SummaryJson } from '../../extension/engine/exchangeJson.ts';
import type { Backend, TlsWay } from '../../helper/protocol.ts';
import { assert, same } from './check.ts';
import { Child, type Ended } from './process.ts';
import { type Recorded, readRecording } from './recording.ts';
import { expectBalance } from './truth.ts';

/** How http-trace is started, and what is expected of each trace. */
export interface TracingContext {
  /** The command that starts http-trace. */
  readonly program: readonly string[];
  /** Where traces write their files. */
  readonly folder: string;
  /** Options of every trace. */
  readonly options: readonly string[];
  /** The backend that every trace must use; null: any. */
  readonly backend: Backend | null;
  /** How to attach to the functions of TLS libraries; null: as http-trace does by default. */
  readonly tls: TlsWay | null;
  /** Milliseconds that the start of a trace may take. */
  readonly patience: number;
  /** Milliseconds that a trace may take from when its result is asked for. */
  readonly endPatience: number;
  /**
   * What replays each recording: this process, which starts no program; with `program`, the first one is replayed by
   * `http-trace replay`.
   */
  readonly replay: 'program' | 'engine';
}

/** What a trace wrote. */
export interface Output {
  readonly exchanges: readonly ExchangeJson[];
  readonly summary: SummaryJson['summary'];
  /** The lines of the exchanges. */
  readonly text: string;
}

export class Trace implements Output {
  readonly exchanges: readonly ExchangeJson[];
  readonly summary: SummaryJson['summary'];
  readonly text: string;
  /** File of the recorded trace. */
  readonly recording: string;
  /** How http-trace ended. */
  readonly ended: Ended;
  readonly #shown: readonly string[];
  #recorded: Recorded | null = null;

  /** @param shown options that choose what is shown */
  constructor(output: Output, recording: string, shown: readonly string[], ended: Ended) {
    this.exchanges = output.exchanges;
    this.summary = output.summary;
    this.text = output.text;
    this.recording = recording;
    this.ended = ended;
    this.#shown = shown;
  }

  /** What the recording holds, read by the engine of this checkout. */
  get recorded(): Recorded {
    this.#recorded ??= readRecording(this.recording, this.#shown);
    return this.#recorded;
  }
}

/** Programs that have replayed a recording in this process, which is one file of tests. */
const HAVE_REPLAYED = new Set<string>();

export class Tracing {
  readonly process: Child;
  readonly recording: string;
  readonly #context: TracingContext;
  readonly #output: string;
  readonly #shown: readonly string[];

  constructor(
    context: TracingContext,
    verb: 'run' | 'attach',
    operands: readonly string[],
    options: readonly string[] = [],
  ) {
    this.#context = context;
    const files = filesOf(context, options);
    this.#shown = files.shown;
    this.#output = files.output;
    this.recording = files.recording;
    this.process = Child.of([
      // An empty cache, as on a fresh machine. Otherwise the programs of all earlier traces would be examined again,
      // doubling the cost of starting a trace, and a test could pass because of what another has left.
      'env',
      `XDG_CACHE_HOME=${files.folder}`,
      ...context.program,
      verb,
      ...files.words,
      ...operands,
    ]);
  }

  static run(context: TracingContext, command: readonly string[], options: readonly string[] = []): Tracing {
    return new Tracing(context, 'run', ['--', ...command], options);
  }

  /** Resolves once the processes are traced. */
  static async attach(
    context: TracingContext,
    pids: readonly number[],
    options: readonly string[] = [],
  ): Promise<Tracing> {
    const tracing = new Tracing(context, 'attach', pids.map(String), [...options, '--verbose']);
    await tracing.process.untilStderr('Ctrl+C stops', tracing.patience);
    return tracing;
  }

  /** Milliseconds that its start may take. */
  get patience(): number {
    return this.#context.patience;
  }

  /** What has been written so far. */
  get written(): string {
    return writtenTo(this.#output);
  }

  /** Stops as Ctrl+C does. */
  stop(): Promise<Trace> {
    this.process.kill('SIGINT');
    return this.result();
  }

  /**
   * Waits for the end and checks everything that must hold for every trace.
   * @param options `whole: false`: the counts of the summary may be missing, or are checked by the test itself
   */
  async result({ whole = true }: { whole?: boolean } = {}): Promise<Trace> {
    this.process.killAfter(this.#context.endPatience);
    const ended = await this.process.ended;
    const trace = new Trace(this.#parse(ended), this.recording, this.#shown, ended);
    expectOrderly(trace, this.#output, this.#context.backend, whole);
    expectSameText(this.#replayedByProgram() ? this.replay().text : trace.recorded.text, trace.text);
    return trace;
  }

  /**
   * The recording as `http-trace replay` shows it.
   * @param options by default those of the trace that choose what is shown
   */
  replay(options = this.#shown): Output & { readonly status: number | null } {
    const [command = '', ...words] = this.#context.program;
    const args = [...words, 'replay', this.recording, '--format', 'json', ...options];
    const { stdout, status } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 30 });
    return { ...parseOutput(stdout), status };
  }

  /** Both use the same code, so one replay by each program is enough: it costs as much as half a trace. */
  #replayedByProgram(): boolean {
    const { program, replay } = this.#context;
    const name = program.join(' ');
    // Definitions of messages are read by the program only.
    if (this.#shown.includes('--proto')) return true;
    if (replay === 'engine' || HAVE_REPLAYED.has(name)) return false;
    HAVE_REPLAYED.add(name);
    return true;
  }

  #parse({ code, signal, stderr }: Ended): Output {
    try {
      return parseOutput(this.written);
    } catch (error) {
      const how = signal ?? `exit code ${code}`;
      throw new Error(`${(error as Error).message}; it ended with ${how}; ${stderr.slice(-500)}`);
    }
  }
}

/** Where a trace writes. */
export interface FilesOfTrace {
  readonly folder: string;
  readonly output: string;
  readonly recording: string;
  /** The options of the trace, with those that name the files. */
  readonly words: readonly string[];
  /** Of its options, those that choose what is shown. */
  readonly shown: readonly string[];
}

/** In a new folder for this trace. */
export function filesOf(context: TracingContext, options: readonly string[]): FilesOfTrace {
  const all = [...context.options, ...options];
  const folder = mkdtempSync(join(context.folder, 'trace-'));
  const output = join(folder, 'out.jsonl');
  const recording = join(folder, 'trace.recording');
  const words = [
    ...['--format', 'json', '--output', output, '--record', recording],
    ...(context.backend === null ? [] : ['--backend', context.backend]),
    ...(context.tls === null ? [] : ['--tls', context.tls]),
    ...all,
  ];
  return { folder, output, recording, words, shown: shownBy(all) };
}

/** What a trace has written to this file so far; empty before it begins. Until it ends, the file has another name. */
export function writtenTo(output: string): string {
  for (const file of [`${output}.partial`, output]) if (existsSync(file)) return readFileSync(file, 'utf8');
  return '';
}

/** What holds for every trace. @param whole the counts of the summary are there */
export function expectOrderly(trace: Trace, output: string, backend: Backend | null, whole: boolean): void {
  const { summary, exchanges } = trace;
  for (const file of [output, trace.recording]) {
    same(`mode of ${file}`, statSync(file).mode & 0o777, 0o600);
  }
  if (backend !== null) same('backend', summary.backend, backend);
  if (whole) expectBalance(summary);
  // A connection that stays encrypted has a line, and does not count as an exchange.
  same('lines', exchanges.length, summary.exchanges + summary.encrypted);
}

const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(schema);

/** @throws when a line does not fit the schema, or the last one is not a summary */
export function parseOutput(text: string): Output {
  const lines = text.split('\n');
  assert(lines.pop() === '', 'The output does not end with a line end.');
  const last = parseLine<SummaryJson>(lines.pop() ?? '');
  same('members of the last line', Object.keys(last), ['summary']);
  const exchanges = lines.map((line) => parseLine<ExchangeJson>(line));
  for (const exchange of exchanges) assert('id' in exchange, 'A line before the last is not an exchange.');
  return { exchanges, summary: last.summary, text: lines.join('\n') };
}

function parseLine<T>(line: string): T {
  const value: unknown = JSON.parse(line);
  if (!validate(value)) throw new Error(`${JSON.stringify(validate.errors)} in ${line.slice(0, 2000)}`);
  return value as T;
}

/** Take a value. */
const SHOWN: ReadonlySet<string> = new Set(['--capture', '--proto']);

/** Of the options of a trace, those that choose what is shown: a replay needs them as well. */
function shownBy(options: readonly string[]): string[] {
  return options.flatMap((option, i) => {
    if (option === '--show-secrets') return [option];
    return SHOWN.has(option) ? [option, options[i + 1] ?? ''] : [];
  });
}

/** The texts may be long: an error quotes the first line that differs. */
export function expectSameText(replayed: string, traced: string): void {
  if (replayed === traced) return;
  const [a, b] = [replayed.split('\n'), traced.split('\n')];
  const at = b.findIndex((line, i) => line !== a[i]);
  const line = at < 0 ? b.length : at;
  throw new Error(
    `The replay differs from the trace in line ${line + 1}: ${a[line]?.slice(0, 2000)} instead of ${b[line]?.slice(0, 2000)}`,
  );
}
