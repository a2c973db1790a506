// Test data made by others, which is not part of the project. Tests read it where it is, beside the clone, and are
// skipped where it is not: visibly, and with how to get it.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** `HTTP_TRACE_CORPORA` names another folder. */
export const CORPORA = process.env.HTTP_TRACE_CORPORA ?? join(root, '../shared/corpora');

/** Where each comes from: a repository on GitHub and the commit that the tests were written against. */
const UPSTREAM = {
  'llhttp/test': { repository: 'nodejs/llhttp', commit: '01e105a', clone: 'llhttp' },
  'nghttp2-fuzz/fuzz/corpus': { repository: 'nghttp2/nghttp2', commit: '692c8d8', clone: 'nghttp2-fuzz' },
};

/**
 * @param {keyof typeof UPSTREAM} path below the folder of all corpora.
 * @returns the folder, or null where it is missing, and a title for tests that says so.
 */
export function corpus(path, folder = CORPORA) {
  const { repository, commit, clone } = UPSTREAM[path];
  const found = join(folder, path);
  if (existsSync(found)) return { folder: found, title: `inputs of ${repository}` };
  const title = `inputs of ${repository}: SKIPPED, missing. Clone it at ${commit} into ${join(folder, clone)}`;
  // Reporters show how many tests were skipped, but not their titles; `npm test` repeats this line at its end.
  console.warn(title);
  return { folder: null, title };
}
