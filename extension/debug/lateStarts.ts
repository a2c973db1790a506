/**
 * Reports what a trace of debug sessions may have missed: the first calls of a program that was not traced from its
 * start, and all calls of a program whose debugger does not report its process.
 */
import * as vscode from 'vscode';
import type { Trace } from '../capture/trace.ts';
import { t } from '../words/translate.ts';
import { bootTime } from './bootTime.ts';
import { type Debuggee, type DebugSessions, NAMING_TIMEOUT, rootOf } from './debugSessions.ts';
import { startOf } from './processes.ts';
import { startSeen } from './startSeen.ts';
import type { TraceControl } from './traceControl.ts';

/**
 * Milliseconds after a process is named by which the kernel's records of its start have been read, unless the machine
 * is busy.
 */
const SETTLED = 1_000;
/** A process that is this much older than its session was not started by it; milliseconds. */
const OLDER = 10_000;
/** The same message is not repeated within this time, in milliseconds: a launch may have many processes. */
const QUIET = 60_000;

interface Named {
  readonly debuggee: Debuggee;
  readonly pid: number;
  /** When; milliseconds of {@link bootTime}. */
  readonly at: number;
}

export class LateStarts implements vscode.Disposable {
  readonly #trace: Trace;
  readonly #control: TraceControl;
  readonly #sessions: DebugSessions;
  readonly #timers = new Set<NodeJS.Timeout>();
  /** Whether their start was seen is not known yet. */
  readonly #named = new Set<Named>();
  /** Processes added to the trace while waiting for their debugger. */
  readonly #inTime = new Set<number>();
  /** When the message about missing first calls was shown, by the name of the launch; milliseconds. */
  readonly #said = new Map<string, number>();
  readonly #disposable: vscode.Disposable;

  constructor(trace: Trace, control: TraceControl, sessions: DebugSessions) {
    this.#trace = trace;
    this.#control = control;
    this.#sessions = sessions;
    this.#disposable = vscode.Disposable.from(
      sessions.onDidFindProcess(({ debuggee, pid }) => {
        if (!control.follows) return;
        const named = { debuggee, pid, at: bootTime() };
        this.#named.add(named);
        this.#later(SETTLED, () => this.#settle(named));
      }),
      trace.onDidChangeStatus(({ phase }) => {
        // Everything has been read, and the next trace does not know the process.
        if (phase === 'stopped') this.#settleAll();
        else if (phase === 'failed') this.#named.clear();
      }),
      sessions.onDidBegin((debuggee) => {
        // Only root sessions: `waiting` also considers the sessions below them.
        if (debuggee.session.parentSession === undefined)
          this.#later(NAMING_TIMEOUT, () => this.#considerUnnamed(debuggee));
      }),
    );
  }

  dispose(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#disposable.dispose();
  }

  /** This process is traced, and has not run yet. */
  markInTime(pid: number): void {
    this.#inTime.add(pid);
  }

  /** The trace was not ready in time for a launch of this name. */
  sayNotReady(name: string, seconds: number): void {
    this.#said.set(name, performance.now());
    this.#control.note(
      t(
        'The trace was not ready after {0} s, and “{1}” went on: its first calls may be missing.',
        seconds,
        name,
      ),
    );
  }

  #settle(named: Named): void {
    if (!this.#named.has(named)) return;
    const { pid, at } = named;
    const seen = startSeen(this.#trace.status, pid, at, startOf(pid) !== null);
    if (seen === 'unknown' && bootTime() < at + NAMING_TIMEOUT) {
      this.#later(SETTLED, () => this.#settle(named));
      return;
    }
    this.#named.delete(named);
    if (seen === 'seen') this.#inTime.delete(pid);
    else if (this.#control.follows) this.#sayMissed(named);
  }

  #settleAll(): void {
    for (const named of this.#named)
      if (startSeen(this.#trace.status, named.pid, named.at, true) === 'missed') this.#sayMissed(named);
    this.#named.clear();
  }

  #sayMissed({ debuggee: { session, opened }, pid }: Named): void {
    if (this.#inTime.delete(pid)) return;
    const started = startOf(pid);
    // Nobody expects earlier calls of a process that is older than its session.
    if (started === null ? session.configuration.request !== 'launch' : started < opened - OLDER) return;
    const { name } = rootOf(session);
    if (performance.now() - (this.#said.get(name) ?? Number.NEGATIVE_INFINITY) < QUIET) return;
    this.#said.set(name, performance.now());
    this.#control.note(t('“{0}” was not traced from its start: its first calls may be missing.', name));
  }

  #considerUnnamed(debuggee: Debuggee): void {
    if (!this.#control.follows || !this.#sessions.waiting.includes(debuggee)) return;
    const { name } = debuggee.session;
    this.#control.note(
      t(
        'The debugger of “{0}” does not report which process it debugs: choose the process to see its calls.',
        name,
      ),
    );
  }

  #later(ms: number, what: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      what();
    }, ms);
    this.#timers.add(timer);
  }
}
