/**
 * Remembers files with TLS code, outside of the system's library folders, that earlier traces used: Go programs, and
 * programs with an OpenSSL of their own. The helper attaches probes to them when a trace starts, so that the probes are in
 * place however a program is started (docs/tls.md). Only paths are kept, in the user's cache folder. They are hints: a wrong
 * one only costs time.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import type { Tls, TlsLibrary } from '../../helper/protocol.ts';

/** Each costs some milliseconds as a trace starts. */
const MAX_REMEMBERED = 16;
const MAX_PATH = 1024;
/** Maximum size of the file in bytes; it never gets this large. */
const MAX_FILE = 64 * 1024;
/** Folders that every trace searches anyway. */
const OF_SYSTEM = /^\/(?:usr\/(?:local\/)?)?lib(?:64)?\//;

export class RememberedPrograms {
  readonly #file: string | null;
  /** Files of this trace, oldest first. */
  readonly #seen = new Set<string>();

  /** @param file null: nothing is remembered */
  constructor(file: string | null = ownFile()) {
    this.#file = file;
  }

  /** Absolute paths, the most recently used first. */
  read(): string[] {
    if (this.#file === null) return [];
    try {
      if (statSync(this.#file).size > MAX_FILE) return [];
      const paths: unknown = JSON.parse(readFileSync(this.#file, 'utf8'));
      return Array.isArray(paths) ? paths.filter(isPath).slice(0, MAX_REMEMBERED) : [];
    } catch {
      return []; // Missing or damaged: the next save() rewrites it.
    }
  }

  /** A traced process's TLS libraries. */
  saw({ libraries }: Tls): void {
    for (const library of libraries) {
      if (!isRemembered(library)) continue;
      this.#seen.delete(library.path);
      this.#seen.add(library.path);
    }
  }

  /** Writes this trace's files, followed by those of earlier traces. */
  save(): void {
    if (this.#file === null || this.#seen.size === 0) return;
    const before = this.read();
    const paths = [...new Set([...[...this.#seen].reverse(), ...before])].slice(0, MAX_REMEMBERED);
    if (paths.join('\n') === before.join('\n')) return;
    const partial = `${this.#file}.${process.pid}`;
    try {
      makeFolder(dirname(dirname(this.#file)));
      makeFolder(dirname(this.#file));
      writeFileSync(partial, JSON.stringify(paths), { mode: 0o600, flag: 'wx' });
      renameSync(partial, this.#file);
    } catch {
      // A full disk, or a folder that cannot be written: the next trace does without.
      rmSync(partial, { force: true });
    }
  }
}

/** Not programs with OpenSSL built in (Node): they start slowly, and many untraced ones use the same file. */
function isRemembered({ kind, path, inExecutable, attached }: TlsLibrary): boolean {
  return attached && isPath(path) && !OF_SYSTEM.test(path) && (kind === 'go' || !inExecutable);
}

function isPath(path: unknown): path is string {
  return typeof path === 'string' && isAbsolute(path) && path.length <= MAX_PATH && !path.includes('\0');
}

/** Does not create parent folders: in some places (/proc) `recursive` would not terminate. */
function makeFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) mkdirSync(path, { mode: 0o700 });
}

/** Under sudo the environment may name folders of another user: nothing is kept there. */
function ownFile(): string | null {
  const set = process.env['XDG_CACHE_HOME'];
  const folder = set !== undefined && isAbsolute(set) ? set : join(homedir(), '.cache');
  try {
    const { uid, mode } = statSync(set === folder ? folder : dirname(folder));
    return uid === process.geteuid?.() && (mode & 0o022) === 0
      ? join(folder, 'http-trace', 'programs.json')
      : null;
  } catch {
    return null;
  }
}
