/**
 * The engine's side of a window's trace: the helper's socket, the engine and its store. The extension host only gets
 * batches of rows and, for a selected call, its details. It does not depend on threads: `worker.ts` runs it in one.
 */
import { FrameType } from '../../helper/protocol.ts';
import { type Choice, type Launched, launchLoader } from '../elevation/launch.ts';
import { Engine } from '../engine/engine.ts';
import { DEFAULT_MAX_EXCHANGES } from '../engine/limits.ts';
import type { ExchangeRow } from '../engine/row.ts';
import { IDLE_STATUS, type TraceStatus } from '../engine/traceStatus.ts';
import type { Capture, CaptureOptions } from './capture.ts';
import { FileOpener } from './fileOpener.ts';
import { HeldRows } from './heldRows.ts';
import { History } from './history.ts';
import { HistoryRequests, isHistoryRequest } from './historyRequests.ts';
import type { KeptHelper } from './keptHelper.ts';
import { NewestTrace } from './newestTrace.ts';
import type { Priority } from './priority.ts';
import { TraceError } from './trace.ts';
import { TraceBytes } from './traceBytes.ts';
import { TraceKeeper } from './traceKeeper.ts';
import type { FromWorker, ToWorker, WorkerOptions } from './workerProtocol.ts';

/**
 * How often {@link TraceWorker.flush} has to be called, in milliseconds: the eye can follow ten updates a second.
 * The first change after a pause is sent at once.
 */
export const FLUSH_INTERVAL = 100;
/** Rows in one message; more would block the extension host for too long while it unpacks them. */
export const MAX_ROWS = 4_000;

export class TraceWorker {
  readonly #send: (message: FromWorker) => void;
  readonly #startCapture: (options: CaptureOptions) => Promise<Capture>;
  /** Priority of this thread; null if this is not a separate thread. */
  readonly #priority: Pick<Priority, 'worked'> | null;
  readonly #history = new History(() => new Engine(), DEFAULT_MAX_EXCHANGES);
  readonly #files: FileOpener;
  readonly #requests = new HistoryRequests(this.#history);
  readonly #keeper = new TraceKeeper();
  readonly #held = new HeldRows();
  readonly #bytes = new TraceBytes();
  readonly #newest = new NewestTrace(
    (bootTime, offset) => this.#history.begin(bootTime, offset),
    this.#bytes,
  );
  #capture: Capture | null = null;
  #starting: Promise<Capture> | null = null;
  /** For the next trace; null: there is none. */
  #kept: KeptHelper | null = null;
  /** How long a helper is kept for the next trace, in milliseconds; 0: not at all. */
  #keepMs = 0;
  #children = true;
  #phase: TraceStatus['phase'] = 'idle';
  #problem: string | null = null;
  #list = 0;
  #backend: string | null = null;
  #waitingRows: ExchangeRow[] = [];
  #lastStatus = '';
  /** When rows were sent last; milliseconds. */
  #lastSent = 0;
  #answerAsk: ((error: TraceError) => void) | null = null;
  /** Loaders that were started for this thread, by their numbers. */
  readonly #launches = new Map<number, (error: TraceError) => void>();
  #lastLaunch = 0;

  constructor(
    send: (message: FromWorker) => void,
    startCapture: (options: CaptureOptions) => Promise<Capture>,
    priority: Pick<Priority, 'worked'> | null = null,
  ) {
    this.#send = send;
    this.#priority = priority;
    this.#startCapture = startCapture;
    this.#files = new FileOpener(this.#history, send);
  }

  take(message: ToWorker): void {
    if (isHistoryRequest(message)) {
      this.#send(this.#requests.answer(message));
      return;
    }
    switch (message.type) {
      case 'start':
        void this.#answer(message.request, this.#start(message.options, message.pids));
        return;
      case 'arm':
        void this.#answer(message.request, this.#arm(message.options, message.seeds));
        return;
      case 'confirm':
        for (const pid of message.pids)
          if (this.#newest.candidates.visibility(pid) === 'candidate') this.#newest.candidates.confirm(pid);
        return;
      case 'leaveOutUnnamed':
        for (const pid of this.#newest.candidates.leaveOutUnnamed(performance.now() - message.olderMs))
          this.#capture?.turnIntoSeed(pid);
        return;
      case 'break':
        void this.#answer(message.request, this.#setBreak(message));
        return;
      case 'stop':
        void this.#answer(message.request, this.#stop());
        return;
      case 'keepHelper':
        this.#keepMs = message.keepMs;
        if (message.keepMs === 0) this.#kept?.end();
        return;
      case 'cutShort':
        this.#capture?.cutShort();
        return;
      case 'clear':
        this.#clear();
        return;
      case 'pin':
        this.#history.pin(message.id, message.pinned);
        this.flush();
        return;
      case 'protos':
        this.#history.setProtos(message.schema);
        return;
      case 'launched':
        this.#launches.get(message.launch)?.(new TraceError(message.code, message.message, message.signal));
        this.#launches.delete(message.launch);
        return;
      case 'open':
        void this.#answer(message.request, this.#open(message));
        return;
      case 'flushKept':
        void this.#answer(message.request, this.#flushKept());
        return;
      case 'forgetKept':
        this.#keeper.clear();
        this.#keeper.abandon('Traces are not kept, because of the setting httpTrace.keepCalls.');
        return;
      case 'cancelOpen':
        this.#files.cancel(message.request);
        return;
      case 'asked':
        this.#answerAsk?.(new TraceError(message.code, message.message, message.signal));
        this.#answerAsk = null;
        return;
      default:
        message satisfies never;
    }
  }

  async #setBreak({ request, what }: Extract<ToWorker, { type: 'break' }>): Promise<void> {
    if (this.#capture === null) throw new TraceError('helper', 'No trace is running.');
    this.#send({ type: 'break', request, state: await this.#capture.setBreak(what) });
  }

  async #flushKept(): Promise<void> {
    this.#keeper.flush();
    const { problem } = this.#keeper;
    if (problem !== null) throw new TraceError('file', problem);
  }

  /** Sends changes: at most {@link MAX_ROWS} rows, and the status if it changed. */
  flush(): void {
    this.#keeper.flush();
    const { rows: changed, removed } = this.#history.takeChanges();
    this.#held.remove(removed);
    const passed = this.#held.pass(changed, (pid) => this.#newest.candidates.visibility(pid));
    const rows = passed.shown;
    removed.push(...passed.removed);
    this.#waitingRows = this.#waitingRows.length === 0 ? rows : this.#waitingRows.concat(rows);
    if (this.#waitingRows.length > 0 || removed.length > 0) {
      this.#lastSent = performance.now();
      const gone = new Set(removed);
      const batch = this.#waitingRows.splice(0, MAX_ROWS).filter((row) => !gone.has(row.id));
      if (gone.size > 0) this.#waitingRows = this.#waitingRows.filter((row) => !gone.has(row.id));
      this.#send({ type: 'rows', rows: batch, removed });
    }
    this.#sendStatus();
  }

  #sendStatus(): void {
    const status = this.#status();
    const text = JSON.stringify(status);
    if (text === this.#lastStatus) return;
    this.#lastStatus = text;
    this.#send({ type: 'status', status });
  }

  async #open(message: Extract<ToWorker, { type: 'open' }>): Promise<void> {
    const earlier = await this.#files.open(message);
    const { content } = message;
    if (Array.isArray(content)) this.#keeper.adopt(content);
    // If the list now begins earlier, all row times change: the status is sent first, as for a new list.
    if (earlier) this.#sendStatus();
    this.#flushAll();
  }

  /** All rows must be sent before the request to stop is answered. */
  #flushAll(): void {
    do this.flush();
    while (this.#waitingRows.length > 0);
  }

  get #startedAt(): number | null {
    const { zero } = this.#history;
    return zero === null ? null : Number(zero / 1_000_000n);
  }

  /** Starts the list over, keeping running calls. */
  #clear(): void {
    const live = this.#capture !== null;
    const removed = this.#history.clear(live ? this.#newest.seenUpTo : null);
    this.#held.remove(removed);
    this.#waitingRows = [];
    this.#bytes.clear();
    this.#newest.clear(live);
    this.#keeper.clear();
    this.#list++;
    // Sent before any row, whose number may have belonged to a removed row.
    this.#send({ type: 'rows', rows: [], removed });
    this.#sendStatus();
    this.flush();
  }

  #status(): TraceStatus {
    const stats = this.#history.stats();
    const bytes = this.#bytes.all;
    const held = this.#held.counts();
    const { zero } = this.#history;
    const { seenUpTo, suspended } = this.#newest;
    return {
      ...IDLE_STATUS,
      phase: this.#phase,
      list: this.#list,
      startedAt: this.#startedAt,
      bootStart: zero === null ? null : Number(zero - this.#newest.offset) / 1e6,
      suspendedMs: suspended === null ? null : Number(suspended) / 1e6,
      now: seenUpTo === null ? 0 : this.#history.sinceStart(seenUpTo),
      behindMs: Math.round(this.#newest.behindMs),
      waitingRecords: this.#capture === null ? 0 : this.#newest.waiting,
      calls: stats.exchanges - held.calls,
      errors: stats.errors - held.errors,
      runningCalls: stats.running - held.running,
      pairs: Math.max(0, stats.pairs - held.pairs),
      failedPairs: Math.max(0, stats.failedPairs - held.failedPairs),
      evicted: stats.evicted,
      bytesSeen: bytes.seen,
      bytesLost: bytes.lost,
      newest: {
        calls: this.#history.newestCalls,
        bytesSeen: this.#bytes.newest.seen,
        cleared: this.#bytes.wasCleared,
      },
      otherConnections: this.#newest.targets.otherConnections,
      targets: this.#newest.shownTargets().map((target) => ({
        ...target,
        tls: this.#newest.engine?.tls(target.pid) ?? null,
      })),
      files: this.#history.files,
      backend: this.#backend,
      helperKept: this.#kept !== null,
      problem: this.#problem,
    };
  }

  async #start(options: WorkerOptions, pids: readonly number[]): Promise<void> {
    // A trace that is being stopped takes no more processes.
    if (this.#phase === 'stopping') await this.#capture?.ended;
    const fresh = this.#capture === null;
    const capture = await this.#captured(options);
    try {
      await this.#attach(capture, pids);
      if (this.#phase === 'starting') this.#phase = 'running';
    } catch (error) {
      // A trace started for these processes alone has nothing to do.
      if (fresh && this.#newest.targets.running === 0) {
        await this.#stop();
        this.#phase = 'failed';
        this.#problem = (error as Error).message;
      }
      throw error;
    }
  }

  async #arm(options: WorkerOptions, seeds: readonly number[]): Promise<void> {
    if (this.#phase === 'stopping') await this.#capture?.ended;
    const capture = await this.#captured(options);
    // Processes that seeds start may not be debugged at all, and their calls could not be removed from a file.
    this.#keeper.abandon(
      'A trace that is armed before a launch is not kept: it may hold calls that are not shown.',
    );
    await Promise.all(seeds.map((pid) => capture.seed(pid)));
    if (this.#phase === 'starting') this.#phase = 'running';
  }

  async #captured(options: WorkerOptions): Promise<Capture> {
    this.#starting ??= this.#begin(options);
    try {
      return await this.#starting;
    } catch (error) {
      this.#starting = null;
      // Declining the prompt for a password is the user's choice, not a failure.
      const cancelled = error instanceof TraceError && error.code === 'cancelled';
      this.#phase = cancelled ? (this.#startedAt === null ? 'idle' : 'stopped') : 'failed';
      this.#problem = cancelled ? null : (error as Error).message;
      throw error;
    }
  }

  /** @throws TraceError when one cannot be attached; one that has ended counts only if no other was attached. */
  async #attach(capture: Capture, pids: readonly number[]): Promise<void> {
    let refused: unknown = null;
    let attached = 0;
    for (const pid of pids) {
      // The armed trace has seen its calls, even if it has ended since.
      const followed = this.#newest.candidates.visibility(pid) === 'candidate';
      // Before the helper answers, which may be late: unnamed candidates become seeds by then.
      if (followed) this.#newest.candidates.confirm(pid);
      try {
        await capture.attach(pid, this.#children);
        attached++;
      } catch (error) {
        const over = error instanceof TraceError && (error.code === 'gone' || error.code === 'not-found');
        if (!over) throw error;
        if (followed) attached++;
        else refused ??= error;
      }
    }
    if (refused !== null && attached === 0) throw refused;
  }

  async #begin(options: WorkerOptions): Promise<Capture> {
    this.#phase = 'starting';
    this.#problem = null;
    this.#newest.prepare(options.debuggerScripts);
    this.#children = options.children;
    this.#keepMs = options.keepMs;
    this.flush();
    const capture = await this.#startCapture({
      nativePath: options.nativePath,
      helperPath: options.helperPath,
      bodyLimit: options.bodyLimit,
      backlog: options.backlog,
      backend: 'auto',
      kept: this.#kept,
      launch: (way, options, requester) => this.#launch(way, options, requester),
      ask: (question) => {
        this.#send({ type: 'ask', question });
        return new Promise((resolve) => {
          this.#answerAsk = resolve;
        });
      },
    });
    this.#newest.begin();
    this.#backend = capture.hello.backend;
    this.#keeper.begin(options.keep, Date.now());
    capture.onBreak((state) => this.#send({ type: 'break', request: null, state }));
    capture.onEvent((event, frame) => {
      this.#keeper.frame(frame);
      this.#newest.take(event);
      if (event.type !== FrameType.Records) return;
      this.#priority?.worked(event.records.length, performance.now());
      if (performance.now() - this.#lastSent >= FLUSH_INTERVAL) this.flush();
    });
    void capture.ended.then(({ fault }) => {
      this.#keeper.end();
      this.#newest.end();
      this.#capture = null;
      this.#starting = null;
      this.#keepHelper(capture.kept ?? null);
      this.#phase = fault === null ? 'stopped' : 'failed';
      this.#problem = fault;
      this.#flushAll();
    });
    this.#capture = capture;
    return capture;
  }

  #keepHelper(kept: KeptHelper | null): void {
    this.#kept = kept;
    kept?.onEnd(() => {
      if (this.#kept === kept) this.#kept = null;
      this.#sendStatus();
    });
  }

  /** This thread has a low priority, which the helper must not inherit. */
  #launch(way: Choice, options: readonly string[], requester: number): Launched {
    if ('ask' in way) return launchLoader(way, options, requester);
    const launch = ++this.#lastLaunch;
    const ended = new Promise<TraceError>((resolve) => this.#launches.set(launch, resolve));
    this.#send({ type: 'launch', launch, way, options, requester });
    return { process: null, ended, prompts: false };
  }

  async #stop(): Promise<void> {
    if (this.#capture === null) return;
    this.#phase = 'stopping';
    this.flush();
    await this.#capture.stop(this.#keepMs);
    this.#flushAll();
  }

  async #answer(request: number, work: Promise<void>): Promise<void> {
    try {
      await work;
      this.flush();
      this.#send({ type: 'done', request });
    } catch (error) {
      this.flush();
      const code = error instanceof TraceError ? error.code : 'helper';
      this.#send({ type: 'refused', request, code, message: (error as Error).message });
    }
  }
}
