/** Processes that tests start: their lines, their end, and that none outlives its test. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterEach } from 'vitest';

const running = new Set<Child>();
afterEach(async () => {
  for (const child of running) child.process.kill('SIGKILL');
  await Promise.all([...running].map((child) => child.ended));
});

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class Child {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
  readonly #lines: string[] = [];
  #stdout = '';
  #stderr = '';
  #wake: () => void = () => {};
  #closed = false;

  constructor(
    command: string,
    args: readonly string[],
    options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
  ) {
    this.process = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], ...options });
    running.add(this);
    const { stdin, stdout, stderr } = this.process;
    if (stdin === null || stdout === null || stderr === null) throw new Error('no pipes');
    stdin.on('error', () => {}); // A child that ends without reading is no failure of the test.
    stdout.setEncoding('latin1').on('data', (text: string) => {
      this.#stdout += text;
    });
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
      this.#wake();
    });
    createInterface({ input: stdout }).on('line', (line) => {
      this.#lines.push(line);
      this.#wake();
    });
    this.ended = once(this.process, 'close').then(([code, signal]) => {
      running.delete(this);
      this.#closed = true;
      this.#wake();
      return { code, signal, stdout: this.#stdout, stderr: this.#stderr };
    });
    this.ended.catch(() => running.delete(this));
  }

  get pid(): number {
    if (this.process.pid === undefined) throw new Error('the child did not start');
    return this.process.pid;
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

  /** The next line of its standard output. */
  async line(): Promise<string> {
    await this.#until(() => this.#lines.length > 0, 'a line');
    return this.#lines.shift() ?? '';
  }

  async said(text: string): Promise<void> {
    await this.#until(() => this.#stderr.includes(text), JSON.stringify(text));
  }

  async #until(met: () => boolean, what: string): Promise<void> {
    const limit = Date.now() + 40_000;
    while (!met()) {
      if (this.#closed) throw new Error(`${this.process.spawnfile} ended before ${what}: ${this.#stderr}`);
      if (Date.now() > limit) throw new Error(`${this.process.spawnfile} said no ${what}: ${this.#stderr}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 200);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}
