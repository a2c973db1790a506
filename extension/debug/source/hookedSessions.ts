/** The debug sessions of this window in which a hook can report source lines, and those in which one does. */
import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import { record } from '../debuggee.ts';
import { type HookSettings, installing, type Runtime, removing, runtimeOf } from './hooks.ts';
import { SessionTokens } from './sessionTokens.ts';

/** How long a debugger may take to evaluate a hook, in milliseconds. */
const ANSWER_TIMEOUT = 5_000;

export interface Hookable {
  readonly session: vscode.DebugSession;
  readonly runtime: Runtime;
  /** A secret name by which findings identify the session: only a hook that was given it knows it. */
  readonly token: string;
}

interface Entry extends Hookable {
  /** The adapter takes requests about the program. */
  ready: boolean;
  state: 'none' | 'installed';
}

export class HookedSessions implements vscode.DebugAdapterTrackerFactory, vscode.Disposable {
  readonly #folder: string;
  readonly #pipe: () => string | null;
  readonly #sessions = new Map<string, Entry>();
  readonly #byToken = new SessionTokens<Entry>();
  readonly #ready = new vscode.EventEmitter<Hookable>();
  readonly #registration: vscode.Disposable;
  #wanted = false;

  /** A session can now be hooked. */
  readonly onDidBecomeReady = this.#ready.event;

  /** @param folder with the hooks @param pipe where findings go; null: nowhere, and no hook is installed */
  constructor(folder: string, pipe: () => string | null) {
    this.#folder = folder;
    this.#pipe = pipe;
    this.#registration = vscode.debug.registerDebugAdapterTrackerFactory('*', this);
  }

  get hasAny(): boolean {
    return [...this.#sessions.values()].some(({ ready }) => ready);
  }

  byToken(token: string): Hookable | null {
    return this.#byToken.get(token);
  }

  createDebugAdapterTracker(session: vscode.DebugSession): vscode.DebugAdapterTracker | undefined {
    const runtime = runtimeOf(session.type, session.parentSession !== undefined);
    if (runtime === null) return undefined;
    const entry: Entry = { session, runtime, token: randomUUID(), ready: false, state: 'none' };
    this.#sessions.set(session.id, entry);
    this.#byToken.add(entry.token, entry);
    const end = () => {
      if (this.#sessions.get(session.id) === entry) this.#sessions.delete(session.id);
      this.#byToken.end(entry.token);
    };
    return {
      onDidSendMessage: (message: unknown) => {
        const { type, event } = record(message);
        if (type !== 'event' || event !== 'initialized') return;
        entry.ready = true;
        // Installed before anything else, while the program waits for the editor to set its breakpoints.
        void this.#bring(entry);
        this.#ready.fire(entry);
      },
      onWillStopSession: end,
      onExit: end,
    };
  }

  /** Installs hooks in all sessions, including future ones, or removes all hooks. */
  want(wanted: boolean): void {
    this.#wanted = wanted;
    for (const entry of this.#sessions.values()) void this.#bring(entry);
  }

  dispose(): void {
    this.want(false);
    this.#registration.dispose();
    this.#ready.dispose();
  }

  async #bring(entry: Entry): Promise<void> {
    const { runtime, token } = entry;
    const pipe = this.#pipe();
    const isInstalled = entry.state === 'installed';
    if (!entry.ready || isInstalled === (this.#wanted && pipe !== null)) return;
    entry.state = isInstalled ? 'none' : 'installed';
    try {
      if (isInstalled) await evaluate(entry.session, removing(runtime));
      else if (pipe !== null) {
        const settings: HookSettings = { pipe, session: token };
        await evaluate(entry.session, await installing(this.#folder, runtime, settings));
      }
    } catch {
      // The session has ended, or cannot evaluate this: then there are just no source lines.
    }
  }
}

async function evaluate(session: vscode.DebugSession, expression: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ANSWER_TIMEOUT);
  });
  try {
    await Promise.race([session.customRequest('evaluate', { expression, context: 'repl' }), late]);
  } finally {
    clearTimeout(timer);
  }
}
