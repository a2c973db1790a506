/** Chat completions and embeddings of OpenAI, as many servers offer them: platform.openai.com/docs/api-reference. */

import type { AiMessage, AiPart, AiUsage } from './aiJson.ts';
import type { Answer, AnswerReader } from './answer.ts';
import { asObject, countIn, type JsonObject, listIn, memberOf, objectIn, stringIn, textOf } from './json.ts';

export const chatAnswer: AnswerReader = { whole: readChat, event: readChat };

export const embeddingsAnswer: AnswerReader = {
  whole(value, answer) {
    if (stringIn(value, 'object') === 'list' || Array.isArray(memberOf(value, 'data'))) answer.known = true;
    answer.answeredBy(stringIn(value, 'model'));
    answer.count(usageOf(objectIn(value, 'usage')));
    answer.fails(memberOf(value, 'error'));
  },
  event: () => {},
};

/** A completion has `message` where a chunk of one has `delta`. */
function readChat(value: JsonObject, answer: Answer): void {
  if (Array.isArray(memberOf(value, 'choices'))) answer.known = true;
  answer.answeredBy(stringIn(value, 'model'));
  const usage = objectIn(value, 'usage');
  if (usage !== null) answer.count(usageOf(usage));
  answer.fails(memberOf(value, 'error'));
  for (const [at, item] of listIn(value, 'choices').entries()) {
    const choice = asObject(item);
    const index = countIn(choice, 'index') ?? at;
    const message = objectIn(choice, 'message') ?? objectIn(choice, 'delta');
    answer.finished(stringIn(choice, 'finish_reason'));
    if (message === null) continue;
    answer.role(index, stringIn(message, 'role'));
    for (const [name, type] of TEXTS) {
      const text = stringIn(message, name);
      if (text !== null && text !== '') answer.add(index, type, { type, text });
    }
    for (const [place, call] of listIn(message, 'tool_calls').entries()) {
      const tool = asObject(call);
      const key = `tool ${countIn(tool, 'index') ?? place}`;
      answer.add(index, key, toolCall(tool));
    }
  }
}

/** `reasoning` and `reasoning_content` are additions of compatible servers. */
const TEXTS: readonly (readonly [string, AiPart['type']])[] = [
  ['reasoning_content', 'reasoning'],
  ['reasoning', 'reasoning'],
  ['content', 'text'],
  ['refusal', 'refusal'],
];

function toolCall(tool: JsonObject | null): AiPart {
  const call = objectIn(tool, 'function') ?? objectIn(tool, 'custom');
  return {
    type: 'tool-call',
    name: stringIn(call, 'name'),
    id: stringIn(tool, 'id'),
    text: stringIn(call, 'arguments') ?? stringIn(call, 'input'),
  };
}

function usageOf(usage: JsonObject | null): AiUsage {
  return {
    inputTokens: countIn(usage, 'prompt_tokens'),
    outputTokens: countIn(usage, 'completion_tokens'),
    cachedTokens: countIn(objectIn(usage, 'prompt_tokens_details'), 'cached_tokens'),
    reasoningTokens: countIn(objectIn(usage, 'completion_tokens_details'), 'reasoning_tokens'),
  };
}

export function chatPrompt(request: JsonObject): AiMessage[] {
  return listIn(request, 'messages').map((item) => {
    const message = asObject(item);
    const role = stringIn(message, 'role');
    const result = role === 'tool' || role === 'function';
    const parts = contentParts(memberOf(message, 'content')).map((part): AiPart => {
      if (!result || part.type !== 'text') return part;
      return {
        ...part,
        type: 'tool-result',
        name: stringIn(message, 'name'),
        id: stringIn(message, 'tool_call_id'),
      };
    });
    return {
      role,
      parts: [...parts, ...listIn(message, 'tool_calls').map((call) => toolCall(asObject(call)))],
    };
  });
}

function contentParts(content: unknown): AiPart[] {
  if (typeof content === 'string') return [{ type: 'text', text: content, name: null, id: null }];
  return (Array.isArray(content) ? content : []).map((item): AiPart => {
    const part = asObject(item);
    const type = stringIn(part, 'type');
    const refusal = stringIn(part, 'refusal');
    if (refusal !== null) return { type: 'refusal', text: refusal, name: null, id: null };
    const text = stringIn(part, 'text');
    return text === null
      ? { type: 'other', text: null, name: type, id: null }
      : { type: 'text', text, name: null, id: null };
  });
}

/** Texts to embed; lists of numbers are tokens, which are not shown. */
export function embeddingsPrompt(request: JsonObject): AiMessage[] {
  const input = memberOf(request, 'input');
  const items = Array.isArray(input) && typeof input[0] !== 'number' ? input : [input];
  return items.map((item) => ({
    role: null,
    parts: [
      typeof item === 'string'
        ? { type: 'text', text: item, name: null, id: null }
        : {
            type: 'other',
            text: null,
            name: Array.isArray(item) ? 'tokens' : (textOf(item) ?? 'unknown'),
            id: null,
          },
    ],
  }));
}

/** Names of tools, in the shape of chat completions or of the Responses API, where a built-in tool has only a type. */
export function openaiTools(request: JsonObject): string[] {
  return listIn(request, 'tools').flatMap((item) => {
    const tool = asObject(item);
    const name =
      stringIn(objectIn(tool, 'function'), 'name') ?? stringIn(tool, 'name') ?? stringIn(tool, 'type');
    return name === null ? [] : [name];
  });
}
