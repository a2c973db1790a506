/** `http-trace replay`: a recorded trace through the same engine, without privilege. */
import { createReadStream } from 'node:fs';
import { type HelperEvent, readEvent } from '../../helper/events.ts';
import { FrameError } from '../../helper/frames.ts';
import { FrameType } from '../../helper/protocol.ts';
import { RecordingError, RecordingReader } from '../capture/recording.ts';
import { DEFAULT_BODY_LIMIT } from '../engine/limits.ts';
import type { ProtoSchema } from '../engine/protobuf/schema.ts';
import { RecordError } from '../engine/recordCursor.ts';
import { countText } from '../words/numbers.ts';
import type { ShowOptions } from './arguments.ts';
import { EXIT_FAILED, EXIT_OK, EXIT_USAGE, Exit } from './exitStatus.ts';
import type { Output } from './output.ts';
import { reasonOf } from './privateFile.ts';
import { openProtos } from './protos.ts';
import { say } from './say.ts';
import { cleanUpWhenStopped } from './signals.ts';
import { openFiles } from './traceFiles.ts';
import { TraceReader } from './traceReader.ts';

const PIECE = 1024 * 1024;
/** As elsewhere on the command line. */
const STANDARD_INPUT = '-';

/**
 * Resolves with the exit status.
 * @param ownLimit whether the user set `options.bodyLimit`; else the recording's own is used.
 * @throws Exit for a file that cannot be read or is not a recording
 */
export async function replay(file: string, options: ShowOptions, ownLimit: boolean): Promise<number> {
  const name = file === STANDARD_INPUT ? 'Standard input' : JSON.stringify(file);
  const pieces = file === STANDARD_INPUT ? process.stdin : createReadStream(file, { highWaterMark: PIECE });
  const protos = await openProtos(options.proto);
  const recording = new RecordingReader();
  let shown: { reader: TraceReader; output: Output } | null = null;
  let trouble: string | null = null;
  try {
    for await (const piece of pieces) {
      for (const frame of recording.push(piece)) {
        const event = readEvent(frame);
        shown ??= open(options, ownLimit ? options.bodyLimit : limitOf(event), protos);
        shown.reader.take(event);
      }
      if (shown !== null && (await isGone(shown.output))) return EXIT_OK;
    }
    const end = recording.finish();
    if (end.kind === 'cut')
      trouble = `${name} is truncated: it ends after ${countText(end.frames, 'complete frame')}.`;
  } catch (error) {
    trouble = troubleOf(name, error);
  }
  shown ??= open(options, options.bodyLimit, protos);
  shown.reader.finish(trouble === null ? [] : [trouble]);
  const unwritten = await shown.output.end();
  const broken = unwritten ?? (await Promise.race([shown.output.broken, Promise.resolve(null)]));
  for (const message of [trouble, broken]) if (message !== null) say(message);
  return trouble === null && broken === null ? EXIT_OK : EXIT_FAILED;
}

function open(
  options: ShowOptions,
  bodyLimit: number | null,
  protos: ProtoSchema | null,
): { reader: TraceReader; output: Output } {
  let opened: Output | null = null;
  // Incomplete output can be removed: the recording stays. Registered before it exists, so that none is left.
  cleanUpWhenStopped(() => opened?.discard());
  const { output } = openFiles(options);
  opened = output;
  return { output, reader: new TraceReader({ ...options, bodyLimit }, output, protos) };
}

/** Waits for a slow reader. @returns true when the reader has gone */
async function isGone(output: Output): Promise<boolean> {
  await output.drained();
  return (await Promise.race([output.broken, Promise.resolve('no')])) === null;
}

/** The body limit with which the trace was made, so that replay shows the same. */
function limitOf(event: HelperEvent): number | null {
  return event.type === FrameType.Hello ? event.hello.bodyLimit : DEFAULT_BODY_LIMIT;
}

/** The file's damage. @throws Exit if unreadable or not a recording; other errors as is */
export function troubleOf(name: string, error: unknown): string {
  if (error instanceof RecordingError) {
    const message = `${name} ${error.message}`;
    if (error.code === 'foreign') throw new Exit(EXIT_USAGE, message);
    return message;
  }
  if (error instanceof FrameError || error instanceof RecordError) {
    return `${name} is damaged: ${error.message}`;
  }
  if (error instanceof Error && 'code' in error && 'syscall' in error) {
    throw new Exit(EXIT_USAGE, `${name} cannot be read: ${reasonOf(error)}.`);
  }
  throw error;
}
