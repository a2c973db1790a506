/**
 * Traces for tests that are about the calls and not about the command. They run the capture and the reader of `http-trace` in
 * this process, and reuse the previous trace's helper, as consecutive debug sessions do. Starting both each time takes
 * 0.8 s of processor time.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Capture, type CaptureOptions, startCapture } from '../../extension/capture/capture.ts';
import type { KeptHelper } from '../../extension/capture/keptHelper.ts';
import { parseCommandLine, type TraceOptions } from '../../extension/cli/arguments.ts';
import { captureOptions } from '../../extension/cli/captureOptions.ts';
import { openGate } from '../../extension/cli/gate.ts';
import { openFiles, type TraceFiles } from '../../extension/cli/traceFiles.ts';
import { TraceReader } from '../../extension/cli/traceReader.ts';
import { FrameType } from '../../helper/protocol.ts';
import { builtIn } from './capture.ts';
import { assert, same } from './check.ts';
import { Child, type Ended } from './process.ts';
import {
  expectOrderly,
  expectSameText,
  filesOf,
  parseOutput,
  Trace,
  type TracingContext,
  writtenTo,
} from './tracing.ts';

/** Longer than a test waits between two traces. */
const KEEP_MS = 600_000;

/** Helpers between two traces, by the options that were fixed when they started. */
const kept = new Map<string, KeptHelper>();

const running = new Set<Capture>();

/** Ends the traces that a test has left. */
export async function endTraces(): Promise<void> {
  await Promise.all([...running].map((capture) => capture.stop()));
  running.clear();
}

/** Ends the helpers that wait for another trace. */
export function endKeptHelpers(): void {
  for (const helper of kept.values()) helper.end();
  kept.clear();
}

export interface KeptContext extends TracingContext {
  /** The folder of the built product. */
  readonly dist: string;
}

/** What tests of calls need of the trace of a command, whoever runs it. */
export interface CommandTrace {
  /** File of the recorded trace. */
  readonly recording: string;
  /** What has been written so far. */
  readonly written: string;
  result(options?: { whole?: boolean }): Promise<Trace>;
}

/** The same of processes that were running already. */
export interface RunningTrace extends CommandTrace {
  /** Milliseconds that its start may take. */
  readonly patience: number;
  stop(): Promise<Trace>;
}

/** How tests of calls start a trace. */
export interface TraceStarter {
  run(context: KeptContext, command: readonly string[], options?: readonly string[]): CommandTrace;
  /** Resolves once the processes are traced. */
  attach(context: KeptContext, pids: readonly number[], options?: readonly string[]): Promise<RunningTrace>;
}

export class KeptTracing implements RunningTrace {
  readonly recording: string;
  readonly #context: KeptContext;
  readonly #output: string;
  readonly #shown: readonly string[];
  /** Resolves once the command runs, or the processes are traced. */
  readonly #started: Promise<Live>;

  private constructor(
    context: KeptContext,
    options: readonly string[],
    start: (live: Live, children: boolean) => Promise<void>,
  ) {
    const files = filesOf(context, options);
    this.#context = context;
    this.#shown = files.shown;
    this.#output = files.output;
    this.recording = files.recording;
    const command = parseCommandLine(['run', ...files.words, '--', 'true']);
    assert(command.kind === 'run', `not options of a trace: ${options.join(' ')}`);
    this.#started = Live.start(command.options, context.dist).then(async (live) => {
      await start(live, command.options.children);
      return live;
    });
    this.#started.catch(() => {}); // The code that waits for it gets the error.
  }

  static run(context: KeptContext, command: readonly string[], options: readonly string[] = []): KeptTracing {
    return new KeptTracing(context, options, (live, children) => live.run(command, children));
  }

  static async attach(
    context: KeptContext,
    pids: readonly number[],
    options: readonly string[] = [],
  ): Promise<KeptTracing> {
    const tracing = new KeptTracing(context, options, (live, children) => live.attach(pids, children));
    await tracing.#started;
    return tracing;
  }

  get patience(): number {
    return this.#context.patience;
  }

  get written(): string {
    return writtenTo(this.#output);
  }

  async stop(): Promise<Trace> {
    (await this.#started).stop();
    return this.result();
  }

  /** Waits for the end of the command or of the processes, and checks everything that must hold for every trace. */
  async result({ whole = true }: { whole?: boolean } = {}): Promise<Trace> {
    const ended = await (await this.#started).end();
    const output = parseOutput(readFileSync(this.#output, 'utf8'));
    const trace = new Trace(output, this.recording, this.#shown, ended);
    expectOrderly(trace, this.#output, this.#context.backend, whole);
    expectSameText(trace.recorded.text, trace.text);
    return trace;
  }
}

/** One trace, from its start to an orderly end, after which its helper waits for the next one. */
class Live {
  readonly #options: CaptureOptions;
  readonly #capture: Capture;
  readonly #files: TraceFiles;
  readonly #reader: TraceReader;
  #attached = false;
  #resolveDone: () => void = () => {};
  /** Resolves when the trace is stopped, or all its processes have ended. */
  readonly #done = new Promise<void>((resolve) => {
    this.#resolveDone = resolve;
  });
  /** How the command ends; null for processes that were running already. */
  #command: Promise<Ended> | null = null;

  private constructor(options: CaptureOptions, capture: Capture, files: TraceFiles, reader: TraceReader) {
    this.#options = options;
    this.#capture = capture;
    this.#files = files;
    this.#reader = reader;
    files.recording?.begin(capture.hello.byteOrder);
    capture.onEvent((event, { type, payload }) => {
      files.recording?.frame(type, payload);
      reader.take(event);
      if (event.type === FrameType.Status && this.#attached && event.status.targets === 0)
        this.#resolveDone();
    });
  }

  static async start(trace: TraceOptions, dist: string): Promise<Live> {
    assert(trace.proto === null && trace.duration === null, 'options that only the command knows');
    const options = { ...captureOptions(trace), ...builtIn(dist) };
    const helper = kept.get(keyOf(options)) ?? null;
    kept.delete(keyOf(options));
    const capture = await startCapture({ ...options, kept: helper });
    running.add(capture);
    const files = openFiles(trace);
    return new Live(options, capture, files, new TraceReader(trace, files.output, null));
  }

  /** The command is traced from its first instruction. */
  async run([program = '', ...args]: readonly string[], children: boolean): Promise<void> {
    const gate = join(this.#options.nativePath, 'gate');
    const child = new Child(gate, [program, ...args], { stdio: ['pipe', 'pipe', 'pipe', 'pipe'] });
    this.#command = child.ended;
    await openGate(child.process, (pid) => this.#capture.attach(pid, children));
  }

  async attach(pids: readonly number[], children: boolean): Promise<void> {
    for (const pid of pids) await this.#capture.attach(pid, children);
    this.#attached = true;
  }

  stop(): void {
    this.#resolveDone();
  }

  async end(): Promise<Ended> {
    const ended = (await this.#command) ?? { code: 0, signal: null, stdout: '', stderr: '' };
    if (this.#command === null) await this.#done;
    const status = await this.#capture.stop(KEEP_MS);
    running.delete(this.#capture);
    assert(status !== null, 'the helper ended before it had sent everything');
    this.#files.recording?.end();
    this.#reader.finish([]);
    same('problem of the output', await this.#files.output.end(), null);
    keep(keyOf(this.#options), this.#capture.kept ?? null);
    return ended;
  }
}

function keyOf(options: CaptureOptions): string {
  return JSON.stringify(options);
}

function keep(key: string, helper: KeptHelper | null): void {
  if (helper === null) return;
  if (kept.has(key)) {
    // There were two traces at the same time.
    helper.end();
    return;
  }
  kept.set(key, helper);
  helper.onEnd(() => {
    if (kept.get(key) === helper) kept.delete(key);
  });
}
