/** The .proto files of a folder. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { MAX_PROTO_BYTES, MAX_PROTO_FILES } from './limits.ts';
import type { ProtoFile } from './readProtos.ts';

export { readProtos } from './readProtos.ts';

/** Only these: imports are resolved in the workspace, and may name files in any other folder. */
const SKIPPED: ReadonlySet<string> = new Set(['node_modules', '.git']);

/** @param path a folder, or a file. @throws the system's error for one that cannot be read. */
export function protoFiles(path: string): ProtoFile[] {
  if (statSync(path).isFile()) return [{ path, text: readFileSync(path, 'utf8') }];
  const files: ProtoFile[] = [];
  const folders = [path];
  let bytes = 0;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const found = join(folder, entry.name);
      if (entry.isDirectory() && !SKIPPED.has(entry.name)) folders.push(found);
      if (!entry.isFile() || !entry.name.endsWith('.proto')) continue;
      bytes += statSync(found).size;
      if (files.length >= MAX_PROTO_FILES || bytes > MAX_PROTO_BYTES) return files;
      files.push({ path: found, text: readFileSync(found, 'utf8') });
    }
  }
  return files;
}
