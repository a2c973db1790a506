/** What one run of the matrix is about: a backend on the kernel that runs here. */
import { mkdtempSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Backend } from '../../helper/protocol.ts';

export interface Context {
  readonly backend: Backend;
  /** A built http-trace. */
  readonly httpTrace: string;
  /** The compiled peer. */
  readonly peer: string;
  /** The compiled test/kit/refuse.c. */
  readonly refuse: string;
  readonly folder: string;
  /** Software emulation: times mean little, and every process start costs seconds. */
  readonly slow: boolean;
  readonly seeds: number;
  readonly firstSeed: number;
  readonly restarts: number;
}

export type Outcome = 'passed' | 'failed' | 'impossible';

export interface Result {
  readonly scenario: string;
  readonly outcome: Outcome;
  /** Why it failed or is impossible; what is remarkable when it passed. */
  readonly detail: string;
}

export type Report = (result: Result) => void;

export function makeContext(options: Record<string, string>): Context {
  const need = (name: string): string => {
    const value = options[name];
    if (value === undefined) throw new Error(`--${name} is missing`);
    return value;
  };
  const backend = need('backend');
  if (backend !== 'fentry' && backend !== 'kprobe' && backend !== 'tracepoint') throw new Error('--backend?');
  return {
    backend,
    httpTrace: need('http-trace'),
    peer: need('peer'),
    refuse: need('refuse'),
    folder: mkdtempSync(join(tmpdir(), 'http-trace-matrix-')),
    slow: options['slow'] === '1',
    seeds: Number(options['seeds'] ?? 0),
    firstSeed: Number(options['first-seed'] ?? 1),
    restarts: Number(options['restarts'] ?? 0),
  };
}

/** Major and minor of the running kernel as a number that can be compared: 6.12 → 6012. */
export function kernelNumber(): number {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(release()) ?? [];
  return Number(major) * 1000 + Number(minor);
}
