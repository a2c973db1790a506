/** Reads framing fields from bytes: the usual values are recognised without making strings of them. */
import { isBlank, isNameAt } from '../../http/fieldSyntax.ts';
import { type FramingFields, MAX_LENGTH_DIGITS } from './framingFields.ts';

const COLON = 58;
const DIGIT_0 = 48;
const DIGIT_9 = 57;

/** Letters, digits, `-` and `.`: enough for nearly all host names. Others are checked as text. */
const HOST_CODES = new Uint8Array(256);
for (const c of 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.')
  HOST_CODES[c.charCodeAt(0)] = 1;

/**
 * @param lowerName name of a framing field. @param from where the value begins, with blanks around it. @param to its end.
 * @param needsHost the value of Host will be compared with the target.
 */
export function addPlainField(
  fields: FramingFields,
  lowerName: string,
  bytes: Buffer,
  from: number,
  to: number,
  needsHost: boolean,
): void {
  let at = from;
  let end = to;
  while (at < end && isBlank(bytes[at] as number)) at++;
  while (end > at && isBlank(bytes[end - 1] as number)) end--;
  if (!isUsual(fields, lowerName, bytes, at, end, needsHost))
    fields.add(lowerName, bytes.toString('latin1', at, end));
}

/** @returns false for an unusual value: nothing was added. */
function isUsual(
  fields: FramingFields,
  lowerName: string,
  bytes: Buffer,
  at: number,
  end: number,
  needsHost: boolean,
): boolean {
  switch (lowerName) {
    case 'content-length': {
      const length = lengthAt(bytes, at, end);
      if (length < 0) return false;
      fields.addLength(length);
      return true;
    }
    case 'connection':
      if (end - at === 10 && isNameAt(bytes, at, 'keep-alive')) fields.keepAlive = true;
      else if (end - at === 5 && isNameAt(bytes, at, 'close')) fields.close = true;
      else return false;
      return true;
    case 'host':
      if (needsHost || !isHostAt(bytes, at, end)) return false;
      fields.addValidHost();
      return true;
    default:
      return false;
  }
}

/** @returns -1 when it is not all digits, or has too many. */
function lengthAt(bytes: Buffer, at: number, end: number): number {
  if (at === end || end - at > MAX_LENGTH_DIGITS) return -1;
  let length = 0;
  for (let i = at; i < end; i++) {
    const code = bytes[i] as number;
    if (code < DIGIT_0 || code > DIGIT_9) return -1;
    length = length * 10 + code - DIGIT_0;
  }
  return length;
}

/** A name or an IPv4 address, and perhaps a port. */
function isHostAt(bytes: Buffer, from: number, end: number): boolean {
  let at = from;
  while (at < end && HOST_CODES[bytes[at] as number] === 1) at++;
  if (at === from) return false;
  if (at < end && bytes[at] === COLON) for (at++; at < end && isDigit(bytes[at] as number); ) at++;
  return at === end;
}

function isDigit(code: number): boolean {
  return code >= DIGIT_0 && code <= DIGIT_9;
}
