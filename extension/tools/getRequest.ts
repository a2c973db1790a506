/** The tool `get_http_request`. */
import type { AiJson, McpJson } from '../engine/ai/aiJson.ts';
import type { ExchangeJson, MessageJson } from '../engine/exchangeJson.ts';
import { jsonLine } from '../escape/jsonLine.ts';
import { type CallSource, ToolError } from './callSource.ts';
import { DEFAULT_BYTES, MAX_BYTES } from './definitions.ts';
import { ToolInput } from './input.ts';

const NAMES = ['id', 'bodies', 'maxBytes'] as const;
const MIN_BYTES = 1_024;
/** Items of a list, at the first attempt: more messages are of no use. */
const MAX_ITEMS = 1_000;
/** Lower limits for characters of a text and items of a list: less gains nothing. */
const SHORTEST = 16;
const FEWEST = 4;

/** Whether this input requests bodies: anything but an explicit no does. */
export function asksForBodies(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('bodies' in value)) return false;
  return value.bodies !== undefined && value.bodies !== false;
}

/** JSON. @throws ToolError */
export async function getRequest(source: CallSource, value: unknown): Promise<string> {
  const input = new ToolInput(value, NAMES);
  const id = input.count('id', 1, Number.MAX_SAFE_INTEGER, null);
  const bodies = input.flag('bodies');
  const limit = input.count('maxBytes', MIN_BYTES, MAX_BYTES, DEFAULT_BYTES);
  const exchange = await source.details(id);
  if (exchange === null) {
    throw new ToolError(
      `There is no call ${id}, or it is no longer held. list_http_requests lists those that are.`,
    );
  }
  return fitted(bodies ? exchange : withoutBodies(exchange), limit);
}

/** Without anything that was in a body. */
function withoutBodies(exchange: ExchangeJson): object {
  const { request, response, ai, mcp, messages: _, ...rest } = exchange;
  return {
    ...rest,
    request: request === null ? null : head(request),
    response: response === null ? null : head(response),
    ai: ai === null ? null : modelFacts(ai),
    mcp: mcp === null ? null : mcpFacts(mcp),
    bodies: 'left out; bodies: true asks for them',
  };
}

function head({ body: _, ...message }: MessageJson): object {
  return message;
}

function modelFacts({ prompt: _, completion: __, error: ___, ...facts }: AiJson): object {
  return facts;
}

function mcpFacts({ protocolVersion, calls }: McpJson): object {
  return { protocolVersion, calls: calls.map(({ method, name }) => ({ method, name })) };
}

/** Cuts the longest texts and lists, until the JSON fits. */
function fitted(value: object, limit: number): string {
  let text = jsonLine(value).trimEnd();
  let characters = limit;
  let items = MAX_ITEMS;
  while (Buffer.byteLength(text) > limit && (characters > SHORTEST || items > FEWEST)) {
    text = jsonLine(cut(value, characters, items) as object).trimEnd();
    characters = Math.max(SHORTEST, characters >> 1);
    items = Math.max(FEWEST, items >> 1);
  }
  if (Buffer.byteLength(text) <= limit) return text;
  throw new ToolError(
    `The call does not fit into ${limit} bytes. Ask with a larger maxBytes, ${MAX_BYTES} at most.`,
  );
}

function cut(value: unknown, characters: number, items: number): unknown {
  if (typeof value === 'string') {
    if (value.length <= characters) return value;
    return `${value.slice(0, characters)}… (${value.length - characters} more characters)`;
  }
  if (Array.isArray(value)) {
    const kept = value.slice(0, items).map((item) => cut(item, characters, items));
    return value.length > items ? [...kept, `… (${value.length - items} more)`] : kept;
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, cut(member, characters, items)]),
  );
}
