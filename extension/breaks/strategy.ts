/** How a session's debugger stops a program before a call. nativeStrategy.ts serves lldb and gdb, the others one debugger each. */
import { t } from '../words/translate.ts';
import type { ActiveBreak } from './breakList.ts';
import type { StackFrame } from './callerFrames.ts';

/** The call at which a program has stopped, as the program describes it. */
export interface Hit {
  readonly id: number;
  readonly method: string;
  readonly host: string;
  readonly path: string;
}

/** The body of DAP's event `stopped`: the fields that are read. */
export interface Stop {
  readonly threadId: number;
  readonly reason: string;
  readonly hitBreakpointIds: readonly number[];
  /** `description` and `text`. */
  readonly text: string;
}

export interface BreakStrategy {
  /** Whether a hook runs in the program, which needs the user's consent. */
  readonly hooks: boolean;
  /** Sets these breaks and no others. @returns null, or why they cannot be set. */
  set(breaks: readonly ActiveBreak[], session: string): Promise<string | null>;
  /** @returns what was hit; null: the stop has another reason; `none`: it is ours, but no break matches. */
  hitAt(stop: Stop): Promise<Hit | 'none' | null>;
  /** @param message to or from the adapter. @returns whether breaks can be set, or must be set again, now. */
  isTimeToSet(message: Message): boolean;
  /** Whether a `stopped` event certainly belongs to a break, so that it can be labelled so. */
  isOwnStop(stop: Stop): boolean;
  /** Whether a stack that begins with this frame belongs to a break. */
  isStopped(top: StackFrame): boolean;
  /** Whether a frame lies between the break and the program's own code. */
  isInternalFrame(frame: StackFrame): boolean;
  /** The program continues. */
  resumed?(): void;
  /** The trace has failed. */
  lost?(): Promise<void>;
  /** The session has ended, or the window closes. */
  dispose?(): void;
}

/** A DAP message: the fields that are read. */
export interface Message {
  readonly seq?: number;
  readonly request_seq?: number;
  readonly type?: string;
  readonly event?: string;
  readonly command?: string;
  readonly success?: boolean;
  readonly arguments?: unknown;
  readonly body?: unknown;
}

/** Sends a DAP request to the session's adapter. */
export type Request = (command: string, argument: unknown) => PromiseLike<unknown>;

/** How long an adapter may take to answer, in milliseconds. */
const ANSWER_TIMEOUT = 10_000;

/** The `result` of an evaluation. @throws the adapter's error, or one for a timeout. */
export async function evaluated(request: Request, argument: object): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(t('its debugger does not answer'))), ANSWER_TIMEOUT);
  });
  try {
    const body = await Promise.race([request('evaluate', argument), late]);
    const { result } = (body ?? {}) as { readonly result?: unknown };
    return typeof result === 'string' ? result : '';
  } finally {
    clearTimeout(timer);
  }
}

/** Unquotes a string as shown by a debugger of Go, JavaScript or Python. */
export function unquoted(shown: string): string {
  const [, , inner] = /^(['"`])([\s\S]*)\1$/.exec(shown) ?? [];
  return inner === undefined ? shown : inner.replace(/\\(['"`\\])/g, '$1');
}

/** JSON of a hit, as a debugger shows it. Everything in it comes from the program. */
export function hitOf(shown: string): Hit | null {
  for (const text of [unquoted(shown), shown]) {
    try {
      const { id, method, host, path } = JSON.parse(text) as Partial<Record<keyof Hit, unknown>>;
      if (typeof id === 'number')
        return { id, method: String(method), host: String(host), path: String(path) };
    } catch {
      // Not JSON.
    }
  }
  return null;
}

/** The top frame of a stopped thread; null if the adapter reports none. */
export async function topFrame(request: Request, threadId: number): Promise<StackFrame | null> {
  const body = await request('stackTrace', { threadId, startFrame: 0, levels: 1 });
  const { stackFrames } = (body ?? {}) as { readonly stackFrames?: readonly StackFrame[] };
  return stackFrames?.[0] ?? null;
}
