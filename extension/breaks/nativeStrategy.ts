/**
 * lldb and gdb (C, C++, Rust): the kernel stops the thread that is about to send (bpf/breaks.h), and the debugger, which
 * holds the process by ptrace, reports it as a stop by SIGSTOP. Nothing runs in the program.
 */
import type { BreakState } from '../../helper/protocol.ts';
import type { StoppingTrace } from '../capture/trace.ts';
import { t } from '../words/translate.ts';
import { automatonOf } from './automaton.ts';
import type { ActiveBreak } from './breakList.ts';
import type { StackFrame } from './callerFrames.ts';
import { factsOf, holds } from './condition.ts';
import {
  type BreakStrategy,
  evaluated,
  type Hit,
  type Message,
  type Request,
  type Stop,
} from './strategy.ts';

/** What the strategy has to know about its session and the trace. */
export interface Native {
  readonly trace: StoppingTrace;
  /** Debug type. */
  readonly type: string;
  /** Processes of the session. */
  processes(): readonly number[];
  /** Names of the sessions with this strategy: the kernel has one table for all of them. */
  names(): readonly string[];
  isTracing(): boolean;
}

/** Milliseconds after which a stop the debugger has not reported is undone. */
const REPORTED = 1_000;
/** Otherwise gdb passes the signal on when the program continues, which stops it again. */
const GDB_COMMANDS: Readonly<Record<string, string>> = {
  gdb: 'handle SIGSTOP stop nopass',
  cppdbg: '-exec handle SIGSTOP stop nopass',
};
/** Stop reasons for a signal. */
const SIGNALLED: ReadonlySet<string> = new Set(['exception', 'signal']);
/** A file path: without one, lldb gives a library, as in ``libc.so.6`write``. */
const FILE = /^(?:\/|[A-Za-z]:[\\/])/;

export class NativeStrategy implements BreakStrategy {
  readonly hooks = false;
  readonly #request: Request;
  readonly #native: Native;
  readonly #listening: { dispose(): void };
  #breaks: readonly ActiveBreak[] = [];
  #session = '';
  readonly #armed = new Set<number>();
  /** Threads that are, or may be, stopped at a break. */
  readonly #stoppedThreads = new Set<number>();
  /** Stops that the debugger has not reported yet. */
  readonly #unreported = new Map<number, NodeJS.Timeout>();
  #prepared = false;

  constructor(request: Request, native: Native) {
    this.#request = request;
    this.#native = native;
    this.#listening = native.trace.onDidBreak((state) => this.#expectStop(state));
  }

  async set(breaks: readonly ActiveBreak[], session: string): Promise<string | null> {
    this.#breaks = breaks;
    this.#session = session;
    if (breaks.length === 0) return this.#release(null);
    if (!this.#native.isTracing())
      return this.#release(t('in this debugger breaks need a running trace; start HTTP Trace'));
    const made = automatonOf(
      breaks.map(({ condition }) => condition),
      this.#native.names(),
    );
    if ('reason' in made) return this.#release(made.reason);
    const command = GDB_COMMANDS[this.#native.type];
    if (command !== undefined && !this.#prepared)
      await evaluated(this.#request, { expression: command, context: 'repl' });
    this.#prepared = true;
    const automaton = made.table.toString('base64');
    for (const pid of this.#native.processes()) {
      const { reason } = await this.#native.trace.setBreak({ pid, action: 'arm', automaton });
      if (reason !== null) return reason;
      this.#armed.add(pid);
    }
    return null;
  }

  async hitAt(stop: Stop): Promise<Hit | 'none' | null> {
    this.#stoppedThreads.delete(stop.threadId);
    if (this.#armed.size === 0) return null;
    // The stack is requested at once, before it is known whether a break caused the stop: lldb 14 does not report the
    // signal.
    if (SIGNALLED.has(stop.reason) || this.isOwnStop(stop)) this.#stoppedThreads.add(stop.threadId);
    for (const timer of this.#unreported.values()) clearTimeout(timer);
    this.#unreported.clear();
    for (const pid of this.#armed) {
      const { hit } = await this.#native.trace.setBreak({ pid, action: 'read', automaton: null });
      if (hit === null) continue;
      this.#stoppedThreads.add(stop.threadId);
      // Rearms while still stopped: no call is missed.
      await this.#native.trace.setBreak({ pid, action: 'arm', automaton: null });
      return this.#hitOf(hit.head, hit.encrypted);
    }
    this.#stoppedThreads.delete(stop.threadId);
    return null;
  }

  /** The process is known but has not run: adapters report it before its first instruction. */
  isTimeToSet({ type, event }: Message): boolean {
    return type === 'event' && (event === 'process' || event === 'initialized');
  }

  isOwnStop({ text }: Stop): boolean {
    return this.#armed.size > 0 && text.includes('SIGSTOP');
  }

  isStopped(): boolean {
    return this.#stoppedThreads.size > 0;
  }

  isInternalFrame({ source }: StackFrame): boolean {
    return !FILE.test(source?.path ?? '');
  }

  resumed(): void {
    this.#stoppedThreads.clear();
  }

  /** The trace or the helper has ended: a program stopped at a break is continued. */
  async lost(): Promise<void> {
    const [threadId] = this.#stoppedThreads;
    this.#armed.clear();
    this.#goOn([...this.#unreported.keys()]);
    if (threadId !== undefined) await this.#request('continue', { threadId });
  }

  dispose(): void {
    this.#listening.dispose();
    this.#goOn([...this.#unreported.keys()]);
    void this.#release(null).catch(() => undefined);
  }

  async #release(reason: string | null): Promise<string | null> {
    const pids = [...this.#armed];
    this.#armed.clear();
    if (this.#native.isTracing())
      for (const pid of pids) await this.#native.trace.setBreak({ pid, action: 'release', automaton: null });
    return reason;
  }

  /** The debugger gets the signal at once, and reports it. If it does not, the program must not hang. */
  #expectStop({ pid }: BreakState): void {
    if (!this.#armed.has(pid)) return;
    clearTimeout(this.#unreported.get(pid));
    this.#unreported.set(
      pid,
      setTimeout(() => {
        this.#goOn([pid]);
        void this.#native.trace.setBreak({ pid, action: 'arm', automaton: null }).catch(() => undefined);
      }, REPORTED),
    );
  }

  #goOn(pids: readonly number[]): void {
    for (const pid of pids) {
      clearTimeout(this.#unreported.get(pid));
      this.#unreported.delete(pid);
      try {
        process.kill(pid, 'SIGCONT');
      } catch {
        // It has ended.
      }
    }
  }

  #hitOf(head: string, encrypted: boolean): Hit | 'none' {
    const text = Buffer.from(head, 'base64').toString('latin1');
    const [method = '', path = ''] = (text.split('\n', 1)[0] ?? '').split(' ');
    const host = /\nhost:[ \t]*([^\r\n]*)/i.exec(text)?.[1] ?? '';
    const call = { method, path, host, scheme: encrypted ? 'https' : 'http', session: this.#session };
    const facts = factsOf(call);
    const found = this.#breaks.find(({ condition }) => holds(condition, facts));
    return found === undefined ? 'none' : { id: found.id, method, host, path };
  }
}
