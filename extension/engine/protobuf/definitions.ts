/** The request and response messages of methods: from .proto files, else from servers' reflection. */
import type { MessageKind } from '../exchange.ts';
import { Reflection } from './reflection.ts';
import { emptySchema, type ProtoSchema } from './schema.ts';

export type DefinitionSource = 'proto' | 'reflection';

export interface Definition {
  /** Full name of the message. */
  readonly type: string;
  readonly schema: ProtoSchema;
  readonly source: DefinitionSource;
}

export class Definitions {
  #files: ProtoSchema = emptySchema();
  readonly #reflection = new Reflection();

  /** Replaces the earlier files. */
  setFiles(schema: ProtoSchema): void {
    this.#files = schema;
  }

  /** @param response a `ServerReflectionResponse`. */
  learn(response: Buffer): void {
    this.#reflection.add(response);
  }

  /** @returns null when the method is not defined. */
  of(service: string | null, method: string | null, kind: MessageKind): Definition | null {
    const name = `${service}/${method}`;
    for (const [schema, source] of [
      [this.#files, 'proto'],
      [this.#reflection.schema, 'reflection'],
    ] as const) {
      const type = schema.methods.get(name)?.[kind];
      if (type !== undefined && schema.messages.has(type)) return { type, schema, source };
    }
    return null;
  }
}
