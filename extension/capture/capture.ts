/**
 * One capture: a private socket, the loader that is started with the rights it needs and connects to that socket, and
 * the helper that the loader becomes. Used by the command line and by the extension's worker.
 */
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { type HelperEvent, readEvent } from '../../helper/events.ts';
import { HEAD_ALLOWANCE, UNLIMITED } from '../../helper/facts.ts';
import {
  encodeFrame,
  encodeJson,
  type Frame,
  FrameDecoder,
  FrameError,
  HELPER_FRAMES,
} from '../../helper/frames.ts';
import type {
  Attach,
  Backend,
  BreakRequest,
  BreakState,
  Detach,
  Expected,
  Hello,
  Options,
  Pause,
  ProcessInfo,
  Status,
  TlsWay,
} from '../../helper/protocol.ts';
import { DEFAULT_BACKLOG, FrameType, MAX_FRAME, PROTOCOL_VERSION } from '../../helper/protocol.ts';
import { type Ask, chooseWay, launchLoader } from '../elevation/launch.ts';
import { RECORD_LAYOUT } from '../engine/recordLayout.ts';
import { Callers } from './callers.ts';
import { Channel } from './channel.ts';
import { KeptHelper } from './keptHelper.ts';
import { RememberedPrograms } from './rememberedPrograms.ts';
import { SentFiles } from './sentFiles.ts';
import { StopPatience } from './stopPatience.ts';
import { TraceError } from './trace.ts';

export interface CaptureOptions {
  /** Folder of the loader, the gate and the addon. */
  readonly nativePath: string;
  /** The helper's bundle. */
  readonly helperPath: string;
  /** Bytes of each body that the kernel copies; null = all. */
  readonly bodyLimit: number | null;
  readonly backend: 'auto' | Backend;
  /** Bodies of requests or of responses only; both when left out. */
  readonly bodies?: 'requests' | 'responses';
  /** The kernel omits HTTP/1 exchanges whose response begins sooner; microsecond precision. */
  readonly minLatencyMs?: number;
  /** How TLS plaintext is captured: none = not at all, the other values force one way to attach. Default auto. */
  readonly tls?: TlsWay;
  /** Where programs with TLS code are remembered; null: nowhere. Default: in the user's cache folder. */
  readonly programsFile?: string | null;
  /** Bytes that may wait in the helper, from MIN_BACKLOG. Default 256 MiB. */
  readonly backlog?: number;
  /** Bytes of the data ring, a power of two. Default 8 MiB. */
  readonly ringSize?: number;
  /** Print the verifier's log on stderr when the kernel refuses the programs. */
  readonly verbose?: boolean;
  /** Starts the loader; by default as a child of the calling thread, whose priority it inherits. */
  readonly launch?: typeof launchLoader;
  /** The helper of an earlier trace. It is reused if it matches, and otherwise ended. */
  readonly kept?: KeptHelper | null;
  /** Lets the user run a command that asks for a password; without this, such a command is an error. */
  readonly ask?: Ask;
}

export type EventListener = (event: HelperEvent, frame: Frame) => void;

export interface Capture {
  readonly hello: Hello;
  /**
   * Called for every event of the helper, except Break and NativeProgram. Frames are passed on as received, but bytes that were
   * sent from files, and the source lines of callers, are filled in.
   * Payloads are valid during the call only.
   */
  onEvent(listener: EventListener): void;
  /** @throws TraceError when there is no such process, or it is not the user's. */
  attach(pid: number, children: boolean): Promise<ProcessInfo>;
  /** Traces what this process starts from now on, but neither itself nor its earlier children. @throws TraceError */
  seed(pid: number): Promise<void>;
  /** Ends the tracing of the process itself; what it starts from now on is traced. */
  turnIntoSeed(pid: number): void;
  detach(pid: number): void;
  /** @throws TraceError when the trace has ended. */
  setBreak(what: Omit<BreakRequest, 'request'>): Promise<BreakState>;
  /** Called with each state that is not the answer to {@link setBreak}: the process has been stopped. */
  onBreak(listener: (state: BreakState) => void): void;
  /**
   * Drains; the final status, or null when the helper died before it could send it. Idempotent.
   * @param keepMs how long to keep the helper for another trace, in milliseconds; 0: it ends
   */
  stop(keepMs?: number): Promise<Status | null>;
  /** After the stop: the helper, if it was kept. */
  readonly kept?: KeptHelper | null;
  /** Drops what is still waiting when the trace is stopped, now or later. The final status counts it. */
  cutShort(): void;
  /** Resolves when the helper has ended. `fault` says why when that was not asked for. */
  readonly ended: Promise<{ readonly fault: string | null }>;
}

/** Milliseconds until the helper's first message: attaching trampolines takes seconds on a slow machine. */
const HELLO_TIMEOUT_MS = 300_000;
/** As above, if a password has to be typed first, which may take three minutes. */
const PROMPT_TIMEOUT_MS = HELLO_TIMEOUT_MS + 180_000;
/** As above, if the helper runs already. */
const RESUME_TIMEOUT_MS = 10_000;
/** How long to wait for the exit status of the helper's process after its socket has closed. sudo passes it on at once. */
const ENDED_MS = 1_000;

function copyLimit(bodyLimit: number | null): number {
  return bodyLimit === null ? UNLIMITED : Math.min(bodyLimit + HEAD_ALLOWANCE, UNLIMITED - 1);
}

/** Loader options, fixed for the whole trace. */
function fixedOptions(options: CaptureOptions): string[] {
  return [
    '--node',
    process.execPath,
    '--helper',
    options.helperPath,
    '--backend',
    options.backend,
    '--request-copy-limit',
    String(copyLimit(options.bodies === 'responses' ? 0 : options.bodyLimit)),
    '--response-copy-limit',
    String(copyLimit(options.bodies === 'requests' ? 0 : options.bodyLimit)),
    '--min-latency',
    String(Math.min(Math.round((options.minLatencyMs ?? 0) * 1000), UNLIMITED)),
    '--tls-attach',
    options.tls ?? 'auto',
    ...(options.ringSize === undefined ? [] : ['--ring-size', String(options.ringSize)]),
    ...(options.verbose ? ['--verbose'] : []),
  ];
}

/** @throws TraceError with the reason, for the user. */
export async function startCapture(options: CaptureOptions): Promise<Capture> {
  const fixed = fixedOptions(options);
  const remembered = new RememberedPrograms(options.tls === 'none' ? null : options.programsFile);
  const capture = (await resumed(options, fixed, remembered)) ?? (await started(options, fixed, remembered));
  capture.send(FrameType.Options, { backlog: options.backlog ?? DEFAULT_BACKLOG } satisfies Options);
  const paths = remembered.read();
  if (paths.length > 0) capture.send(FrameType.Expected, { paths } satisfies Expected);
  return capture;
}

/** Starts the trace with the kept helper; null when there is none, or it does not match. */
async function resumed(
  { kept }: CaptureOptions,
  fixed: readonly string[],
  remembered: RememberedPrograms,
): Promise<HelperConnection | null> {
  const channel = kept?.take(fixed.join('\n')) ?? null;
  if (channel === null) return null;
  const capture = new HelperConnection(channel, remembered, fixed.join('\n'));
  channel.write(encodeFrame(FrameType.Resume, new Uint8Array(0)));
  try {
    await capture.ready(RESUME_TIMEOUT_MS);
    return capture;
  } catch {
    channel.close();
    return null;
  }
}

async function started(
  options: CaptureOptions,
  fixed: readonly string[],
  remembered: RememberedPrograms,
): Promise<HelperConnection> {
  const way = await chooseWay(options.nativePath, options.ask);
  const channel = await Channel.open();
  let loader: ChildProcess | null = null;
  try {
    const loaderArguments = ['--socket', channel.path, ...fixed];
    const launched = (options.launch ?? launchLoader)(way, loaderArguments, process.geteuid?.() ?? 0);
    loader = launched.process;
    channel.loaderEnded = launched.ended;
    const capture = new HelperConnection(channel, remembered, fixed.join('\n'));
    await capture.ready(launched.prompts ? PROMPT_TIMEOUT_MS : HELLO_TIMEOUT_MS);
    return capture;
  } catch (error) {
    channel.close();
    if (loader !== null && loader.exitCode === null) loader.kill();
    throw error;
  }
}

function attachError({ error, message }: ProcessInfo): TraceError {
  const code = error === 'not-owner' ? 'not-owner' : error === 'gone' ? 'gone' : 'not-found';
  return new TraceError(error === 'kernel' || error === 'too-many' ? 'kernel' : code, message);
}

/** The kernel's OOM killer sends SIGKILL, also at a container's memory limit. The process cannot report it. */
function endedBy(signal: string): string {
  return signal === 'SIGKILL'
    ? 'The helper was ended by the signal SIGKILL. The kernel does this when memory runs out; its log then says so (journalctl -k, or dmesg). What was captured is kept. Start again.'
    : `The helper was ended by the signal ${signal}; what it captured is kept. Start again.`;
}

class HelperConnection implements Capture {
  readonly #channel: Channel;
  readonly #remembered: RememberedPrograms;
  /** The options that were fixed when the programs were loaded. */
  readonly #fixed: string;
  /** The helper will be kept when the trace ends. */
  #pausing = false;
  kept: KeptHelper | null = null;
  readonly ended: Promise<{ fault: string | null }>;
  #hello: Hello | null = null;
  readonly #callers = new Callers();
  readonly #sentFiles: SentFiles;
  #listeners: EventListener[] = [];
  /** Frames that arrived before there was a listener. */
  #early: Frame[] = [];
  #waiting = new Map<number, { resolve: (info: ProcessInfo) => void; reject: (error: Error) => void }>();
  #breaks = new Map<number, { resolve: (state: BreakState) => void; reject: (error: Error) => void }>();
  #onBreak: (state: BreakState) => void = () => {};
  #nextRequest = 1;
  #stopping: Promise<Status | null> | null = null;
  #final: Status | null = null;
  /** While the trace is being stopped. */
  #patience: StopPatience | null = null;
  /** Records that are still waiting will be dropped. */
  #cut = false;
  #fault: { code: string; message: string } | null = null;
  #end: (reason: { fault: string | null }) => void = () => {};
  /** The helper ended before it was asked to. A later stop does not turn this into an orderly end. */
  #unasked = false;
  #ended = false;
  #greeted: () => void = () => {};
  #refused: (error: Error) => void = () => {};
  readonly #greeting: Promise<void>;

  constructor(channel: Channel, remembered: RememberedPrograms, fixed: string) {
    this.#channel = channel;
    this.#remembered = remembered;
    this.#fixed = fixed;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#greeting = new Promise((resolve, reject) => {
      this.#greeted = resolve;
      this.#refused = reject;
    });
    // Awaited in ready(); until then a refusal must not count as an unhandled rejection.
    this.#greeting.catch(() => {});
    this.#sentFiles = new SentFiles({
      deliver: (event, frame) => this.#deliver(event, frame),
      failed: (error) => this.#fail(error),
      flow: (open) => channel.flow(open),
    });
    const decoder = new FrameDecoder(MAX_FRAME, HELPER_FRAMES);
    channel.onData((piece) => {
      try {
        for (const frame of decoder.push(piece)) this.#take(frame);
      } catch (error) {
        this.#fail(error);
      }
    });
    channel.onClose(() => void this.#closed());
    channel.onLoaderEnded((error) => {
      if (this.#hello === null) this.#finish(error);
    });
  }

  get hello(): Hello {
    if (this.#hello === null) throw new Error('The helper has not sent its hello yet.');
    return this.#hello;
  }

  send(type: FrameType, payload: object): void {
    this.#channel.write(encodeJson(type, payload));
  }

  async ready(timeoutMs: number): Promise<void> {
    const timer = setTimeout(
      () => this.#finish(new TraceError('helper', 'The helper did not start in time.')),
      timeoutMs,
    );
    try {
      await this.#greeting;
    } finally {
      clearTimeout(timer);
    }
  }

  onEvent(listener: EventListener): void {
    this.#listeners.push(listener);
    for (const frame of this.#early.splice(0)) listener(readEvent(frame), frame);
  }

  async attach(pid: number, children: boolean): Promise<ProcessInfo> {
    const info = await this.#attach({ pid, children });
    if (info.error === null) return info;
    throw attachError(info);
  }

  async seed(pid: number): Promise<void> {
    const info = await this.#attach({ pid, children: true, seed: true });
    if (info.error !== null && info.error !== 'known') throw attachError(info);
  }

  turnIntoSeed(pid: number): void {
    this.#channel.write(encodeJson(FrameType.Detach, { pid, seed: true } satisfies Detach));
  }

  #attach(what: Omit<Attach, 'request'>): Promise<ProcessInfo> {
    if (this.#ended)
      return Promise.reject(new TraceError('helper', this.#fault?.message ?? 'The trace has ended.'));
    const request = this.#nextRequest++;
    const answer = new Promise<ProcessInfo>((resolve, reject) =>
      this.#waiting.set(request, { resolve, reject }),
    );
    this.#channel.write(encodeJson(FrameType.Attach, { request, ...what } satisfies Attach));
    return answer;
  }

  detach(pid: number): void {
    this.#channel.write(encodeJson(FrameType.Detach, { pid }));
  }

  setBreak(what: Omit<BreakRequest, 'request'>): Promise<BreakState> {
    if (this.#ended) return Promise.reject(new TraceError('helper', 'The trace has ended.'));
    const request = this.#nextRequest++;
    const answer = new Promise<BreakState>((resolve, reject) =>
      this.#breaks.set(request, { resolve, reject }),
    );
    this.#channel.write(encodeJson(FrameType.SetBreak, { request, ...what } satisfies BreakRequest));
    return answer;
  }

  onBreak(listener: (state: BreakState) => void): void {
    this.#onBreak = listener;
  }

  stop(keepMs = 0): Promise<Status | null> {
    this.#stopping ??= (async () => {
      this.#pausing = keepMs > 0 && this.#hello?.keepable === true;
      if (!this.#ended && this.#pausing) this.send(FrameType.Pause, { forMs: keepMs } satisfies Pause);
      else if (!this.#ended) this.#writeEmpty(FrameType.Stop);
      if (!this.#ended && this.#cut) this.#writeEmpty(FrameType.CutShort);
      this.#patience = new StopPatience(this.#hello?.helperPid ?? 0, () => this.#channel.close());
      await this.ended;
      this.#patience.end();
      return this.#final;
    })();
    return this.#stopping;
  }

  cutShort(): void {
    if (this.#cut || this.#ended) return;
    this.#cut = true;
    if (this.#stopping !== null) this.#writeEmpty(FrameType.CutShort);
  }

  #writeEmpty(type: FrameType): void {
    this.#channel.write(encodeFrame(type, new Uint8Array(0)));
  }

  #take(frame: Frame): void {
    this.#patience?.heard();
    const { type } = frame;
    if (this.#hello === null && type !== FrameType.Hello && type !== FrameType.Fault) {
      throw new FrameError('The first frame is not a hello.');
    }
    const event = readEvent(frame);
    switch (event.type) {
      case FrameType.Hello: {
        const { hello } = event;
        if (hello.protocol !== PROTOCOL_VERSION || hello.layout !== RECORD_LAYOUT) {
          throw new FrameError('The helper has a different version; reinstall the extension.');
        }
        this.#hello = hello;
        this.#greeted();
        break;
      }
      case FrameType.Status:
        if (event.status.final) this.#final = event.status;
        break;
      case FrameType.Tls:
        this.#remembered.saw(event.tls);
        break;
      default:
        break;
    }
    if (event.type === FrameType.GoProgram) this.#callers.add(event.program);
    if (event.type === FrameType.NativeProgram) {
      // Of no use to other consumers, and not recorded.
      this.#callers.addNative(event.program);
      return;
    }
    if (event.type !== FrameType.Records) this.#sentFiles.take(event, frame);
    else {
      const payload = this.#callers.name(event.records);
      this.#sentFiles.take({ type: event.type, records: payload }, { type: event.type, payload });
    }
  }

  #deliver(event: HelperEvent, frame: Frame): void {
    if (event.type === FrameType.Break) {
      // Does not belong to a trace, so it is not recorded.
      const { request } = event.state;
      this.#breaks.get(request)?.resolve(event.state);
      if (!this.#breaks.delete(request)) this.#onBreak(event.state);
      return;
    }
    if (event.type === FrameType.Fault) this.#fault = event.fault;
    this.#report(event, frame);
    if (event.type === FrameType.Process) {
      // Listeners know the process before attach() resolves.
      const waiting = this.#waiting.get(event.info.request);
      this.#waiting.delete(event.info.request);
      waiting?.resolve(event.info);
    } else if (event.type === FrameType.Fault) this.#finish(null);
    else if (event.type === FrameType.Status && event.status.final && this.#pausing) this.#finish(null, true);
  }

  #fail(error: unknown): void {
    this.#fault ??= {
      code: 'helper',
      message:
        error instanceof FrameError
          ? `The helper sent something that is not part of the protocol: ${error.message}`
          : `The capture stopped on an internal error: ${(error as Error).message}`,
    };
    this.#channel.close();
  }

  #report(event: HelperEvent, frame: Frame): void {
    if (this.#listeners.length === 0) this.#early.push({ type: frame.type, payload: frame.payload.slice() });
    for (const listener of this.#listeners) listener(event, frame);
  }

  /** The helper is gone. If this was unexpected and it gave no reason, its exit signal may tell why. */
  async #closed(): Promise<void> {
    const expected = this.#ended || this.#fault !== null || this.#final !== null || this.#stopping !== null;
    this.#unasked = !expected;
    const ended = expected ? null : await Promise.race([this.#channel.loaderEnded, sleep(ENDED_MS, null)]);
    const signal = ended?.signal ?? null;
    this.#finish(signal === null ? null : new TraceError('helper', endedBy(signal), signal));
  }

  /** @param keep the helper has sent its last message of this trace, and waits for the next trace */
  #finish(error: TraceError | null, keep = false): void {
    const { busy } = this.#sentFiles;
    if (busy !== null && this.#fault === null && !keep) {
      // Frames that the helper has already sent come first.
      void busy.then(() => this.#finish(error));
      return;
    }
    if (this.#ended) return;
    this.#ended = true;
    this.#callers.close();
    const asked = !this.#unasked && (this.#final !== null || this.#stopping !== null);
    const fault = this.#fault;
    const message =
      fault?.message ??
      error?.message ??
      'The helper ended unexpectedly; what it captured is kept. Start again.';
    const code =
      fault === null
        ? (error?.code ?? 'helper')
        : fault.code === 'no-permission'
          ? 'no-permission'
          : fault.code === 'kernel'
            ? 'kernel'
            : 'helper';
    const reason = new TraceError(code, message);
    this.#refused(reason);
    for (const { reject } of this.#waiting.values()) reject(reason);
    this.#waiting.clear();
    for (const { reject } of this.#breaks.values()) reject(reason);
    this.#breaks.clear();
    if (keep) this.kept = new KeptHelper(this.#channel, this.#fixed);
    else this.#channel.close();
    this.#remembered.save();
    this.#end({ fault: asked && fault === null ? null : message });
  }
}
