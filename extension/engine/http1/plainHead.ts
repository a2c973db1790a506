/**
 * A head that arrived in one piece and whose field lines break no rule, as nearly all: found in one pass over
 * its bytes, and kept as it was sent. Every other head is read line by line (reader.ts, fieldLines.ts); both
 * ways give the same, which the golden transcripts show at every split.
 */

import { isNameAt, isTokenCode, isValueCode } from '../../http/fieldSyntax.ts';
import { MAX_FIELDS, MAX_HEAD_BYTES } from '../limits.ts';
import { CR, LF } from './characters.ts';
import { isFramingLookalike } from './framing.ts';
import { FRAMING_FIELDS, FramingFields } from './framingFields.ts';
import { addPlainField } from './plainField.ts';

const SPACE = 32;
const SLASH = 47;
const COLON = 58;

export interface PlainHead {
  /** Offset in the piece of the first field line. */
  readonly fieldsAt: number;
  /** Offset behind the last field line. */
  readonly fieldsEnd: number;
  /** What delimits the message. */
  readonly framing: FramingFields;
  /** Offset behind the empty line. */
  readonly end: number;
}

/** @returns null when it is not such a head, or not all of it is there. */
export function readPlainHead(bytes: Buffer, from: number): PlainHead | null {
  const to = Math.min(bytes.length, from + MAX_HEAD_BYTES);
  let at = from;
  let space = 0;
  for (; at < to && bytes[at] !== LF; at++) if (space === 0 && bytes[at] === SPACE) space = at;
  if (at >= to || at === from || bytes[at - 1] !== CR) return null;
  // A target in origin form has no authority with which Host is compared.
  const needsHost = bytes[space + 1] !== SLASH;
  const fieldsAt = ++at;
  const framing = new FramingFields();
  for (let count = 0; at < to; count++) {
    if (bytes[at] === CR) {
      if (at + 1 >= to || bytes[at + 1] !== LF) return null;
      return { fieldsAt, fieldsEnd: at, framing, end: at + 2 };
    }
    if (count === MAX_FIELDS) return null;
    const name = at;
    while (at < to && isTokenCode(bytes[at] as number)) at++;
    const colon = at;
    if (colon === name || colon >= to || bytes[colon] !== COLON) return null;
    at++;
    while (at < to && isValueCode(bytes[at] as number)) at++;
    if (at + 1 >= to || bytes[at] !== CR || bytes[at + 1] !== LF) return null;
    const framingName = framingNameAt(bytes, name, colon);
    if (framingName !== null) addPlainField(framing, framingName, bytes, colon + 1, at, needsHost);
    else if (
      mayResemble(bytes[name] as number, colon - name) &&
      isFramingLookalike(bytes.toString('latin1', name, colon))
    )
      return null;
    at += 2;
  }
  return null;
}

/** By their length, which tells them apart (framingFields.ts). */
const FRAMING_NAMES: readonly (string | undefined)[] = framingNamesByLength();

function framingNamesByLength(): (string | undefined)[] {
  const names: (string | undefined)[] = [];
  for (const name of FRAMING_FIELDS) names[name.length] = name;
  return names;
}

/** The name in lower case if it is that of a framing field, else null. */
function framingNameAt(bytes: Buffer, from: number, to: number): string | null {
  const name = FRAMING_NAMES[to - from];
  return name !== undefined && isNameAt(bytes, from, name) ? name : null;
}

/** By first letter and length: may the name resemble that of a framing field? */
function mayResemble(first: number, length: number): boolean {
  if (length === 14 || length === 17) return true;
  const letter = first | 0x20;
  return length >= 13 && length <= 24 && (letter === 0x63 || letter === 0x74);
}
