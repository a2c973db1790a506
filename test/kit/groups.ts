/** The results of a suite that runs outside of a test framework: lines of JSON in a file, which test/matrix/board.mjs reads. */
import { appendFileSync } from 'node:fs';
import type { Result } from './report.ts';

/** A result, perhaps with its backend, or the name of the group that has begun. */
type Line = (Result & { readonly backend?: string }) | { readonly group: string };

export class ResultFile {
  readonly #file: string | undefined;

  /** @param file its lines are appended to; undefined: they go to the standard output */
  constructor(file: string | undefined) {
    this.#file = file;
  }

  write(line: Line): void {
    const text = `${JSON.stringify(line)}\n`;
    if (this.#file === undefined) process.stdout.write(text);
    else appendFileSync(this.#file, text);
  }

  /** Runs a group of scenarios and logs its time. Its start is written, so that the log of a killed run names it. */
  async group(name: string, body: () => Promise<void>): Promise<void> {
    this.write({ group: name });
    const begin = performance.now();
    await body();
    console.log(`${name}: ${((performance.now() - begin) / 1000).toFixed(0)} s`);
  }
}
