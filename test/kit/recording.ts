/** Reads a recorded trace with the engine of this checkout, in this process. */
import { readFileSync } from 'node:fs';
import { Pipeline } from '../../extension/capture/pipeline.ts';
import { RecordingReader } from '../../extension/capture/recording.ts';
import { parseCommandLine, type ShowOptions } from '../../extension/cli/arguments.ts';
import { Printer } from '../../extension/cli/printer.ts';
import { Engine, type EngineStats } from '../../extension/engine/engine.ts';
import { Direction, type OpenedRecord, RecordType, type TraceRecord } from '../../extension/engine/record.ts';
import { readRecords } from '../../extension/engine/recordReader.ts';
import { readEvent } from '../../helper/events.ts';
import { FrameType } from '../../helper/protocol.ts';
import { assert, same } from './check.ts';

export interface Recorded {
  /** Lines of the exchanges, as `http-trace replay --format json` writes them. */
  readonly text: string;
  /** Connections as the kernel announced them, by their ids. */
  readonly opened: ReadonlyMap<string, OpenedRecord>;
  readonly stats: EngineStats;
  /** Where bytes of a connection moved unseen: before a call, or before its socket's end. */
  readonly unseen: readonly string[];
}

/** @param options of `replay` that choose what is shown. @throws when the recording is cut or damaged */
export function readRecording(file: string, options: readonly string[]): Recorded {
  const show = showOptions(file, options);
  const opened = new Map<string, OpenedRecord>();
  const unseen = new UnseenBytes();
  const written: string[] = [];
  const reader = new RecordingReader();
  let shown: { engine: Engine; pipeline: Pipeline; printer: Printer } | null = null;
  for (const frame of reader.push(readFileSync(file))) {
    const event = readEvent(frame);
    if (shown === null) {
      assert(event.type === FrameType.Hello, 'the first frame is a hello');
      const engine = new Engine({ bodyLimit: event.hello.bodyLimit });
      shown = { engine, pipeline: new Pipeline(engine), printer: new Printer(engine, show, into(written)) };
    }
    shown.pipeline.take(event);
    shown.printer.flush();
    if (event.type !== FrameType.Records) continue;
    for (const record of readRecords(event.records)) {
      if (record.type === RecordType.Opened) opened.set(String(record.connection), record);
      unseen.add(record);
    }
  }
  same('end of the recording', reader.finish().kind, 'complete');
  assert(shown !== null, 'the recording is empty');
  shown.engine.finish();
  shown.printer.flush();
  return { text: written.join('').trimEnd(), opened, stats: shown.engine.stats(), unseen: unseen.found };
}

/** Names connections with bytes that no record covers, or closed twice: then one end belongs to another socket. */
class UnseenBytes {
  readonly found: string[] = [];
  /** By connection and direction: the end of its last data record. */
  readonly #ends = new Map<string, number>();
  readonly #closed = new Set<bigint>();

  add(record: TraceRecord): void {
    if (record.type === RecordType.Data) {
      const { connection, direction, position, size, unseen, flags } = record;
      const key = `connection ${connection}, ${Direction[direction]}`;
      if (unseen > 0) this.found.push(`${unseen} on ${key}, before ${position}, flags ${flags}`);
      this.#ends.set(key, Math.max(this.#ends.get(key) ?? 0, position + size));
    } else if (record.type === RecordType.Closed) {
      this.#atEnd(record.connection, Direction.Out, record.sent);
      this.#atEnd(record.connection, Direction.In, record.received);
      if (this.#closed.has(record.connection))
        this.found.push(`connection ${record.connection} closed twice`);
      this.#closed.add(record.connection);
    }
  }

  #atEnd(connection: bigint, direction: Direction, position: number): void {
    const key = `connection ${connection}, ${Direction[direction]}`;
    const end = this.#ends.get(key) ?? 0;
    if (position > end) this.found.push(`${position - end} on ${key}, behind ${end}, at its end`);
  }
}

function showOptions(file: string, options: readonly string[]): ShowOptions {
  const command = parseCommandLine(['replay', file, '--format', 'json', ...options]);
  if (command.kind !== 'replay') throw new Error(`This is no replay: ${options.join(' ')}`);
  return command.options;
}

/** An output that keeps what is written. */
function into(written: string[]): ConstructorParameters<typeof Printer>[2] {
  return {
    columns: null,
    write: (text) => written.push(text),
    drained: async () => {},
    broken: new Promise(() => {}),
    end: async () => null,
    discard: () => {},
  };
}
