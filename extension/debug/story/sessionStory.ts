/**
 * Records the output of one debugged program, and the exceptions at which its debugger stopped, from the messages between
 * VS Code and its adapter (Debug Adapter Protocol). Messages have no timestamps: the caller passes the moment at which it
 * saw each, in milliseconds of one clock.
 */
import { record } from '../debuggee.ts';

/** Where something happened, according to the adapter; the path is untrusted text. Lines and columns begin with 1. */
export interface Place {
  readonly path: string;
  readonly line: number;
  readonly column: number | null;
}

export interface Moment {
  readonly kind: 'output' | 'error' | 'exception';
  readonly at: number;
  readonly text: string;
  readonly place: Place | null;
}

/** Newest moments that are kept of a session. */
export const MAX_MOMENTS = 200;
/** Characters that are kept of each. */
export const MAX_TEXT = 400;
/** Output within this time after a moment of the same kind and place is added to that moment; milliseconds. */
export const ONE_MOMENT = 10;
/** Requests for a stack that are kept until they are answered. */
const MAX_REQUESTS = 50;
/** Terminal colours (ECMA-48), which the Debug Console renders. */
const COLOURS = /\u001b\[[\d;]*m/g;

export class SessionStory {
  readonly #moments: Moment[] = [];
  /** Threads that are stopped at an exception whose place or text is not known yet. */
  readonly #exceptions = new Map<number, Moment>();
  /** Requests for a thread's stack or exception, by their sequence numbers. */
  readonly #asked = new Map<number, number>();
  /** Threads whose exception the adapter knows more about. */
  readonly #unsaid = new Set<number>();
  #informs = false;

  get moments(): readonly Moment[] {
    return this.#moments;
  }

  /**
   * The next thread that is stopped at an exception whose text only the answer to `exceptionInfo` has (js-debug); null: none.
   * Each is returned once.
   */
  takeUnsaid(): number | null {
    const next = this.#unsaid.values().next();
    if (next.done) return null;
    this.#unsaid.delete(next.value);
    return next.value;
  }

  /** @returns whether there is something new. */
  fromAdapter(message: unknown, at: number): boolean {
    const { type, event, command, success, body, request_seq: answered } = record(message);
    const fields = record(body);
    if (type === 'event' && event === 'output') return this.#print(fields, at);
    if (type === 'event' && (event === 'continued' || event === 'stopped')) {
      this.#exceptions.clear();
      this.#unsaid.clear();
    }
    if (type === 'event' && event === 'stopped') return this.#stop(fields, at);
    if (type !== 'response' || success !== true) return false;
    if (command === 'initialize') this.#informs = fields['supportsExceptionInfoRequest'] === true;
    if ((command !== 'stackTrace' && command !== 'exceptionInfo') || typeof answered !== 'number')
      return false;
    const thread = this.#asked.get(answered);
    this.#asked.delete(answered);
    if (thread === undefined) return false;
    return command === 'stackTrace'
      ? this.#placeAt(thread, fields['stackFrames'])
      : this.#describe(thread, fields);
  }

  fromEditor(message: unknown): void {
    const { type, command, seq, arguments: given } = record(message);
    if (type !== 'request' || typeof seq !== 'number') return;
    if (command !== 'stackTrace' && command !== 'exceptionInfo') return;
    const { threadId } = record(given);
    if (typeof threadId !== 'number' || !this.#exceptions.has(threadId)) return;
    this.#asked.set(seq, threadId);
    const oldest = this.#asked.keys().next();
    if (this.#asked.size > MAX_REQUESTS && !oldest.done) this.#asked.delete(oldest.value);
  }

  #print({ category, output, source, line, column }: Fields, at: number): boolean {
    // Other categories are messages of the debugger about itself.
    if ((category !== 'stdout' && category !== 'stderr') || typeof output !== 'string') return false;
    const text = cut(output);
    if (text === '') return false;
    const kind = category === 'stdout' ? 'output' : 'error';
    const place = placeOf(source, line, column);
    const last = this.#moments.at(-1);
    const goesOn =
      last?.kind === kind && at - last.at < ONE_MOMENT && (place === null || isSame(place, last.place));
    if (!goesOn) {
      this.#add({ kind, at, text, place });
      return true;
    }
    if (last.text.length >= MAX_TEXT) return false;
    this.#moments[this.#moments.length - 1] = { ...last, text: cut(`${last.text}\n${text}`) };
    return true;
  }

  #stop({ reason, text, description, threadId }: Fields, at: number): boolean {
    if (reason !== 'exception') return false;
    // Which of the two is more informative differs: debugpy has ValueError and its message, js-debug “Paused on
    // exception” and the error.
    const said = [text, description].filter((part) => typeof part === 'string' && part !== '') as string[];
    // Native debuggers report signals as exceptions. This signal was sent by a break on calls, or by the user.
    if (said.some((part) => part.includes('SIGSTOP'))) return false;
    const words = said.filter((part, index) => index === 0 || !/^Paused on /.test(part));
    const moment: Moment = { kind: 'exception', at, text: cut(words.join(': ')), place: null };
    this.#add(moment);
    if (typeof threadId === 'number') {
      this.#exceptions.set(threadId, moment);
      if (this.#informs && words.every((part) => /^Paused on /.test(part))) this.#unsaid.add(threadId);
    }
    return true;
  }

  /** The text of an exception, if the event `stopped` did not have it. */
  #describe(thread: number, { exceptionId, description }: Fields): boolean {
    const moment = this.#exceptions.get(thread);
    const index = moment === undefined ? -1 : this.#moments.indexOf(moment);
    const said = [description, exceptionId].find((part) => typeof part === 'string' && part.trim() !== '');
    if (moment === undefined || index < 0 || typeof said !== 'string') return false;
    if (moment.text !== '' && !/^Paused on /.test(moment.text)) return false;
    this.#change(thread, moment, { ...moment, text: cut(said) });
    return true;
  }

  #change(thread: number, before: Moment, after: Moment): void {
    this.#moments[this.#moments.indexOf(before)] = after;
    this.#exceptions.set(thread, after);
  }

  /**
   * The editor requests the stack of a stopped thread to show it; at first only its top frame. The first frame with a
   * file is the place.
   */
  #placeAt(thread: number, frames: unknown): boolean {
    const moment = this.#exceptions.get(thread);
    if (moment === undefined || moment.place !== null || !this.#moments.includes(moment)) return false;
    if (!Array.isArray(frames)) return false;
    for (const frame of frames) {
      const { source, line, column, name, presentationHint } = record(frame);
      const place = placeOf(source, line, column);
      if (place === null || isInternalFrame(name, presentationHint)) continue;
      this.#change(thread, moment, { ...moment, place });
      return true;
    }
    return false;
  }

  #add(moment: Moment): void {
    this.#moments.push(moment);
    if (this.#moments.length > MAX_MOMENTS) this.#moments.shift();
  }
}

type Fields = Readonly<Record<string, unknown>>;

function placeOf(source: unknown, line: unknown, column: unknown): Place | null {
  const { path, sourceReference } = record(source);
  // A source with a reference number exists only in the adapter.
  if (typeof path !== 'string' || path === '' || (typeof sourceReference === 'number' && sourceReference > 0))
    return null;
  if (!Number.isSafeInteger(line) || Number(line) < 1) return null;
  return { path, line: Number(line), column: Number.isSafeInteger(column) ? Number(column) : null };
}

/** Frames that the debugger marks as labels, and the part of Go's runtime that a panic passes through. */
function isInternalFrame(name: unknown, hint: unknown): boolean {
  return hint === 'subtle' || hint === 'label' || (typeof name === 'string' && /^runtime\.\w/.test(name));
}

function isSame(a: Place, b: Place | null): boolean {
  return b !== null && a.path === b.path && a.line === b.line;
}

/** Cut first, because a program may print a lot at once. */
function cut(text: string): string {
  return text
    .slice(0, 2 * MAX_TEXT)
    .replace(COLOURS, '')
    .trim()
    .slice(0, MAX_TEXT);
}
