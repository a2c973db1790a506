/**
 * Interns short texts that recur, such as paths and field values: known bytes become the string that was made of them
 * before. That costs less than making another one, and the strings are not kept in memory many times.
 */

/** Longer texts rarely repeat. */
const MAX_LENGTH = 64;
/** Slots, of one text each: a power of two. On a collision, the new text replaces the old. */
const PLACES = 1_024;

const known: string[] = new Array<string>(PLACES).fill('');

/** Bytes as text in Latin-1, from `from` to `to`. */
export function textAt(bytes: Buffer, from: number, to: number): string {
  const length = to - from;
  if (length > MAX_LENGTH || length <= 0) return length <= 0 ? '' : bytes.toString('latin1', from, to);
  let hash = length;
  for (let i = from; i < to; i++) hash = (Math.imul(hash, 31) + (bytes[i] as number)) | 0;
  const place = (hash ^ (hash >>> 15)) & (PLACES - 1);
  const text = known[place] as string;
  if (text.length === length && isSame(text, bytes, from)) return text;
  const made = bytes.toString('latin1', from, to);
  known[place] = made;
  return made;
}

/** Drops all texts. */
export function forgetTexts(): void {
  known.fill('');
}

function isSame(text: string, bytes: Buffer, from: number): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== bytes[from + i]) return false;
  return true;
}
