/**
 * Predicts programs that are built and executed during the trace (`go run`, `cargo run`): a linker's output is examined when
 * the linker ends, some time before it is executed.
 *
 * This only reads files. A wrong prediction costs time, nothing else.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { basename, isAbsolute, join } from 'node:path';

/** Of Go, GNU, LLVM and mold; `collect2` of GCC starts one of these. */
const LINKERS = /^(?:link|ld|ld\.bfd|ld\.gold|ld\.lld|lld|mold|(?:[\w-]+-)?ld(?:\.\w+)?)$/;
const MAX_RUNNING = 64;

export class LinkerOutputs {
  /** Paths by the linker's process id. */
  readonly #running = new Map<number, string>();

  executed(pid: number): void {
    this.#running.delete(pid);
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      if (!LINKERS.test(basename(words[0] ?? ''))) return;
      const output = outputOf(words);
      if (output === null || this.#running.size >= MAX_RUNNING) return;
      const path = isAbsolute(output) ? output : join(readlinkSync(`/proc/${pid}/cwd`), output);
      this.#running.set(pid, path);
    } catch {
      // The process has ended.
    }
  }

  /** What it has written. */
  ended(pid: number): readonly string[] {
    const path = this.#running.get(pid);
    this.#running.delete(pid);
    return path === undefined ? [] : [path];
  }
}

/** `-o FILE`, `-oFILE` */
export function outputOf(words: readonly string[]): string | null {
  const at = words.indexOf('-o');
  if (at >= 0) return words[at + 1] ?? null;
  return words.find((word) => /^-o[^\s-]/.test(word))?.slice(2) ?? null;
}
