/** A protobuf message for people and programs: by its definition if that is known, else by its wire format. */
import type { ProtobufJson } from '../exchangeJson.ts';
import { byName } from '../protobuf/byName.ts';
import { byWire } from '../protobuf/byWire.ts';
import type { Definition } from '../protobuf/definitions.ts';

const GUESSED = 'No .proto found. Fields are guessed from the wire format.';
const CUT = 'Not all of the message is shown.';

export interface DecodedProtobuf {
  readonly json: ProtobufJson;
  /** A secret in it is not shown. */
  readonly masked: boolean;
}

/**
 * @param whole false: `bytes` is truncated.
 * @returns null when it is not protobuf from its beginning.
 */
export function protobufJson(
  bytes: Buffer,
  whole: boolean,
  definition: Definition | null,
  reveal: boolean,
): DecodedProtobuf | null {
  const named = definition === null ? null : byName(bytes, whole, definition.schema, definition.type, reveal);
  const shown = named ?? byWire(bytes, whole, reveal);
  if (shown.end === 0 && bytes.length > 0) return null;
  const notes: string[] = [];
  if (named === null) notes.push(GUESSED);
  if (shown.end < bytes.length && !shown.cut) {
    notes.push(`From byte ${shown.end} on it is not valid protobuf; that part is not shown.`);
  } else if (shown.cut) notes.push(CUT);
  return {
    json: {
      type: named === null ? null : (definition?.type ?? null),
      source: named === null ? null : (definition?.source ?? null),
      text: shown.text,
      note: notes.length === 0 ? null : notes.join(' '),
    },
    masked: shown.masked,
  };
}
