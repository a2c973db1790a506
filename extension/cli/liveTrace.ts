/** A live trace on the command line: capture, recording and output, from start to an orderly end. */
import type { HelperEvent } from '../../helper/events.ts';
import type { Frame } from '../../helper/frames.ts';
import { FrameType, type ProcessInfo, type Status } from '../../helper/protocol.ts';
import manifest from '../../package.json';
import { type Capture, startCapture } from '../capture/capture.ts';
import { lowerProcess, Priority } from '../capture/priority.ts';
import { askInTerminal } from '../elevation/launch.ts';
import type { ProtoSchema } from '../engine/protobuf/schema.ts';
import { OtlpExporter } from '../otlp/exporter.ts';
import { countText } from '../words/numbers.ts';
import type { TraceOptions } from './arguments.ts';
import { HELPER_PATH, NATIVE_PATH } from './bundlePaths.ts';
import { captureOptions } from './captureOptions.ts';
import type { AlsoTo } from './printer.ts';
import { Progress } from './progress.ts';
import { openProtos } from './protos.ts';
import { say } from './say.ts';
import { discardFiles, type TraceFiles } from './traceFiles.ts';
import { TraceReader } from './traceReader.ts';

export class LiveTrace {
  readonly #capture: Capture;
  readonly #files: TraceFiles;
  /**
   * Resolves when the trace cannot continue: with null when the output has no reader any more, else with the reason.
   */
  readonly broken: Promise<string | null>;
  /** Resolves when all targets and the processes they started have ended. */
  readonly idle: Promise<void>;
  readonly #reader: TraceReader;
  readonly #exporter: OtlpExporter | null;
  readonly #progress: Progress;
  readonly #priority = new Priority(lowerProcess);
  readonly #troubles: string[] = [];
  #idle: () => void = () => {};
  #fail: (problem: string) => void = () => {};
  #attached = false;
  /** Problems that were already printed. */
  readonly #reported = new Set<string>();
  #outputLost = false;
  #finished: Promise<readonly string[]> | null = null;

  private constructor(
    capture: Capture,
    options: TraceOptions,
    files: TraceFiles,
    protos: ProtoSchema | null,
  ) {
    this.#capture = capture;
    this.#files = files;

    const { otlp } = options;
    const exporter = otlp === null ? null : new OtlpExporter(otlp, manifest.version);
    this.#exporter = exporter;
    const also: AlsoTo | null = exporter === null ? null : (masked) => exporter.offer(masked);
    this.#reader = new TraceReader(options, files.output, protos, also);
    this.#progress = new Progress(options.verbose, process.stderr.isTTY === true, say);
    this.idle = new Promise((resolve) => {
      this.#idle = resolve;
    });
    const failed = new Promise<string>((resolve) => {
      this.#fail = resolve;
    });
    const ended = capture.ended.then(({ fault }) =>
      this.#finished === null ? (fault ?? 'The helper ended.') : new Promise<never>(() => {}),
    );
    this.broken = Promise.race([failed, ended, this.#outputBroken()]);
    files.recording?.begin(capture.hello.byteOrder);
    capture.onEvent((event, frame) => this.#take(event, frame));
  }

  /** @throws TraceError, after discarding files */
  static async start(options: TraceOptions, files: TraceFiles): Promise<LiveTrace> {
    try {
      return await LiveTrace.#start(options, files);
    } catch (error) {
      discardFiles(files);
      throw error;
    }
  }

  static async #start(options: TraceOptions, files: TraceFiles): Promise<LiveTrace> {
    const protos = await openProtos(options.proto);
    const capture = await startCapture({
      ...captureOptions(options),
      nativePath: NATIVE_PATH,
      helperPath: HELPER_PATH,
      ...(process.stdin.isTTY ? { ask: askInTerminal } : {}),
    });
    return new LiveTrace(capture, options, files, protos);
  }

  /** @throws TraceError */
  async attach(pid: number, children: boolean): Promise<ProcessInfo> {
    const info = await this.#capture.attach(pid, children);
    this.#attached = true;
    return info;
  }

  /** Drops the remaining records of a trace that is being stopped, instead of waiting for them. */
  cutShort(): void {
    this.#capture.cutShort();
  }

  /**
   * Drains the trace, and shows the remaining exchanges and the summary. Resolves with what went wrong during the trace, in
   * sentences. Idempotent.
   * @param remarks more sentences for the summary, evaluated when all is drained
   */
  finish(remarks: (status: Status | null) => readonly string[] = () => []): Promise<readonly string[]> {
    this.#finished ??= this.#finish(remarks);
    return this.#finished;
  }

  /** Ends a trace that did not begin: nothing is shown. */
  async abandon(): Promise<void> {
    this.#finished = Promise.resolve([]);
    await this.#capture.stop();
    discardFiles(this.#files);
  }

  /** A part of the output could not be written, and that was reported. */
  get incomplete(): boolean {
    return this.#reported.size > 0;
  }

  /** A file that cannot be written ends the trace only where nothing else is written. */
  async #outputBroken(): Promise<string | null> {
    const problem = await this.#files.output.broken;
    const { recording } = this.#files;
    if (problem === null || recording === null || recording.problem !== null) return problem;
    this.#sayOnce(problem);
    this.#outputLost = true;
    return new Promise<never>(() => {});
  }

  #sayOnce(problem: string): void {
    if (this.#reported.has(problem)) return;
    this.#reported.add(problem);
    say(problem);
  }

  async #finish(remarks: (status: Status | null) => readonly string[]): Promise<readonly string[]> {
    // Checked before stopping, because after that the helper is expected to end.
    const early = await Promise.race([this.#capture.ended, Promise.resolve(null)]);
    if (early !== null) this.#troubles.push(early.fault ?? 'The helper ended.');
    this.#progress.stopping();
    const status = await this.#capture.stop();
    if (early === null && status === null) {
      const { fault } = await this.#capture.ended;
      this.#troubles.push(fault ?? 'The helper ended before it had sent everything.');
    }
    const { recording, output } = this.#files;
    recording?.end();
    const unrecorded = recording?.problem ?? null;
    if (unrecorded !== null) this.#sayOnce(unrecorded);
    const troubles = [...this.#troubles, ...(unrecorded === null ? [] : [unrecorded])];
    this.#reader.finish([...troubles, ...remarks(status)]);
    await this.#endExport();
    const unwritten = await output.end();
    if (unwritten !== null) this.#sayOnce(unwritten);
    return this.#troubles;
  }

  /** Spans that a collector did not accept are not a failure of the trace. */
  async #endExport(): Promise<void> {
    if (this.#exporter === null) return;
    const { sent, lost, problem } = await this.#exporter.close();
    if (lost > 0)
      say(`${countText(lost, 'span')} of ${sent + lost} did not reach the collector. ${problem ?? ''}`);
  }

  #take(event: HelperEvent, { type, payload }: Frame): void {
    const { recording } = this.#files;
    recording?.frame(type, payload);
    const unrecorded = recording?.problem ?? null;
    if (unrecorded !== null) {
      this.#sayOnce(unrecorded);
      if (this.#outputLost) this.#fail(unrecorded);
    }
    if (this.#troubles.length > 0) return;
    // The command of `run` was started before any records: it keeps its priority.
    if (event.type === FrameType.Records) this.#priority.worked(event.records.length, performance.now());
    try {
      this.#reader.take(event);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const problem = `The helper sent records that cannot be read: ${reason}`;
      this.#troubles.push(problem);
      this.#fail(problem);
      return;
    }
    if (event.type !== FrameType.Status) return;
    this.#progress.take(event.status, performance.now());
    if (this.#attached && event.status.targets === 0) this.#idle();
  }
}
