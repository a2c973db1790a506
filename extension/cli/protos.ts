/** The option --proto: definitions of gRPC messages from .proto files. */
import type { ProtoSchema } from '../engine/protobuf/schema.ts';
import { EXIT_USAGE, Exit } from './exitStatus.ts';
import { reasonOf } from './privateFile.ts';
import { say } from './say.ts';

/**
 * A file that cannot be parsed is reported, and the others are used.
 * @param path a folder, searched recursively, or a file; null: the option was not given.
 * @throws Exit when there is nothing to be read
 */
export async function openProtos(path: string | null): Promise<ProtoSchema | null> {
  if (path === null) return null;
  // Loaded on demand: hardly any trace needs the parser.
  const { protoFiles, readProtos } = await import('../protos/folder.ts');
  const name = JSON.stringify(path);
  let files: ReturnType<typeof protoFiles>;
  try {
    files = protoFiles(path);
  } catch (error) {
    throw new Exit(EXIT_USAGE, `--proto ${name} cannot be read: ${reasonOf(error)}.`);
  }
  if (files.length === 0) throw new Exit(EXIT_USAGE, `--proto ${name} has no .proto files.`);
  const { schema, problems } = readProtos(files);
  for (const problem of problems) say(problem);
  return schema;
}
