/** The extension host's side of a window's trace; the worker's side runs in a thread. */
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { Worker } from 'node:worker_threads';
import type { BreakRequest, BreakState } from '../../helper/protocol.ts';
import { DEFAULT_BACKLOG, MAX_PAUSE_MS } from '../../helper/protocol.ts';
import { type Ask, launchLoader } from '../elevation/launch.ts';
import type { MessageKind } from '../engine/exchange.ts';
import type { ExchangeJson, StreamMessageJson } from '../engine/exchangeJson.ts';
import { DEFAULT_BODY_LIMIT } from '../engine/limits.ts';
import type { ProtoSchema } from '../engine/protobuf/schema.ts';
import type { DebugFacts, ExchangeRow, SourceLine } from '../engine/row.ts';
import type { TraceStatus } from '../engine/traceStatus.ts';
import { IDLE_STATUS } from '../engine/traceStatus.ts';
import { copyOf } from './keptCopy.ts';
import { byTrace, type KeptPart, keptParts } from './keptFiles.ts';
import { type PackedMessage, unpacked } from './rowMessage.ts';
import { SharedParts } from './sharedParts.ts';
import type {
  Annotations,
  Listen,
  Opened,
  Opening,
  Recorded,
  RowChanges,
  StoppingTrace,
  Trace,
} from './trace.ts';
import { TraceError } from './trace.ts';
import type { FromWorker, ToWorker, TraceSettings, WorkerOptions } from './workerProtocol.ts';

export { DEFAULT_BACKLOG, MAX_PAUSE_MS };

/** The worker's answer to a request. */
interface Answer {
  readonly exchange?: ExchangeJson | null;
  readonly message?: StreamMessageJson | null;
  readonly bytes?: Uint8Array | null;
  readonly opened?: Opened;
  readonly state?: BreakState;
  readonly results?: readonly (readonly [id: number, found: number])[];
}

/**
 * V8's young generation limit in the engine's thread, half of the default: measured, more hardly speeds up dissection
 * but stays resident for good.
 */
const YOUNG_MIB = 24;

interface Waiting {
  /** For a file that is being opened. */
  readonly progress: (percent: number) => void;
  opened?: Opened;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

class Emitter<T> {
  #listeners = new Set<(value: T) => unknown>();
  readonly listen: Listen<T> = (listener) => {
    this.#listeners.add(listener);
    return { dispose: () => this.#listeners.delete(listener) };
  };
  fire(value: T): void {
    for (const listener of [...this.#listeners]) listener(value);
  }
}

export class WorkerTrace implements Trace, StoppingTrace {
  /** Folder of the extension: `dist/` is below it. */
  readonly #extensionPath: string;
  readonly #settings: () => TraceSettings;
  /** Runs a command that prompts for a password, where the user sees it. */
  readonly #ask: Ask;
  status: TraceStatus = IDLE_STATUS;
  readonly rows = new Map<number, ExchangeRow>();
  readonly #parts = new SharedParts();
  #statusChanged = new Emitter<TraceStatus>();
  #rowsChanged = new Emitter<RowChanges>();
  readonly onDidChangeStatus = this.#statusChanged.listen;
  readonly onDidChangeRows = this.#rowsChanged.listen;
  readonly #broke = new Emitter<BreakState>();
  readonly onDidBreak = this.#broke.listen;
  #worker: Worker | null = null;
  #waiting = new Map<number, Waiting>();
  #nextRequest = 1;
  /** Kept for a worker that is started later. */
  #protos: ProtoSchema | null = null;
  #disposed = false;
  #annotations: Annotations | null = null;
  /** Of the worker, without annotations. */
  #bareStatus: TraceStatus = IDLE_STATUS;

  constructor(
    extensionPath: string,
    settings: () => TraceSettings = () => ({
      bodyLimit: DEFAULT_BODY_LIMIT,
      backlog: DEFAULT_BACKLOG,
      children: true,
      keepMs: 0,
      keep: null,
      debuggerScripts: [],
    }),
    ask: Ask = () => Promise.resolve(new TraceError('no-permission', 'Loading eBPF programs needs root.')),
  ) {
    this.#extensionPath = extensionPath;
    this.#settings = settings;
    this.#ask = ask;
  }

  /** From now on rows, details and status get these annotations. */
  annotate(annotations: Annotations): void {
    this.#annotations = annotations;
    annotations.onDidChange((since) => this.#annotateAgain(annotations, since));
  }

  #annotateAgain(annotations: Annotations, since: number): void {
    this.#setStatus(this.#bareStatus);
    const rows: ExchangeRow[] = [];
    for (const row of this.rows.values()) {
      if (row.file !== null || (row.duration !== null && row.start + row.duration < since)) continue;
      const debug = annotations.debugOf(row, this.rows);
      if (isDeepStrictEqual(debug, row.debug)) continue;
      rows.push({ ...row, debug });
    }
    for (const row of rows) this.rows.set(row.id, row);
    if (rows.length > 0) this.#rowsChanged.fire({ rows, removed: [] });
  }

  async start(pids: readonly number[]): Promise<void> {
    const options = this.#options();
    await this.#request((request) => ({ type: 'start', request, options, pids }));
  }

  async arm(seeds: readonly number[]): Promise<void> {
    const options = this.#options();
    await this.#request((request) => ({ type: 'arm', request, options, seeds }));
  }

  confirm(pids: readonly number[]): void {
    this.#post({ type: 'confirm', pids });
  }

  leaveOutUnnamed(olderMs: number): void {
    this.#post({ type: 'leaveOutUnnamed', olderMs });
  }

  async setBreak(what: Omit<BreakRequest, 'request'>): Promise<BreakState> {
    if (this.#worker === null) throw new TraceError('helper', 'No trace is running.');
    const { state } = await this.#request((request) => ({ type: 'break', request, what }));
    return state ?? { request: 0, pid: what.pid, reason: 'the trace ends', hit: null };
  }

  async stop(): Promise<void> {
    if (this.#worker === null) return;
    await this.#request((request) => ({ type: 'stop', request }));
  }

  cutShort(): void {
    this.#post({ type: 'cutShort' });
  }

  clear(): void {
    this.#post({ type: 'clear' });
  }

  pin(id: number, pinned: boolean): void {
    this.#post({ type: 'pin', id, pinned });
  }

  setProtos(schema: ProtoSchema): void {
    this.#protos = schema;
    this.#post({ type: 'protos', schema });
  }

  async details(
    id: number,
    reveal: boolean,
    messageBytes: number | null = null,
  ): Promise<ExchangeJson | null> {
    if (this.#worker === null) return null;
    const answer = await this.#request((request) => ({ type: 'details', request, id, reveal, messageBytes }));
    const row = this.rows.get(id);
    if (answer.exchange == null || row === undefined || row.debug === null) return answer.exchange ?? null;
    return withDebug(answer.exchange, row.debug, this.#annotations?.stackOf(row) ?? []);
  }

  async message(id: number, number: number, reveal: boolean): Promise<StreamMessageJson | null> {
    if (this.#worker === null) return null;
    const answer = await this.#request((request) => ({ type: 'message', request, id, number, reveal }));
    return answer.message ?? null;
  }

  async body(id: number, kind: MessageKind): Promise<Uint8Array | null> {
    if (this.#worker === null) return null;
    const answer = await this.#request((request) => ({ type: 'body', request, id, kind }));
    return answer.bytes ?? null;
  }

  async search(
    query: string,
    ids: readonly number[],
  ): Promise<readonly (readonly [id: number, found: number])[]> {
    if (this.#worker === null) return [];
    const answer = await this.#request((request) => ({ type: 'search', request, query, ids }));
    return answer.results ?? [];
  }

  async recordings(): Promise<readonly Recorded[]> {
    const { keep } = this.#settings();
    if (keep === null) return [];
    if (this.#worker !== null) await this.#request((request) => ({ type: 'flushKept', request }));
    const parts = await keptParts(keep.folder);
    return byTrace(parts.filter(({ pid }) => pid === process.pid)).map(copyOf);
  }

  /** Shows a trace that was kept. */
  async restore(parts: readonly KeptPart[], name: string): Promise<void> {
    await this.#request((request) => ({ type: 'open', request, content: parts, name }));
  }

  /** The setting for how long a helper is kept has changed; a kept helper ends if it is now 0. */
  keepHelper(): void {
    this.#post({ type: 'keepHelper', keepMs: this.#settings().keepMs });
  }

  /** Stops keeping traces, and removes the kept ones. */
  forgetKept(): void {
    this.#post({ type: 'forgetKept' });
  }

  open(content: string | Uint8Array, name: string, progress: (percent: number) => void): Opening {
    const request = this.#nextRequest;
    const answer = this.#request((own) => ({ type: 'open', request: own, content, name }), progress);
    return {
      opened: answer.then(({ opened }) => opened ?? { calls: 0, note: null }),
      cancel: () => this.#post({ type: 'cancelOpen', request }),
    };
  }

  dispose(): void {
    this.#disposed = true;
    // When the worker ends, its socket closes, and then the helper ends.
    void this.#worker?.terminate();
    this.#worker = null;
    this.#fail(new TraceError('helper', 'The window was closed.'));
  }

  #options(): WorkerOptions {
    const dist = join(this.#extensionPath, 'dist');
    return { nativePath: join(dist, 'native'), helperPath: join(dist, 'helper.js'), ...this.#settings() };
  }

  #request(
    message: (request: number) => ToWorker,
    progress: (percent: number) => void = () => {},
  ): Promise<Answer> {
    if (this.#disposed) return Promise.reject(new TraceError('helper', 'The window was closed.'));
    const request = this.#nextRequest++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(request, { resolve, reject, progress });
      this.#start().postMessage(message(request));
    });
  }

  #post(message: ToWorker): void {
    this.#worker?.postMessage(message);
  }

  #start(): Worker {
    if (this.#worker !== null) return this.#worker;
    // A new engine starts its ids at 1, so rows of the lost engine must go.
    if (this.rows.size > 0) {
      const removed = [...this.rows.keys()];
      this.rows.clear();
      this.#rowsChanged.fire({ rows: [], removed });
    }
    const worker = new Worker(join(this.#extensionPath, 'dist', 'worker.js'), {
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB },
    });
    worker.on('message', (message: PackedMessage) => this.#take(unpacked(message, this.#parts)));
    worker.on('error', (error) => this.#lost(error.message));
    worker.on('exit', () => this.#lost(null));
    if (this.#protos !== null)
      worker.postMessage({ type: 'protos', schema: this.#protos } satisfies ToWorker);
    this.#worker = worker;
    return worker;
  }

  #take(message: FromWorker): void {
    switch (message.type) {
      case 'rows': {
        for (const id of message.removed) this.rows.delete(id);
        for (const row of message.rows) this.rows.set(row.id, row);
        if (this.#annotations !== null)
          for (const row of message.rows) {
            // The row belongs to this thread alone, so it may be changed. Annotations from a file are kept.
            if (row.file !== null) continue;
            (row as { debug: DebugFacts | null }).debug = this.#annotations.debugOf(row, this.rows);
          }
        this.#rowsChanged.fire(message);
        return;
      }
      case 'status':
        this.#setStatus(message.status);
        return;
      case 'opening':
        this.#waiting.get(message.request)?.progress(message.percent);
        return;
      case 'opened': {
        const waiting = this.#waiting.get(message.request);
        if (waiting !== undefined) waiting.opened = { calls: message.calls, note: message.note };
        return;
      }
      case 'done': {
        const waiting = this.#settle(message.request);
        waiting?.resolve(waiting.opened === undefined ? {} : { opened: waiting.opened });
        return;
      }
      case 'refused':
        this.#settle(message.request)?.reject(new TraceError(message.code, message.message));
        return;
      case 'details':
        this.#settle(message.request)?.resolve({ exchange: message.exchange });
        return;
      case 'message':
        this.#settle(message.request)?.resolve({ message: message.message });
        return;
      case 'break':
        if (message.request === null) this.#broke.fire(message.state);
        else this.#settle(message.request)?.resolve({ state: message.state });
        return;
      case 'launch':
        this.#launch(message);
        return;
      case 'body':
        this.#settle(message.request)?.resolve({ bytes: message.bytes });
        return;
      case 'found':
        this.#settle(message.request)?.resolve({ results: message.results });
        return;
      case 'ask':
        void this.#ask(message.question).then(({ code, message, signal }) =>
          this.#post({ type: 'asked', code, message, signal }),
        );
        return;
    }
  }

  #launch({ launch, way, options, requester }: Extract<FromWorker, { type: 'launch' }>): void {
    void launchLoader(way, options, requester).ended.then(({ code, message, signal }) =>
      this.#post({ type: 'launched', launch, code, message, signal }),
    );
  }

  #settle(request: number): Waiting | undefined {
    const waiting = this.#waiting.get(request);
    this.#waiting.delete(request);
    return waiting;
  }

  /** The engine's thread has ended: its rows are still here, their bodies are lost. */
  #lost(reason: string | null): void {
    if (this.#worker === null || this.#disposed) return;
    this.#worker = null;
    const problem = `The engine of the trace stopped unexpectedly${reason === null ? '' : ` (${reason})`}. Start again.`;
    this.#fail(new TraceError('helper', problem));
    this.#setStatus({ ...this.#bareStatus, phase: 'failed', problem });
  }

  #setStatus(status: TraceStatus): void {
    this.#bareStatus = status;
    this.status = this.#annotations?.statusOf(status) ?? status;
    this.#statusChanged.fire(this.status);
  }

  #fail(error: TraceError): void {
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }
}

function withDebug(exchange: ExchangeJson, debug: DebugFacts, stack: readonly SourceLine[]): ExchangeJson {
  const { pausedMs, source, ...facts } = debug;
  return {
    ...exchange,
    timings: { ...exchange.timings, pausedMs },
    debug: {
      ...facts,
      source:
        source === null
          ? null
          : { ...source, stack: stack.length > 0 ? stack : (exchange.debug?.source?.stack ?? []) },
    },
  };
}
