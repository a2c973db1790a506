/**
 * Reads a server's definitions: the `FileDescriptorProto`s (google/protobuf/descriptor.proto) in responses of
 * gRPC's server reflection (grpc/grpc, doc/server-reflection.md). Untrusted input, so bounded.
 */
import { MAX_DESCRIBED_FIELDS, MAX_DESCRIBED_TYPES } from '../limits.ts';
import { emptySchema, type ProtoField, type ProtoSchema, resolveName, type ScalarType } from './schema.ts';
import { LEN, VARINT, type WireField, WireReader } from './wire.ts';

/** `FieldDescriptorProto.Type`, from 1. */
const TYPES: readonly (ProtoField['type'] | null)[] = [
  null,
  'double',
  'float',
  'int64',
  'uint64',
  'int32',
  'fixed64',
  'fixed32',
  'bool',
  'string',
  'group',
  'message',
  'bytes',
  'uint32',
  'enum',
  'sfixed32',
  'sfixed64',
  'sint32',
  'sint64',
] satisfies readonly (ScalarType | 'group' | 'message' | 'enum' | null)[];

const REPEATED = 3;
const MAX_NESTING = 32;
const MAX_NAME = 1_024;
/** Type names that are not resolved yet. */
const MAX_RELATIVE = 10_000;

export class Reflection {
  readonly schema: ProtoSchema = emptySchema();
  /** Unresolved type names, whose definitions may come in another file. */
  #relative: (() => boolean)[] = [];
  #types = 0;
  #fields = 0;

  /** @param response `ServerReflectionResponse`; anything else, and malformed ones, are ignored. */
  add(response: Buffer): void {
    for (const answer of contents(response, whole(response), 4)) {
      for (const file of contents(response, answer, 1)) this.#file(response, file);
    }
    this.#relative = this.#relative.filter((resolve) => !resolve());
  }

  /** Compilers write full names; servers that make descriptors themselves (protobufjs) may not. */
  #resolve(name: string, scope: string, use: (full: string) => void): void {
    if (name.startsWith('.')) {
      use(name.slice(1));
      return;
    }
    if (this.#relative.length >= MAX_RELATIVE) return;
    const { messages, enums } = this.schema;
    this.#relative.push(() => {
      const full = resolveName(name, scope, (each) => messages.has(each) || enums.has(each));
      if (full !== null) use(full);
      return full !== null;
    });
  }

  #file(bytes: Buffer, file: Range): void {
    const scope = text(bytes, file, 2);
    for (const message of contents(bytes, file, 4)) this.#message(bytes, message, scope, 0);
    for (const each of contents(bytes, file, 5)) this.#enum(bytes, each, scope);
    for (const service of contents(bytes, file, 6)) {
      const name = join(scope, text(bytes, service, 1));
      for (const method of contents(bytes, service, 2)) {
        if (!this.#room(1)) return;
        const types = { request: '', response: '' };
        this.schema.methods.set(`${name}/${text(bytes, method, 1)}`, types);
        this.#resolve(text(bytes, method, 2), name, (full) => {
          types.request = full;
        });
        this.#resolve(text(bytes, method, 3), name, (full) => {
          types.response = full;
        });
      }
    }
  }

  #message(bytes: Buffer, range: Range, scope: string, depth: number): void {
    if (depth > MAX_NESTING || !this.#room(1)) return;
    const name = join(scope, text(bytes, range, 1));
    const fields = new Map<number, ProtoField>();
    for (const each of contents(bytes, range, 2)) {
      const type = TYPES[number(bytes, each, 5)] ?? null;
      if (type === null || ++this.#fields > MAX_DESCRIBED_FIELDS) continue;
      const typeName = text(bytes, each, 6);
      const field = {
        name: text(bytes, each, 1),
        type,
        typeName: null as string | null,
        repeated: number(bytes, each, 4) === REPEATED,
      };
      fields.set(number(bytes, each, 3), field);
      if (typeName === '') continue;
      this.#resolve(typeName, name, (full) => {
        field.typeName = full;
      });
    }
    const [options] = contents(bytes, range, 7);
    const mapEntry = options !== undefined && number(bytes, options, 7) === 1;
    this.schema.messages.set(name, { fields, mapEntry });
    for (const nested of contents(bytes, range, 3)) this.#message(bytes, nested, name, depth + 1);
    for (const nested of contents(bytes, range, 4)) this.#enum(bytes, nested, name);
  }

  #enum(bytes: Buffer, range: Range, scope: string): void {
    if (!this.#room(1)) return;
    const values = new Map<number, string>();
    for (const value of contents(bytes, range, 2)) {
      if (++this.#fields > MAX_DESCRIBED_FIELDS) break;
      const key = number(bytes, value, 2);
      // If a value has several names (`allow_alias`), the first counts.
      if (!values.has(key)) values.set(key, text(bytes, value, 1));
    }
    this.schema.enums.set(join(scope, text(bytes, range, 1)), values);
  }

  #room(types: number): boolean {
    this.#types += types;
    return this.#types <= MAX_DESCRIBED_TYPES;
  }
}

interface Range {
  readonly from: number;
  readonly to: number;
}

function whole(bytes: Buffer): Range {
  return { from: 0, to: bytes.length };
}

function* fieldsOf(bytes: Buffer, { from, to }: Range, wanted: number): Generator<WireField> {
  const reader = new WireReader(bytes, from, to);
  for (let field = reader.next(); field !== null; field = reader.next()) {
    if (field.number === wanted) yield field;
  }
}

function contents(bytes: Buffer, range: Range, wanted: number): Range[] {
  return [...fieldsOf(bytes, range, wanted)].filter(({ wire }) => wire === LEN);
}

function text(bytes: Buffer, range: Range, wanted: number): string {
  const last = contents(bytes, range, wanted).at(-1);
  if (last === undefined) return '';
  return bytes.toString('utf8', last.from, Math.min(last.to, last.from + MAX_NAME));
}

/** An int32; 0 when there is none. */
function number(bytes: Buffer, range: Range, wanted: number): number {
  let value = 0;
  for (const field of fieldsOf(bytes, range, wanted)) {
    if (field.wire === VARINT) value = Number(BigInt.asIntN(32, field.value));
  }
  return value;
}

function join(scope: string, name: string): string {
  return scope === '' ? name : `${scope}.${name}`;
}
