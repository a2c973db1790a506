/** debugpy: a hook in the program suspends its thread via pydevd, with the program's own code as the top frame. */
import type { ActiveBreak } from './breakList.ts';
import { PYTHON_HIT, pythonStatement } from './pythonHook.ts';
import {
  type BreakStrategy,
  evaluated,
  type Hit,
  hitOf,
  type Message,
  type Request,
  type Stop,
  topFrame,
} from './strategy.ts';

export class PythonStrategy implements BreakStrategy {
  readonly hooks = true;
  readonly #request: Request;

  constructor(request: Request) {
    this.#request = request;
  }

  /** Without a frame, debugpy executes the code with no result: errors are thrown. */
  async set(breaks: readonly ActiveBreak[], session: string): Promise<string | null> {
    await evaluated(this.#request, { expression: pythonStatement(breaks, session), context: 'repl' });
    return null;
  }

  async hitAt({ threadId, reason }: Stop): Promise<Hit | null> {
    if (reason !== 'breakpoint') return null;
    const frame = await topFrame(this.#request, threadId);
    if (frame?.id === undefined) return null;
    // In this context debugpy returns the whole text.
    return hitOf(
      await evaluated(this.#request, { expression: PYTHON_HIT, frameId: frame.id, context: 'clipboard' }),
    );
  }

  isTimeToSet({ type, event }: Message): boolean {
    return type === 'event' && event === 'initialized';
  }

  isOwnStop(): boolean {
    return false;
  }

  isStopped(): boolean {
    return false;
  }

  isInternalFrame(): boolean {
    return false;
  }
}
