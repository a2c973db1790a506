/**
 * Removes content codings (RFC 9110 section 8.4.1) and transfer codings from a body, or from the prefix of it
 * that was captured. Bounded: a decompression bomb is cut.
 */
import {
  brotliDecompressSync,
  constants,
  gunzipSync,
  inflateRawSync,
  inflateSync,
  type ZlibOptions,
} from 'node:zlib';
import type { CodingResult } from './codingResult.ts';
import { MAX_CODINGS, MAX_DECODED_BYTES } from './limits.ts';
import { decodeZstd } from './zstd.ts';

export interface Decoded {
  readonly bytes: Buffer;
  /** At least one coding was removed. */
  readonly removed: boolean;
  /** Why the decoded body is incomplete; null when it is complete. */
  readonly note: string | null;
}

type Decoder = (input: Buffer) => CodingResult;

const DECODERS: ReadonlyMap<string, Decoder> = new Map<string, Decoder>([
  ['gzip', (input) => inflate(gunzipSync, constants.Z_SYNC_FLUSH, input)],
  ['x-gzip', (input) => inflate(gunzipSync, constants.Z_SYNC_FLUSH, input)],
  ['deflate', decodeDeflate],
  ['br', (input) => inflate(brotliDecompressSync, constants.BROTLI_OPERATION_FLUSH, input)],
  ['zstd', decodeZstd],
]);

/** @param codings in the order in which they were applied. @param whole false when `bytes` is only a prefix. */
export function removeCodings(bytes: Buffer, codings: readonly string[], whole: boolean): Decoded {
  const todo = codings.filter((coding) => coding !== 'identity' && coding !== '');
  if (todo.length === 0) return { bytes, removed: false, note: null };
  if (todo.length > MAX_CODINGS) {
    return { bytes, removed: false, note: `More than ${MAX_CODINGS} content codings; none was decoded.` };
  }
  let current = bytes;
  let complete = whole;
  let note: string | null = null;
  for (const [i, coding] of [...todo].reverse().entries()) {
    const decoder = DECODERS.get(coding);
    if (decoder === undefined) {
      return { bytes: current, removed: i > 0, note: 'The content coding is unknown.' };
    }
    const result = decoder(current);
    if (result.bytes.length === 0 && current.length > 0 && result.end === 'broken') {
      return {
        bytes: current,
        removed: i > 0,
        note: result.note ?? `The body is not in the content coding ${coding} that its header declares.`,
      };
    }
    current = result.bytes;
    if (result.end === 'cut') {
      note = `The decoded body is larger than ${MAX_DECODED_BYTES / 1024 / 1024} MiB; the rest is left out.`;
      complete = false;
    } else if (result.end === 'broken') {
      note ??= result.note ?? `The ${coding} coding is damaged; what could be decoded is shown.`;
      complete = false;
    } else if (result.end === 'partial') {
      if (complete) note ??= `The ${coding} coding ends too early; what could be decoded is shown.`;
      complete = false;
    }
  }
  return { bytes: current, removed: true, note };
}

type Sync = (input: Buffer, options: ZlibOptions) => Buffer;

/** Precision, in bytes, of the search for the longest prefix that can be decoded. */
const SMALLEST_TRY = 1;

function inflate(decode: Sync, finishFlush: number, input: Buffer): CodingResult {
  // Strict first: input that ends early is an error here, but most is complete.
  const whole = attempt(decode, undefined, input);
  if (whole.bytes !== null) return { bytes: whole.bytes, end: 'whole' };
  const first = attempt(decode, finishFlush, input);
  if (first.bytes !== null) return { bytes: first.bytes, end: 'partial' };
  // The synchronous functions return all or nothing, so this searches for the longest prefix that they decode.
  const end = first.tooLarge ? 'cut' : 'broken';
  let good = 0;
  let best: Buffer = Buffer.alloc(0);
  let bad = input.length;
  while (bad - good > Math.max(SMALLEST_TRY, input.length >> 5)) {
    const middle = (good + bad) >> 1;
    const { bytes } = attempt(decode, finishFlush, input.subarray(0, middle));
    if (bytes === null) bad = middle;
    else {
      good = middle;
      best = bytes;
    }
  }
  return { bytes: best, end };
}

function attempt(
  decode: Sync,
  finishFlush: number | undefined,
  input: Buffer,
): { bytes: Buffer | null; tooLarge: boolean } {
  try {
    const options = { maxOutputLength: MAX_DECODED_BYTES };
    const bytes = decode(input, finishFlush === undefined ? options : { ...options, finishFlush });
    return { bytes, tooLarge: false };
  } catch (error) {
    return { bytes: null, tooLarge: (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' };
  }
}

/** `deflate` is zlib (RFC 1950); some senders use raw deflate (RFC 1951). */
function decodeDeflate(input: Buffer): CodingResult {
  const [first = 0, second = 0] = input;
  const isZlib = (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0;
  return inflate(isZlib ? inflateSync : inflateRawSync, constants.Z_SYNC_FLUSH, input);
}

const SMALL: ReadonlyMap<string, Sync> = new Map<string, Sync>([
  ['gzip', gunzipSync],
  ['x-gzip', gunzipSync],
  ['deflate', inflateSync],
  ['br', brotliDecompressSync],
]);

/** Decodes all or nothing, in one try: null for more than `limit` bytes, another coding, or incomplete input. */
export function decodeSmall(input: Buffer, coding: string, limit: number): Buffer | null {
  try {
    return SMALL.get(coding)?.(input, { maxOutputLength: limit }) ?? null;
  } catch {
    return null;
  }
}
