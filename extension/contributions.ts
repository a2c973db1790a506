/**
 * The names under which the extension is known to VS Code, each once. `contributions.test.ts` compares them
 * with package.json, so that neither names something that the other does not have.
 */

export const Command = {
  start: 'httpTrace.start',
  pickProcess: 'httpTrace.pickProcess',
  stop: 'httpTrace.stop',
  clear: 'httpTrace.clear',
  goToCall: 'httpTrace.goToCall',
  focusFilter: 'httpTrace.focusFilter',
  revealInTimeline: 'httpTrace.revealInTimeline',
  revealInTree: 'httpTrace.revealInTree',
  copyUrl: 'httpTrace.copyUrl',
  openBody: 'httpTrace.openBody',
  checkSystem: 'httpTrace.checkSystem',
  installLoader: 'httpTrace.installLoader',
  removeLoader: 'httpTrace.removeLoader',
  whyNothing: 'httpTrace.whyNothing',
} as const;

export type CommandId = (typeof Command)[keyof typeof Command];

export const View = {
  /** The webview with list, waterfall and details. */
  panel: 'httpTrace.panel',
  /** The tree in the Run and Debug side bar. */
  calls: 'httpTrace.calls',
} as const;

/** Context keys for `when` clauses; VS Code forgets them when the extension host ends. */
export const Context = {
  /** A {@link import('./engine/traceStatus.ts').TracePhase}. */
  phase: 'httpTrace.phase',
  /** boolean: a trace runs. */
  running: 'httpTrace.running',
  /** boolean: at least one call is held. */
  hasCalls: 'httpTrace.hasCalls',
  /** A {@link ProblemKind} while the last start failed, else undefined. */
  problem: 'httpTrace.problem',
  /** boolean: the extension host is not on Linux on x64. */
  unsupported: 'httpTrace.unsupported',
} as const;

export const Setting = {
  /** integer or null: bytes of each body that are captured; null = all. */
  bodyLimit: 'httpTrace.bodyLimit',
  /** boolean: follow fork and exec. */
  followChildren: 'httpTrace.followChildren',
  /** A {@link StartWithDebugging}. */
  startWithDebugging: 'httpTrace.startWithDebugging',
} as const;

export type StartWithDebugging = 'never' | 'ask' | 'always';

/** What stands in the way of a trace, as far as a welcome view tells it apart. */
export type ProblemKind = 'no-permission' | 'kernel' | 'other';

/** Scheme of the read-only documents. */
export const DOCUMENT_SCHEME = 'http-trace';
