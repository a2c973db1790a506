/**
 * Calls to language models and MCP servers in an archive, read as the engine does; but an archive holds the answer as
 * a whole, with its events in one text and without their times.
 */
import { AiCall, aiJson } from '../engine/ai/aiCall.ts';
import { AnswerStream } from '../engine/ai/answerStream.ts';
import { isMcp, isMcpInitialize, mcpJson, mcpSubject } from '../engine/ai/mcp.ts';
import type { ExchangeJson, MessageJson } from '../engine/exchangeJson.ts';
import { SPREAD } from '../engine/jsonOf.ts';
import { MAX_AI_BYTES } from '../engine/limits.ts';
import { operationText } from '../engine/operations/operation.ts';
import { readContentType } from '../http/contentType.ts';
import { maskText } from '../privacy/maskText.ts';
import { maskUrl } from '../privacy/maskUrl.ts';

/** The facts found in a call, with and without secrets. */
export interface AiRead {
  readonly call: ExchangeJson;
  readonly model: string | null;
  /** For a row; null: nothing but the call's own operation. */
  readonly operation: string | null;
}

/** @param call with its secrets. @param shown the same, with secrets masked unless they are revealed. */
export function readAi(call: ExchangeJson, shown: ExchangeJson, reveal: boolean): AiRead {
  const found = AiCall.read(call.method ?? '', targetOf(call.url), () => beginning(call.request));
  if (found === null) return readMcp(call, shown);
  const events = eventsOf(call.response);
  const stream = events === null ? null : new AnswerStream(found.api.answer);
  for (const data of events ?? []) stream?.take(data);
  if (events === null && call.response !== null) found.answered(beginning(call.response) ?? '');
  const messages = stream === null ? null : { watcher: stream };
  const { request, response } = shown;
  const ai = aiJson(found, { messages }, { request, response, start: 0, reveal });
  const exchange = { request: null, response: null, messages, responseDone: true, state: 'ended' } as const;
  const withheld = !reveal && stream?.spreadsSecret === true && response !== null;
  return {
    call: { ...shown, ai, response: withheld ? { ...response, body: null, bodyNote: SPREAD } : response },
    model: found.model(exchange),
    operation: found.text(exchange),
  };
}

function readMcp(call: ExchangeJson, shown: ExchangeJson): AiRead {
  const { operation, request } = call;
  const none = { call: shown, model: null, operation: null };
  if (operation?.protocol !== 'json-rpc' || request === null) return none;
  const text = beginning(request) ?? '';
  const field = (name: string): string | null =>
    request.headers.find(([other]) => other?.toLowerCase() === name)?.[1] ?? null;
  const initialize = operation.names.some(({ name }) => name === 'initialize');
  if (!isMcp(operation, { field }) && !(initialize && isMcpInitialize(text))) return none;
  const events = (eventsOf(shown.response) ?? []).map((data) => ({ text: data }));
  const subject = operation.count === 1 ? mcpSubject(text) : null;
  return {
    call: { ...shown, mcp: mcpJson(shown.request, shown.response, events) },
    model: null,
    operation: subject === null ? null : `${operationText(operation)} ${maskText(maskUrl(subject, 0))}`,
  };
}

/** Path and query, as a request has them. */
function targetOf(url: string | null): string {
  return /^https?:\/\/[^/?#]*([^#]*)/i.exec(url ?? '')?.[1] ?? '';
}

function beginning(message: MessageJson | null): string | null {
  const body = message?.body ?? null;
  return body !== null && 'text' in body ? body.text.slice(0, MAX_AI_BYTES) : null;
}

/** Data of each event (HTML standard, section 9.2.6); null: it is not an event stream. */
function eventsOf(message: MessageJson | null): string[] | null {
  const type = message?.headers.find(([name]) => name?.toLowerCase() === 'content-type')?.[1] ?? null;
  const body = message?.body ?? null;
  if (readContentType(type).essence !== 'text/event-stream' || body === null || !('text' in body))
    return null;
  const events: string[] = [];
  let data: string[] = [];
  // The added blank line ends the last event, perhaps truncated.
  for (const line of [...body.text.split(/\r\n|\n|\r/), '']) {
    if (line.startsWith('data:')) data.push(line.slice(line[5] === ' ' ? 6 : 5));
    else if (line === '' && data.length > 0) {
      events.push(data.join('\n'));
      data = [];
    }
  }
  return events;
}
