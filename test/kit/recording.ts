/** Reads a recorded trace with the engine of this checkout, in this process. */
import { readFileSync } from 'node:fs';
import { Pipeline } from '../../extension/capture/pipeline.ts';
import { RecordingReader } from '../../extension/capture/recording.ts';
import { parseCommandLine, type ShowOptions } from '../../extension/cli/arguments.ts';
import { Printer } from '../../extension/cli/printer.ts';
import { Engine, type EngineStats } from '../../extension/engine/engine.ts';
import { Direction, type OpenedRecord, RecordType } from '../../extension/engine/record.ts';
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
  /** Where bytes of a connection moved unseen before a call; those at a socket's end have no record. */
  readonly unseen: readonly string[];
}

/** @param options of `replay` that choose what is shown. @throws when the recording is cut or damaged */
export function readRecording(file: string, options: readonly string[]): Recorded {
  const show = showOptions(file, options);
  const opened = new Map<string, OpenedRecord>();
  const unseen: string[] = [];
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
      if (record.type !== RecordType.Data || record.unseen === 0) continue;
      const { connection, direction, position, flags } = record;
      unseen.push(
        `${record.unseen} on connection ${connection}, ${Direction[direction]}, before ${position}, flags ${flags}`,
      );
    }
  }
  same('end of the recording', reader.finish().kind, 'complete');
  assert(shown !== null, 'the recording is empty');
  shown.engine.finish();
  shown.printer.flush();
  return { text: written.join('').trimEnd(), opened, stats: shown.engine.stats(), unseen };
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
