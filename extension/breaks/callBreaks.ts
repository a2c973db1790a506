/** Breaks in the debug sessions of this window: sets them where possible, and reports hits. */

import * as vscode from 'vscode';
import type { StoppingTrace, Trace } from '../capture/trace.ts';
import { isBrowser } from '../debug/debuggee.ts';
import type { DebugSessions } from '../debug/debugSessions.ts';
import { askForHooks, hookConsent } from '../debug/hookConsent.ts';
import type { TraceStatus } from '../engine/traceStatus.ts';
import { reasonOf } from '../views/notify.ts';
import { t } from '../words/translate.ts';
import type { BreakList } from './breakList.ts';
import { type StackFrame, skipInternalFrames } from './callerFrames.ts';
import { GoStrategy } from './goStrategy.ts';
import { NativeStrategy } from './nativeStrategy.ts';
import { NodeStrategy } from './nodeStrategy.ts';
import { PythonStrategy } from './pythonStrategy.ts';
import type { BreakStrategy, Hit, Message, Stop } from './strategy.ts';

/** A program that is stopped at a break. */
export interface CurrentHit extends Hit {
  /** Name of the debug session. */
  readonly session: string;
}

/** A session in which the breaks are not set. */
export interface Failure {
  readonly session: string;
  readonly reason: string;
}

interface Entry {
  readonly session: vscode.DebugSession;
  readonly strategy: BreakStrategy | null;
  /** Breaks can be set. */
  ready: boolean;
  /** Breaks are or may be set. */
  used: boolean;
  /** Runs one at a time. */
  setting: Promise<void>;
  failure: string | null;
  currentHit: CurrentHit | null;
  /** For each unanswered `stackTrace`: the first requested frame. */
  readonly asked: Map<number, { readonly threadId: number; readonly startFrame: number }>;
  /** Threads that are stopped at a break, with the source of the top frame. */
  readonly stoppedThreads: Map<number, string>;
}

const RESUMING = new Set(['continue', 'next', 'stepIn', 'stepOut', 'stepBack', 'reverseContinue', 'goto']);
/** Unanswered requests for stacks; more means that an adapter does not answer. */
const MAX_ASKED = 100;
/** Frames VS Code requests first; it requests more when the user looks at the stack. */
const MAX_FRAMES = 20;
const NODE_TYPES = new Set(['node', 'pwa-node', 'node-terminal', 'pwa-extensionHost', 'extensionHost']);

export class CallBreaks implements vscode.DebugAdapterTrackerFactory, vscode.Disposable {
  readonly #list: BreakList;
  readonly #trace: Trace & StoppingTrace;
  readonly #sessions: DebugSessions;
  readonly #entries = new Map<string, Entry>();
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #hit = new vscode.EventEmitter<CurrentHit>();
  readonly #disposables: vscode.Disposable[];
  #active = '';

  /** Stopped programs, or sessions in which breaks could not be set, have changed. */
  readonly onDidChange = this.#changed.event;
  readonly onDidHit = this.#hit.event;

  constructor(list: BreakList, trace: Trace & StoppingTrace, sessions: DebugSessions) {
    this.#list = list;
    this.#trace = trace;
    this.#sessions = sessions;
    let { phase } = trace.status;
    this.#disposables = [
      this.#changed,
      this.#hit,
      vscode.debug.registerDebugAdapterTrackerFactory('*', this),
      vscode.debug.onDidTerminateDebugSession((session) => this.#end(session)),
      list.onDidChange(() => this.#setAll()),
      sessions.onDidFindProcess(({ debuggee }) => this.#setNative(debuggee.session.id)),
      trace.onDidChangeStatus((status) => {
        if (status.phase === phase) return;
        phase = status.phase;
        this.#traceChanged(phase);
      }),
    ];
  }

  get currentHits(): readonly CurrentHit[] {
    return [...this.#entries.values()].flatMap(({ currentHit }) => currentHit ?? []);
  }

  get failures(): readonly Failure[] {
    const failures = [...this.#entries.values()].flatMap(({ session, failure }) =>
      failure === null ? [] : [{ session: session.name, reason: failure }],
    );
    return this.#list.active.length === 0 ? [] : failures;
  }

  createDebugAdapterTracker(session: vscode.DebugSession): vscode.DebugAdapterTracker | undefined {
    if (isBrowser(session.type) || !vscode.workspace.isTrusted) return undefined;
    // js-debug's outer session has no program of its own.
    if (NODE_TYPES.has(session.type) && session.parentSession === undefined) return undefined;
    const strategy = this.#strategyOf(session);
    const entry: Entry = {
      session,
      strategy,
      ready: false,
      used: false,
      setting: Promise.resolve(),
      failure:
        strategy === null ? t('its debugger ({0}) has no way to stop before a call', session.type) : null,
      currentHit: null,
      asked: new Map(),
      stoppedThreads: new Map(),
    };
    this.#entries.set(session.id, entry);
    if (entry.failure !== null) this.#changed.fire();
    const end = () => this.#end(session);
    return {
      onDidSendMessage: (message: Message) => this.#fromAdapter(entry, message),
      onWillReceiveMessage: (message: Message) => this.#fromEditor(entry, message),
      onWillStopSession: end,
      onExit: end,
    };
  }

  dispose(): void {
    for (const { strategy, used, session } of this.#entries.values())
      if (strategy !== null && used) void strategy.set([], session.name).catch(() => undefined);
    for (const { strategy } of this.#entries.values()) strategy?.dispose?.();
    this.#entries.clear();
    for (const disposable of this.#disposables) disposable.dispose();
  }

  #fromAdapter(entry: Entry, message: Message): void {
    const { type, event, command, body, success, request_seq: seq = -1 } = message;
    this.#setIfTime(entry, message);
    if (type === 'event' && event === 'stopped') {
      void this.#stopped(entry, body);
      callByName(entry, body);
    }
    if (type === 'event' && event === 'continued') this.#resumed(entry);
    if (type !== 'response' || command !== 'stackTrace') return;
    const asked = entry.asked.get(seq);
    entry.asked.delete(seq);
    const { stackFrames } = (body ?? {}) as { readonly stackFrames?: readonly StackFrame[] };
    if (asked === undefined || success !== true || !Array.isArray(stackFrames)) return;
    this.#showCaller(entry, asked.threadId, asked.startFrame, stackFrames);
  }

  #fromEditor(entry: Entry, message: Message): void {
    const { type, command, seq = -1 } = message;
    this.#setIfTime(entry, message);
    if (type !== 'request') return;
    if (command !== undefined && RESUMING.has(command)) this.#resumed(entry);
    if (command !== 'stackTrace' || entry.asked.size >= MAX_ASKED) return;
    const { threadId = 0, startFrame = 0 } = (message.arguments ?? {}) as {
      readonly threadId?: number;
      readonly startFrame?: number;
    };
    entry.asked.set(seq, { threadId, startFrame });
  }

  #setIfTime(entry: Entry, message: Message): void {
    if (entry.strategy?.isTimeToSet(message) !== true) return;
    entry.ready = true;
    if (this.#list.active.length > 0 || entry.used) this.#set(entry);
  }

  /** A stack arrives in parts: its first frame shows whether it belongs to a break. */
  #showCaller(entry: Entry, threadId: number, startFrame: number, frames: readonly StackFrame[]): void {
    const { strategy, stoppedThreads } = entry;
    const [top] = frames;
    if (strategy === null || top === undefined) return;
    if (startFrame === 0) {
      if (strategy.isStopped(top)) stoppedThreads.set(threadId, top.source?.path ?? '');
      else stoppedThreads.delete(threadId);
    }
    const source = stoppedThreads.get(threadId);
    if (source === undefined || startFrame >= MAX_FRAMES) return;
    skipInternalFrames(frames, (frame) => frame.source?.path === source || strategy.isInternalFrame(frame));
  }

  async #stopped(entry: Entry, body: unknown): Promise<void> {
    const { strategy, used, session } = entry;
    if (strategy === null || !used) return;
    const stop = stopOf(body);
    const hit = await strategy.hitAt(stop).catch(() => null);
    if (hit === null) return;
    // A break that was removed or switched off in the meantime does not hold the program.
    if (hit === 'none' || !this.#list.active.some(({ id }) => id === hit.id)) {
      await session.customRequest('continue', { threadId: stop.threadId }).then(undefined, () => undefined);
      return;
    }
    entry.currentHit = { ...hit, session: nameOf(session) };
    this.#list.countHit(hit.id);
    this.#hit.fire(entry.currentHit);
    this.#changed.fire();
  }

  #resumed(entry: Entry): void {
    entry.stoppedThreads.clear();
    entry.strategy?.resumed?.();
    if (entry.currentHit === null) return;
    entry.currentHit = null;
    this.#changed.fire();
  }

  /** Only if the conditions have changed: a hit also changes the list. */
  #setAll(): void {
    const active = JSON.stringify(this.#list.active);
    if (active === this.#active) return;
    this.#active = active;
    for (const entry of this.#entries.values()) if (entry.ready) this.#set(entry);
  }

  /** @param id of one session; omitted: all sessions with native breaks. */
  #setNative(id?: string): void {
    for (const entry of this.#entries.values()) {
      if (!(entry.strategy instanceof NativeStrategy) || (id !== undefined && entry.session.id !== id))
        continue;
      if (this.#list.active.length > 0 || entry.used) this.#set(entry);
    }
  }

  #traceChanged(phase: TraceStatus['phase']): void {
    if (phase === 'failed')
      for (const { strategy } of this.#entries.values()) void strategy?.lost?.().catch(() => undefined);
    this.#setNative();
  }

  #set(entry: Entry): void {
    entry.setting = entry.setting.then(() => this.#setNow(entry));
  }

  async #setNow(entry: Entry): Promise<void> {
    const { strategy, session } = entry;
    const breaks = this.#list.active;
    if (strategy === null || this.#entries.get(session.id) !== entry) return;
    if (breaks.length === 0 && !entry.used) return;
    const before = entry.failure;
    const consent = strategy.hooks ? hookConsent() : true;
    if (consent === null) {
      entry.failure = t('you have not yet answered whether hooks may run');
      // The launch does not wait for an answer.
      void askForHooks().then(() => this.#set(entry));
    } else if (!consent) {
      entry.failure = t('hooks are not allowed (setting httpTrace.hooks)');
    } else {
      entry.used = true;
      entry.failure = await strategy.set(breaks, nameOf(session)).catch(reasonOf);
    }
    if (entry.failure !== before) this.#changed.fire();
  }

  #end(session: vscode.DebugSession): void {
    const entry = this.#entries.get(session.id);
    if (entry === undefined) return;
    this.#entries.delete(session.id);
    entry.strategy?.dispose?.();
    if (entry.currentHit !== null || entry.failure !== null) this.#changed.fire();
  }

  #strategyOf(session: vscode.DebugSession): BreakStrategy | null {
    const request = (command: string, argument: unknown) => session.customRequest(command, argument);
    if (NODE_TYPES.has(session.type)) return new NodeStrategy(request);
    switch (session.type) {
      case 'debugpy':
      case 'python':
        return new PythonStrategy(request);
      case 'go':
        return new GoStrategy(request);
      case 'lldb-dap':
      case 'lldb':
      case 'gdb':
      case 'cppdbg':
        return new NativeStrategy(request, {
          trace: this.#trace,
          type: session.type,
          processes: () => this.#processesOf(session),
          names: () => this.#nativeNames(),
          isTracing: () => this.#trace.status.phase === 'running',
        });
      default:
        return null;
    }
  }

  #processesOf({ id }: vscode.DebugSession): readonly number[] {
    return this.#sessions.all.flatMap(({ session, processes }) => (session.id === id ? [...processes] : []));
  }

  #nativeNames(): readonly string[] {
    const native = [...this.#entries.values()].filter(({ strategy }) => strategy instanceof NativeStrategy);
    return [...new Set(native.map(({ session }) => nameOf(session)))];
  }
}

/** Outermost session's name, as lists show it: js-debug has one session per process. */
function nameOf(session: vscode.DebugSession): string {
  return session.parentSession === undefined ? session.name : nameOf(session.parentSession);
}

/** With the reason `function breakpoint` VS Code would select the top frame even where it is skipped. */
function callByName({ strategy }: Entry, body: unknown): void {
  if (strategy?.isOwnStop(stopOf(body)) !== true) return;
  const named = body as { reason: string; description: string };
  named.reason = 'call';
  named.description = t('Paused before an HTTP call');
}

function stopOf(body: unknown): Stop {
  const fields = (body ?? {}) as Readonly<Record<string, unknown>>;
  const { threadId, reason: why, hitBreakpointIds, description, text } = fields;
  return {
    threadId: typeof threadId === 'number' ? threadId : 0,
    reason: typeof why === 'string' ? why : '',
    text: [description, text].filter((part) => typeof part === 'string').join(' '),
    hitBreakpointIds: Array.isArray(hitBreakpointIds)
      ? hitBreakpointIds.filter((id): id is number => typeof id === 'number')
      : [],
  };
}
