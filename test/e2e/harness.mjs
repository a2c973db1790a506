// Runs steps in order, each building on the previous ones; the first failure skips the rest.
import { writeFileSync } from 'node:fs';

/** Until something is there that has to come: a busy machine takes its time, in milliseconds. */
export const PATIENCE = 180_000;

export class Steps {
  results = { passed: 0, failed: 0, skipped: 0, failures: [] };

  /** @param onFailure takes a screenshot of the failure. */
  constructor(onFailure) {
    this.onFailure = onFailure;
  }

  async step(name, body) {
    if (this.results.failed > 0) {
      this.results.skipped += 1;
      console.log(`skipped ${name}`);
      return;
    }
    const begin = performance.now();
    try {
      await body();
      this.results.passed += 1;
      console.log(`ok ${name} (${Math.round(performance.now() - begin)} ms)`);
    } catch (error) {
      this.results.failed += 1;
      this.results.failures.push({ name, detail: error.stack });
      console.log(`FAILED ${name}\n${error.stack}`);
      await this.onFailure().catch(() => {});
    }
  }

  skip(name, reason) {
    this.results.skipped += 1;
    console.log(`skipped ${name}: ${reason}`);
  }

  /** Writes counts and failures where `npm test` wants them. */
  finish() {
    const { passed, failed, skipped } = this.results;
    const file = process.env['HTTP_TRACE_RESULTS'];
    if (file !== undefined) writeFileSync(file, JSON.stringify(this.results));
    console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
    return failed === 0;
  }
}

/** Looks until it is true; fails with the sentence. */
export async function eventually(look, what, ms = PATIENCE) {
  const deadline = Date.now() + ms;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (Date.now() > deadline) throw new Error(`not within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
