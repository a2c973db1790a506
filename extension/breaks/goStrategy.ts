/** dlv: a conditional function breakpoint, beside those of the user. Nothing runs in the program. */
import { t } from '../words/translate.ts';
import type { ActiveBreak } from './breakList.ts';
import type { StackFrame } from './callerFrames.ts';
import { factsOf, holds } from './condition.ts';
import { GO_FUNCTION, goExpression } from './goCondition.ts';
import {
  type BreakStrategy,
  evaluated,
  type Hit,
  type Message,
  type Request,
  type Stop,
  topFrame,
  unquoted,
} from './strategy.ts';

interface FunctionBreakpoint {
  readonly name?: string;
  readonly condition?: string;
}

interface Answer {
  readonly breakpoints?: readonly {
    readonly id?: number;
    readonly verified?: boolean;
    readonly message?: string;
  }[];
}

export class GoStrategy implements BreakStrategy {
  readonly hooks = false;
  readonly #request: Request;
  #breaks: readonly ActiveBreak[] = [];
  #session = '';
  /** The user's: a request replaces all, so ours is sent with them. */
  #users: readonly FunctionBreakpoint[] = [];
  #own: number | null = null;
  /** Our last request, with the index of our breakpoint in its answer. */
  #asked: { readonly seq: number; readonly index: number } | null = null;
  #isSet = false;
  /** Threads stopped at ours. */
  readonly #stoppedThreads = new Set<number>();

  constructor(request: Request) {
    this.#request = request;
  }

  async set(breaks: readonly ActiveBreak[], session: string): Promise<string | null> {
    this.#breaks = breaks;
    this.#session = session;
    const condition = goExpression(
      breaks.map((one) => one.condition),
      session,
    );
    const wanted = condition !== 'false';
    if (!wanted && !this.#isSet) return null;
    if (this.#users.some(({ name }) => name === GO_FUNCTION))
      return t('breaks on calls need a breakpoint of their own at {0}; remove yours', GO_FUNCTION);
    const own = wanted
      ? [condition === 'true' ? { name: GO_FUNCTION } : { name: GO_FUNCTION, condition }]
      : [];
    this.#isSet = wanted;
    const body = await this.#request('setFunctionBreakpoints', {
      breakpoints: [...this.#users, ...own],
      httpTrace: true,
    });
    const answer = ((body ?? {}) as Answer).breakpoints?.[this.#users.length];
    this.#own = answer?.id ?? null;
    if (!wanted || answer?.verified === true) return null;
    return t('the program has no {0}', GO_FUNCTION);
  }

  async hitAt(stop: Stop): Promise<Hit | 'none' | null> {
    this.#stoppedThreads.delete(stop.threadId);
    if (!this.isOwnStop(stop)) return null;
    this.#stoppedThreads.add(stop.threadId);
    const frame = await topFrame(this.#request, stop.threadId);
    if (frame?.id === undefined || frame.name !== GO_FUNCTION) return null;
    const frameId = frame.id;
    const read = async (expression: string): Promise<string> =>
      unquoted(await evaluated(this.#request, { expression, frameId, context: 'clipboard' }));
    const rawPath = await read('req.URL.RawPath');
    const query = await read('req.URL.RawQuery');
    const path = rawPath === '' ? encodeURI(await read('req.URL.Path')) : rawPath;
    const call = {
      method: (await read('req.Method')) || 'GET',
      scheme: await read('req.URL.Scheme'),
      host: (await read('req.Host')) || (await read('req.URL.Host')),
      path: `${path === '' ? '/' : path}${query === '' ? '' : `?${query}`}`,
      session: this.#session,
    };
    const facts = factsOf(call);
    const found = this.#breaks.find(({ condition }) => holds(condition, facts));
    return found === undefined ? 'none' : { id: found.id, ...call };
  }

  /** VS Code has just set the user's breakpoints, which removes ours; it also does so before the program runs. */
  isTimeToSet({
    type,
    command,
    seq = -1,
    request_seq: answered,
    arguments: argument,
    body,
  }: Message): boolean {
    if (command !== 'setFunctionBreakpoints') return false;
    if (type === 'response' && answered === this.#asked?.seq) {
      // The program may stop at once, before the request's own promise is fulfilled.
      this.#own = ((body ?? {}) as Answer).breakpoints?.[this.#asked?.index ?? 0]?.id ?? null;
    }
    if (type !== 'request') return false;
    const { breakpoints, httpTrace } = (argument ?? {}) as {
      readonly breakpoints?: readonly FunctionBreakpoint[];
      readonly httpTrace?: boolean;
    };
    if (httpTrace === true) {
      this.#asked = { seq, index: this.#users.length };
      return false;
    }
    this.#users = breakpoints ?? [];
    return true;
  }

  isOwnStop({ hitBreakpointIds }: Stop): boolean {
    return this.#own !== null && hitBreakpointIds.includes(this.#own);
  }

  isStopped({ name }: StackFrame): boolean {
    return name === GO_FUNCTION && this.#stoppedThreads.size > 0;
  }

  isInternalFrame({ name }: StackFrame): boolean {
    return name?.startsWith('net/http.') === true;
  }
}
