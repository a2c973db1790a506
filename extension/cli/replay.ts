/** `http-trace replay`: a recorded trace through the same engine, without privilege. */
import { createReadStream } from 'node:fs';
import { decodeJson, type Frame, FrameError } from '../../helper/frames.ts';
import { FrameType } from '../../helper/protocol.ts';
import { RecordingError, RecordingReader } from '../capture/recording.ts';
import type { ProtoSchema } from '../engine/protobuf/schema.ts';
import { RecordError } from '../engine/record.ts';
import { DEFAULT_BODY_LIMIT, type ShowOptions } from './arguments.ts';
import { EXIT_FAILED, EXIT_OK, EXIT_USAGE, Exit } from './exitStatus.ts';
import { openFiles, say } from './live.ts';
import type { Output } from './output.ts';
import { reasonOf } from './privateFile.ts';
import { openProtos } from './protos.ts';
import { TraceReader } from './reader.ts';

const PIECE = 1024 * 1024;
/** As elsewhere on the command line. */
const STANDARD_INPUT = '-';

/**
 * Resolves with the exit status.
 * @param ownLimit whether `options.bodyLimit` was asked for; else the recording's own is taken.
 * @throws Exit for a file that cannot be read or is no recording
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
        shown ??= open(options, ownLimit ? options.bodyLimit : limitOf(frame), protos);
        shown.reader.frame(frame.type, frame.payload);
      }
      if (shown !== null && (await isGone(shown.output))) return EXIT_OK;
    }
    const end = recording.finish();
    if (end.kind === 'cut') trouble = `${name} is cut: it ends after ${end.frames} whole frames.`;
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
  const { output } = openFiles(options);
  return { output, reader: new TraceReader({ ...options, bodyLimit }, output, protos) };
}

/** Waits for a slow reader; true when there is none any more. */
async function isGone(output: Output): Promise<boolean> {
  await output.drained();
  return (await Promise.race([output.broken, Promise.resolve('no')])) === null;
}

/** The body limit with which the trace was made, so that replay shows the same. */
function limitOf(frame: Frame): number | null {
  if (frame.type !== FrameType.Hello) return DEFAULT_BODY_LIMIT;
  const limit = decodeJson(frame.payload)['bodyLimit'];
  return limit === null || typeof limit === 'number' ? limit : DEFAULT_BODY_LIMIT;
}

/** @throws Exit for what is no recording at all; anything that is no fault of the file as it is */
function troubleOf(name: string, error: unknown): string {
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
