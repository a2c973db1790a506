import type { SourceLine } from './row.ts';

/** The line of the program's own code that made a call, and its call stack, innermost frame first. */
export interface CallSite {
  readonly line: SourceLine;
  readonly stack: readonly SourceLine[];
}
