/** The Responses API of OpenAI: platform.openai.com/docs/api-reference/responses, and its streaming events. */

import type { AiMessage, AiPart } from './aiJson.ts';
import type { Answer, AnswerReader } from './answer.ts';
import { asObject, countIn, type JsonObject, listIn, memberOf, objectIn, stringIn, textOf } from './json.ts';

export const responsesAnswer: AnswerReader = {
  whole: (value, answer) => readResponse(value, answer),
  event: readEvent,
};

function readResponse(value: JsonObject, answer: Answer): void {
  readHead(value, answer);
  for (const [index, item] of listIn(value, 'output').entries()) addItem(index, asObject(item), answer, true);
}

function readHead(value: JsonObject, answer: Answer): void {
  if (stringIn(value, 'object') === 'response' || Array.isArray(memberOf(value, 'output')))
    answer.known = true;
  answer.answeredBy(stringIn(value, 'model'));
  answer.fails(memberOf(value, 'error'));
  const usage = objectIn(value, 'usage');
  if (usage !== null) {
    answer.count({
      inputTokens: countIn(usage, 'input_tokens'),
      outputTokens: countIn(usage, 'output_tokens'),
      cachedTokens: countIn(objectIn(usage, 'input_tokens_details'), 'cached_tokens'),
      reasoningTokens: countIn(objectIn(usage, 'output_tokens_details'), 'reasoning_tokens'),
    });
  }
  const status = stringIn(value, 'status');
  if (status === null || status === 'in_progress' || status === 'queued') return;
  answer.finished(stringIn(objectIn(value, 'incomplete_details'), 'reason') ?? status);
}

/** @param whole false: the item has just begun, and its text will arrive in events of its own. */
function addItem(index: number, item: JsonObject | null, answer: Answer, whole: boolean): void {
  const type = stringIn(item, 'type');
  if (item === null || type === null) return;
  if (type === 'message') {
    answer.role(0, stringIn(item, 'role'));
    if (!whole) return;
    for (const [at, part] of listIn(item, 'content').entries()) {
      answer.add(0, `${index} ${at}`, contentPart(asObject(part)));
    }
    return;
  }
  if (type === 'reasoning') {
    if (!whole) return;
    for (const [at, part] of listIn(item, 'summary').entries()) {
      answer.add(0, `${index} ${at}`, { type: 'reasoning', text: stringIn(asObject(part), 'text') });
    }
    return;
  }
  const call = callOf(item);
  answer.add(0, `${index}`, whole ? call : { ...call, text: null });
}

/** A call to a function or custom tool; other items are tools that the provider has run itself. */
function callOf(item: JsonObject): AiPart {
  const name = stringIn(item, 'name') ?? stringIn(item, 'type');
  const text = stringIn(item, 'arguments') ?? stringIn(item, 'input') ?? textOf(memberOf(item, 'action'));
  return { type: 'tool-call', name, id: stringIn(item, 'call_id') ?? stringIn(item, 'id'), text };
}

function contentPart(part: JsonObject | null): AiPart {
  const refusal = stringIn(part, 'refusal');
  if (refusal !== null) return { type: 'refusal', text: refusal, name: null, id: null };
  const text = stringIn(part, 'text');
  if (text !== null) return { type: 'text', text, name: null, id: null };
  return { type: 'other', text: null, name: stringIn(part, 'type'), id: null };
}

/** Events whose `delta` belongs to a part, and the part's type. */
const DELTAS: Readonly<Record<string, AiPart['type']>> = {
  'response.output_text.delta': 'text',
  'response.refusal.delta': 'refusal',
  'response.reasoning_summary_text.delta': 'reasoning',
  'response.reasoning_text.delta': 'reasoning',
  'response.function_call_arguments.delta': 'tool-call',
  'response.custom_tool_call_input.delta': 'tool-call',
  'response.mcp_call_arguments.delta': 'tool-call',
};

function readEvent(value: JsonObject, answer: Answer): void {
  const type = stringIn(value, 'type') ?? '';
  if (type === 'error') answer.fails(memberOf(value, 'error') ?? value);
  if (!type.startsWith('response.')) return;
  answer.known = true;
  const index = countIn(value, 'output_index') ?? 0;
  const delta = Object.hasOwn(DELTAS, type) ? DELTAS[type] : undefined;
  if (delta !== undefined) {
    const at = countIn(value, 'content_index') ?? countIn(value, 'summary_index');
    answer.add(0, at === null ? `${index}` : `${index} ${at}`, {
      type: delta,
      text: stringIn(value, 'delta'),
    });
  } else if (type === 'response.output_item.added') addItem(index, objectIn(value, 'item'), answer, false);
  else {
    const response = objectIn(value, 'response');
    if (response === null) return;
    // The last event repeats the whole response, which matters only if the earlier events were not seen.
    if (answer.begun) readHead(response, answer);
    else readResponse(response, answer);
  }
}

export function responsesPrompt(request: JsonObject): AiMessage[] {
  const messages: AiMessage[] = [];
  const instructions = stringIn(request, 'instructions');
  if (instructions !== null) messages.push({ role: 'instructions', parts: [textPart(instructions)] });
  const input = memberOf(request, 'input');
  if (typeof input === 'string') return [...messages, { role: 'user', parts: [textPart(input)] }];
  for (const value of Array.isArray(input) ? input : []) {
    const item = asObject(value);
    if (item === null) continue;
    const type = stringIn(item, 'type') ?? 'message';
    const content = memberOf(item, 'content');
    if (type === 'message') {
      const parts =
        typeof content === 'string'
          ? [textPart(content)]
          : listIn(item, 'content').map((p) => contentPart(asObject(p)));
      messages.push({ role: stringIn(item, 'role'), parts });
    } else if (type.endsWith('_output')) {
      const text = textOf(memberOf(item, 'output'));
      messages.push({
        role: 'tool',
        parts: [{ type: 'tool-result', text, name: null, id: stringIn(item, 'call_id') }],
      });
    } else if (type.endsWith('_call')) messages.push({ role: 'assistant', parts: [callOf(item)] });
    else
      messages.push({
        role: null,
        parts: [{ type: 'other', text: null, name: type, id: stringIn(item, 'id') }],
      });
  }
  return messages;
}

function textPart(text: string): AiPart {
  return { type: 'text', text, name: null, id: null };
}
