/** The settings of one run of the matrix: a backend on this kernel. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Backend, TlsWay } from '../../helper/protocol.ts';
import type { TracingContext } from '../kit/tracing.ts';

export interface Context extends TracingContext {
  readonly backend: Backend;
  readonly tls: TlsWay;
  /** The folder of the built product. */
  readonly dist: string;
  /** The compiled peer. */
  readonly peer: string;
  /** The compiled test/kit/refuse.c. */
  readonly refuse: string;
  /** Software emulation: times mean little, and every process start costs seconds. */
  readonly slow: boolean;
  readonly seeds: number;
  readonly firstSeed: number;
  readonly restarts: number;
}

export function makeContext(options: Record<string, string>): Context {
  const need = (name: string): string => {
    const value = options[name];
    if (value === undefined) throw new Error(`--${name} is missing`);
    return value;
  };
  const backend = need('backend');
  if (backend !== 'fentry' && backend !== 'kprobe' && backend !== 'tracepoint') throw new Error('--backend?');
  const httpTrace = need('http-trace');
  const slow = options['slow'] === '1';
  return {
    backend,
    program: [process.execPath, httpTrace],
    options: ['--max-body', 'all', '--show-secrets'],
    tls: 'none',
    patience: 400_000,
    endPatience: 400_000,
    replay: 'engine',
    dist: dirname(httpTrace),
    peer: need('peer'),
    refuse: need('refuse'),
    folder: mkdtempSync(join(tmpdir(), 'http-trace-matrix-')),
    slow,
    seeds: Number(options['seeds'] ?? 0),
    firstSeed: Number(options['first-seed'] ?? 1),
    restarts: Number(options['restarts'] ?? 0),
  };
}
