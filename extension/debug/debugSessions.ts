/** The debug sessions of this window, and the processes that they debug. */
import { setTimeout } from 'node:timers/promises';
import * as vscode from 'vscode';
import {
  type Clue,
  clueFromAdapter,
  clueFromConfiguration,
  clueFromEditor,
  clueFromName,
  isBrowser,
  isRemote,
  question,
} from './debuggee.ts';
import { descendants, processEntry } from './processes.ts';

/** How long an adapter may take to answer `evaluate`, in milliseconds; js-debug's root session never does. */
const ANSWER_TIMEOUT = 2_000;
/** Waits before each attempt to ask, in milliseconds: a debuggee that just starts may not answer yet. */
const ATTEMPTS = [0, 300, 1_000, 3_000];
/** Waits before each look for a shell's child, in milliseconds. */
const SHELL_ATTEMPTS = [100, 300, 1_000, 3_000];

/** What is known of one session. */
export interface Debuggee {
  readonly session: vscode.DebugSession;
  /** Ids of the processes that it debugs; empty as long as none is known. */
  readonly processes: ReadonlySet<number>;
  /** Why no process will become known; null when one still may. */
  readonly untraceable: 'browser' | 'remote' | null;
}

interface Entry extends Debuggee {
  processes: Set<number>;
  untraceable: Debuggee['untraceable'];
  readonly cancelled: AbortController;
}

export class DebugSessions implements vscode.DebugAdapterTrackerFactory, vscode.Disposable {
  readonly #entries = new Map<string, Entry>();
  readonly #found = new vscode.EventEmitter<{ readonly debuggee: Debuggee; readonly pid: number }>();
  readonly #ended = new vscode.EventEmitter<Debuggee>();
  readonly #disposables: vscode.Disposable[];

  /** A process of a session has become known. */
  readonly onDidFindProcess = this.#found.event;
  readonly onDidEnd = this.#ended.event;

  constructor() {
    this.#disposables = [
      this.#found,
      this.#ended,
      // Adapters report their process early and once: the trackers must exist before any session starts.
      vscode.debug.registerDebugAdapterTrackerFactory('*', this),
      vscode.debug.onDidStartDebugSession((session) => this.#ask(this.#entry(session))),
      vscode.debug.onDidTerminateDebugSession((session) => this.#end(session)),
    ];
    // A session that ran before this extension was activated, for example when it has just been installed.
    const active = vscode.debug.activeDebugSession;
    if (active !== undefined) this.#ask(this.#entry(active));
  }

  get all(): readonly Debuggee[] {
    return [...this.#entries.values()];
  }

  /** Ids of all processes that are debugged in this window. */
  processes(): number[] {
    return [...new Set(this.all.flatMap((debuggee) => [...debuggee.processes]))];
  }

  createDebugAdapterTracker(session: vscode.DebugSession): vscode.DebugAdapterTracker {
    const entry = this.#entry(session);
    return {
      onDidSendMessage: (message: unknown) => this.#follow(entry, clueFromAdapter(session.type, message)),
      onWillReceiveMessage: (message: unknown) => this.#follow(entry, clueFromEditor(message)),
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
      untraceable: isBrowser(session.type) ? 'browser' : isElsewhere(session) ? 'remote' : null,
      cancelled: new AbortController(),
    };
    this.#entries.set(session.id, entry);
    this.#follow(entry, clueFromConfiguration(session.configuration));
    return entry;
  }

  #end(session: vscode.DebugSession): void {
    const entry = this.#entries.get(session.id);
    if (entry === undefined) return;
    entry.cancelled.abort();
    this.#entries.delete(session.id);
    this.#ended.fire(entry);
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
    for (const wait of ATTEMPTS) {
      await delay(wait, cancelled.signal);
      if (cancelled.signal.aborted || entry.processes.size > 0) return;
      const answer = await evaluate(session, asked.expression);
      const ids = answer === null ? null : asked.read(answer);
      if (ids === null) continue;
      // The same id in a container or on another machine is another process: its parent tells them apart.
      const local = await processEntry(ids.pid);
      if (local !== null && (ids.parent === null || local.parent === ids.parent)) this.#add(entry, ids.pid);
      else entry.untraceable = 'remote';
      return;
    }
    if (!cancelled.signal.aborted) this.#follow(entry, clueFromName(session.name));
  }

  /** The process that a shell has just started, with the processes below it. */
  async #findBelow(entry: Entry, shell: number): Promise<void> {
    const { signal } = entry.cancelled;
    for (const wait of SHELL_ATTEMPTS) {
      await delay(wait, signal);
      if (signal.aborted || entry.processes.size > 0) return;
      const below = await descendants(shell);
      const [newest] = below
        .filter((process) => process.parent === shell)
        .sort((a, b) => b.started - a.started || b.pid - a.pid);
      if (newest === undefined) continue;
      for (const process of [newest, ...(await descendants(newest.pid))]) this.#add(entry, process.pid);
      return;
    }
  }
}

/** The session, or one that it belongs to, is attached to another machine. */
function isElsewhere(session: vscode.DebugSession): boolean {
  for (let one: vscode.DebugSession | undefined = session; one !== undefined; one = one.parentSession) {
    if (isRemote(one.configuration)) return true;
  }
  return false;
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
