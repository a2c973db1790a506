/** The debug sessions of this window, and the processes that they debug. */
import { setTimeout } from 'node:timers/promises';
import * as vscode from 'vscode';
import { bootTime } from './bootTime.ts';
import {
  type Clue,
  clueFromAdapter,
  clueFromConfiguration,
  clueFromEditor,
  clueFromName,
  debuggerName,
  isBegun,
  isBrowser,
  isRemote,
  isRestarting,
  isTerminated,
  momentOf,
  type ProcessIds,
  question,
  terminalCommand,
} from './debuggee.ts';
import { jobOf, localProcess, rubyDebuggeesBelow, tracedBelow } from './debuggeeProcesses.ts';
import { SessionPauses } from './pauses.ts';
import { descendants, processEntry, startOf } from './processes.ts';
import { SessionStory } from './story/sessionStory.ts';

/** How long a session whose program has been launched may take to name its process, in milliseconds. */
export const NAMING_TIMEOUT = 20_000;
/** How long an adapter may take to answer `evaluate`, in milliseconds; js-debug's root session never does. */
const ANSWER_TIMEOUT = 2_000;
/** Delays before each attempt, in milliseconds: a debuggee that has just started may not answer yet. */
const ATTEMPTS = [0, 300, 1_000, 3_000];
/** Interval between checks of a terminal's shell, and its time limit to start the program; milliseconds. */
const SHELL_INTERVAL = 100;
const SHELL_TIMEOUT = 20_000;
/** Delays before each search for a debuggee no adapter reports, in milliseconds. */
const LOOKS = [0, 100, 300, 1_000, 3_000];
/** How much older than its session a launched process may be, in milliseconds: an adapter may start it first. */
const OLDER = 60_000;

/** What is known of one session. */
export interface Debuggee {
  readonly session: vscode.DebugSession;
  /** Ids of the processes that it debugs; empty as long as none is known. */
  readonly processes: ReadonlySet<number>;
  /** When it was paused; milliseconds of {@link bootTime}. */
  readonly pauses: SessionPauses;
  /** What it printed, and its exceptions; by the same clock. */
  readonly story: SessionStory;
  /** When it began, and when it ended (null: not yet), by the same clock. */
  readonly opened: number;
  readonly ended: number | null;
  /** The adapter reported that nothing is debugged any more. VS Code may take seconds to end the session. */
  readonly terminated: boolean;
  /** Why its process will never be known; null: it may still become known. */
  readonly untraceable: 'browser' | 'remote' | null;
}

interface Entry extends Debuggee {
  ended: number | null;
  terminated: boolean;
  processes: Set<number>;
  untraceable: Debuggee['untraceable'];
  readonly cancelled: AbortController;
  /** The command that a terminal was asked to start, program first. */
  terminalCommand: readonly string[];
  /** Processes that the adapter has replaced with others. */
  readonly replaced: Set<number>;
  looks: boolean;
}

export class DebugSessions implements vscode.DebugAdapterTrackerFactory, vscode.Disposable {
  readonly #entries = new Map<string, Entry>();
  readonly #found = new vscode.EventEmitter<{ readonly debuggee: Debuggee; readonly pid: number }>();
  readonly #ended = new vscode.EventEmitter<Debuggee>();
  readonly #opened = new vscode.EventEmitter<Debuggee>();
  readonly #begun = new vscode.EventEmitter<Debuggee>();
  readonly #restarting = new vscode.EventEmitter<Debuggee>();
  readonly #claimed = new vscode.EventEmitter<number>();
  readonly #terminated = new vscode.EventEmitter<Debuggee>();
  readonly #paused = new vscode.EventEmitter<Debuggee>();
  readonly #storyChanged = new vscode.EventEmitter<Debuggee>();
  readonly #disposables: vscode.Disposable[];
  /** Sessions whose adapter is gone. VS Code reports no end for one whose launch failed. */
  readonly #adapterGone = new WeakSet<vscode.DebugSession>();

  /** A process of a session has become known. */
  readonly onDidFindProcess = this.#found.event;
  readonly onDidEnd = this.#ended.event;
  /** A session is about to restart. */
  readonly onWillRestart = this.#restarting.event;
  /** A session begins. */
  readonly onDidOpen = this.#opened.event;
  /** Its program has been launched, or attached to. */
  readonly onDidBegin = this.#begun.event;
  /**
   * A process id that a session's name contains, long before its adapter answers. It may be from another machine or
   * container, so it counts only for a process that is already followed.
   */
  readonly onDidClaim = this.#claimed.event;
  readonly onDidTerminate = this.#terminated.event;
  /** A session is paused, or resumes. */
  readonly onDidPause = this.#paused.event;
  /** A program has printed something, or an exception has stopped it. */
  readonly onDidChangeStory = this.#storyChanged.event;

  constructor() {
    this.#disposables = [
      this.#found,
      this.#ended,
      this.#opened,
      this.#begun,
      this.#restarting,
      this.#claimed,
      this.#paused,
      this.#storyChanged,
      this.#terminated,
      // Adapters report their process early and once: the trackers must exist before any session starts.
      vscode.debug.registerDebugAdapterTrackerFactory('*', this),
      vscode.debug.onDidStartDebugSession((session) => {
        if (!this.#adapterGone.has(session)) void this.#ask(this.#entry(session));
      }),
      vscode.debug.onDidTerminateDebugSession((session) => this.#end(session)),
    ];
    // A session that ran before this extension was activated, for example when it has just been installed.
    const active = vscode.debug.activeDebugSession;
    if (active !== undefined) this.#ask(this.#entry(active));
  }

  get all(): readonly Debuggee[] {
    return [...this.#entries.values()];
  }

  /** Traceable sessions that, like their descendants, have named no process yet. */
  get waiting(): readonly Debuggee[] {
    const named = new Set<string>();
    for (const { session, processes, untraceable } of this.all) {
      if (processes.size === 0 && untraceable === null) continue;
      for (let one: vscode.DebugSession | undefined = session; one !== undefined; one = one.parentSession)
        named.add(one.id);
    }
    return this.all.filter(({ session }) => !named.has(session.id));
  }

  /** Ids of all processes that are debugged in this window. */
  processes(): number[] {
    return [...new Set(this.all.flatMap((debuggee) => [...debuggee.processes]))];
  }

  createDebugAdapterTracker(session: vscode.DebugSession): vscode.DebugAdapterTracker {
    // A restarted session may be the same object.
    this.#adapterGone.delete(session);
    const entry = this.#entry(session);
    entry.terminated = false;
    const end = () => {
      if (this.#entries.get(session.id) !== entry) return;
      this.#adapterGone.add(session);
      this.#end(session);
    };
    return {
      onDidSendMessage: (message: unknown) => {
        this.#watchPauses(entry, () => entry.pauses.fromAdapter(message, bootTime()));
        if (entry.story.fromAdapter(message, bootTime())) this.#storyChanged.fire(entry);
        askWhatStopped(entry);
        this.#takeFromAdapter(entry, message);
      },
      onWillReceiveMessage: (message: unknown) => {
        entry.pauses.fromEditor(message);
        entry.story.fromEditor(message);
        if (isRestarting(message)) this.#restarting.fire(entry);
        this.#follow(entry, clueFromEditor(message));
      },
      onWillStopSession: end,
      onExit: end,
    };
  }

  dispose(): void {
    for (const entry of this.#entries.values()) entry.cancelled.abort();
    this.#entries.clear();
    for (const disposable of this.#disposables) disposable.dispose();
  }

  #entry(session: vscode.DebugSession): Entry {
    const existing = this.#entries.get(session.id);
    if (existing !== undefined) return existing;
    const entry: Entry = {
      session,
      processes: new Set(),
      pauses: new SessionPauses(),
      story: new SessionStory(),
      opened: bootTime(),
      ended: null,
      terminated: false,
      untraceable: isBrowser(session.type) ? 'browser' : isElsewhere(session) ? 'remote' : null,
      cancelled: new AbortController(),
      terminalCommand: [],
      replaced: new Set(),
      looks: false,
    };
    this.#entries.set(session.id, entry);
    this.#opened.fire(entry);
    this.#follow(entry, clueFromConfiguration(session.configuration));
    const claim = session.parentSession === undefined ? null : clueFromName(session.type, session.name);
    if (claim?.kind === 'process' && entry.untraceable === null) this.#claimed.fire(claim.pid);
    return entry;
  }

  #end(session: vscode.DebugSession): void {
    const entry = this.#entries.get(session.id);
    if (entry === undefined) return;
    entry.cancelled.abort();
    entry.ended = bootTime();
    this.#watchPauses(entry, () => entry.pauses.end(bootTime()));
    this.#entries.delete(session.id);
    this.#ended.fire(entry);
  }

  #watchPauses(entry: Entry, happens: () => void): void {
    const { isPaused } = entry.pauses;
    happens();
    if (entry.pauses.isPaused !== isPaused) this.#paused.fire(entry);
  }

  #takeFromAdapter(entry: Entry, message: unknown): void {
    const clue = clueFromAdapter(entry.session.type, message);
    this.#follow(entry, isOfAnotherMachine(entry, clue) ? { kind: 'remote' } : clue);
    entry.terminalCommand = terminalCommand(message) ?? entry.terminalCommand;
    if (isTerminated(message)) {
      entry.terminated = true;
      this.#terminated.fire(entry);
    }
    if (isBegun(message)) this.#begun.fire(entry);
    const moment = momentOf(message);
    if (moment === 'replaced') for (const pid of entry.processes) entry.replaced.add(pid);
    if (moment !== null) void this.#look(entry);
  }

  #follow(entry: Entry, clue: Clue | null): void {
    if (clue === null || entry.untraceable !== null) return;
    switch (clue.kind) {
      case 'remote':
        entry.untraceable = 'remote';
        return;
      case 'process':
        this.#add(entry, clue.pid);
        return;
      case 'shell':
        void this.#findBelow(entry, clue.pid);
        return;
      default:
        clue satisfies never;
    }
  }

  #add(entry: Entry, pid: number): void {
    if (entry.cancelled.signal.aborted || entry.processes.has(pid)) return;
    entry.processes.add(pid);
    this.#found.fire({ debuggee: entry, pid });
  }

  /** Asks debuggees whose adapter does not report its process. */
  async #ask(entry: Entry): Promise<void> {
    const { session, cancelled } = entry;
    const asked = question(session.type, session.parentSession !== undefined);
    if (asked === null || entry.untraceable !== null) return;
    const answers = async function* (): AsyncGenerator<ProcessIds> {
      for (const wait of ATTEMPTS) {
        await delay(wait, cancelled.signal);
        if (cancelled.signal.aborted || entry.processes.size > 0) return;
        const answer = await evaluate(session, asked.expression);
        const ids = answer === null ? null : asked.read(answer);
        if (ids !== null) yield ids;
      }
    };
    const pid = await localProcess(answers(), processEntry);
    if (typeof pid === 'number') this.#add(entry, pid);
    else if (cancelled.signal.aborted || entry.processes.size > 0) return;
    else if (pid === 'remote') entry.untraceable = 'remote';
    else this.#follow(entry, clueFromName(session.type, session.name));
  }

  /** The process that a shell was asked to start, and its descendants. */
  async #findBelow(entry: Entry, shell: number): Promise<void> {
    const { signal } = entry.cancelled;
    /** A job that is recognised only by its position may belong to the prompt, so it must persist to be accepted. */
    let before = 0;
    for (let waited = 0; waited < SHELL_TIMEOUT; waited += SHELL_INTERVAL) {
      await delay(SHELL_INTERVAL, signal);
      if (signal.aborted || entry.processes.size > 0) return;
      const job = await jobOf(shell, entry.terminalCommand);
      if (job !== null && (job.sure || job.pid === before)) {
        for (const pid of [job.pid, ...(await descendants(job.pid)).map((process) => process.pid)])
          this.#add(entry, pid);
        return;
      }
      before = job?.pid ?? 0;
    }
  }

  /** Looks for a debuggee that its adapter does not report. */
  async #look(entry: Entry): Promise<void> {
    const { type } = entry.session;
    const name = debuggerName(type);
    if (entry.looks || entry.untraceable !== null || (name === null && type !== 'rdbg')) return;
    entry.looks = true;
    try {
      for (const wait of LOOKS) {
        await delay(wait, entry.cancelled.signal);
        if (entry.cancelled.signal.aborted || entry.processes.size > entry.replaced.size) return;
        const roots = await debuggerRoots();
        const found = await (name === null
          ? rubyDebuggeesBelow(roots, process.pid)
          : tracedBelow(roots, name));
        const known = new Set(this.processes());
        const [own] = found.filter((pid) => !known.has(pid));
        if (own !== undefined) this.#add(entry, own);
      }
    } finally {
      entry.looks = false;
    }
  }
}

/** The tracker sees the response, as it does for VS Code's own requests. */
function askWhatStopped({ session, story }: Debuggee): void {
  const threadId = story.takeUnsaid();
  if (threadId === null) return;
  void session.customRequest('exceptionInfo', { threadId }).then(undefined, () => undefined);
}

/** The session that the user started. */
export function rootOf(session: vscode.DebugSession): vscode.DebugSession {
  return session.parentSession === undefined ? session : rootOf(session.parentSession);
}

/** The ancestors of this window's debuggers: the extension host, or a terminal's shell. */
async function debuggerRoots(): Promise<number[]> {
  const shells = await Promise.all(vscode.window.terminals.map((terminal) => terminal.processId));
  return [process.pid, ...shells.filter((pid) => pid !== undefined)];
}

/** The session, or one that it belongs to, is attached to another machine. */
function isElsewhere(session: vscode.DebugSession): boolean {
  for (let one: vscode.DebugSession | undefined = session; one !== undefined; one = one.parentSession) {
    if (isRemote(one.configuration)) return true;
  }
  return false;
}

/** A launched process is not older than its session. An older one has the same id by chance. */
function isOfAnotherMachine({ session, opened }: Entry, clue: Clue | null): boolean {
  if (clue?.kind !== 'process' || session.configuration.request !== 'launch') return false;
  const started = startOf(clue.pid);
  return started !== null && started < opened - OLDER;
}

async function evaluate(session: vscode.DebugSession, expression: string): Promise<string | null> {
  const answer = Promise.resolve(session.customRequest('evaluate', { expression, context: 'repl' })).then(
    (body: unknown) => {
      const result = (body as { readonly result?: unknown } | null | undefined)?.result;
      return typeof result === 'string' ? result : null;
    },
    () => null,
  );
  return Promise.race([answer, delay(ANSWER_TIMEOUT).then(() => null)]);
}

/** Resolves after this many milliseconds, or at once when cancelled. */
function delay(ms: number, signal?: AbortSignal): Promise<void> {
  return setTimeout(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
}
