/**
 * Decides for which processes the eBPF programs take stacks (bpf/stack.h): for native programs that have debug information,
 * or whose own libraries have. Reports their code mappings to the client, which needs them to get from an address to a line.
 * Files are read like those of TLS libraries (helper/tls/elf.ts).
 */
import { closeSync, fstatSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import type { Descriptors, Facts } from './facts.ts';
import { type Native, StackState } from './native.ts';
import type { NativeModuleRange, NativeProgram } from './protocol.ts';
import { hasLines, separateDebugFile } from './tls/debugFile.ts';
import { ElfFile, isUnreadable } from './tls/elf.ts';
import { type CodeMapping, idOf, openMapping, readCodeRanges } from './tls/maps.ts';
import { startOf } from './tls/program.ts';

/** System libraries are not a program's own code. */
const SYSTEM_LIBRARY = /^\/(?:usr\/)?lib(?:32|64|x32)?\//;
/** Interpreters, whose native stacks do not show the script's lines; see docs/debugging.md. */
const INTERPRETERS =
  /^(?:node|nodejs|electron|bun|deno|python[\d.]*|ruby[\d.]*|perl[\d.]*|php[\d.-]*|java|dotnet|lua[\d.]*|luajit|Rscript|R|guile[\d.]*|erl|beam\.smp)$/;
const MAX_FILES = 4_096;
const MAX_RANGES = 1_024;
/** Delay after exec if no probe reports that libraries have been loaded (`--tls none`). */
const LOOK_AGAIN_MS = [20, 200];

interface FileFacts {
  /** Has line information, or a separate file has it. */
  readonly lines: boolean;
  /** Its callers are found in another way (bpf/gocaller.h). */
  readonly go: boolean;
}

const NOTHING: FileFacts = { lines: false, go: false };

export class StackPolicies {
  readonly #native: Native;
  readonly #map: number;
  readonly #enabled: boolean;
  readonly #looksAgain: boolean;
  readonly #report: (program: NativeProgram) => void;
  readonly #startOf: (pid: number) => string | null;
  readonly #files = new Map<string, FileFacts>();
  /** What was reported of each process, as JSON. */
  readonly #reported = new Map<number, string>();
  /**
   * When each examined process began; null: it had ended by then. The event of its end may be lost, and its id may be
   * reused.
   */
  readonly #starts = new Map<number, string | null>();
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(
    native: Native,
    { missing, tlsAttach }: Pick<Facts, 'missing' | 'tlsAttach'>,
    { stacks }: Pick<Descriptors, 'stacks'>,
    report: (program: NativeProgram) => void,
    /** When a process began; null when it has ended. */
    start: (pid: number) => string | null = startOf,
  ) {
    this.#native = native;
    this.#map = stacks;
    this.#enabled = missing.stacks === '';
    this.#looksAgain = tlsAttach === 'none';
    this.#report = report;
    this.#startOf = start;
  }

  /**
   * The process has executed a program, or loaded libraries.
   * @param maps its /proc/PID/maps at that moment, as it may have ended since; empty: not known
   * @param librariesLoaded if false, the lack of lines is not certain yet
   */
  noticed(pid: number, maps: string, librariesLoaded: boolean): void {
    if (!librariesLoaded) this.#reported.delete(pid);
    this.#look(pid, librariesLoaded, maps);
    if (librariesLoaded || !this.#looksAgain) return;
    for (const delay of LOOK_AGAIN_MS) {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        this.#look(pid, true);
      }, delay);
      this.#timers.add(timer);
    }
  }

  /** The process is a target, and may have loaded libraries since it was last examined. */
  consider(pid: number): void {
    this.#look(pid, true);
  }

  /** Examines every process again, in case an event was lost, even that of its end. */
  considerAll(): void {
    for (const [pid, start] of [...this.#starts]) {
      if (start !== null && this.#startOf(pid) === start) this.#look(pid, true);
      else this.forget(pid);
    }
  }

  forget(pid: number): void {
    if (!this.#enabled) return;
    this.#reported.delete(pid);
    this.#starts.delete(pid);
    this.#native.deleteTarget(this.#map, pid);
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  /** @param librariesLoaded if false, the lack of lines is not certain yet */
  #look(pid: number, librariesLoaded: boolean, maps = ''): void {
    if (!this.#enabled) return;
    const { mappings, ranges } = readCodeRanges(pid, maps);
    if (mappings.length === 0) return;
    this.#starts.set(pid, this.#startOf(pid));
    const since = this.#native.readClocks()[0].toString();
    const wanted = this.#isWanted(pid, mappings);
    if (!wanted && !librariesLoaded) return;
    this.#set(pid, wanted);
    if (!wanted) return;
    const files = new Map(mappings.map((mapping) => [mapping.key, this.#describe(pid, mapping)]));
    const modules = ranges
      .slice(0, MAX_RANGES)
      .flatMap(({ key, start, end, offset }): NativeModuleRange[] => {
        const file = files.get(key) ?? null;
        return file === null ? [] : [{ ...file, start, end, offset }];
      });
    const text = JSON.stringify(modules);
    if (text === this.#reported.get(pid)) return;
    this.#reported.set(pid, text);
    this.#report({ pid, since, modules });
  }

  #set(pid: number, wanted: boolean): void {
    try {
      this.#native.setStacks(this.#map, pid, wanted ? StackState.Wanted : StackState.Unwanted);
    } catch {
      // The table is full: it stays undecided.
    }
  }

  #isWanted(pid: number, mappings: readonly CodeMapping[]): boolean {
    const program = mappings.find(({ executed }) => executed);
    if (program !== undefined && INTERPRETERS.test(basename(program.path))) return false;
    let lines = false;
    for (const mapping of mappings) {
      if (!mapping.executed && SYSTEM_LIBRARY.test(mapping.path)) continue;
      const facts = this.#factsOf(pid, mapping);
      if (mapping.executed && facts.go) return false;
      lines ||= facts.lines;
    }
    return lines;
  }

  #factsOf(pid: number, mapping: CodeMapping): FileFacts {
    const descriptor = openMapping(pid, mapping);
    if (descriptor === null) return NOTHING;
    try {
      const id = idOf(descriptor);
      const known = this.#files.get(id);
      if (known !== undefined) return known;
      const facts = readFacts(descriptor);
      if (this.#files.size >= MAX_FILES) this.#files.clear();
      this.#files.set(id, facts);
      return facts;
    } finally {
      closeSync(descriptor);
    }
  }

  /** null: its file cannot be identified. */
  #describe(pid: number, mapping: CodeMapping): Omit<NativeModuleRange, 'start' | 'end' | 'offset'> | null {
    const descriptor = openMapping(pid, mapping);
    if (descriptor === null) return null;
    try {
      const { dev, ino, size, mtimeNs } = fstatSync(descriptor, { bigint: true });
      return {
        path: readlinkSync(`/proc/self/fd/${descriptor}`),
        device: dev.toString(),
        inode: ino.toString(),
        size: size.toString(),
        modified: mtimeNs.toString(),
      };
    } catch {
      return null;
    } finally {
      closeSync(descriptor);
    }
  }
}

/** null: the path cannot be read. */
function pathOf(descriptor: number): string | null {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    return null;
  }
}

function readFacts(descriptor: number): FileFacts {
  try {
    const elf = ElfFile.read(descriptor);
    const has = (name: string): boolean =>
      elf.sections.some((section) => section.name === name && section.size + section.packed > 0);
    if (has('.gopclntab') || has('.go.buildinfo')) return { lines: false, go: true };
    if (hasLines(elf)) return { lines: true, go: false };
    const separate = separateDebugFile(elf, pathOf(descriptor));
    if (separate === null) return NOTHING;
    closeSync(separate.descriptor);
    return { lines: true, go: false };
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return NOTHING;
  }
}
