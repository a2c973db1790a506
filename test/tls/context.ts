/** What one run is about: the kernel that runs here, and one way to come to the functions of TLS libraries. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TlsWay } from '../../helper/protocol.ts';
import type { TracingContext } from '../matrix/trace.ts';

export interface TlsContext extends TracingContext {
  /** Compiled peers. */
  readonly programs: string;
  /** The peers that are scripts. */
  readonly scripts: string;
  /** Node's executables by major version. */
  readonly nodes: Readonly<Record<string, string>>;
  readonly certificates: string;
  readonly tls: TlsWay;
  /** Of the table, only the programs that are worth it everywhere. */
  readonly few: boolean;
  /** Null: the whole table. Else a sample of it over these ways to attach, the first of which has all programs. */
  readonly sampled: readonly TlsWay[] | null;
}

export function makeTlsContext(options: Readonly<Record<string, string>>): TlsContext {
  const need = (name: string): string => {
    const value = options[name];
    if (value === undefined) throw new Error(`--${name} is missing`);
    return value;
  };
  const tls = options['tls'] ?? 'auto';
  if (tls !== 'auto' && tls !== 'multi' && tls !== 'broker') throw new Error('--tls?');
  return {
    backend: null,
    httpTrace: need('http-trace'),
    programs: need('programs'),
    scripts: need('scripts'),
    nodes: JSON.parse(need('nodes')) as Record<string, string>,
    certificates: need('certificates'),
    folder: mkdtempSync(join(tmpdir(), 'http-trace-tls-')),
    slow: options['slow'] === '1',
    few: options['few'] === '1',
    sampled: (options['sampled']?.split(',') as TlsWay[] | undefined) ?? null,
    tls,
  };
}
