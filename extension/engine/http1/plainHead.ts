/**
 * A head that arrived in one piece and whose field lines break no rule, as nearly all: found in one pass over
 * its bytes, and kept as it was sent. Every other head is read line by line (reader.ts, fieldLines.ts); both
 * ways give the same, which the golden transcripts show at every split.
 */

import { isTokenCode, isValueCode, trimBlanks } from '../../http/fieldSyntax.ts';
import type { Field } from '../exchange.ts';
import { MAX_FIELDS, MAX_HEAD_BYTES } from '../limits.ts';
import { CR, LF } from './characters.ts';
import { isFramingField, isFramingLookalike } from './framing.ts';

const COLON = 58;

export interface PlainHead {
  /** Start line and field lines with their line ends, without the empty line behind them. */
  readonly text: string;
  /** Offset in `text` of the first field line. */
  readonly fieldsAt: number;
  /** The fields that delimit the message. */
  readonly framing: readonly Field[];
  /** Offset in the piece behind the empty line. */
  readonly end: number;
}

/** @returns null when it is not such a head, or not all of it is there. */
export function readPlainHead(bytes: Buffer, from: number): PlainHead | null {
  const to = Math.min(bytes.length, from + MAX_HEAD_BYTES);
  let at = from;
  while (at < to && bytes[at] !== LF) at++;
  if (at >= to || at === from || bytes[at - 1] !== CR) return null;
  const fieldsAt = ++at - from;
  /** Of those that may be framing fields: offsets in `text` of name, colon and line end. */
  const candidates: number[] = [];
  for (let count = 0; at < to; count++) {
    if (bytes[at] === CR) {
      if (at + 1 >= to || bytes[at + 1] !== LF) return null;
      const text = bytes.toString('latin1', from, at);
      const framing = framingOf(text, candidates);
      return framing === null ? null : { text, fieldsAt, framing, end: at + 2 };
    }
    if (count === MAX_FIELDS) return null;
    const name = at;
    while (at < to && isTokenCode(bytes[at] as number)) at++;
    const colon = at;
    if (colon === name || colon >= to || bytes[colon] !== COLON) return null;
    at++;
    while (at < to && isValueCode(bytes[at] as number)) at++;
    if (at + 1 >= to || bytes[at] !== CR || bytes[at + 1] !== LF) return null;
    if (isFramingLength(colon - name) || mayResemble(bytes[name] as number, colon - name))
      candidates.push(name - from, colon - from, at - from);
    at += 2;
  }
  return null;
}

/** Of the names of framing fields. */
function isFramingLength(length: number): boolean {
  return length === 4 || length === 6 || length === 7 || length === 10 || length === 14 || length === 17;
}

/** By first letter and length: may the name resemble that of a framing field? */
function mayResemble(first: number, length: number): boolean {
  const letter = first | 0x20;
  return length >= 13 && length <= 24 && (letter === 0x63 || letter === 0x74);
}

const NONE: readonly Field[] = [];

/** @returns null when a field only resembles one. */
function framingOf(text: string, candidates: readonly number[]): readonly Field[] | null {
  let fields: Field[] | null = null;
  for (let i = 0; i < candidates.length; i += 3) {
    const colon = candidates[i + 1] as number;
    const name = text.slice(candidates[i], colon);
    if (!isFramingField(name.toLowerCase())) {
      if (isFramingLookalike(name)) return null;
      continue;
    }
    fields ??= [];
    fields.push([name, trimBlanks(text.slice(colon + 1, candidates[i + 2]))]);
  }
  return fields ?? NONE;
}
