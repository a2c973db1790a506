/** `http-trace` as the matrix uses it, and what it wrote. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Pipeline } from '../../extension/capture/pipeline.ts';
import { RecordingReader } from '../../extension/capture/recording.ts';
import { Engine, type EngineStats } from '../../extension/engine/engine.ts';
import type { ExchangeJson, SummaryJson } from '../../extension/engine/exchangeJson.ts';
import { type OpenedRecord, RecordType, readRecords } from '../../extension/engine/record.ts';
import { readEvent } from '../../helper/events.ts';
import { type Backend, FrameType, type TlsWay } from '../../helper/protocol.ts';
import { assert, type Trace } from './check.ts';
import { Started } from './process.ts';

/** What a trace needs to know; `Context` of the matrix is one. */
export interface TracingContext {
  /** null: the one that is found. */
  readonly backend: Backend | null;
  /** A built http-trace. */
  readonly httpTrace: string;
  readonly folder: string;
  /** Software emulation: times mean little, and every process start costs seconds. */
  readonly slow: boolean;
  /** Words before the command line: a program that prepares something and runs the rest. */
  readonly wrap?: readonly string[];
  /** How to come to the functions of TLS libraries; not at all when absent. */
  readonly tls?: TlsWay;
}

let traces = 0;

export class Tracing {
  readonly process: Started;
  readonly #output: string;
  readonly #recording: string;

  constructor(
    private readonly context: TracingContext,
    verb: 'run' | 'attach',
    args: readonly string[],
    options: readonly string[] = [],
  ) {
    const name = join(context.folder, `trace-${++traces}`);
    this.#output = `${name}.jsonl`;
    this.#recording = `${name}.recording`;
    const [program, ...words] = [...(context.wrap ?? []), process.execPath, context.httpTrace];
    this.process = new Started(program ?? '', [
      ...words,
      verb,
      ...['--format', 'json', '--max-body', 'all', '--show-secrets'],
      ...['--backend', context.backend ?? 'auto', '--tls', context.tls ?? 'none'],
      ...['--output', this.#output, '--record', this.#recording],
      ...options,
      ...args,
    ]);
  }

  /** Milliseconds that starting or ending a trace may take. */
  get patience(): number {
    return this.context.slow ? 300_000 : 30_000;
  }

  /** What it has written, once it has ended. @throws when that is not what it should be */
  async result(): Promise<Trace & { stats: EngineStats; helper: number | null }> {
    const timer = setTimeout(() => this.process.process.kill('SIGKILL'), this.patience);
    await this.process.ended;
    clearTimeout(timer);
    const lines = readFileSync(this.#output, 'utf8').split('\n').filter(Boolean);
    const last = JSON.parse(lines.pop() ?? 'null') as SummaryJson | null;
    assert(last?.summary !== undefined, `no summary; ${this.process.stderr.slice(-500)}`);
    const exchanges = lines.map((line) => JSON.parse(line) as ExchangeJson);
    assert(
      last.summary.backend === (this.context.backend ?? last.summary.backend),
      `backend ${last.summary.backend} instead of ${this.context.backend}`,
    );
    return { exchanges, summary: last.summary, ...readRecording(this.#recording) };
  }
}

/** Connections as the kernel announced them, and what the engine counted of the same records. */
function readRecording(file: string): {
  opened: ReadonlyMap<string, OpenedRecord>;
  stats: EngineStats;
  helper: number | null;
} {
  const opened = new Map<string, OpenedRecord>();
  const engine = new Engine({ bodyLimit: null });
  const pipeline = new Pipeline(engine);
  let helper: number | null = null;
  for (const frame of new RecordingReader().push(readFileSync(file))) {
    const event = readEvent(frame);
    pipeline.take(event);
    if (event.type === FrameType.Hello) helper = event.hello.helperPid;
    if (event.type !== FrameType.Records) continue;
    for (const record of readRecords(event.records)) {
      if (record.type === RecordType.Opened) opened.set(String(record.connection), record);
    }
  }
  engine.finish();
  return { opened, stats: engine.stats(), helper };
}
