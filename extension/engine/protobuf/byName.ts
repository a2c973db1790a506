/**
 * Decodes a protobuf message to JSON by its definition: field names as declared, and values in the ProtoJSON
 * mapping (64-bit integers and bytes as strings). A field that is undefined, or has another wire type, is named
 * by its number.
 */
import { maskBody } from '../../privacy/maskBody.ts';
import { isSecretName, isSecretValue, MASK, nameKind } from '../../privacy/secrets.ts';
import { MAX_PROTOBUF_DEPTH, MAX_PROTOBUF_FIELDS, MAX_PROTOBUF_TEXT } from '../limits.ts';
import { byWire } from './byWire.ts';
import type { MessageText } from './messageText.ts';
import type { ProtoField, ProtoMessage, ProtoSchema } from './schema.ts';
import {
  asDouble,
  asFloat,
  I32,
  I64,
  LEN,
  START_GROUP,
  VARINT,
  type WireField,
  WireReader,
  zigzag,
} from './wire.ts';

type Value = string | number | boolean | null | Value[] | { [name: string]: Value };
type Values = { [name: string]: Value };

const UNTYPED = { essence: '', boundary: null };

/** @param whole false: `bytes` is truncated. @returns null when the type is not defined. */
export function byName(
  bytes: Buffer,
  whole: boolean,
  schema: ProtoSchema,
  type: string,
  reveal: boolean,
): MessageText | null {
  const message = schema.messages.get(type);
  if (message === undefined) return null;
  const decoder = new Decoder(bytes, schema, reveal);
  const value = decoder.message(message, 0, bytes.length, 0);
  const text = JSON.stringify(value, null, 2);
  const fits = text.length <= MAX_PROTOBUF_TEXT;
  return {
    text: fits ? text : text.slice(0, MAX_PROTOBUF_TEXT),
    end: decoder.end,
    // Parts that were not read may contain a secret.
    masked: decoder.masked || (!reveal && decoder.end < bytes.length),
    cut: decoder.full || !whole || !fits,
  };
}

class Decoder {
  masked = false;
  full = false;
  end = 0;
  readonly #bytes: Buffer;
  readonly #schema: ProtoSchema;
  readonly #reveal: boolean;
  #fields = 0;
  #size = 0;

  constructor(bytes: Buffer, schema: ProtoSchema, reveal: boolean) {
    this.#bytes = bytes;
    this.#schema = schema;
    this.#reveal = reveal;
  }

  message({ fields }: ProtoMessage, from: number, to: number, depth: number): Values {
    const values: Values = Object.create(null) as Values;
    const reader = new WireReader(this.#bytes, from, to);
    for (let wire = reader.next(); wire !== null; wire = reader.next()) {
      if (!this.#room(1)) break;
      const field = fields.get(wire.number);
      if (field === undefined || !this.#put(values, field, wire, depth)) this.#unknown(values, wire);
    }
    if (depth === 0) this.end = reader.at;
    else if (reader.broken) values['?'] = this.#hidden(this.#bytes.toString('base64', reader.at, to));
    return values;
  }

  /** @returns false when the field's bytes do not fit its type. */
  #put(values: Values, field: ProtoField, wire: WireField, depth: number): boolean {
    const { name } = field;
    const kind = this.#reveal || field.type === 'bool' ? null : nameKind(name);
    if (kind === 'secret' || (kind === 'secrets' && field.repeated)) {
      this.masked = true;
      values[name] = MASK;
      return true;
    }
    const entry = field.type === 'message' ? this.#schema.messages.get(field.typeName ?? '') : undefined;
    if (entry?.mapEntry === true && field.repeated && wire.wire === LEN) {
      this.#putEntry(values, name, entry, wire, depth);
      return true;
    }
    const packed = wire.wire === LEN ? this.#packed(field, wire) : null;
    if (packed !== null) {
      append(values, name, packed);
      return true;
    }
    const value = this.#value(field, wire, depth);
    if (value === undefined) return false;
    if (field.repeated) append(values, name, [value]);
    else values[name] = value;
    return true;
  }

  #putEntry(values: Values, name: string, entry: ProtoMessage, wire: WireField, depth: number): void {
    if (depth >= MAX_PROTOBUF_DEPTH) {
      values[name] = this.#hidden('…');
      return;
    }
    const pair = this.message(entry, wire.from, wire.to, depth + 1);
    const known = values[name];
    const map = isObject(known) ? known : (Object.create(null) as Values);
    const key = String(pair['key'] ?? '');
    let value = pair['value'] ?? null;
    if (!this.#reveal && isSecretName(key)) {
      this.masked = true;
      value = MASK;
    }
    map[key] = value;
    values[name] = map;
  }

  /** Packed numbers; null when the field's type cannot be packed. */
  #packed(field: ProtoField, wire: WireField): Value[] | null {
    const kind = wireOf(field);
    if (!field.repeated || kind === LEN || kind === START_GROUP) return null;
    const reader = new WireReader(this.#bytes, wire.from, wire.to);
    const values: Value[] = [];
    for (;;) {
      const value = kind === VARINT ? reader.varint() : reader.fixed(kind === I64 ? 8 : 4);
      if (value === null || !this.#room(1)) return values;
      values.push(this.#number(field, value));
    }
  }

  /** undefined: the bytes do not fit the type. */
  #value(field: ProtoField, wire: WireField, depth: number): Value | undefined {
    if (wire.wire !== wireOf(field)) return undefined;
    switch (field.type) {
      case 'string': {
        const text = this.#bytes.toString('utf8', wire.from, wire.to);
        this.#room(text.length);
        const secret = !this.#reveal && isSecretValue(nameKind(field.name), text, 'member');
        const shown = this.#reveal ? text : secret ? MASK : maskBody(text, UNTYPED);
        if (shown !== text) this.masked = true;
        return shown;
      }
      case 'bytes':
        this.#room(2 * (wire.to - wire.from));
        if (!this.#reveal && this.#holdsSecret(wire)) return this.#hidden('');
        return this.#bytes.toString('base64', wire.from, wire.to);
      case 'message':
      case 'group': {
        const type = this.#schema.messages.get(field.typeName ?? '');
        if (type === undefined) return undefined;
        if (depth >= MAX_PROTOBUF_DEPTH) return this.#hidden('…');
        if (field.typeName === 'google.protobuf.Any') return this.#any(type, wire, depth);
        return this.message(type, wire.from, wire.to, depth + 1);
      }
      default:
        return this.#number(field, wire.value);
    }
  }

  /** Text in a bytes field, such as JSON, may be secret. */
  #holdsSecret({ from, to }: WireField): boolean {
    const text = this.#bytes.toString('latin1', from, to);
    return maskBody(text, UNTYPED) !== text;
  }

  /** Also decodes the message in its `value` if the type is defined. */
  #any(type: ProtoMessage, wire: WireField, depth: number): Value {
    const values = this.message(type, wire.from, wire.to, depth + 1);
    const url = values['type_url'];
    const name = typeof url === 'string' ? url.slice(url.lastIndexOf('/') + 1) : '';
    const inner = this.#schema.messages.get(name);
    if (inner === undefined || depth + 1 >= MAX_PROTOBUF_DEPTH) return values;
    const reader = new WireReader(this.#bytes, wire.from, wire.to);
    for (let field = reader.next(); field !== null; field = reader.next()) {
      if (field.number === 2 && field.wire === LEN) {
        values['value'] = this.message(inner, field.from, field.to, depth + 2);
      }
    }
    return values;
  }

  #number({ type, typeName }: ProtoField, value: bigint): Value {
    switch (type) {
      case 'bool':
        return value !== 0n;
      case 'enum': {
        const number = Number(BigInt.asIntN(32, value));
        return this.#schema.enums.get(typeName ?? '')?.get(number) ?? number;
      }
      case 'int32':
      case 'sfixed32':
        return Number(BigInt.asIntN(32, value));
      case 'uint32':
      case 'fixed32':
        return Number(BigInt.asUintN(32, value));
      case 'sint32':
        return Number(BigInt.asIntN(32, zigzag(BigInt.asUintN(32, value))));
      case 'int64':
      case 'sfixed64':
        return String(BigInt.asIntN(64, value));
      case 'sint64':
        return String(zigzag(value));
      case 'float':
        return finite(asFloat(value), true);
      case 'double':
        return finite(asDouble(value), false);
      default:
        return String(value);
    }
  }

  /** Fields that do not match the message's definition may contain a secret. */
  #hidden(text: string): string {
    if (this.#reveal) return text;
    this.masked = true;
    return MASK;
  }

  /** The field's number serves as its name, and its wire value as its value. */
  #unknown(values: Values, wire: WireField): void {
    append(values, String(wire.number), [this.#unknownValue(wire)]);
  }

  #unknownValue(wire: WireField): Value {
    if (wire.wire === LEN || wire.wire === START_GROUP) {
      // Guessed by byWire: a message with this content as its only field.
      const start = Buffer.from([0x0a]);
      const bytes = this.#bytes.subarray(wire.from, wire.to);
      const { text, masked } = byWire(
        Buffer.concat([start, length(bytes.length), bytes]),
        true,
        this.#reveal,
      );
      if (masked) this.masked = true;
      this.#room(text.length);
      return text.replace(/^1:? /, '');
    }
    return String(wire.value);
  }

  /** Counts what is shown. */
  #room(size: number): boolean {
    this.#fields++;
    this.#size += size;
    if (this.#fields > MAX_PROTOBUF_FIELDS || this.#size > MAX_PROTOBUF_TEXT) this.full = true;
    return !this.full;
  }
}

/** As a varint. */
function length(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}

function append(values: Values, name: string, more: Value[]): void {
  const known = values[name];
  if (Array.isArray(known)) for (const value of more) known.push(value);
  else values[name] = more;
}

function isObject(value: Value | undefined): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** JSON has no NaN or infinity. A float is printed with the fewest digits that identify it. */
function finite(value: number, single: boolean): Value {
  if (!Number.isFinite(value)) return String(value);
  if (!single) return value;
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}

function wireOf({ type }: ProtoField): number {
  switch (type) {
    case 'double':
    case 'fixed64':
    case 'sfixed64':
      return I64;
    case 'float':
    case 'fixed32':
    case 'sfixed32':
      return I32;
    case 'string':
    case 'bytes':
    case 'message':
      return LEN;
    case 'group':
      return START_GROUP;
    default:
      return VARINT;
  }
}
