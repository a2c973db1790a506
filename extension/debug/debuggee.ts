/**
 * Finds out which process a debug session debugs, from its Debug Adapter Protocol messages, its name and its
 * configuration. All knowledge about individual adapters is in this file, which does not use VS Code. Everything comes
 * from an adapter, so every shape is checked.
 */

/** What one message says about the debuggee. */
export type Clue =
  /** The debuggee itself (or one of several). */
  | { readonly kind: 'process'; readonly pid: number }
  /** A shell that starts the debuggee: it is, or will be, a descendant. */
  | { readonly kind: 'shell'; readonly pid: number }
  /** The debuggee runs on another machine. */
  | { readonly kind: 'remote' };

/** What this module reads of a `vscode.DebugConfiguration`. */
export type Configuration = Readonly<Record<string, unknown>>;

/** Message from the adapter to VS Code: `process` (DAP), Java's `processid`, CodeLLDB's console output. */
export function clueFromAdapter(debugType: string, message: unknown): Clue | null {
  const { type, event, body } = record(message);
  if (type !== 'event') return null;
  const fields = record(body);
  switch (event) {
    case 'process': {
      if (fields['isLocalProcess'] === false) return { kind: 'remote' };
      return processClue(fields['systemProcessId']);
    }
    case 'processid':
      return processClue(fields['processId']) ?? shellClue(fields['shellProcessId']);
    case 'output':
      return debugType === 'lldb' ? processClue(pidInLldbOutput(fields['output'])) : null;
    default:
      return null;
  }
}

/** Message from VS Code to the adapter: the answer to `runInTerminal`. */
export function clueFromEditor(message: unknown): Clue | null {
  const { type, command, body } = record(message);
  if (type !== 'response' || command !== 'runInTerminal') return null;
  const fields = record(body);
  return processClue(fields['processId']) ?? shellClue(fields['shellProcessId']);
}

/** What the adapter asks VS Code to start in a terminal, program first; null for any other message. */
export function terminalCommand(message: unknown): readonly string[] | null {
  const { type, command, arguments: fields } = record(message);
  if (type !== 'request' || command !== 'runInTerminal') return null;
  const args = record(fields)['args'];
  return Array.isArray(args) && args.every((arg) => typeof arg === 'string') ? args : [];
}

/** VS Code terminates the debuggee to restart it in the same session. */
export function isRestarting(message: unknown): boolean {
  const { type, command, arguments: fields } = record(message);
  return (
    type === 'request' &&
    (command === 'disconnect' || command === 'terminate') &&
    record(fields)['restart'] === true
  );
}

/** The adapter says that nothing is debugged any more, and will not be again in this session. */
export function isTerminated(message: unknown): boolean {
  const { type, event, body } = record(message);
  const { restart } = record(body);
  return type === 'event' && event === 'terminated' && (restart === undefined || restart === false);
}

/** The adapter has launched the program, or attached to it: any build before that is done. */
export function isBegun(message: unknown): boolean {
  const { type, command, success } = record(message);
  return type === 'response' && success === true && (command === 'launch' || command === 'attach');
}

/** When to look for a debuggee the adapter does not report. */
export type Moment =
  /** The debuggee exists by now, or is stopped. */
  | 'started'
  /** Another process has replaced it within the session. */
  | 'replaced';

export function momentOf(message: unknown): Moment | null {
  const { type, command, event, success } = record(message);
  if (type === 'event') return event === 'initialized' || event === 'stopped' ? 'started' : null;
  if (isBegun(message)) return 'started';
  return type === 'response' && success === true && command === 'restart' ? 'replaced' : null;
}

/**
 * Matches the name of the debugger process that ptraces debuggees, for adapters that do not always report them:
 * dlv 1.20 reports none, lldb-dap none after a restart. Null: they cannot be found in /proc.
 */
export function debuggerName(debugType: string): RegExp | null {
  switch (debugType) {
    case 'go':
      return /^dlv/;
    case 'lldb-dap':
    case 'lldb':
      return /^lldb-server|^debugserver/;
    case 'cppdbg':
    case 'gdb':
      return /^gdb/;
    default:
      return null;
  }
}

/** An attach configuration names the process: `processId`, `pid`, or debugpy's `subProcessId`. */
export function clueFromConfiguration(configuration: Configuration): Clue | null {
  if (isRemote(configuration)) return { kind: 'remote' };
  for (const name of ['processId', 'pid', 'subProcessId']) {
    const clue = processClue(configuration[name]);
    if (clue !== null) return clue;
  }
  return null;
}

/**
 * js-debug puts the process id into the name of its child sessions: `server.js [4242]`. With other debuggers the user
 * chooses the name.
 */
export function clueFromName(debugType: string, name: string): Clue | null {
  if (question(debugType, true) === null) return null;
  return processClue(/\[(\d+)\]$/.exec(name)?.[1]);
}

const BROWSER_TYPES = new Set(['chrome', 'pwa-chrome', 'msedge', 'pwa-msedge', 'editor-browser', 'firefox']);

/** Browsers have many processes and do their own networking; they are not traced through a debug session. */
export function isBrowser(debugType: string): boolean {
  return BROWSER_TYPES.has(debugType);
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '::1', '[::1]', '0.0.0.0', '']);

/** The configuration connects to another machine: js-debug `address`, debugpy `connect`, delve `remote`, … */
export function isRemote(configuration: Configuration): boolean {
  if (configuration['request'] !== 'attach') return false;
  if (configuration['mode'] === 'remote') return !isLoopback(configuration['host'] ?? '');
  const hosts = [
    configuration['address'],
    configuration['hostName'],
    configuration['host'],
    record(configuration['connect'])['host'],
  ];
  return hosts.some((host) => typeof host === 'string' && !isLoopback(host));
}

function isLoopback(host: unknown): boolean {
  return typeof host === 'string' && LOOPBACK.has(host.toLowerCase());
}

/** What to evaluate in the debuggee to learn its process id, for adapters that do not report it. */
export interface Question {
  readonly expression: string;
  read(result: string): ProcessIds | null;
}

/** What a program says about its process. */
export interface ProcessIds {
  readonly pid: number;
  /** Parent process id; null where the language does not know it. */
  readonly parent: number | null;
}

/**
 * js-debug: only a child session answers; the root session never does.
 */
export function question(debugType: string, isChild: boolean): Question | null {
  switch (debugType) {
    case 'node':
    case 'pwa-node':
    case 'node-terminal':
    case 'pwa-extensionHost':
      return isChild ? NODE_QUESTION : null;
    default:
      return null;
  }
}

const NODE_QUESTION: Question = {
  expression: "process.pid + ' ' + process.ppid",
  read: pidAndParent,
};

function pidAndParent(result: string): ProcessIds | null {
  const match = /^\D*(\d+) (\d+)\D*$/.exec(result);
  const pid = processId(match?.[1]);
  return pid === null ? null : { pid, parent: processId(match?.[2]) };
}

/** `Launched process 4242 from '/a'`, `Attached to process 4242`. */
function pidInLldbOutput(output: unknown): string | undefined {
  return typeof output === 'string'
    ? /^(?:Launched process|Attached to process) (\d+)\b/m.exec(output)?.[1]
    : undefined;
}

function processClue(value: unknown): Clue | null {
  const pid = processId(value);
  return pid === null ? null : { kind: 'process', pid };
}

function shellClue(value: unknown): Clue | null {
  const pid = processId(value);
  return pid === null ? null : { kind: 'shell', pid };
}

/** Linux' PID_MAX_LIMIT. */
const MAX_PID = 4_194_304;

/** A whole number from 1 to Linux' PID_MAX_LIMIT, as number or decimal string; else null. */
function processId(value: unknown): number | null {
  const pid = typeof value === 'string' && /^\d{1,7}$/.test(value) ? Number(value) : value;
  return typeof pid === 'number' && Number.isInteger(pid) && pid > 0 && pid <= MAX_PID ? pid : null;
}

export function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
