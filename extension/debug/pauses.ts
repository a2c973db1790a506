/**
 * Records when a debug session was paused, from the messages between VS Code and its adapter (Debug Adapter Protocol).
 * Messages have no timestamps: the caller passes the moment at which it saw each, in milliseconds of one clock.
 *
 * A pause lasts from `stopped` to the earlier of `continued` and the successful answer to a resuming request that was
 * sent after that stop. Adapters differ: dlv sends `continued` on steps only, lldb-vscode and rdbg never.
 */
import { record } from './debuggee.ts';

export interface Span {
  readonly from: number;
  /** null: the pause still lasts. */
  readonly to: number | null;
}

/** Newest pauses of a session that are kept. Stepping makes thousands. */
export const MAX_SPANS = 500;
/** Requests that are kept until they are answered. */
const MAX_REQUESTS = 100;

const RESUMING = new Set(['continue', 'next', 'stepIn', 'stepOut', 'stepBack', 'reverseContinue']);

interface Resume {
  readonly thread: number | null;
  readonly single: boolean;
  /** Number of the stop that it resumes. */
  readonly stop: number;
  readonly isStep: boolean;
}

export class SessionPauses {
  readonly #spans: Span[] = [];
  /** Threads that were reported as stopped. */
  readonly #stopped = new Set<number>();
  /** When the current pause began. */
  #since: number | null = null;
  #stops = 0;
  /** Unanswered resuming requests, by `seq`. */
  readonly #resuming = new Map<number, Resume>();

  /** In order; the last may be ongoing. */
  get spans(): readonly Span[] {
    return this.#since === null ? this.#spans : [...this.#spans, { from: this.#since, to: null }];
  }

  get isPaused(): boolean {
    return this.#since !== null;
  }

  fromAdapter(message: unknown, at: number): void {
    const { type, event, command, success, body, request_seq: answered } = record(message);
    const fields = record(body);
    if (type === 'event') {
      if (event === 'stopped') this.#stop(threadOf(fields), at);
      else if (event === 'continued')
        this.#resume(fields['allThreadsContinued'] === true ? null : threadOf(fields), at);
      else if (event === 'terminated' || event === 'exited') this.end(at);
      return;
    }
    if (type !== 'response' || typeof answered !== 'number' || typeof command !== 'string') return;
    const resume = this.#resuming.get(answered);
    this.#resuming.delete(answered);
    if (resume === undefined || success !== true || resume.stop !== this.#stops) return;
    const one = resume.single || (!resume.isStep && fields['allThreadsContinued'] === false);
    this.#resume(one ? resume.thread : null, at);
  }

  fromEditor(message: unknown): void {
    const { type, command, seq, arguments: given } = record(message);
    if (type !== 'request' || typeof command !== 'string' || typeof seq !== 'number') return;
    if (!RESUMING.has(command) || this.#since === null) return;
    const fields = record(given);
    this.#resuming.set(seq, {
      thread: threadOf(fields),
      single: fields['singleThread'] === true,
      stop: this.#stops,
      isStep: command !== 'continue' && command !== 'reverseContinue',
    });
    for (const [oldest] of this.#resuming) {
      if (this.#resuming.size <= MAX_REQUESTS) break;
      this.#resuming.delete(oldest);
    }
  }

  /** The session, or its program, has ended. */
  end(at: number): void {
    this.#resume(null, at);
    this.#resuming.clear();
  }

  #stop(thread: number | null, at: number): void {
    this.#stops++;
    this.#since ??= at;
    if (thread !== null) this.#stopped.add(thread);
  }

  /** @param thread null: all of them. */
  #resume(thread: number | null, at: number): void {
    if (thread === null) this.#stopped.clear();
    else this.#stopped.delete(thread);
    if (this.#since === null || this.#stopped.size > 0) return;
    if (at > this.#since) this.#spans.push({ from: this.#since, to: at });
    if (this.#spans.length > MAX_SPANS) this.#spans.shift();
    this.#since = null;
  }
}

function threadOf(fields: Readonly<Record<string, unknown>>): number | null {
  const thread = fields['threadId'];
  return typeof thread === 'number' ? thread : null;
}
