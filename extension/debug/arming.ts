/**
 * Arms the trace before a launch proceeds: from then on it follows everything that the extension host and the terminals
 * start, so that even a call on a program's first line is seen. The debug adapters report later which of these processes
 * are debuggees.
 */

import * as vscode from 'vscode';
import type { Trace } from '../capture/trace.ts';
import { Setting, type StartWithDebugging } from '../contributions.ts';
import { clueFromName, isBrowser, isRemote } from './debuggee.ts';
import { type DebugSessions, NAMING_TIMEOUT } from './debugSessions.ts';
import type { LateStarts } from './lateStarts.ts';
import { descendants } from './processes.ts';
import { seeds } from './seeds.ts';
import type { TraceControl } from './traceControl.ts';

/** How long a launch waits until the trace is armed, in milliseconds. */
const ARM_TIMEOUT = 2_000;
/** Interval between checks of started processes, in milliseconds. */
const UNNAMED_INTERVAL = 500;
/** How long a process may remain unnamed by a debugger, in milliseconds. */
const UNNAMED = 2_000;

export class Arming implements vscode.DebugConfigurationProvider, vscode.Disposable {
  readonly #trace: Trace;
  readonly #control: TraceControl;
  readonly #sessions: DebugSessions;
  readonly #lateStarts: LateStarts;
  readonly #timer: NodeJS.Timeout;
  readonly #disposables: vscode.Disposable[];

  constructor(trace: Trace, control: TraceControl, sessions: DebugSessions, lateStarts: LateStarts) {
    this.#trace = trace;
    this.#control = control;
    this.#sessions = sessions;
    this.#lateStarts = lateStarts;
    this.#timer = setInterval(() => this.#leaveOutUnnamed(), UNNAMED_INTERVAL);
    this.#disposables = [
      vscode.debug.registerDebugConfigurationProvider('*', this),
      sessions.onDidClaim((pid) => this.#trace.confirm([pid])),
    ];
  }

  dispose(): void {
    clearInterval(this.#timer);
    for (const disposable of this.#disposables) disposable.dispose();
  }

  /** Always returns the configuration: without it there would be no launch. */
  async resolveDebugConfigurationWithSubstitutedVariables(
    _folder: vscode.WorkspaceFolder | undefined,
    configuration: vscode.DebugConfiguration,
  ): Promise<vscode.DebugConfiguration> {
    if (!this.#isWanted(configuration)) return configuration;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), ARM_TIMEOUT);
    });
    try {
      const ready = this.#control.arm().then(() => this.#attachWaiting(configuration));
      const outcome = await Promise.race([ready, late]);
      if (outcome === 'late') this.#lateStarts.sayNotReady(configuration.name, ARM_TIMEOUT / 1_000);
    } finally {
      clearTimeout(timer);
    }
    return configuration;
  }

  /**
   * js-debug's child sessions arrive here with the process id in their name, while the process still waits. So even a
   * process started before the trace was armed can be attached in time. The id may be from another machine, so the
   * process is checked first.
   */
  async #attachWaiting({ type, name }: vscode.DebugConfiguration): Promise<void> {
    const claim = clueFromName(type, name);
    if (claim?.kind !== 'process') return;
    const below = await Promise.all((await seeds()).map((seed) => descendants(seed)));
    if (!below.flat().some(({ pid }) => pid === claim.pid)) return;
    await this.#control.join(claim.pid);
    this.#lateStarts.markInTime(claim.pid);
  }

  #isWanted(configuration: vscode.DebugConfiguration): boolean {
    if (isBrowser(configuration.type) || isRemote(configuration)) return false;
    if (!vscode.workspace.isTrusted || this.#control.isRefused) return false;
    const settings = vscode.workspace.getConfiguration();
    if (!settings.get<boolean>(Setting.armBeforeLaunch, true)) return false;
    if (this.#control.follows) return true;
    const wish = settings.get<StartWithDebugging>(Setting.startWithDebugging, 'never');
    const { phase } = this.#trace.status;
    return wish === 'always' && phase !== 'running' && phase !== 'starting';
  }

  #leaveOutUnnamed(): void {
    if (!this.#control.follows || this.#trace.status.phase !== 'running') return;
    // Some debuggees (rdbg) run before their session is known: its adapter is requested only then.
    const isLate = this.#sessions.waiting.length > 0 || this.#control.expects;
    this.#trace.leaveOutUnnamed(isLate ? NAMING_TIMEOUT : UNNAMED);
  }
}
