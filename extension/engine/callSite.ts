import type { SourceLine } from './row.ts';

/** The program's own line that made a call, and the calls of functions that led to it, innermost first. */
export interface CallSite {
  readonly line: SourceLine;
  readonly stack: readonly SourceLine[];
}
