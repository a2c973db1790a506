/** For tests: programs and libraries as a compiler makes them. */
import { spawnSync } from 'node:child_process';

/** @throws with what gcc says */
export function compile(source: string, output: string, ...words: string[]): string {
  const { status, stderr, error } = spawnSync('gcc', ['-x', 'c', '-', '-x', 'none', '-o', output, ...words], {
    input: source,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`gcc: ${error?.message ?? stderr}`);
  return output;
}
