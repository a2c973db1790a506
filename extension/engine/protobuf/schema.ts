/** Protobuf definitions as plain data, so that they can pass between threads. */

export type ScalarType =
  | 'double'
  | 'float'
  | 'int32'
  | 'int64'
  | 'uint32'
  | 'uint64'
  | 'sint32'
  | 'sint64'
  | 'fixed32'
  | 'fixed64'
  | 'sfixed32'
  | 'sfixed64'
  | 'bool'
  | 'string'
  | 'bytes';

export interface ProtoField {
  /** As it is declared. */
  readonly name: string;
  readonly type: ScalarType | 'message' | 'group' | 'enum';
  /** Full name, without the leading dot, of a message, group or enum type. */
  readonly typeName: string | null;
  readonly repeated: boolean;
}

export interface ProtoMessage {
  readonly fields: ReadonlyMap<number, ProtoField>;
  /** Its `key` and `value` are an entry of a map. */
  readonly mapEntry: boolean;
}

export interface ProtoMethod {
  /** Full names of the messages. */
  readonly request: string;
  readonly response: string;
}

export interface ProtoSchema {
  /** By full name, `package.Message.Nested`. */
  readonly messages: Map<string, ProtoMessage>;
  readonly enums: Map<string, ReadonlyMap<number, string>>;
  /** By `package.Service/Method`. */
  readonly methods: Map<string, ProtoMethod>;
}

/**
 * Resolves a name to its full name, from the innermost scope outwards (protobuf.dev, Packages and Name
 * Resolution).
 * @returns null when nothing has that name.
 */
export function resolveName(name: string, scope: string, exists: (name: string) => boolean): string | null {
  if (name.startsWith('.')) return exists(name.slice(1)) ? name.slice(1) : null;
  for (let within = scope; within !== ''; within = within.slice(0, Math.max(0, within.lastIndexOf('.')))) {
    if (exists(`${within}.${name}`)) return `${within}.${name}`;
  }
  return exists(name) ? name : null;
}

export function emptySchema(): ProtoSchema {
  return { messages: new Map(), enums: new Map(), methods: new Map() };
}
