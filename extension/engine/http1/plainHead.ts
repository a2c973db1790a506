/**
 * The fast path for a head that arrived in one piece and breaks no rule, as nearly all do: it is found in one pass
 * over its bytes and kept as it was sent. Every other head is read line by line (headReader.ts, fieldLines.ts). Both
 * ways give the same result, which the golden transcripts verify at every split.
 */

import { isNameAt, isTokenCode } from '../../http/fieldSyntax.ts';
import { plainEnd, viewOf } from '../fourBytes.ts';
import { MAX_FIELDS, MAX_HEAD_BYTES } from '../limits.ts';
import { NO_TYPE } from '../storedMessage.ts';
import { CR, LF } from './characters.ts';
import { isFramingLookalike } from './framing.ts';
import { FRAMING_FIELDS, FramingFields } from './framingFields.ts';
import { knownFraming, knownHead, knownLength, knownType, rememberHead } from './knownHeads.ts';
import { addPlainField } from './plainField.ts';

const SPACE = 32;
const SLASH = 47;
const COLON = 58;

/** The result. Each reader has one and reuses it for each head. */
export class PlainHead {
  /** Offset in the piece of the first field line. */
  fieldsAt = 0;
  /** Offset after the last field line. */
  fieldsEnd = 0;
  /** Offset from `fieldsAt` of the first Content-Type line, or {@link NO_TYPE}. */
  typeAt = NO_TYPE;
  /** The fields that delimit the message. */
  framing = new FramingFields();
  /** The object to fill. `framing` may instead be the shared one of a known head. */
  #own = this.framing;
  /** Offset after the empty line. */
  end = 0;

  /** @returns false when it is not such a head, or not all of it is there. */
  read(bytes: Buffer, from: number): boolean {
    const to = Math.min(bytes.length, from + MAX_HEAD_BYTES);
    const view = viewOf(bytes);
    const base = bytes.byteOffset;
    let at = plainEnd(view, base + from, base + to) - base;
    while (at < to && bytes[at] !== LF) at++;
    if (at >= to || at === from || bytes[at - 1] !== CR) return false;
    let space = from;
    while (space < at && bytes[space] !== SPACE) space++;
    // A target in origin form has no authority to compare Host with.
    const needsHost = space === at || bytes[space + 1] !== SLASH;
    const fieldsAt = ++at;
    this.fieldsAt = fieldsAt;
    const known = knownHead(view, base + fieldsAt, base + to, needsHost);
    if (known >= 0) {
      this.end = fieldsAt + knownLength(known);
      this.fieldsEnd = this.end - 2;
      this.typeAt = knownType(known);
      this.framing = knownFraming(known);
      return true;
    }
    const framing = this.#own;
    framing.clear();
    this.framing = framing;
    this.typeAt = NO_TYPE;
    for (let count = 0; at < to; count++) {
      if (bytes[at] === CR) {
        if (at + 1 >= to || bytes[at + 1] !== LF) return false;
        this.fieldsEnd = at;
        this.end = at + 2;
        const { end, typeAt } = this;
        if (rememberHead(view, base + fieldsAt, base + end, base + to, needsHost, typeAt, framing))
          this.#own = new FramingFields();
        return true;
      }
      if (count === MAX_FIELDS) return false;
      const name = at;
      while (at < to && isTokenCode(bytes[at] as number)) at++;
      const colon = at;
      if (colon === name || colon >= to || bytes[colon] !== COLON) return false;
      at = plainEnd(view, base + colon + 1, base + to) - base;
      if (at + 1 >= to || bytes[at] !== CR || bytes[at + 1] !== LF) return false;
      const length = colon - name;
      const framingName = framingNameAt(bytes, name, colon);
      if (framingName !== null) addPlainField(framing, framingName, bytes, colon + 1, at, needsHost);
      else if (length === TYPE.length) {
        if (this.typeAt === NO_TYPE && isNameAt(bytes, name, TYPE)) this.typeAt = name - fieldsAt;
      } else if (
        mayResemble(bytes[name] as number, length) &&
        isFramingLookalike(bytes.toString('latin1', name, colon))
      )
        return false;
      at += 2;
    }
    return false;
  }
}

const TYPE = 'content-type';

/** Framing fields by the length of their names, which all differ (framingFields.ts). */
const FRAMING_NAMES: readonly (string | undefined)[] = framingNamesByLength();

function framingNamesByLength(): (string | undefined)[] {
  const names: (string | undefined)[] = [];
  for (const name of FRAMING_FIELDS) names[name.length] = name;
  return names;
}

/** The name in lower case if it names a framing field, else null. */
function framingNameAt(bytes: Buffer, from: number, to: number): string | null {
  const name = FRAMING_NAMES[to - from];
  return name !== undefined && isNameAt(bytes, from, name) ? name : null;
}

/** Judging by its first letter and length, may the name resemble that of a framing field? */
function mayResemble(first: number, length: number): boolean {
  if (length === 14 || length === 17) return true;
  const letter = first | 0x20;
  return length >= 13 && length <= 24 && (letter === 0x63 || letter === 0x74);
}
