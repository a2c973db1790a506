/**
 * A cache of field sections that were parsed before. Clients send mostly the same field lines with each request, and
 * servers with many responses: a section that is equal byte for byte is not parsed again. This saves time and changes
 * nothing else.
 */
import type { FramingFields } from './framingFields.ts';

/** Bytes. Longer heads rarely repeat. */
const MAX_LENGTH = 2_048;
/** Heads that are remembered: a power of two. Heads with the same hash replace each other. */
const PLACES = 128;
/** A head that keeps recurring is replaced only by the eighth other head in a row, not by the first. */
const PATIENCE = 7;

const bytes = new DataView(new ArrayBuffer(PLACES * MAX_LENGTH));
/** Length with the empty line; 0: the place is free. */
const lengths = new Uint16Array(PLACES);
const types = new Int16Array(PLACES);
const needsHosts = new Uint8Array(PLACES);
/** Other heads since this one was remembered or found, plus one; 0: the next one replaces it. */
const misses = new Uint8Array(PLACES);
const framings: (FramingFields | null)[] = new Array<FramingFields | null>(PLACES).fill(null);

/** @returns the place of the head that begins at `from`; -1: it is not known. */
export function knownHead(view: DataView, from: number, to: number, needsHost: boolean): number {
  const place = placeOf(view, from, to);
  const length = lengths[place] as number;
  if (length === 0 || from + length > to || (needsHosts[place] === 1) !== needsHost) return -1;
  const start = place * MAX_LENGTH;
  let i = 0;
  for (; i + 4 <= length; i += 4) if (bytes.getInt32(start + i) !== view.getInt32(from + i)) return -1;
  for (; i < length; i++) if (bytes.getInt8(start + i) !== view.getInt8(from + i)) return -1;
  misses[place] = 1;
  return place;
}

/** Length of a known head, with the empty line. */
export function knownLength(place: number): number {
  return lengths[place] as number;
}

/** The framing fields of a known head. Never changed. */
export function knownFraming(place: number): FramingFields {
  return framings[place] as FramingFields;
}

/** Where the first Content-Type of a known head is: see PlainHead. */
export function knownType(place: number): number {
  return types[place] as number;
}

/**
 * Offers a head that was not known and has been parsed.
 * @param end after its empty line. @param to the end of the available bytes.
 * @returns true when it is remembered: `framing` must not be changed any more.
 */
export function rememberHead(
  view: DataView,
  from: number,
  end: number,
  to: number,
  needsHost: boolean,
  typeAt: number,
  framing: FramingFields,
): boolean {
  const length = end - from;
  if (length > MAX_LENGTH) return false;
  const place = placeOf(view, from, to);
  const missed = misses[place] as number;
  misses[place] = (missed + 1) & PATIENCE;
  if (missed !== 0 && lengths[place] !== 0) return false;
  const start = place * MAX_LENGTH;
  let i = 0;
  for (; i + 4 <= length; i += 4) bytes.setInt32(start + i, view.getInt32(from + i));
  for (; i < length; i++) bytes.setInt8(start + i, view.getInt8(from + i));
  lengths[place] = length;
  types[place] = typeAt;
  needsHosts[place] = needsHost ? 1 : 0;
  framings[place] = framing;
  return true;
}

/** Forgets all heads and overwrites their bytes. */
export function forgetHeads(): void {
  for (let place = 0; place < PLACES; place++) {
    const length = lengths[place] as number;
    if (length > 0) new Uint8Array(bytes.buffer, place * MAX_LENGTH, length).fill(0);
  }
  lengths.fill(0);
  framings.fill(null);
}

/** Hashes a few of its bytes. A short head is hashed by its first bytes only, which other heads may share. */
function placeOf(view: DataView, from: number, to: number): number {
  let hash = 0;
  const last = from + 64 <= to ? from + 60 : from;
  for (let at = from; at <= last && at + 4 <= to; at += 20) hash = Math.imul(hash, 31) + view.getInt32(at);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 12)) & (PLACES - 1);
}
