/** The Messages API of Anthropic: docs.anthropic.com/en/api/messages, and its streaming events. */

import type { AiMessage, AiPart } from './aiJson.ts';
import type { Answer, AnswerReader } from './answer.ts';
import { asObject, countIn, type JsonObject, listIn, memberOf, objectIn, stringIn, textOf } from './json.ts';

export const anthropicAnswer: AnswerReader = { whole: readMessage, event: readEvent };

function readMessage(value: JsonObject, answer: Answer): void {
  readHead(value, answer);
  for (const [index, block] of listIn(value, 'content').entries()) {
    answer.add(0, `${index}`, partOf(asObject(block)));
  }
  answer.fails(memberOf(value, 'error'));
}

function readHead(message: JsonObject | null, answer: Answer): void {
  if (stringIn(message, 'type') === 'message') answer.known = true;
  answer.answeredBy(stringIn(message, 'model'));
  answer.role(0, stringIn(message, 'role'));
  answer.finished(stringIn(message, 'stop_reason'));
  countUsage(objectIn(message, 'usage'), answer);
}

function countUsage(usage: JsonObject | null, answer: Answer): void {
  if (usage === null) return;
  answer.count({
    inputTokens: countIn(usage, 'input_tokens'),
    outputTokens: countIn(usage, 'output_tokens'),
    cachedTokens: countIn(usage, 'cache_read_input_tokens'),
    reasoningTokens: null,
  });
}

/** For each type of delta: the member with its text, and the type of the part. */
const DELTAS: Readonly<Record<string, readonly [string, AiPart['type']]>> = {
  text_delta: ['text', 'text'],
  thinking_delta: ['thinking', 'reasoning'],
  input_json_delta: ['partial_json', 'tool-call'],
};

function readEvent(value: JsonObject, answer: Answer): void {
  const index = `${countIn(value, 'index') ?? 0}`;
  switch (stringIn(value, 'type')) {
    case 'message_start':
      readHead(objectIn(value, 'message'), answer);
      return;
    case 'content_block_start': {
      const block = objectIn(value, 'content_block');
      const part = partOf(block);
      // The input of a tool arrives in deltas; here it is an empty object.
      const text = part.type === 'tool-call' || part.text === '' ? null : part.text;
      answer.add(0, index, { ...part, text });
      return;
    }
    case 'content_block_delta': {
      const delta = objectIn(value, 'delta');
      const type = stringIn(delta, 'type') ?? '';
      const found = Object.hasOwn(DELTAS, type) ? DELTAS[type] : undefined;
      if (found !== undefined) answer.add(0, index, { type: found[1], text: stringIn(delta, found[0]) });
      return;
    }
    case 'message_delta':
      answer.finished(stringIn(objectIn(value, 'delta'), 'stop_reason'));
      countUsage(objectIn(value, 'usage'), answer);
      return;
    case 'error':
      answer.fails(memberOf(value, 'error'));
      return;
    default:
  }
}

/** A content block, of a prompt or an answer. */
function partOf(block: JsonObject | null): AiPart {
  const type = stringIn(block, 'type') ?? 'unknown';
  switch (type) {
    case 'text':
      return { type: 'text', text: stringIn(block, 'text'), name: null, id: null };
    case 'thinking':
      return { type: 'reasoning', text: stringIn(block, 'thinking'), name: null, id: null };
    case 'tool_use':
    case 'server_tool_use':
    case 'mcp_tool_use':
      return {
        type: 'tool-call',
        text: textOf(memberOf(block, 'input')),
        name: stringIn(block, 'name'),
        id: stringIn(block, 'id'),
      };
    default:
      if (!type.endsWith('tool_result')) return { type: 'other', text: null, name: type, id: null };
      return {
        type: 'tool-result',
        text: contentText(memberOf(block, 'content')),
        name: null,
        id: stringIn(block, 'tool_use_id'),
      };
  }
}

/** The text of a list of text blocks, else its JSON. */
function contentText(content: unknown): string | null {
  if (!Array.isArray(content)) return textOf(content);
  const texts = content.map((block) => stringIn(asObject(block), 'text'));
  return texts.every((text) => text !== null) ? texts.join('\n') : textOf(content);
}

export function anthropicPrompt(request: JsonObject): AiMessage[] {
  const system = memberOf(request, 'system');
  const first: AiMessage[] = system === undefined ? [] : [{ role: 'system', parts: partsOf(system) }];
  const rest = listIn(request, 'messages').map((item) => {
    const message = asObject(item);
    return { role: stringIn(message, 'role'), parts: partsOf(memberOf(message, 'content')) };
  });
  return [...first, ...rest];
}

function partsOf(content: unknown): AiPart[] {
  if (typeof content === 'string') return [{ type: 'text', text: content, name: null, id: null }];
  return (Array.isArray(content) ? content : []).map((block) => partOf(asObject(block)));
}

export function anthropicTools(request: JsonObject): string[] {
  return listIn(request, 'tools').flatMap((tool) => stringIn(asObject(tool), 'name') ?? []);
}
