/**
 * Reads a file of calls: a recording of HTTP Trace, or an HTTP Archive of any program, either of them optionally gzipped.
 * The type is recognised by the first bytes, not by the name. Files are read in pieces, so they may be larger than memory.
 * The readable part of a damaged file is kept, with a note.
 */
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { readEvent } from '../../helper/events.ts';
import { FrameError } from '../../helper/frames.ts';
import { FrameType } from '../../helper/protocol.ts';
import type { CallSource } from '../engine/callSource.ts';
import { Engine } from '../engine/engine.ts';
import { DEFAULT_MAX_BYTES, DEFAULT_MAX_EXCHANGES } from '../engine/limits.ts';
import { RecordError } from '../engine/recordCursor.ts';
import { HarScanner, MAX_ENTRY } from '../import/harScanner.ts';
import { ImportedCalls } from '../import/importedCalls.ts';
import { missingPartNotes } from './missingParts.ts';
import { Pipeline } from './pipeline.ts';
import { RecordingError, RecordingReader } from './recording.ts';
import { TraceError } from './trace.ts';

export interface ReadFile {
  readonly source: CallSource;
  /** Wall time at which its times start, in nanoseconds since the epoch. */
  readonly began: bigint;
  readonly calls: number;
  /** Remarks about the file, in sentences; null: none. */
  readonly note: string | null;
}

export interface Reading {
  /** Checked between pieces: true to stop. */
  readonly cancelled: () => boolean;
  /** It has no end mark: it was written until its window was closed. */
  readonly unended?: boolean;
  readonly limits?: { readonly maxCalls: number; readonly maxBytes: number };
}

const LIMITS = { maxCalls: DEFAULT_MAX_EXCHANGES, maxBytes: DEFAULT_MAX_BYTES };

type Pieces = AsyncIterable<Uint8Array>;

/** @throws TraceError when no call can be shown; the message is a sentence for the user. */
export async function readFile(pieces: Pieces, reading: Reading): Promise<ReadFile> {
  let beginning = await peek(pieces);
  if (isGzip(beginning.first)) beginning = await peek(unpacked(beginning.all));
  if (startsWith(beginning.first, [0x89, 0x48])) return readRecording(beginning.all, reading);
  // Unpacked only once: some files unpack to themselves.
  const reason = isGzip(beginning.first)
    ? 'The file is compressed with gzip more than once. Unpack it first.'
    : foreign(beginning.first);
  if (reason !== null) throw new TraceError('file', reason);
  return readArchive(beginning.all, reading);
}

/** Bytes that are enough to recognise each type. */
const SIGN = 8;

async function peek(pieces: Pieces): Promise<{ readonly first: Buffer; readonly all: Pieces }> {
  const iterator = pieces[Symbol.asyncIterator]();
  const taken: Uint8Array[] = [];
  let size = 0;
  while (size < SIGN) {
    const next = await iterator.next();
    if (next.done === true) break;
    taken.push(next.value);
    size += next.value.length;
  }
  return { first: Buffer.concat(taken).subarray(0, SIGN), all: rest() };

  async function* rest(): AsyncGenerator<Uint8Array> {
    yield* taken.splice(0);
    try {
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next())
        yield next.value;
    } finally {
      await iterator.return?.();
    }
  }
}

const isGzip = (first: Uint8Array): boolean => startsWith(first, [0x1f, 0x8b]);

function startsWith(bytes: Uint8Array, sign: readonly number[]): boolean {
  return sign.every((byte, i) => bytes[i] === byte);
}

/** Why this cannot be an HTTP Archive; null: it may be one. */
function foreign(first: Uint8Array): string | null {
  if (first.length === 0) return 'The file is empty.';
  if (startsWith(first, [0x50, 0x4b]))
    return 'The file is a ZIP archive. Unpack it, and open the .har file in it.';
  if (startsWith(first, [0xff, 0xfe]) || startsWith(first, [0xfe, 0xff]))
    return 'The file is in UTF-16. Save it in UTF-8, as HTTP Archives are.';
  return null;
}

/** Everything before the damage is kept. */
async function* unpacked(pieces: Pieces): AsyncGenerator<Uint8Array> {
  const source = Readable.from(pieces);
  const gunzip = createGunzip();
  source.on('error', (error) => gunzip.destroy(error));
  source.pipe(gunzip);
  try {
    yield* gunzip as AsyncIterable<Uint8Array>;
  } catch (error) {
    // The reader of the unpacked bytes reports the missing end.
    if (!(error as NodeJS.ErrnoException).code?.startsWith('Z_')) throw error;
  } finally {
    source.destroy();
  }
}

async function readRecording(
  pieces: Pieces,
  { cancelled, unended = false, limits = LIMITS }: Reading,
): Promise<ReadFile> {
  const recording = new RecordingReader();
  let engine: Engine | null = null;
  let pipeline: Pipeline | null = null;
  let began: bigint | null = null;
  let note: string | null = null;
  try {
    for await (const piece of pieces) {
      if (cancelled()) throw cancelledError();
      for (const frame of recording.push(piece)) {
        const event = readEvent(frame);
        if (event.type === FrameType.Hello && engine === null)
          engine = new Engine({
            bodyLimit: event.hello.bodyLimit,
            maxExchanges: limits.maxCalls,
            maxBytes: limits.maxBytes,
          });
        if (engine === null) continue;
        pipeline ??= new Pipeline(engine);
        if (event.type === FrameType.Clock) began ??= event.bootTime + event.offset;
        pipeline.take(event);
      }
    }
    const end = recording.finish();
    if (end.kind === 'cut' && !unended) note = 'The recording is cut off: what was recorded before is shown.';
  } catch (error) {
    if (error instanceof RecordingError && error.code === 'foreign')
      throw new TraceError('file', `The file ${error.message}`);
    if (error instanceof RecordingError) note = `The recording ${error.message} What came before is shown.`;
    else if (error instanceof FrameError || error instanceof RecordError)
      note = `The recording is damaged: ${error.message} What came before is shown.`;
    else throw error;
  }
  if (engine === null || began === null) throw new TraceError('file', note ?? 'The recording is empty.');
  engine.finish();
  const { exchanges, evicted, pairs } = engine.stats();
  const hello = pipeline?.hello ?? null;
  const notes = [
    ...(note === null ? [] : [note]),
    ...(evicted === 0
      ? []
      : [`It holds more than fits in memory: the oldest ${evicted} calls are left out.`]),
    ...(hello === null ? [] : missingPartNotes(hello)),
  ];
  return {
    source: engine,
    began,
    calls: exchanges - pairs - evicted,
    note: notes.length === 0 ? null : notes.join(' '),
  };
}

const NO_ARCHIVE = 'The file is neither a recording of HTTP Trace nor an HTTP Archive (HAR).';

async function readArchive(pieces: Pieces, { cancelled, limits = LIMITS }: Reading): Promise<ReadFile> {
  const scanner = new HarScanner();
  const calls = new ImportedCalls(limits.maxCalls, limits.maxBytes);
  const left = { unreadable: 0, tooLarge: 0, tooMany: 0, full: 0 };
  for await (const piece of pieces) {
    if (cancelled()) throw cancelledError();
    for (const found of scanner.push(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength))) {
      if (found.kind === 'too-large') left.tooLarge++;
      else if (found.kind === 'too-many-values') left.tooMany++;
      else if (found.kind === 'foreign') left.unreadable++;
      else if (found.kind === 'entry') {
        const taken = left.full > 0 ? 'full' : calls.add(found.json);
        if (taken === 'full') left.full++;
        else if (taken === 'unreadable') left.unreadable++;
      }
    }
    if (scanner.isObject === false) throw new TraceError('file', NO_ARCHIVE);
  }
  if (!scanner.sawEntries) throw new TraceError('file', NO_ARCHIVE);
  const leftOut = [
    ...(left.tooLarge > 0
      ? [`${left.tooLarge} of its entries are larger than ${MAX_ENTRY / 2 ** 20} MiB, and are left out.`]
      : []),
    ...(left.tooMany > 0
      ? [`${left.tooMany} of its entries hold too many values, or too deeply nested ones, and are left out.`]
      : []),
  ];
  if (calls.size === 0) {
    const why = 'The HTTP Archive contains no readable calls.';
    throw new TraceError('file', [why, ...leftOut].join(' '));
  }
  const notes = [
    ...(scanner.complete ? [] : ['The file is cut off: what comes before is shown.']),
    ...(left.unreadable > 0 ? [`${left.unreadable} of its entries cannot be read, and are left out.`] : []),
    ...leftOut,
    ...(left.full > 0
      ? [`It holds more than fits in memory: the last ${left.full} calls are left out.`]
      : []),
  ];
  return {
    source: calls,
    began: calls.began,
    calls: calls.size,
    note: notes.length === 0 ? null : notes.join(' '),
  };
}

function cancelledError(): TraceError {
  return new TraceError('cancelled', 'Opening the file was cancelled.');
}
