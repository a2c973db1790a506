/**
 * Decides when a trace starts and ends. A trace that was started while debugging belongs to the window's debug sessions: it
 * contains their processes, those of later sessions join it, and it ends with the last session. A trace of chosen
 * processes ends with these. Captured calls stay in both cases.
 */

import { existsSync } from 'node:fs';
import * as vscode from 'vscode';
import { type Trace, TraceError } from '../capture/trace.ts';
import { t } from '../words/translate.ts';
import { bootTime } from './bootTime.ts';
import { type DebugSessions, NAMING_TIMEOUT } from './debugSessions.ts';
import { pickProcess } from './processPicker.ts';
import { seeds } from './seeds.ts';

/** How long a trace continues after the last debuggee has ended, in milliseconds: its last records are pending. */
const LINGER = 150;
/** How long an armed trace waits for a session, in milliseconds: the task before a launch may build for minutes. */
const ARMED = 600_000;
/** As above, for a session that restarts. */
const RESTART = 10_000;
/** How long a session that has run for some time may take until its process is known, in milliseconds. */
const PROCESS_TIMEOUT = 5_000;

/** What the user chose to trace: the debug sessions, or a process. */
export type Choice = 'debugging' | 'process';

/** Shows the user why a trace did not start. `again` repeats the user's request. */
export type Report = (error: unknown, pids: readonly number[], again?: () => void) => void;

export class TraceControl implements vscode.Disposable {
  readonly #trace: Trace;
  readonly #sessions: DebugSessions;
  readonly #report: Report;
  /** The trace follows the debug sessions of the window. */
  #follows = false;
  /** Processes found while the trace starts: they join once it runs. */
  #joining: Set<number> | null = null;
  /** Processes that were chosen one by one. */
  readonly #chosen = new Set<number>();
  #ending: NodeJS.Timeout | undefined;
  /** Concurrent launches wait for the same start. */
  #arming: Promise<void> | null = null;
  /** A launch has no session yet: until this time (milliseconds) the trace continues without one. */
  #expectedUntil = 0;
  #refused = false;
  readonly #disposables: vscode.Disposable[];
  readonly #started = new vscode.EventEmitter<Choice>();
  readonly #startedLate = new vscode.EventEmitter<void>();
  readonly #noted = new vscode.EventEmitter<string>();

  /** A trace has started, or added another process at the user's request. */
  readonly onDidStart = this.#started.event;

  /** The user started the trace while debugged programs were running, so their earlier calls were not seen. */
  readonly onDidStartLate = this.#startedLate.event;

  /** Calls that the trace has missed, or cannot see, and why: a text for the user. */
  readonly onDidNote = this.#noted.event;

  constructor(trace: Trace, sessions: DebugSessions, report: Report) {
    this.#trace = trace;
    this.#sessions = sessions;
    this.#report = report;
    this.#disposables = [
      this.#started,
      this.#startedLate,
      this.#noted,
      sessions.onWillRestart(() => {
        if (this.follows) void this.arm(RESTART);
      }),
      sessions.onDidOpen(() => {
        this.#expectedUntil = 0;
        this.#cancelEnding();
      }),
      sessions.onDidFindProcess(({ pid }) => void this.join(pid)),
      sessions.onDidTerminate(() => this.#considerEnding()),
      sessions.onDidEnd(() => this.#considerEnding()),
      trace.onDidChangeStatus(() => this.#considerEnding()),
    ];
  }

  /** The user declined the permission: automatic starts do not ask again. */
  get isRefused(): boolean {
    return this.#refused;
  }

  /** The trace belongs to the debug sessions of the window, and runs or is about to. */
  get follows(): boolean {
    return (this.#follows && this.#isRunning()) || this.#arming !== null;
  }

  /** A launch that the trace was armed for has no session yet. */
  get expects(): boolean {
    return Date.now() < this.#expectedUntil;
  }

  note(text: string): void {
    this.#noted.fire(text);
  }

  /**
   * Arms the trace for a launch. Never throws: a failure is reported, and the launch proceeds.
   * @param expected milliseconds within which a session is to begin.
   */
  arm(expected = ARMED): Promise<void> {
    this.#arming ??= this.#arm(expected).finally(() => {
      this.#arming = null;
    });
    return this.#arming;
  }

  async #arm(expected: number): Promise<void> {
    const running = this.#isRunning();
    this.#expectedUntil = Date.now() + expected;
    this.#cancelEnding();
    try {
      if (!running) this.#joining ??= new Set();
      await this.#trace.arm(await seeds());
      this.#refused = false;
      if (running) return;
      this.#chosen.clear();
      this.#follow();
      this.#started.fire('debugging');
    } catch (error) {
      this.#joining = null;
      this.#expectedUntil = 0;
      this.#refused ||= error instanceof TraceError && error.code === 'cancelled';
      this.#report(error, []);
    }
  }

  /** From here on the trace belongs to the sessions; processes found while it started join it. */
  #follow(): void {
    this.#follows = true;
    const joining = this.#joining ?? [];
    this.#joining = null;
    for (const pid of joining) void this.join(pid);
  }

  /** Traces the processes that are debugged in this window, or asks for a process when there are none. */
  async start(): Promise<void> {
    if (this.#sessions.all.length === 0) return this.pickAndStart();
    const pids = await this.#debuggedProcesses();
    if (pids.length === 0) return this.#explainNoProcess();
    const wasRunning = this.#isRunning();
    await this.#run('debugging', pids);
    if (!wasRunning && this.follows) this.#startedLate.fire();
  }

  /** Asks for a process and traces it. */
  async pickAndStart(): Promise<void> {
    const pid = await pickProcess();
    if (pid !== undefined) await this.#run('process', [pid]);
  }

  async stop(): Promise<void> {
    this.#follows = false;
    this.#expectedUntil = 0;
    this.#chosen.clear();
    this.#cancelEnding();
    await this.#trace.stop();
  }

  dispose(): void {
    this.#cancelEnding();
    for (const disposable of this.#disposables) disposable.dispose();
  }

  async #run(choice: Choice, pids: readonly number[]): Promise<void> {
    try {
      if (!vscode.workspace.isTrusted) {
        throw new TraceError(
          'untrusted-workspace',
          t('HTTP Trace is off in Restricted Mode. Trust this workspace to use it.'),
        );
      }
      if (!this.#isRunning()) {
        this.#follows = false;
        this.#chosen.clear();
      }
      if (choice === 'debugging') this.#joining ??= new Set();
      await this.#trace.start(pids);
      this.#refused = false;
      if (choice === 'debugging') this.#follow();
      else for (const pid of pids) this.#chosen.add(pid);
      this.#started.fire(choice);
    } catch (error) {
      this.#joining = null;
      this.#refused ||= error instanceof TraceError && error.code === 'cancelled';
      this.#report(error, pids, () => void (choice === 'debugging' ? this.start() : this.#run(choice, pids)));
    }
  }

  #isRunning(): boolean {
    return this.#trace.status.phase === 'running' || this.#trace.status.phase === 'starting';
  }

  async #debuggedProcesses(): Promise<number[]> {
    // A process that has ended meanwhile was a launcher, or was replaced.
    const known = this.#sessions.processes().filter(isProcess);
    const { all } = this.#sessions;
    if (known.length > 0 || all.every((debuggee) => debuggee.untraceable !== null)) return known;
    return vscode.window.withProgress(
      { location: vscode.ProgressLocation.Window, title: t('HTTP Trace: waiting for the process to trace') },
      () =>
        new Promise<number[]>((resolve) => {
          const done = () => {
            clearTimeout(timer);
            listener.dispose();
            resolve(this.#sessions.processes().filter(isProcess));
          };
          const timer = setTimeout(done, this.#patience());
          const listener = this.#sessions.onDidFindProcess(done);
        }),
    );
  }

  /** How long the process of a session may still take, in milliseconds: one that has just begun may be starting its adapter. */
  #patience(): number {
    const newest = Math.max(...this.#sessions.all.map(({ opened }) => opened));
    return Math.max(PROCESS_TIMEOUT, newest + NAMING_TIMEOUT - bootTime());
  }

  async #explainNoProcess(): Promise<void> {
    const reasons = new Set(this.#sessions.all.map((debuggee) => debuggee.untraceable));
    const message = reasons.has('remote')
      ? t(
          'The program you debug runs on another machine and cannot be traced from here. Open the workspace there, by Remote - SSH or in its container.',
        )
      : reasons.has('browser')
        ? t(
            'HTTP Trace does not trace browser pages; use the network view of the browser. The server that the page calls can be traced.',
          )
        : t('The debugger does not report which process it debugs.');
    const choose = t('Choose a Process…');
    if ((await vscode.window.showWarningMessage(message, choose)) === choose) await this.pickAndStart();
  }

  /** Adds a process that a debug session has reported, if the trace follows the sessions. */
  async join(pid: number): Promise<void> {
    this.#joining?.add(pid);
    if (!this.#follows || !this.#isRunning()) return;
    this.#cancelEnding();
    try {
      await this.#trace.start([pid]);
    } catch (error) {
      // A process that has ended already makes no calls: there is nothing to report.
      const over = error instanceof TraceError && (error.code === 'gone' || error.code === 'not-found');
      if (!over) this.#report(error, [pid]);
    }
  }

  #considerEnding(): void {
    if (!this.#isFinished()) this.#cancelEnding();
    else
      this.#ending ??= setTimeout(() => {
        this.#ending = undefined;
        if (this.#isFinished()) void this.stop();
      }, LINGER);
  }

  #cancelEnding(): void {
    clearTimeout(this.#ending);
    this.#ending = undefined;
  }

  /** All debuggees, or all chosen processes, have ended. Children that outlive a debuggee are not debugged. */
  #isFinished(): boolean {
    const { phase, targets } = this.#trace.status;
    if (phase !== 'running' || (!this.#follows && this.#chosen.size === 0)) return false;
    if (this.#follows && this.expects) return false;
    // A session whose process is not known yet may be the one that was just restarted.
    if (this.#follows && this.#sessions.all.some((one) => one.untraceable === null && !one.terminated))
      return false;
    return targets.every((target) => target.ended || !this.#chosen.has(target.pid));
  }
}

function isProcess(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}
