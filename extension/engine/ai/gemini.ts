/** generateContent and streamGenerateContent of the Gemini API and Vertex AI: ai.google.dev/api/generate-content. */

import type { AiMessage, AiPart } from './aiJson.ts';
import type { Answer, AnswerReader } from './answer.ts';
import { asObject, countIn, type JsonObject, listIn, memberOf, objectIn, stringIn, textOf } from './json.ts';

/** An event is a response with the next parts. */
export const geminiAnswer: AnswerReader = { whole: readResponse, event: readResponse };

function readResponse(value: JsonObject, answer: Answer): void {
  if (Array.isArray(memberOf(value, 'candidates')) || memberOf(value, 'promptFeedback') !== undefined)
    answer.known = true;
  answer.answeredBy(stringIn(value, 'modelVersion'));
  answer.fails(memberOf(value, 'error'));
  const usage = objectIn(value, 'usageMetadata');
  if (usage !== null) {
    answer.count({
      inputTokens: countIn(usage, 'promptTokenCount'),
      outputTokens: countIn(usage, 'candidatesTokenCount'),
      cachedTokens: countIn(usage, 'cachedContentTokenCount'),
      reasoningTokens: countIn(usage, 'thoughtsTokenCount'),
    });
  }
  const blocked = stringIn(objectIn(value, 'promptFeedback'), 'blockReason');
  if (blocked !== null) answer.finished(blocked);
  for (const [at, item] of listIn(value, 'candidates').entries()) {
    const candidate = asObject(item);
    const index = countIn(candidate, 'index') ?? at;
    const content = objectIn(candidate, 'content');
    answer.role(index, stringIn(content, 'role'));
    for (const item of listIn(content, 'parts')) {
      const part = partOf(asObject(item));
      if (part.type === 'text' || part.type === 'reasoning') {
        // Text continues in the next event, so it has one key.
        if (part.text !== '') answer.add(index, part.type, part);
      } else answer.add(index, `${part.type} ${answer.partCount}`, part);
    }
    answer.finished(stringIn(candidate, 'finishReason'));
  }
}

function partOf(part: JsonObject | null): AiPart {
  const text = stringIn(part, 'text');
  if (text !== null) {
    return { type: memberOf(part, 'thought') === true ? 'reasoning' : 'text', text, name: null, id: null };
  }
  const call = objectIn(part, 'functionCall');
  if (call !== null) {
    return {
      type: 'tool-call',
      text: textOf(memberOf(call, 'args')),
      name: stringIn(call, 'name'),
      id: stringIn(call, 'id'),
    };
  }
  const result = objectIn(part, 'functionResponse');
  if (result !== null) {
    const response = textOf(memberOf(result, 'response'));
    return {
      type: 'tool-result',
      text: response,
      name: stringIn(result, 'name'),
      id: stringIn(result, 'id'),
    };
  }
  return { type: 'other', text: null, name: Object.keys(part ?? {})[0] ?? 'unknown', id: null };
}

export function geminiPrompt(request: JsonObject): AiMessage[] {
  const system = objectIn(request, 'systemInstruction') ?? objectIn(request, 'system_instruction');
  const first = system === null ? [] : [{ role: 'system', parts: partsOf(system) }];
  const contents = memberOf(request, 'contents');
  const rest = (Array.isArray(contents) ? contents : [contents]).map((item) => {
    const content = asObject(item);
    return { role: stringIn(content, 'role'), parts: partsOf(content) };
  });
  return [...first, ...rest];
}

function partsOf(content: JsonObject | null): AiPart[] {
  return listIn(content, 'parts').map((part) => partOf(asObject(part)));
}

export function geminiTools(request: JsonObject): string[] {
  return listIn(request, 'tools').flatMap((item) => {
    const tool = asObject(item);
    const declared = listIn(tool, 'functionDeclarations').concat(listIn(tool, 'function_declarations'));
    if (declared.length === 0) return Object.keys(tool ?? {});
    return declared.flatMap((one) => stringIn(asObject(one), 'name') ?? []);
  });
}
