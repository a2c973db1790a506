/**
 * The field lines of heads that were read before. A client mostly sends the same ones with each request, and a server the
 * same with many responses: what is equal byte for byte says the same, and is not read again. It makes no difference but
 * in time.
 */
import type { FramingFields } from './framingFields.ts';

/** Longer heads rarely are alike. */
const MAX_LENGTH = 2_048;
/** Heads that are remembered: a power of two. What has the same place takes the other's. */
const PLACES = 128;
/** A head that comes again and again is not given up for each other one: only for each eighth in a row. */
const PATIENCE = 7;

const bytes = new DataView(new ArrayBuffer(PLACES * MAX_LENGTH));
/** With the empty line; 0: there is none. */
const lengths = new Uint16Array(PLACES);
const types = new Int16Array(PLACES);
const needsHosts = new Uint8Array(PLACES);
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
  misses[place] = 0;
  return place;
}

/** Of a known head: its length with the empty line. */
export function knownLength(place: number): number {
  return lengths[place] as number;
}

/** What delimits its message. Never changed. */
export function knownFraming(place: number): FramingFields {
  return framings[place] as FramingFields;
}

/** Where in it the first Content-Type is: see PlainHead. */
export function knownType(place: number): number {
  return types[place] as number;
}

/**
 * A head that is not known was read, up to `end`, behind its empty line.
 * @param to where the bytes that are there end.
 * @returns true: it is remembered, and `framing` must not be changed any more.
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

/** Holds none of them any more. */
export function forgetHeads(): void {
  for (let place = 0; place < PLACES; place++) {
    const length = lengths[place] as number;
    if (length > 0) new Uint8Array(bytes.buffer, place * MAX_LENGTH, length).fill(0);
  }
  lengths.fill(0);
  framings.fill(null);
}

/** By a few of its bytes: of short ones the first, which others may have alike. */
function placeOf(view: DataView, from: number, to: number): number {
  let hash = 0;
  const last = from + 64 <= to ? from + 60 : from;
  for (let at = from; at <= last && at + 4 <= to; at += 20) hash = Math.imul(hash, 31) + view.getInt32(at);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 12)) & (PLACES - 1);
}
