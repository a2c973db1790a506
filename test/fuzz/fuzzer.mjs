// A small coverage-guided fuzzer. Coverage is V8's own (blocks, with counts), so nothing is instrumented and there is
// nothing to install: an input that reaches a new block, or a block with a new order of magnitude of runs, is kept and
// mutated further. The same seed gives the same inputs.
import { Session } from 'node:inspector/promises';

/** Inputs run between two looks at the coverage; looking costs as much as some ten of them. */
const BATCH = 24;
const MAX_LENGTH = 24 * 1024;
/** CPU time of one input in milliseconds: far beyond any honest need of this many bytes, even on a slow machine. */
const MAX_CPU = 4_000;

export function random(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  return { next, below: (n) => Math.floor(next() * n) };
}

/** Which blocks of the script at `url` were run since the last look, with the order of magnitude of how often. */
class Coverage {
  #session = new Session();
  #seen = new Set();

  async start(url) {
    this.url = url;
    this.#session.connect();
    await this.#session.post('Profiler.enable');
    await this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** What is new; remembered when `keep`. */
  async look(keep) {
    const { result } = await this.#session.post('Profiler.takePreciseCoverage');
    let fresh = 0;
    for (const script of result) {
      if (script.url !== this.url) continue;
      for (const { ranges } of script.functions) {
        for (const { startOffset, endOffset, count } of ranges) {
          if (count === 0) continue;
          const key =
            (startOffset * 4_194_304 + endOffset) * 16 + Math.min(15, Math.floor(Math.log2(count) / 1.5));
          if (this.#seen.has(key)) continue;
          fresh++;
          if (keep) this.#seen.add(key);
        }
      }
    }
    return fresh;
  }

  get size() {
    return this.#seen.size;
  }

  stop() {
    this.#session.disconnect();
  }
}

/**
 * @param target name, run(Buffer), seeds, words
 * @returns { runs, kept, blocks, findings: [{ error, input }] }
 */
export async function fuzz(target, { url, seconds, seed, seeds, maxFindings = 5 }) {
  const dice = random(seed);
  const coverage = new Coverage();
  await coverage.start(url);
  const corpus = [];
  const findings = [];
  const reasons = new Set();
  let runs = 0;

  /** @returns false for a finding. */
  const run = (input) => {
    runs++;
    const before = process.cpuUsage();
    let error = null;
    try {
      // A copy: what is kept of it must not change with it.
      target.run(Buffer.from(input));
    } catch (caught) {
      error = caught;
    }
    const { user, system } = process.cpuUsage(before);
    const spent = (user + system) / 1000;
    if (error === null && spent > MAX_CPU)
      error = new Error(`takes ${Math.round(spent)} ms for ${input.length} bytes`);
    if (error === null) return true;
    const reason = String(error?.stack ?? error)
      .split('\n')
      .slice(0, 3)
      .join('\n')
      .replace(/\d+ ms for \d+/, 'long for');
    if (!reasons.has(reason)) {
      reasons.add(reason);
      findings.push({ error, input: shrink(input, reason) });
    }
    return false;
  };

  /** Leaves out what the finding does not need. */
  const shrink = (input, reason) => {
    const fails = (candidate) => {
      try {
        target.run(Buffer.from(candidate));
        return false;
      } catch (caught) {
        return (
          String(caught?.stack ?? caught)
            .split('\n')
            .slice(0, 3)
            .join('\n') === reason
        );
      }
    };
    if (reason.includes('long for')) return input;
    let best = input;
    const deadline = performance.now() + 5_000;
    for (let size = best.length >> 1; size >= 1; size >>= 1) {
      for (let at = 0; at + size <= best.length && performance.now() < deadline; ) {
        const candidate = Buffer.concat([best.subarray(0, at), best.subarray(at + size)]);
        if (fails(candidate)) best = candidate;
        else at += size;
      }
    }
    return best;
  };

  const end = performance.now() + seconds * 1000;
  for (const input of seeds) {
    const bytes = Buffer.from(input);
    if (performance.now() > end + seconds * 1000) break;
    if (run(bytes) && (await coverage.look(true)) > 0) corpus.push(bytes);
    if (corpus.length === 0) corpus.push(bytes);
  }
  if (corpus.length === 0) corpus.push(Buffer.from('a'));

  while (performance.now() < end && findings.length < maxFindings) {
    const batch = Array.from({ length: BATCH }, () => mutate(corpus, target.words, dice));
    const passed = batch.filter(run);
    if ((await coverage.look(false)) === 0) continue;
    for (const input of passed) {
      run(input);
      if ((await coverage.look(true)) > 0) corpus.push(input);
    }
  }
  const { size: blocks } = coverage;
  coverage.stop();
  return { runs, kept: corpus.length, blocks, findings };
}

const INTERESTING = [0, 1, 2, 7, 8, 9, 10, 13, 15, 16, 31, 32, 63, 64, 127, 128, 254, 255];

/** A few changes of one of the inputs that are kept; the newer ones more often. */
function mutate(corpus, words, { next, below }) {
  const newer = next() < 0.5 ? Math.floor(corpus.length * 0.8) : 0;
  let input = Buffer.from(corpus[newer + below(corpus.length - newer)]);
  const changes = 1 + below(next() < 0.3 ? 12 : 4);
  for (let i = 0; i < changes; i++) {
    const at = below(input.length + 1);
    const length = Math.min(input.length - at, 1 + below(next() < 0.2 ? 400 : 12));
    const insert = (bytes) => {
      input = Buffer.concat([input.subarray(0, at), bytes, input.subarray(at)]);
    };
    switch (below(10)) {
      case 0:
        if (at < input.length) input[at] ^= 1 << below(8);
        break;
      case 1:
        if (at < input.length) input[at] = INTERESTING[below(INTERESTING.length)];
        break;
      case 2:
        if (at < input.length) input[at] = below(256);
        break;
      case 3:
        input = Buffer.concat([input.subarray(0, at), input.subarray(at + length)]);
        break;
      case 4:
        insert(Buffer.from(input.subarray(at, at + length)));
        break;
      case 5:
      case 6:
        insert(Buffer.from(words[below(words.length)], 'latin1'));
        break;
      case 7: {
        const other = corpus[below(corpus.length)];
        const from = below(other.length + 1);
        insert(other.subarray(from, from + 1 + below(300)));
        break;
      }
      case 8: {
        const part = Buffer.from(input.subarray(at, at + Math.min(length, 40)));
        if (part.length > 0) insert(Buffer.concat(Array(1 + below(next() < 0.1 ? 200 : 8)).fill(part)));
        break;
      }
      default: {
        // A number in the text becomes another.
        const digit = input.subarray(at).findIndex((byte) => byte >= 48 && byte <= 57);
        if (digit >= 0) input[at + digit] = 48 + below(10);
      }
    }
    if (input.length > MAX_LENGTH) input = input.subarray(0, MAX_LENGTH);
  }
  return input;
}
