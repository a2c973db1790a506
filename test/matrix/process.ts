/** Processes that the matrix starts: their lines, their end, and that none is left over. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const running = new Set<Started>();

/** Ends everything that still runs. A grandchild may hold the pipes for longer: that is not waited for. */
export async function endAll(): Promise<void> {
  for (const one of running) one.process.kill('SIGKILL');
  await Promise.race([Promise.all([...running].map((one) => one.ended)), sleep(2_000)]);
}

export class Started {
  readonly process: ChildProcess;
  readonly ended: Promise<number | NodeJS.Signals | null>;
  readonly lines: string[] = [];
  stderr = '';
  #over = false;
  #wake: () => void = () => {};

  constructor(command: string, args: readonly string[]) {
    this.process = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    running.add(this);
    const { stdin, stdout, stderr } = this.process;
    if (stdin === null || stdout === null || stderr === null) throw new Error('no pipes');
    stdin.on('error', () => {}); // Its end is told by `ended`.
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.#wake();
    });
    createInterface({ input: stdout }).on('line', (line) => {
      this.lines.push(line);
      this.#wake();
    });
    this.ended = once(this.process, 'close').then(([code, signal]) => {
      running.delete(this);
      this.#over = true;
      this.#wake();
      return code ?? signal;
    });
    this.ended.catch(() => running.delete(this));
  }

  get pid(): number {
    if (this.process.pid === undefined) throw new Error('it did not start');
    return this.process.pid;
  }

  get over(): boolean {
    return this.#over;
  }

  write(text: string): void {
    this.process.stdin?.write(text);
  }

  endInput(): void {
    this.process.stdin?.end();
  }

  /** Waits for a condition on what it has said. @throws when it ends or takes too long */
  async until(met: () => boolean, what: string, timeout: number): Promise<void> {
    const limit = Date.now() + timeout;
    while (!met()) {
      if (this.#over) throw new Error(`it ended before ${what}: ${this.stderr.slice(-500)}`);
      if (Date.now() > limit) {
        throw new Error(`no ${what} within ${timeout / 1000} s: ${this.stderr.slice(-500)}`);
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
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
