/** What a window's trace without VS Code is started with: from windowTrace.ts or the benchmark, to its two threads. */

/** The environment variable. */
export const SETTINGS = 'HTTP_TRACE_WINDOW';

export interface WindowSettings {
  /** The built product. */
  readonly dist: string;
  /** The folder of which `dist/worker.js` is the engine's thread. */
  readonly extension: string;
  /** Bytes of the data ring; null: as by default. */
  readonly ringSize: number | null;
  /** File for {@link WindowFacts}, once the helper runs. */
  readonly facts: string;
  /** File for the helper's final status. */
  readonly status: string;
  /** File for {@link WindowHeld}, where the process has `gc` (--expose-gc); null: it is not measured. */
  readonly held: string | null;
  /** File for the rows, one line of JSON each; null: they are counted only. */
  readonly rows: string | null;
}

export interface WindowFacts {
  /** Process id. */
  readonly helper: number;
  /** Thread id of the engine. */
  readonly thread: number;
}

/** What the engine's thread holds once the trace has ended and garbage is collected, in bytes. */
export interface WindowHeld {
  readonly heap: number;
  /** Outside of the heap: captured bytes, mostly. */
  readonly buffers: number;
}

export function readSettings(): WindowSettings {
  return JSON.parse(process.env[SETTINGS] ?? 'null') as WindowSettings;
}
