/**
 * The ids and titles under which VS Code knows the extension's parts, each once. `contributions.test.ts` compares
 * them with package.json, so that neither has one that the other lacks.
 */
import { t } from './words/translate.ts';

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
  copyCurl: 'httpTrace.copyCurl',
  copyFetch: 'httpTrace.copyFetch',
  copyHttp: 'httpTrace.copyHttp',
  copyPython: 'httpTrace.copyPython',
  copyHttpie: 'httpTrace.copyHttpie',
  copyResponse: 'httpTrace.copyResponse',
  openBody: 'httpTrace.openBody',
  openSource: 'httpTrace.openSource',
  openMoment: 'httpTrace.openMoment',
  goToOtherEnd: 'httpTrace.goToOtherEnd',
  saveBody: 'httpTrace.saveBody',
  openHttp: 'httpTrace.openHttp',
  resend: 'httpTrace.resend',
  editAndResend: 'httpTrace.editAndResend',
  sendRequest: 'httpTrace.sendRequest',
  toggleSecrets: 'httpTrace.toggleSecrets',
  pin: 'httpTrace.pin',
  unpin: 'httpTrace.unpin',
  onlyHost: 'httpTrace.onlyHost',
  onlyPath: 'httpTrace.onlyPath',
  onlyProcess: 'httpTrace.onlyProcess',
  hideHost: 'httpTrace.hideHost',
  hidePath: 'httpTrace.hidePath',
  hideProcess: 'httpTrace.hideProcess',
  selectForCompare: 'httpTrace.selectForCompare',
  compareWithSelected: 'httpTrace.compareWithSelected',
  compareWith: 'httpTrace.compareWith',
  exportHar: 'httpTrace.exportHar',
  importHar: 'httpTrace.importHar',
  openTrace: 'httpTrace.openTrace',
  saveTrace: 'httpTrace.saveTrace',
  checkSystem: 'httpTrace.checkSystem',
  installLoader: 'httpTrace.installLoader',
  removeLoader: 'httpTrace.removeLoader',
  whyNothing: 'httpTrace.whyNothing',
  breakOnCalls: 'httpTrace.breakOnCalls',
  breakWhenCalledAgain: 'httpTrace.breakWhenCalledAgain',
  editBreak: 'httpTrace.editBreak',
  removeBreak: 'httpTrace.removeBreak',
  removeAllBreaks: 'httpTrace.removeAllBreaks',
} as const;

export type CommandId = (typeof Command)[keyof typeof Command];

/** What a command is called in the palette; buttons that run it say the same. */
export const TITLES: Readonly<Record<CommandId, string>> = {
  'httpTrace.start': t('Start HTTP Trace'),
  'httpTrace.pickProcess': t('Start HTTP Trace for Process…'),
  'httpTrace.stop': t('Stop HTTP Trace'),
  'httpTrace.clear': t('Clear Calls'),
  'httpTrace.goToCall': t('Go to Call…'),
  'httpTrace.focusFilter': t('Filter Calls'),
  'httpTrace.revealInTimeline': t('Reveal in Timeline'),
  'httpTrace.revealInTree': t('Reveal in Tree'),
  'httpTrace.copyUrl': t('Copy URL'),
  'httpTrace.copyCurl': t('Copy as cURL'),
  'httpTrace.copyFetch': t('Copy as fetch'),
  'httpTrace.copyHttp': t('Copy as HTTP'),
  'httpTrace.copyPython': t('Copy as Python requests'),
  'httpTrace.copyHttpie': t('Copy as HTTPie'),
  'httpTrace.copyResponse': t('Copy Response'),
  'httpTrace.openBody': t('Open Body'),
  'httpTrace.openSource': t('Go to Source Line'),
  'httpTrace.openMoment': t('Go to Output or Exception…'),
  'httpTrace.goToOtherEnd': t('Go to the Other End'),
  'httpTrace.saveBody': t('Save Body…'),
  'httpTrace.openHttp': t('Open as .http'),
  'httpTrace.resend': t('Resend'),
  'httpTrace.editAndResend': t('Edit and Resend…'),
  'httpTrace.sendRequest': t('Send Request'),
  'httpTrace.toggleSecrets': t('Show or Hide Secrets of Response'),
  'httpTrace.pin': t('Pin'),
  'httpTrace.unpin': t('Unpin'),
  'httpTrace.onlyHost': t('Show Only This Host'),
  'httpTrace.onlyPath': t('Show Only This Path'),
  'httpTrace.onlyProcess': t('Show Only This Process'),
  'httpTrace.hideHost': t('Hide This Host'),
  'httpTrace.hidePath': t('Hide This Path'),
  'httpTrace.hideProcess': t('Hide This Process'),
  'httpTrace.selectForCompare': t('Select for Compare'),
  'httpTrace.compareWithSelected': t('Compare with Selected'),
  'httpTrace.compareWith': t('Compare with…'),
  'httpTrace.exportHar': t('Export HAR…'),
  'httpTrace.importHar': t('Import HAR…'),
  'httpTrace.openTrace': t('Open Trace…'),
  'httpTrace.saveTrace': t('Save Trace…'),
  'httpTrace.checkSystem': t('Check This System'),
  'httpTrace.installLoader': t('Install Trusted Loader'),
  'httpTrace.removeLoader': t('Remove Trusted Loader'),
  'httpTrace.whyNothing': t('Why Is Nothing Shown?'),
  'httpTrace.breakOnCalls': t('Break on Calls…'),
  'httpTrace.breakWhenCalledAgain': t('Break When This Is Called Again'),
  'httpTrace.editBreak': t('Edit Condition…'),
  'httpTrace.removeBreak': t('Remove Break'),
  'httpTrace.removeAllBreaks': t('Remove All Breaks'),
};

export const View = {
  /** The webview with list, waterfall and details. */
  panel: 'httpTrace.panel',
  /** The tree in the Run and Debug side bar. */
  calls: 'httpTrace.calls',
  /** Below it, the list of Break on Calls. */
  breaks: 'httpTrace.breaks',
} as const;

/** Editors for files of calls: HTTP Trace's own files, and archives that other editors may open as well. */
export const FileEditors = ['httpTrace.recording', 'httpTrace.archive'] as const;

/** VS Code gives every view a command that shows and focuses it. */
export function focusCommand(view: (typeof View)[keyof typeof View]): string {
  return `${view}.focus`;
}

/** Kinds of nodes in the tree, for `viewItem` in `when` clauses. */
export const ViewItem = {
  process: 'httpTrace.process',
  host: 'httpTrace.host',
  route: 'httpTrace.route',
  call: 'httpTrace.call',
  pinnedCall: 'httpTrace.call.pinned',
  more: 'httpTrace.more',
  break: 'httpTrace.break',
} as const;

/** The item in the status bar. */
export const STATUS_ITEM = 'httpTrace.status';

/** Beside it, while calls go to an OpenTelemetry collector. */
export const OTLP_ITEM = 'httpTrace.otlp';

/** Context keys for `when` clauses; VS Code forgets them when the extension host ends. */
export const Context = {
  /** A {@link import('./engine/traceStatus.ts').TracePhase}. */
  phase: 'httpTrace.phase',
  /** boolean: a trace is running. */
  running: 'httpTrace.running',
  /** boolean: there is at least one call. */
  hasCalls: 'httpTrace.hasCalls',
  /** A {@link ProblemKind} while the last start failed, else undefined. */
  problem: 'httpTrace.problem',
  /** boolean: the keyboard is in the panel. VS Code's `focusedView` is never a webview's. */
  panelFocus: 'httpTrace.panelFocus',
  /** boolean: the panel is hidden for a moment, so that VS Code places it anew. */
  panelAway: 'httpTrace.panelAway',
  /** boolean: a call is selected for being compared with another. */
  compareSelected: 'httpTrace.compareSelected',
  /** boolean: there is at least one break on calls. */
  hasBreaks: 'httpTrace.hasBreaks',
  /** boolean: the extension host is not on Linux on x64. */
  unsupported: 'httpTrace.unsupported',
} as const;

export const Setting = {
  /** integer or null: bytes of each body that are captured; null = all. */
  bodyLimit: 'httpTrace.bodyLimit',
  /** integer: bytes that may wait to be shown before bodies are left out. */
  backlog: 'httpTrace.backlog',
  /** integer: minutes for which the helper is kept when a trace has ended; 0 = not at all. */
  keepHelper: 'httpTrace.keepHelper',
  /** boolean: follow fork and exec. */
  followChildren: 'httpTrace.followChildren',
  /** A {@link KeepCalls}. */
  keepCalls: 'httpTrace.keepCalls',
  /** integer: bytes of all traces that are kept. */
  keepLimit: 'httpTrace.keepLimit',
  /** boolean: hold a launch until the trace is armed. */
  armBeforeLaunch: 'httpTrace.armBeforeLaunch',
  /** boolean: both sides of a call are one row. */
  joinBothEnds: 'httpTrace.joinBothEnds',
  /** boolean: calls are nested below their cause. */
  nestCalls: 'httpTrace.nestCalls',
  /** Lines of the filter that the panel offers. */
  savedFilters: 'httpTrace.savedFilters',
  /** string: address of an OpenTelemetry collector; empty: none. */
  otlp: 'httpTrace.otlp',
  /** `ask`, `always` or `never`: whether small hooks may run in the debugged program. */
  hooks: 'httpTrace.hooks',
  /** boolean: CodeLenses show the calls of lines. */
  sourceCodeLens: 'httpTrace.sourceCodeLens',
  /** A {@link StartWithDebugging}. */
  startWithDebugging: 'httpTrace.startWithDebugging',
} as const;

/** Whether traces survive a window reload, or the exit of VS Code. */
export type KeepCalls = 'never' | 'reload' | 'always';

export type StartWithDebugging = 'never' | 'ask' | 'always';

/** Why a trace cannot run, as distinguished by welcome views. */
export type ProblemKind = 'no-permission' | 'kernel' | 'other';

/** VS Code's own command, for leaving Restricted Mode. */
export const MANAGE_TRUST = 'workbench.trust.manage';

/** Scheme of the read-only documents. */
export const DOCUMENT_SCHEME = 'http-trace';

/** Scheme of requests that can be edited and sent. They are in memory: no file holds them. */
export const REQUEST_SCHEME = 'http-trace-request';

/** Scheme of binary bodies, for the editors that show such files. In memory, too. */
export const BYTES_SCHEME = 'http-trace-body';
