/**
 * The content coding zstd (RFC 8878, RFC 9659), decoded by fzstd on every version of Node, so that the result
 * does not depend on the version. Frames and blocks are walked here first: fzstd trusts the window size that a
 * frame declares, and moves the whole window for every block.
 */
import { Decompress } from 'fzstd';
import type { CodingResult } from './codingResult.ts';
import { MAX_DECODED_BYTES } from './limits.ts';

/** RFC 9659 section 3: a content coding must not need a larger window. */
const MAX_WINDOW = 8 * 1024 * 1024;

/**
 * Bytes that the decoder may move within its window; 64 blocks of 128 KiB in a window of 8 MiB need a
 * quarter.
 */
const MAX_WORK = 2 * 1024 * 1024 * 1024;

/** Largest output of one block (RFC 8878 section 3.1.1.2.4). */
const MAX_BLOCK = 128 * 1024;

const MAGIC = 0xfd2fb528;
const SKIPPABLE = 0x184d2a50;

interface Frame {
  /** Offset after the frame, or the length of the input when it is incomplete. */
  readonly end: number;
  readonly whole: boolean;
  readonly window: number;
  readonly dictionary: boolean;
}

class Cut extends Error {}

export function decodeZstd(input: Buffer): CodingResult {
  const blocks: Uint8Array[] = [];
  let size = 0;
  let work = 0;
  const result = (end: CodingResult['end'], note?: string): CodingResult => ({
    bytes: Buffer.concat(blocks, size),
    end,
    ...(note === undefined ? {} : { note }),
  });
  for (let at = 0; at < input.length; ) {
    if (input.length - at < 4) return result('partial');
    const magic = input.readUInt32LE(at);
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE) {
      if (input.length - at < 8) return result('partial');
      at += 8 + input.readUInt32LE(at + 4);
      if (at > input.length) return result('partial');
      continue;
    }
    if (magic !== MAGIC) return result('broken');
    const frame = walkFrame(input, at);
    if (frame === null) return result('partial');
    if (frame.dictionary) return result('broken', 'The zstd coding needs an unknown dictionary.');
    if (frame.window > MAX_WINDOW) {
      return result('broken', 'The zstd coding needs a window of more than 8 MiB (RFC 9659 section 3).');
    }
    const decoder = new Decompress((block) => {
      work += frame.window + MAX_BLOCK;
      const room = MAX_DECODED_BYTES - size;
      blocks.push(block.length > room ? block.subarray(0, room) : block);
      size += Math.min(block.length, room);
      if (block.length > room || work > MAX_WORK) throw new Cut();
    });
    try {
      decoder.push(input.subarray(at, frame.end), true);
    } catch (error) {
      if (error instanceof Cut) return result('cut');
      return result(frame.whole ? 'broken' : 'partial');
    }
    at = frame.end;
    if (!frame.whole) return result('partial');
  }
  return result('whole');
}

/** @returns null when the frame's header is incomplete. */
function walkFrame(input: Buffer, from: number): Frame | null {
  const descriptor = input[from + 4];
  if (descriptor === undefined) return null;
  const single = (descriptor >> 5) & 1;
  const checksum = (descriptor >> 2) & 1;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const sizeFlag = descriptor >> 6;
  const sizeBytes = sizeFlag === 0 ? single : 1 << sizeFlag;
  let at = from + 5;
  const header = 1 - single + dictionaryBytes + sizeBytes;
  if (at + header > input.length) return null;
  let window = 0;
  if (single === 0) {
    const byte = input[at] ?? 0;
    const base = 2 ** (10 + (byte >> 3));
    window = base + (base / 8) * (byte & 7);
    at++;
  }
  const dictionary = input.subarray(at, at + dictionaryBytes).some((byte) => byte !== 0);
  at += dictionaryBytes;
  if (single === 1) {
    // The content's size is the window size.
    for (let i = sizeBytes - 1; i >= 0; i--) window = window * 256 + (input[at + i] ?? 0);
    if (sizeBytes === 2) window += 256;
  }
  at += sizeBytes;
  for (;;) {
    if (at + 3 > input.length) return { end: input.length, whole: false, window, dictionary };
    const block = input.readUIntLE(at, 3);
    at += 3 + (((block >> 1) & 3) === 1 ? 1 : block >> 3);
    if (at > input.length) return { end: input.length, whole: false, window, dictionary };
    if ((block & 1) === 1) break;
  }
  const end = at + checksum * 4;
  return { end: Math.min(end, input.length), whole: end <= input.length, window, dictionary };
}
