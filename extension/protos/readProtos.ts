/**
 * Makes the engine's definitions from .proto files. protobufjs parses; names are resolved here, across all files,
 * because a workspace may have several projects, copies of a file, and imports that lead elsewhere.
 */
import protobuf from 'protobufjs';
import {
  emptySchema,
  type ProtoField,
  type ProtoSchema,
  resolveName,
  type ScalarType,
} from '../engine/protobuf/schema.ts';

export interface ProtoFile {
  /** For messages to the user. */
  readonly path: string;
  readonly text: string;
}

export interface ReadProtos {
  readonly schema: ProtoSchema;
  /** Files that could not be read, in words. */
  readonly problems: readonly string[];
}

const SCALARS: ReadonlySet<string> = new Set<ScalarType>([
  'double',
  'float',
  'int32',
  'int64',
  'uint32',
  'uint64',
  'sint32',
  'sint64',
  'fixed32',
  'fixed64',
  'sfixed32',
  'sfixed64',
  'bool',
  'string',
  'bytes',
]);

/** Well-known messages that many files import and few workspaces contain; protobufjs includes them. */
const COMMON = ['any', 'duration', 'empty', 'struct', 'timestamp', 'wrappers', 'field_mask'];

/** If several files define the same name, the first wins. Never throws for a file's content. */
export function readProtos(files: readonly ProtoFile[]): ReadProtos {
  const problems: string[] = [];
  const collector = new Collector();
  for (const { path, text } of files) {
    try {
      const root = new protobuf.Root();
      protobuf.parse(text, root, { keepCase: true });
      collector.add(root, '');
    } catch (error) {
      problems.push(`${path}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  for (const name of COMMON) {
    const nested = protobuf.common.get(`google/protobuf/${name}.proto`)?.nested;
    if (nested !== undefined) collector.add(protobuf.Root.fromJSON({ nested }), '');
  }
  return { schema: collector.schema(), problems };
}

class Collector {
  readonly #types = new Map<string, protobuf.Type>();
  readonly #enums = new Map<string, protobuf.Enum>();
  readonly #services = new Map<string, protobuf.Service>();

  add(namespace: protobuf.NamespaceBase, scope: string): void {
    for (const object of namespace.nestedArray) {
      const name = scope === '' ? object.name : `${scope}.${object.name}`;
      if (object instanceof protobuf.Enum) setFirst(this.#enums, name, object);
      else if (object instanceof protobuf.Type) setFirst(this.#types, name, object);
      else if (object instanceof protobuf.Service) setFirst(this.#services, name, object);
      if (object instanceof protobuf.Namespace) this.add(object, name);
    }
  }

  schema(): ProtoSchema {
    const schema = emptySchema();
    for (const [name, { values }] of this.#enums) {
      const names = new Map<number, string>();
      for (const [key, value] of Object.entries(values)) setFirst(names, value, key);
      schema.enums.set(name, names);
    }
    for (const [name, type] of this.#types) {
      const fields = new Map<number, ProtoField>();
      for (const field of type.fieldsArray) {
        fields.set(field.id, this.#field(field, name, schema));
      }
      schema.messages.set(name, { fields, mapEntry: false });
    }
    for (const [name, service] of this.#services) {
      for (const { name: method, requestType, responseType } of service.methodsArray) {
        const request = this.#find(requestType, name);
        const response = this.#find(responseType, name);
        if (request !== null && response !== null) {
          schema.methods.set(`${name}/${method}`, { request, response });
        }
      }
    }
    return schema;
  }

  #field(field: protobuf.Field, scope: string, schema: ProtoSchema): ProtoField {
    const { name, id } = field;
    if (!(field instanceof protobuf.MapField)) {
      return { name, ...this.#type(field.type, scope), repeated: field.repeated };
    }
    // A map is a list of entries, which are messages without a name of their own.
    const typeName = `${scope}.[map ${id}]`;
    const key = { name: 'key', ...this.#type(field.keyType, scope), repeated: false };
    const value = { name: 'value', ...this.#type(field.type, scope), repeated: false };
    schema.messages.set(typeName, {
      fields: new Map([
        [1, key],
        [2, value],
      ]),
      mapEntry: true,
    });
    return { name, type: 'message', typeName, repeated: true };
  }

  #type(type: string, scope: string): Pick<ProtoField, 'type' | 'typeName'> {
    if (SCALARS.has(type)) return { type: type as ScalarType, typeName: null };
    const typeName = this.#find(type, scope);
    if (typeName === null) return { type: 'message', typeName: null };
    if (this.#enums.has(typeName)) return { type: 'enum', typeName };
    // Set by the parser, and not declared.
    const { group } = this.#types.get(typeName) as protobuf.Type & { readonly group?: boolean };
    return { type: group === true ? 'group' : 'message', typeName };
  }

  #find(name: string, scope: string): string | null {
    return resolveName(name, scope, (full) => this.#types.has(full) || this.#enums.has(full));
  }
}

function setFirst<K, V>(map: Map<K, V>, key: K, value: V): void {
  if (!map.has(key)) map.set(key, value);
}
