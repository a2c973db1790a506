/**
 * A call to a language model. What its row shows is extracted once, when the request and the response have ended. A
 * streamed answer is assembled as its events arrive, so the result does not depend on how many events are kept.
 */

import { maskText } from '../../privacy/maskText.ts';
import type { MessageJson } from '../exchangeJson.ts';
import { MAX_AI_MESSAGES, MAX_AI_TOOLS } from '../limits.ts';
import type { MessageList } from '../messages/messageList.ts';
import type { StoredMessage } from '../storedMessage.ts';
import type { AiJson, AiMessage, AiUsage } from './aiJson.ts';
import { Answer, bounded } from './answer.ts';
import { AnswerStream } from './answerStream.ts';
import { type Api, apiOfPath, modelOf } from './api.ts';
import { smallText } from './bodyText.ts';
import { asObject, parseJson } from './json.ts';

/** The parts of an exchange that are read here. */
export interface AiExchange {
  readonly request: StoredMessage | null;
  readonly response: StoredMessage | null;
  readonly messages: Pick<MessageList, 'watcher'> | null;
  readonly responseDone: boolean;
  readonly state: 'running' | 'ended';
}

/** What a row shows of the answer. */
interface Outcome {
  readonly model: string | null;
  readonly usage: AiUsage;
  readonly tools: readonly string[];
}

export class AiCall {
  readonly api: Api;
  readonly requestedModel: string | null;
  /** The outcome of an answer that is one document; null: it has not ended. */
  #outcome: Outcome | null = null;

  private constructor(api: Api, model: string | null) {
    this.api = api;
    this.requestedModel = model === null ? null : bounded(maskText(model));
  }

  /** @param request has ended. @returns null if it is for no known API. */
  static of(request: StoredMessage): AiCall | null {
    return AiCall.read(request.method, request.target, () => smallText(request));
  }

  /** @param text returns the request's body, or its beginning; called only if the path matches. */
  static read(method: string, target: string, text: () => string | null): AiCall | null {
    const api = apiOfPath(method, target);
    if (api === null) return null;
    const body = asObject(parseJson(text() ?? ''));
    if (body === null) return null;
    const model = modelOf(api, target, body);
    return api.matches(body, model) ? new AiCall(api, model) : null;
  }

  /** Reads an answer that has ended and is one document. @param text its text, or the beginning of it. */
  answered(text: string): void {
    const answer = new Answer();
    readWhole(this.api, parseJson(text), answer);
    this.#outcome = outcomeOf(answer);
  }

  outcome({ response, messages, responseDone, state }: AiExchange): Outcome | null {
    if (this.#outcome !== null) return this.#outcome;
    const stream = streamOf(messages);
    if (stream !== null) return outcomeOf(stream.answer);
    if (response === null || !(responseDone || state === 'ended')) return null;
    this.answered(smallText(response) ?? '');
    return this.#outcome;
  }

  /** The model that answered, else the requested one; null: not known. */
  model(exchange: AiExchange): string | null {
    return this.outcome(exchange)?.model ?? this.requestedModel;
  }

  /** For a row: `gpt-4o-mini, calls get_weather, 12 → 345 tokens`. */
  text(exchange: AiExchange): string {
    const outcome = this.outcome(exchange);
    const words = [this.model(exchange) ?? 'unknown model'];
    const tools = [...new Set(outcome?.tools ?? [])];
    if (tools.length > 0) {
      const more = tools.length > MAX_SHOWN ? ` and ${tools.length - MAX_SHOWN} more` : '';
      words.push(`calls ${tools.slice(0, MAX_SHOWN).join(', ')}${more}`);
    }
    const { inputTokens, outputTokens } = outcome?.usage ?? { inputTokens: null, outputTokens: null };
    if (outputTokens !== null) words.push(`${inputTokens ?? '?'} → ${outputTokens} tokens`);
    else if (inputTokens !== null) words.push(`${inputTokens} tokens`);
    return words.join(', ');
  }
}

/** Number of tools that a row names. */
const MAX_SHOWN = 2;

function outcomeOf(answer: Answer): Outcome {
  const { model, usage, toolNames } = answer;
  return {
    model: model === null ? null : maskText(model),
    usage,
    tools: toolNames.map((name) => maskText(name)),
  };
}

function streamOf(messages: AiExchange['messages']): AnswerStream | null {
  return messages?.watcher instanceof AnswerStream ? messages.watcher : null;
}

/** Without `alt=sse`, Gemini streams a JSON list: one response after the other. */
function readWhole(api: Api, value: unknown, answer: Answer): void {
  for (const item of Array.isArray(value) ? value : [value]) {
    const object = asObject(item);
    if (object !== null) api.answer.whole(object, answer);
  }
}

/**
 * @param request, response as shown: with secrets masked, unless they are revealed.
 * @param start of the exchange, in milliseconds since the trace's start.
 */
export function aiJson(
  call: AiCall | null,
  exchange: Pick<AiExchange, 'messages'>,
  {
    request,
    response,
    start,
    reveal,
  }: { request: MessageJson | null; response: MessageJson | null; start: number; reveal: boolean },
): AiJson | null {
  if (call === null) return null;
  const { api } = call;
  const notes: string[] = [];
  const asked = asObject(parseJson(bodyText(request))) ?? {};
  if (request !== null && request.bodyNote !== null)
    notes.push(`The prompt is incomplete. ${request.bodyNote}`);
  const prompt = api.prompt(asked);
  if (prompt.length > MAX_AI_MESSAGES) {
    notes.push(`The last ${MAX_AI_MESSAGES} of the ${prompt.length} messages of the prompt are shown.`);
  }
  const stream = streamOf(exchange.messages);
  const answer = stream?.answer ?? wholeAnswer(api, response);
  if (stream?.missed === true) notes.push('Events of the answer are missing.');
  if (stream === null && response !== null && response.bodyNote !== null)
    notes.push(`The answer is incomplete. ${response.bodyNote}`);
  if (answer.cut) notes.push('The answer is too large to be assembled in full; the rest is in the messages.');
  const shown = (text: string): string => (reveal || stream === null ? text : maskText(text));
  const usage = answer.usage;
  const model = answer.model === null ? call.requestedModel : shown(answer.model);
  const first = stream?.firstToken ?? null;
  return {
    api: api.id,
    model,
    requestedModel: call.requestedModel,
    streaming: response === null ? null : stream !== null,
    prompt: prompt.slice(-MAX_AI_MESSAGES),
    tools: api.tools(asked).slice(0, MAX_AI_TOOLS).map(bounded),
    completion: masked(answer.messages, shown),
    finishReason: answer.finishReason === null ? null : shown(answer.finishReason),
    usage,
    firstTokenMs: first === null ? null : Math.max(0, Math.round((first - start) * 1e6) / 1e6),
    error: answer.error === null ? null : shown(answer.error),
    note: notes.length === 0 ? null : notes.join(' '),
  };
}

function wholeAnswer(api: Api, response: MessageJson | null): Answer {
  const answer = new Answer();
  readWhole(api, parseJson(bodyText(response)), answer);
  return answer;
}

/** Text that was assembled from many events is masked as a whole, because a secret may be spread over several. */
function masked(messages: readonly AiMessage[], shown: (text: string) => string): AiMessage[] {
  return messages.map(({ role, parts }) => ({
    role: role === null ? null : shown(role),
    parts: parts.map(({ type, text, name, id }) => ({
      type,
      text: text === null ? null : shown(text),
      name: name === null ? null : shown(name),
      id: id === null ? null : shown(id),
    })),
  }));
}

function bodyText(message: MessageJson | null): string {
  const body = message?.body ?? null;
  return body !== null && 'text' in body ? body.text : '';
}
