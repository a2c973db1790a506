/** Where the trace is written: standard output, or a file that only its owner can read. */
import { isGone, PrivateFile, reasonOf } from './privateFile.ts';

/**
 * Bytes that may wait for a slow reader of standard output. Beyond it the trace ends with an error, instead of using more
 * memory or dropping lines.
 */
const MAX_WAITING = 256 * 1024 * 1024;
/** `drained` waits above this many bytes. */
const HIGH_WATER = 1024 * 1024;

export interface Output {
  /** Width of the terminal in characters; null: not a terminal. */
  readonly columns: number | null;
  /** Does nothing once broken. */
  write(text: string): void;
  /** Resolves when there is room, at once unless a reader is slow. */
  drained(): Promise<void>;
  /** Resolves when nothing more can be written: null when the output has no reader any more, else the error. */
  readonly broken: Promise<string | null>;
  /** Resolves when all is written: with an error that shows only then, else null. */
  end(): Promise<string | null>;
  /** Discards the file: there was nothing to write. */
  discard(): void;
}

/** `--output FILE`. */
export class FileOutput implements Output {
  readonly columns = null;
  readonly broken: Promise<string | null>;
  readonly #path: string;
  readonly #file: PrivateFile;
  #break: (problem: string | null) => void = () => {};
  #open = true;

  /** @throws Exit when it cannot be written. */
  constructor(path: string) {
    this.#path = path;
    this.#file = PrivateFile.open(path);
    this.broken = new Promise((resolve) => {
      this.#break = resolve;
    });
  }

  write(text: string): void {
    if (!this.#open) return;
    try {
      this.#file.write(Buffer.from(text));
    } catch (error) {
      this.#open = false;
      this.#break(isGone(error) ? null : this.#problem(error));
    }
  }

  async drained(): Promise<void> {}

  async end(): Promise<string | null> {
    if (!this.#open) return null;
    this.#open = false;
    try {
      this.#file.commit();
      return null;
    } catch (error) {
      return this.#problem(error);
    }
  }

  discard(): void {
    this.#open = false;
    this.#file.discard();
  }

  #problem(error: unknown): string {
    return `${JSON.stringify(this.#path)} cannot be written: ${reasonOf(error)}.`;
  }
}

export class StandardOutput implements Output {
  readonly broken: Promise<string | null>;
  readonly columns: number | null;
  #open = true;
  #break: (problem: string | null) => void = () => {};

  readonly #stream: NodeJS.WriteStream;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    this.columns = stream.isTTY && stream.columns > 0 ? stream.columns : null;
    this.broken = new Promise((resolve) => {
      this.#break = (problem) => {
        this.#open = false;
        resolve(problem);
      };
    });
    stream.on('error', (error: unknown) => {
      this.#break(isGone(error) ? null : `Standard output cannot be written: ${reasonOf(error)}.`);
    });
  }

  write(text: string): void {
    if (!this.#open) return;
    this.#stream.write(text);
    if (this.#stream.writableLength > MAX_WAITING) {
      this.#break('The reader of standard output is too slow: 256 MiB are waiting. Use --output FILE.');
    }
  }

  async drained(): Promise<void> {
    if (!this.#open || this.#stream.writableLength < HIGH_WATER) return;
    await Promise.race([new Promise((resolve) => this.#stream.once('drain', resolve)), this.broken]);
  }

  async end(): Promise<null> {
    if (this.#open) {
      await Promise.race([new Promise((resolve) => this.#stream.write('', resolve)), this.broken]);
    }
    return null;
  }

  discard(): void {}
}
