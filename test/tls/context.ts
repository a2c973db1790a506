/** The settings of one run: on this kernel, with one way to attach to the functions of TLS libraries. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TlsWay } from '../../helper/protocol.ts';
import type { TracingContext } from '../kit/tracing.ts';

export interface TlsContext extends TracingContext {
  readonly tls: TlsWay;
  /** The folder of the built product. */
  readonly dist: string;
  /** Software emulation: times mean little, and every process start costs seconds. */
  readonly slow: boolean;
  /** Compiled peers. */
  readonly programs: string;
  /** The peers that are scripts. */
  readonly scripts: string;
  /** Node's executables by major version. */
  readonly nodes: Readonly<Record<string, string>>;
  readonly certificates: string;
  /** Only the programs of the table that are marked `everywhere`. */
  readonly few: boolean;
  /** Null: the whole table. Else a sample of it over these ways to attach, the first of which has all programs. */
  readonly sampled: readonly TlsWay[] | null;
  /** A sample of the table for this kernel alone. */
  readonly thin: boolean;
}

export function makeTlsContext(options: Readonly<Record<string, string>>): TlsContext {
  const need = (name: string): string => {
    const value = options[name];
    if (value === undefined) throw new Error(`--${name} is missing`);
    return value;
  };
  const tls = options['tls'] ?? 'auto';
  if (tls !== 'auto' && tls !== 'multi' && tls !== 'perf') throw new Error('--tls?');
  const httpTrace = need('http-trace');
  const slow = options['slow'] === '1';
  return {
    backend: null,
    program: [process.execPath, httpTrace],
    options: ['--max-body', 'all', '--show-secrets'],
    patience: 300_000,
    endPatience: 300_000,
    replay: 'engine',
    dist: dirname(httpTrace),
    programs: need('programs'),
    scripts: need('scripts'),
    nodes: JSON.parse(need('nodes')) as Record<string, string>,
    certificates: need('certificates'),
    folder: mkdtempSync(join(tmpdir(), 'http-trace-tls-')),
    slow,
    few: options['few'] === '1',
    thin: options['thin'] === '1',
    sampled: (options['sampled']?.split(',') as TlsWay[] | undefined) ?? null,
    tls,
  };
}
