/** Processes that tests start: what they print, how they end, and that none outlives its test. */
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds that a process may take to print what is waited for, on a machine with much else to do. */
export const PATIENCE_MS = 180_000;
/** Milliseconds after a process's end within which its pipes close. */
const PIPES_MS = 10_000;
/** Characters of the standard error that an error message quotes. */
const QUOTED = 500;

const running = new Set<Child>();

/**
 * Kills everything that still runs.
 * @returns those whose pipes are still open when the patience ends, in milliseconds: a grandchild may hold them
 */
export async function endAll(patience = 2_000): Promise<readonly Child[]> {
  for (const child of running) child.kill('SIGKILL');
  const timer = new AbortController();
  const allEnded = Promise.allSettled([...running].map((child) => child.ended));
  await Promise.race([allEnded, sleep(patience, null, timer).catch(() => {})]);
  timer.abort();
  return [...running];
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class Child {
  readonly process: ChildProcess;
  /** Resolves when it has ended and its pipes are closed. Rejects when it could not be started. */
  readonly ended: Promise<Ended>;
  /** The lines of its standard output so far; each character is a byte (latin1). */
  readonly lines: string[] = [];
  #stdout = '';
  #stderr = '';
  #hasEnded = false;
  #how = '';
  #linesTaken = 0;
  #wake: () => void = () => {};

  constructor(
    command: string,
    args: readonly string[],
    options: { cwd?: string; env?: NodeJS.ProcessEnv; stdio?: StdioOptions } = {},
  ) {
    this.process = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], ...options });
    running.add(this);
    const { stdin, stdout, stderr } = this.process;
    if (stdin === null || stdout === null || stderr === null) throw new Error('The child has no pipes.');
    stdin.on('error', () => {}); // A child may end without reading its input.
    stdout.setEncoding('latin1').on('data', (text: string) => {
      this.#stdout += text;
    });
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
      this.#wake();
    });
    createInterface({ input: stdout }).on('line', (line) => {
      this.lines.push(line);
      this.#wake();
    });
    // A descendant may have inherited the pipes and live on: then they never close by themselves.
    this.process.once('exit', () => {
      const timer = setTimeout(() => this.#closePipes(), PIPES_MS);
      this.process.once('close', () => clearTimeout(timer));
    });
    this.ended = once(this.process, 'close').then(
      ([code, signal]) => {
        this.#how = signal ?? `exit code ${code}`;
        this.#end();
        return { code, signal, stdout: this.#stdout, stderr: this.#stderr };
      },
      (error: Error) => {
        this.#stderr += error.message;
        this.#how = 'not started';
        this.#end();
        throw error;
      },
    );
    this.ended.catch(() => {}); // The code that waits for it gets the error.
  }

  static of([program = '', ...args]: readonly string[]): Child {
    return new Child(program, args);
  }

  get pid(): number {
    if (this.process.pid === undefined) throw new Error(`${this.process.spawnfile} did not start.`);
    return this.process.pid;
  }

  /** Its exit code, or the signal that ended it. */
  get status(): Promise<number | NodeJS.Signals | null> {
    return this.ended.then(({ code, signal }) => code ?? signal);
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  get stderr(): string {
    return this.#stderr;
  }

  write(text: string | Uint8Array): void {
    this.process.stdin?.write(text);
  }

  endInput(text: string | Uint8Array = ''): void {
    this.process.stdin?.end(text);
  }

  kill(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  /** Kills it if it still runs after so many milliseconds. */
  killAfter(milliseconds: number): void {
    const timer = setTimeout(() => this.kill('SIGKILL'), milliseconds);
    const clear = (): void => clearTimeout(timer);
    this.ended.then(clear, clear);
  }

  /** The next line of its standard output. */
  async line(): Promise<string> {
    await this.until(() => this.lines.length > this.#linesTaken, 'a line');
    return this.lines[this.#linesTaken++] ?? '';
  }

  /** Waits until its standard error contains this text. */
  untilStderr(text: string, patience = PATIENCE_MS): Promise<void> {
    return this.until(() => this.#stderr.includes(text), JSON.stringify(text), patience);
  }

  /** Waits until its standard output has a line that begins so. */
  untilStdout(text: string, patience = PATIENCE_MS): Promise<void> {
    return this.until(() => this.lines.some((line) => line.startsWith(text)), JSON.stringify(text), patience);
  }

  /** Waits for a condition on what it has printed. @throws when it ends or takes too long */
  async until(met: () => boolean, what: string, patience = PATIENCE_MS): Promise<void> {
    const limit = Date.now() + patience;
    while (!met()) {
      const { spawnfile } = this.process;
      const quoted = this.#stderr.slice(-QUOTED);
      if (this.#hasEnded) throw new Error(`${spawnfile} ended (${this.#how}) before ${what}: ${quoted}`);
      if (Date.now() > limit) {
        throw new Error(`${spawnfile} printed no ${what} within ${patience / 1000} s: ${quoted}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 100);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  #closePipes(): void {
    this.#stderr += '\n(A descendant that lives on holds the pipes.)';
    this.process.stdout?.destroy();
    this.process.stderr?.destroy();
  }

  #end(): void {
    running.delete(this);
    this.#hasEnded = true;
    this.#wake();
  }
}
