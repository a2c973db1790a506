/**
 * The engine's thread: the helper's socket, the engine and its store. The extension host only ever gets
 * batches of rows and, for the call that is looked at, its details.
 */
import { parentPort } from 'node:worker_threads';
import { decodeJson } from '../../helper/frames.ts';
import type { Status } from '../../helper/protocol.ts';
import { FrameType } from '../../helper/protocol.ts';
import type { EngineApi } from '../engine/engine.ts';
import { Engine } from '../engine/engine.ts';
import type { ExchangeRow } from '../engine/row.ts';
import type { TraceStatus } from '../engine/traceStatus.ts';
import { IDLE_STATUS } from '../engine/traceStatus.ts';
import type { Capture } from './capture.ts';
import { startCapture } from './capture.ts';
import { readClock, readProcessInfo } from './checks.ts';
import { History } from './history.ts';
import { Pipeline } from './pipeline.ts';
import { TargetList } from './targetList.ts';
import { TraceError } from './trace.ts';
import type { FromWorker, ToWorker, WorkerOptions } from './workerProtocol.ts';

/**
 * How often what changed goes to the extension host: ten times a second is what an eye follows. The first
 * change after a pause goes at once.
 */
const FLUSH_MS = 100;
/** Rows in one message; more would hold up the extension host while it unpacks them. */
const MAX_ROWS = 4_000;
const MAX_EXCHANGES = 100_000;

const port = parentPort;
if (port === null) throw new Error('worker.js runs as a worker thread only.');
const send = (message: FromWorker): void => port.postMessage(message);

const history = new History(() => new Engine({ maxExchanges: MAX_EXCHANGES }), MAX_EXCHANGES);
let targets = new TargetList();
/** Of the newest trace. */
let engine: EngineApi | null = null;
let capture: Capture | null = null;
let starting: Promise<Capture> | null = null;
let children = true;
let phase: TraceStatus['phase'] = 'idle';
let problem: string | null = null;
let startedAt: number | null = null;
let now = 0;
let counters: Status['counters'] | null = null;
/** Bytes of the traces before this one. */
let before = { seen: 0, lost: 0 };
let backend: string | null = null;
let waitingRows: ExchangeRow[] = [];
let lastStatus = '';
/** When rows were sent last; milliseconds. */
let lastSent = 0;
let answerAsk: ((error: TraceError) => void) | null = null;

function lost(): number {
  return counters === null ? 0 : counters.droppedBytes + counters.unseenBytes;
}

function currentStatus(): TraceStatus {
  const stats = history.stats();
  return {
    ...IDLE_STATUS,
    phase,
    startedAt,
    now,
    calls: stats.exchanges,
    errors: stats.errors,
    runningCalls: stats.running,
    evicted: stats.evicted,
    bytesSeen: before.seen + (counters?.seenBytes ?? 0),
    bytesLost: before.lost + lost(),
    otherConnections: targets.otherConnections,
    targets: targets.all.map((target) => ({ ...target, tls: engine?.tls(target.pid) ?? null })),
    backend,
    problem,
  };
}

function flush(): void {
  const { rows, removed } = history.takeChanges();
  waitingRows = waitingRows.length === 0 ? rows : waitingRows.concat(rows);
  if (waitingRows.length > 0 || removed.length > 0) {
    lastSent = performance.now();
    const gone = new Set(removed);
    const batch = waitingRows.splice(0, MAX_ROWS).filter((row) => !gone.has(row.id));
    if (gone.size > 0) waitingRows = waitingRows.filter((row) => !gone.has(row.id));
    send({ type: 'rows', rows: batch, removed });
  }
  const status = currentStatus();
  const text = JSON.stringify(status);
  if (text !== lastStatus) {
    lastStatus = text;
    send({ type: 'status', status });
  }
}

/** Everything, when the trace has ended and whoever asked is about to be told. */
function flushAll(): void {
  do flush();
  while (waitingRows.length > 0);
}

async function begin(options: WorkerOptions): Promise<Capture> {
  phase = 'starting';
  problem = null;
  targets = new TargetList();
  children = options.children;
  flush();
  const started = await startCapture({
    nativePath: options.nativePath,
    helperPath: options.helperPath,
    bodyLimit: options.bodyLimit,
    backend: 'auto',
    ask: (question) => {
      send({ type: 'ask', question });
      return new Promise((resolve) => {
        answerAsk = resolve;
      });
    },
  });
  before = { seen: before.seen + (counters?.seenBytes ?? 0), lost: before.lost + lost() };
  counters = null;
  backend = started.hello.backend;
  let pipeline: Pipeline | null = null;
  engine = null;
  started.onFrame((type, payload) => {
    if (type === FrameType.Clock && pipeline === null) {
      const clock = readClock(decodeJson(payload));
      const bootTime = BigInt(clock.bootTime);
      engine = history.begin(bootTime);
      pipeline = new Pipeline(engine);
      startedAt ??= Number((bootTime + BigInt(clock.offset)) / 1_000_000n);
    }
    pipeline?.frame(type, payload);
    if (type === FrameType.Process) targets.attached(readProcessInfo(decodeJson(payload)));
    if (type === FrameType.Records) {
      targets.records(payload);
      if (performance.now() - lastSent >= FLUSH_MS) flush();
    }
    if (type === FrameType.Status && pipeline?.status) {
      counters = pipeline.status.counters;
      now = history.sinceStart(BigInt(pipeline.status.upTo));
      // Also with no process left it goes on: when a trace is over is decided by extension/debug/traceControl,
      // which knows of a debug session that restarts.
    }
  });
  void started.ended.then(({ fault }) => {
    engine?.finish();
    capture = null;
    starting = null;
    targets.allEnded();
    phase = fault === null ? 'stopped' : 'failed';
    problem = fault;
    flushAll();
  });
  capture = started;
  return started;
}

async function start(options: WorkerOptions, pids: readonly number[]): Promise<void> {
  const fresh = capture === null;
  starting ??= begin(options);
  let running: Capture;
  try {
    running = await starting;
  } catch (error) {
    starting = null;
    // To refuse a prompt is the user's right and no failure.
    const refused = error instanceof TraceError && error.code === 'cancelled';
    phase = refused ? (startedAt === null ? 'idle' : 'stopped') : 'failed';
    problem = refused ? null : (error as Error).message;
    throw error;
  }
  try {
    for (const pid of pids) await running.attach(pid, children);
    if (phase === 'starting') phase = 'running';
  } catch (error) {
    // A trace that was started for this process alone has nothing to do.
    if (fresh && targets.running === 0) {
      await end();
      phase = 'failed';
      problem = (error as Error).message;
    }
    throw error;
  }
}

async function end(): Promise<void> {
  if (capture === null) return;
  phase = 'stopping';
  await capture.stop();
  flushAll();
}

async function answer(request: number, work: Promise<void>): Promise<void> {
  try {
    await work;
    flush();
    send({ type: 'done', request });
  } catch (error) {
    flush();
    const code = error instanceof TraceError ? error.code : 'helper';
    send({ type: 'refused', request, code, message: (error as Error).message });
  }
}

port.on('message', (message: ToWorker) => {
  switch (message.type) {
    case 'start':
      void answer(message.request, start(message.options, message.pids));
      return;
    case 'stop':
      void answer(message.request, end());
      return;
    case 'clear':
      history.clear();
      flush();
      return;
    case 'protos':
      history.setProtos(message.schema);
      return;
    case 'details':
      send({
        type: 'details',
        request: message.request,
        exchange: history.json(message.id, message.reveal, message.messageBytes),
      });
      return;
    case 'message':
      send({
        type: 'message',
        request: message.request,
        message: history.message(message.id, message.number, message.reveal),
      });
      return;
    case 'asked':
      answerAsk?.(new TraceError(message.code, message.message));
      answerAsk = null;
      return;
  }
});
setInterval(flush, FLUSH_MS);
