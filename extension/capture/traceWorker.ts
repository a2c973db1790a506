/**
 * The engine's side of a window's trace: the helper's socket, the engine and its store. The extension host only
 * gets batches of rows and, for the call that is looked at, its details. Knows of no thread: `worker.ts` runs it
 * in one.
 */
import type { HelperEvent } from '../../helper/events.ts';
import { FrameError } from '../../helper/frames.ts';
import { type Counters, FrameType } from '../../helper/protocol.ts';
import { Engine, type EngineApi } from '../engine/engine.ts';
import { DEFAULT_MAX_EXCHANGES } from '../engine/limits.ts';
import type { ExchangeRow } from '../engine/row.ts';
import { IDLE_STATUS, type TraceStatus } from '../engine/traceStatus.ts';
import type { Capture, CaptureOptions } from './capture.ts';
import { History } from './history.ts';
import { Pipeline } from './pipeline.ts';
import { TargetList } from './targetList.ts';
import { TraceError } from './trace.ts';
import type { FromWorker, ToWorker, WorkerOptions } from './workerProtocol.ts';

/**
 * How often {@link TraceWorker.flush} is to be called, in milliseconds: ten times a second is what an eye follows.
 * The first change after a pause goes at once.
 */
export const FLUSH_INTERVAL = 100;
/** Rows in one message; more would hold up the extension host while it unpacks them. */
export const MAX_ROWS = 4_000;

/** Bytes that were moved, and those that could not be captured. */
interface Bytes {
  readonly seen: number;
  readonly lost: number;
}

const NO_BYTES: Bytes = { seen: 0, lost: 0 };

export class TraceWorker {
  readonly #send: (message: FromWorker) => void;
  readonly #startCapture: (options: CaptureOptions) => Promise<Capture>;
  readonly #history = new History(() => new Engine(), DEFAULT_MAX_EXCHANGES);
  #targets = new TargetList();
  /** Of the newest trace; null until its clock is known. */
  #engine: EngineApi | null = null;
  #capture: Capture | null = null;
  #starting: Promise<Capture> | null = null;
  #children = true;
  #phase: TraceStatus['phase'] = 'idle';
  #problem: string | null = null;
  #list = 0;
  /** Of the newest trace: wall time minus boot time, and up to which boot time it was seen; ns. */
  #offset = 0n;
  #upTo: bigint | null = null;
  #counters: Counters | null = null;
  /** Of the traces before this one. */
  #before = NO_BYTES;
  /** Of this trace, before the list was cleared; null: it was not. */
  #cleared: Bytes | null = null;
  #backend: string | null = null;
  #waitingRows: ExchangeRow[] = [];
  #lastStatus = '';
  /** When rows were sent last; milliseconds. */
  #lastSent = 0;
  #answerAsk: ((error: TraceError) => void) | null = null;

  constructor(
    send: (message: FromWorker) => void,
    startCapture: (options: CaptureOptions) => Promise<Capture>,
  ) {
    this.#send = send;
    this.#startCapture = startCapture;
  }

  take(message: ToWorker): void {
    switch (message.type) {
      case 'start':
        void this.#answer(message.request, this.#start(message.options, message.pids));
        return;
      case 'stop':
        void this.#answer(message.request, this.#stop());
        return;
      case 'clear':
        this.#clear();
        return;
      case 'protos':
        this.#history.setProtos(message.schema);
        return;
      case 'details': {
        const { request, id, reveal, messageBytes } = message;
        this.#send({ type: 'details', request, exchange: this.#history.json(id, reveal, messageBytes) });
        return;
      }
      case 'message': {
        const { request, id, number, reveal } = message;
        this.#send({ type: 'message', request, message: this.#history.message(id, number, reveal) });
        return;
      }
      case 'asked':
        this.#answerAsk?.(new TraceError(message.code, message.message));
        this.#answerAsk = null;
        return;
      default:
        message satisfies never;
    }
  }

  /** Sends what has changed: at most {@link MAX_ROWS} rows, and the status where it differs. */
  flush(): void {
    const { rows, removed } = this.#history.takeChanges();
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

  /** Everything, before the request to stop is answered. */
  #flushAll(): void {
    do this.flush();
    while (this.#waitingRows.length > 0);
  }

  get #startedAt(): number | null {
    const { zero } = this.#history;
    return zero === null ? null : Number((zero + this.#offset) / 1_000_000n);
  }

  /** Of the newest trace, since the list was cleared. */
  get #bytes(): Bytes {
    const cleared = this.#cleared ?? NO_BYTES;
    const all = bytesOf(this.#counters);
    return { seen: all.seen - cleared.seen, lost: all.lost - cleared.lost };
  }

  /** Starts the list again, with what is still under way. */
  #clear(): void {
    const live = this.#capture !== null;
    const removed = this.#history.clear(live ? this.#upTo : null);
    this.#waitingRows = [];
    this.#before = NO_BYTES;
    this.#cleared = bytesOf(this.#counters);
    if (live) this.#targets.clear();
    else this.#targets = new TargetList();
    this.#list++;
    // Before any row: its number may be that of a row that is gone.
    this.#send({ type: 'rows', rows: [], removed });
    this.#sendStatus();
    this.flush();
  }

  #status(): TraceStatus {
    const stats = this.#history.stats();
    const bytes = this.#bytes;
    return {
      ...IDLE_STATUS,
      phase: this.#phase,
      list: this.#list,
      startedAt: this.#startedAt,
      now: this.#upTo === null ? 0 : this.#history.sinceStart(this.#upTo),
      calls: stats.exchanges,
      errors: stats.errors,
      runningCalls: stats.running,
      evicted: stats.evicted,
      bytesSeen: this.#before.seen + bytes.seen,
      bytesLost: this.#before.lost + bytes.lost,
      newest: {
        calls: this.#history.newestCalls,
        bytesSeen: bytes.seen,
        cleared: this.#cleared !== null,
      },
      otherConnections: this.#targets.otherConnections,
      targets: this.#targets.all.map((target) => ({ ...target, tls: this.#engine?.tls(target.pid) ?? null })),
      backend: this.#backend,
      problem: this.#problem,
    };
  }

  async #start(options: WorkerOptions, pids: readonly number[]): Promise<void> {
    const fresh = this.#capture === null;
    this.#starting ??= this.#begin(options);
    let capture: Capture;
    try {
      capture = await this.#starting;
    } catch (error) {
      this.#starting = null;
      // Declining the prompt for a password is the user's choice, not a failure.
      const cancelled = error instanceof TraceError && error.code === 'cancelled';
      this.#phase = cancelled ? (this.#startedAt === null ? 'idle' : 'stopped') : 'failed';
      this.#problem = cancelled ? null : (error as Error).message;
      throw error;
    }
    try {
      for (const pid of pids) await capture.attach(pid, this.#children);
      if (this.#phase === 'starting') this.#phase = 'running';
    } catch (error) {
      // A trace that was started for this process alone has nothing to do.
      if (fresh && this.#targets.running === 0) {
        await this.#stop();
        this.#phase = 'failed';
        this.#problem = (error as Error).message;
      }
      throw error;
    }
  }

  async #begin(options: WorkerOptions): Promise<Capture> {
    this.#phase = 'starting';
    this.#problem = null;
    this.#targets = new TargetList();
    this.#children = options.children;
    this.flush();
    const capture = await this.#startCapture({
      nativePath: options.nativePath,
      helperPath: options.helperPath,
      bodyLimit: options.bodyLimit,
      backend: 'auto',
      ask: (question) => {
        this.#send({ type: 'ask', question });
        return new Promise((resolve) => {
          this.#answerAsk = resolve;
        });
      },
    });
    const bytes = this.#bytes;
    this.#before = { seen: this.#before.seen + bytes.seen, lost: this.#before.lost + bytes.lost };
    this.#counters = null;
    this.#cleared = null;
    this.#backend = capture.hello.backend;
    this.#engine = null;
    let pipeline: Pipeline | null = null;
    /** What comes before the clock, without which no engine can begin. */
    const early: HelperEvent[] = [];
    capture.onEvent((event) => {
      if (pipeline === null) {
        if (event.type === FrameType.Records) throw new FrameError('Records came before the clock.');
        if (event.type !== FrameType.Clock) {
          early.push(event);
          return;
        }
        this.#engine = this.#history.begin(event.bootTime);
        pipeline = new Pipeline(this.#engine);
        this.#offset = event.offset;
        this.#upTo = event.bootTime;
        for (const before of early.splice(0)) this.#apply(before, pipeline);
      }
      this.#apply(event, pipeline);
    });
    void capture.ended.then(({ fault }) => {
      this.#engine?.finish();
      this.#capture = null;
      this.#starting = null;
      this.#targets.allEnded();
      this.#phase = fault === null ? 'stopped' : 'failed';
      this.#problem = fault;
      this.#flushAll();
    });
    this.#capture = capture;
    return capture;
  }

  #apply(event: HelperEvent, pipeline: Pipeline): void {
    pipeline.take(event);
    switch (event.type) {
      case FrameType.Process:
        this.#targets.attached(event.info);
        return;
      case FrameType.Records:
        this.#targets.records(event.records);
        if (performance.now() - this.#lastSent >= FLUSH_INTERVAL) this.flush();
        return;
      case FrameType.Status:
        // A trace goes on without processes: extension/debug/traceControl.ts decides when it ends, because it
        // knows of debug sessions that restart.
        this.#counters = event.status.counters;
        this.#upTo = event.upTo;
        return;
      default:
        return;
    }
  }

  async #stop(): Promise<void> {
    if (this.#capture === null) return;
    this.#phase = 'stopping';
    await this.#capture.stop();
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

function bytesOf(counters: Counters | null): Bytes {
  if (counters === null) return NO_BYTES;
  return { seen: counters.seenBytes, lost: counters.droppedBytes + counters.unseenBytes };
}
