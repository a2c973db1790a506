/**
 * A trace the extension's way, without VS Code: its worker, its engine and its rows, in a process of their own. No
 * JSON is made of a call, so that as many calls as a machine can make are compared in seconds.
 */
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExchangeRow } from '../../extension/engine/row.ts';
import type { Status } from '../../helper/protocol.ts';
import { assert } from './check.ts';
import { Child } from './process.ts';
import { bundleWindow } from './window/bundle.mjs';
import { SETTINGS, type WindowFacts, type WindowHeld, type WindowSettings } from './window/settings.ts';

export interface WindowTraced {
  /** Empty when they were only counted. */
  readonly rows: readonly ExchangeRow[];
  /** Of rows, including those evicted. */
  readonly count: number;
  /** The helper's final one. */
  readonly status: Status;
  readonly memory: WindowMemory;
}

/** In bytes. */
export interface WindowMemory {
  /** Peak resident memory: of the helper, and of the process with the engine's thread. */
  readonly helper: number;
  readonly engine: number;
  /** What the helper alone uses: without its program's pages, which all processes of that program share. */
  readonly helperOwn: number;
  /** What the engine's thread holds when garbage is collected; null: not measured. */
  readonly engineHeld: number | null;
}

/** Milliseconds to process all that is pending in the rings and in user space when the trace ends. */
const END_PATIENCE = 120_000;

export class WindowTrace {
  readonly #host: Child;
  readonly #settings: WindowSettings;

  private constructor(host: Child, settings: WindowSettings) {
    this.#host = host;
    this.#settings = settings;
  }

  /**
   * Resolves once the processes are traced.
   * @param dist the built product
   * @param folder for its files
   * @param options ringSize: bytes of the data ring, null: as by default. rows: whether to keep them. held: whether to
   *   measure what the engine holds in the end
   */
  static async start(
    dist: string,
    folder: string,
    pids: readonly number[],
    {
      ringSize = null,
      rows: kept = true,
      held: measured = false,
    }: { ringSize?: number | null; rows?: boolean; held?: boolean } = {},
  ): Promise<WindowTrace> {
    const extension = mkdtempSync(join(folder, 'window-'));
    const program = await bundleWindow(extension);
    const file = (name: string): string => join(extension, name);
    const settings: WindowSettings = {
      dist,
      extension,
      ringSize,
      facts: file('facts'),
      status: file('status'),
      held: measured ? file('held') : null,
      rows: kept ? file('rows') : null,
    };
    const env = { ...process.env, [SETTINGS]: JSON.stringify(settings) };
    const flags = ['--enable-source-maps', ...(measured ? ['--expose-gc'] : [])];
    const host = new Child(process.execPath, [...flags, program, ...pids.map(String)], { env });
    await host.untilStdout('running');
    return new WindowTrace(host, settings);
  }

  /** The process with the engine's thread. */
  get engine(): number {
    return this.#host.pid;
  }

  get helper(): number {
    const facts = JSON.parse(readFileSync(this.#settings.facts, 'utf8')) as WindowFacts;
    return facts.helper;
  }

  async stop(): Promise<WindowTraced> {
    const helper = peakMemory(this.helper);
    const helperOwn = memory(this.helper, 'RssAnon');
    this.#host.write('stop\n');
    await this.#host.untilStdout('stopped', END_PATIENCE);
    // Includes the rows if the test asked for them.
    const engine = peakMemory(this.engine);
    const { stdout, stderr } = await this.#host.ended;
    assert(existsSync(this.#settings.status), `the helper ended without a final status: ${stderr}`);
    const count = Number(/^stopped (\d+)$/m.exec(stdout)?.[1]);
    const rows = readRows(this.#settings.rows);
    const status = JSON.parse(readFileSync(this.#settings.status, 'utf8')) as Status;
    return { rows, count, status, memory: { helper, engine, helperOwn, engineHeld: this.#held() } };
  }

  #held(): number | null {
    if (this.#settings.held === null) return null;
    const { heap, buffers } = JSON.parse(readFileSync(this.#settings.held, 'utf8')) as WindowHeld;
    return heap + buffers;
  }
}

function readRows(file: string | null): ExchangeRow[] {
  if (file === null) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  assert(lines.pop() === '', 'The rows do not end with a line end.');
  return lines.map((line) => JSON.parse(line) as ExchangeRow);
}

/** Peak resident bytes so far; 0 when the process has ended. */
function peakMemory(pid: number): number {
  return memory(pid, 'VmHWM');
}

/** A line of /proc/PID/status in bytes; 0 when the process has ended. */
function memory(pid: number, line: 'VmHWM' | 'RssAnon'): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    return Number(new RegExp(`^${line}:\\s*(\\d+)`, 'm').exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
