/**
 * Recognises the language model API that a request is for: by the end of its path, then by the shape of its body. The
 * host does not matter, because gateways, proxies and local servers offer the same APIs.
 */

import type { AiApi, AiMessage } from './aiJson.ts';
import type { AnswerReader } from './answer.ts';
import { anthropicAnswer, anthropicPrompt, anthropicTools } from './anthropic.ts';
import { geminiAnswer, geminiPrompt, geminiTools } from './gemini.ts';
import { type JsonObject, memberOf, stringIn } from './json.ts';
import { chatAnswer, chatPrompt, embeddingsAnswer, embeddingsPrompt, openaiTools } from './openaiChat.ts';
import { responsesAnswer, responsesPrompt } from './openaiResponses.ts';

export interface Api {
  readonly id: AiApi;
  /** Matches the end of the path, before the query. */
  readonly path: RegExp;
  /** Is the body a request for this API? */
  readonly matches: (request: JsonObject, model: string | null) => boolean;
  readonly prompt: (request: JsonObject) => AiMessage[];
  readonly tools: (request: JsonObject) => string[];
  readonly answer: AnswerReader;
}

const isList = (request: JsonObject, name: string): boolean => Array.isArray(memberOf(request, name));

const APIS: readonly Api[] = [
  {
    id: 'openai-chat-completions',
    path: /\/chat\/completions$/,
    matches: (request, model) => isList(request, 'messages') && model !== null,
    prompt: chatPrompt,
    tools: openaiTools,
    answer: chatAnswer,
  },
  {
    id: 'openai-responses',
    path: /\/responses$/,
    matches: (request, model) =>
      (model !== null || memberOf(request, 'prompt') !== undefined) &&
      ['input', 'prompt', 'previous_response_id', 'conversation'].some((name) =>
        Object.hasOwn(request, name),
      ),
    prompt: responsesPrompt,
    tools: openaiTools,
    answer: responsesAnswer,
  },
  {
    id: 'openai-embeddings',
    path: /\/embeddings$/,
    matches: (request, model) =>
      model !== null && (isList(request, 'input') || stringIn(request, 'input') !== null),
    prompt: embeddingsPrompt,
    tools: () => [],
    answer: embeddingsAnswer,
  },
  {
    id: 'anthropic-messages',
    path: /\/messages$/,
    matches: (request, model) =>
      isList(request, 'messages') && model !== null && typeof memberOf(request, 'max_tokens') === 'number',
    prompt: anthropicPrompt,
    tools: anthropicTools,
    answer: anthropicAnswer,
  },
  {
    id: 'gemini-generate-content',
    path: /\/([^/:]+):(?:generateContent|streamGenerateContent)$/,
    matches: (request) => Object.hasOwn(request, 'contents'),
    prompt: geminiPrompt,
    tools: geminiTools,
    answer: geminiAnswer,
  },
];

/** Last characters of the paths: one comparison rules out nearly every other request. */
const LAST = new Set(['s', 't']);

/** Characters. No target of these APIs is longer. */
const MAX_TARGET = 2_048;

/** The API that has such a path; the body is not examined. */
export function apiOfPath(method: string, target: string): Api | null {
  if (method !== 'POST') return null;
  const mark = target.indexOf('?');
  const end = mark < 0 ? target.length : mark;
  if (end > MAX_TARGET || !LAST.has(target[end - 1] ?? '')) return null;
  const path = target.slice(0, end);
  return APIS.find((api) => api.path.test(path)) ?? null;
}

/** The requested model: in the body, or in the path (Gemini, Azure's deployments). */
export function modelOf(api: Api, target: string, request: JsonObject): string | null {
  const [path = ''] = target.split('?', 1);
  const named = stringIn(request, 'model');
  if (named !== null && named !== '') return named;
  const inPath =
    api.id === 'gemini-generate-content'
      ? api.path.exec(path)?.[1]
      : /\/deployments\/([^/]+)\//.exec(path)?.[1];
  return inPath === undefined ? null : decoded(inPath);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
