/** js-debug: a hook in the program executes `debugger`. */
import { t } from '../words/translate.ts';
import type { ActiveBreak } from './breakList.ts';
import type { StackFrame } from './callerFrames.ts';
import { NODE_HIT, NODE_STOP, nodeExpression } from './nodeHook.ts';
import {
  type BreakStrategy,
  evaluated,
  type Hit,
  hitOf,
  type Message,
  type Request,
  type Stop,
  unquoted,
} from './strategy.ts';

export class NodeStrategy implements BreakStrategy {
  readonly hooks = true;
  readonly #request: Request;

  constructor(request: Request) {
    this.#request = request;
  }

  async set(breaks: readonly ActiveBreak[], session: string): Promise<string | null> {
    const answer = await this.#evaluate(nodeExpression(breaks, session)).catch((error: Error) => {
      if (error.message.includes('SyntaxError')) return t('its Node.js is too old');
      throw error;
    });
    const reason = unquoted(answer);
    return reason === '' || reason === 'undefined' ? null : reason;
  }

  async hitAt(_: Stop): Promise<Hit | null> {
    return hitOf(await this.#evaluate(NODE_HIT));
  }

  /** Before the program's first line: js-debug holds it until VS Code has set its breakpoints. */
  isTimeToSet({ type, event }: Message): boolean {
    return type === 'event' && event === 'initialized';
  }

  /** Any `debugger` looks the same. */
  isOwnStop(): boolean {
    return false;
  }

  isStopped({ name }: StackFrame): boolean {
    return name?.includes(NODE_STOP) === true;
  }

  isInternalFrame(frame: StackFrame): boolean {
    return this.isStopped(frame) || /^(?:<node_internals>|node:)/.test(frame.source?.path ?? '');
  }

  #evaluate(expression: string): Promise<string> {
    return evaluated(this.#request, { expression, context: 'repl' });
  }
}
