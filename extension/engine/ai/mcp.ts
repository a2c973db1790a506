/**
 * Calls of the Model Context Protocol over HTTP (modelcontextprotocol.io/specification, "Transports"): JSON-RPC by
 * POST, answered with a JSON document or an event stream, and the event stream that a client opens by GET.
 */

import type { Operation } from '../exchange.ts';
import type { MessageJson, StreamMessageJson } from '../exchangeJson.ts';
import { MAX_MCP_CALLS, MAX_MCP_TEXT, MAX_OPERATION_NAME } from '../limits.ts';
import type { McpCall, McpJson } from './aiJson.ts';
import {
  asObject,
  type JsonObject,
  listIn,
  memberOf,
  objectIn,
  parseJson,
  stringIn,
  textOf,
} from './json.ts';

/** JSON-RPC methods that only MCP has. Others, such as `ping`, are recognised only with a header field of MCP. */
const METHODS: ReadonlySet<string> = new Set([
  ...['tools/list', 'tools/call', 'prompts/list', 'prompts/get', 'resources/list', 'resources/read'],
  ...['resources/templates/list', 'resources/subscribe', 'resources/unsubscribe', 'completion/complete'],
  ...['logging/setLevel', 'sampling/createMessage', 'elicitation/create', 'roots/list'],
  ...['notifications/initialized', 'notifications/cancelled', 'notifications/progress'],
]);

/** Header fields of MCP (section "Streamable HTTP"). */
const FIELDS = ['mcp-protocol-version', 'mcp-session-id'] as const;

interface Head {
  /** First value of a field, by its lower-case name. */
  field(name: string): string | null;
}

/** Is a JSON-RPC request an MCP request? */
export function isMcp(operation: Operation | null, request: Head): boolean {
  if (operation?.protocol !== 'json-rpc') return false;
  if (hasMcpField(request)) return true;
  return operation.names.some(({ name }) => name !== null && METHODS.has(name));
}

export function hasMcpField(head: Head): boolean {
  return FIELDS.some((name) => head.field(name) !== null);
}

/**
 * What an MCP call is about, for its row: the tool, the prompt or the resource. null: none of these.
 * @param text of the request's body.
 */
export function mcpSubject(text: string): string | null {
  const [first] = documents(text);
  const name = first === undefined ? null : nameOf(first);
  return name === null ? null : cut(name, MAX_OPERATION_NAME);
}

/** Recognizes MCP's `initialize` by its parameters, because other protocols have a method of that name, too. */
export function isMcpInitialize(text: string): boolean {
  return documents(text).some((one) => {
    const params = objectIn(one, 'params');
    return (
      stringIn(one, 'method') === 'initialize' &&
      stringIn(params, 'protocolVersion') !== null &&
      objectIn(params, 'clientInfo') !== null
    );
  });
}

/** Secrets are masked here if they are masked in `request`, `response` and `messages`. */
export function mcpJson(
  request: MessageJson | null,
  response: MessageJson | null,
  messages: readonly (StreamMessageJson | { readonly text: string })[],
): McpJson {
  const notes: string[] = [];
  const asked = documents(bodyText(request));
  const answers: JsonObject[] = [];
  const received: McpCall[] = [];
  const events = messages.map((message) => ('text' in message ? (message.text ?? '') : ''));
  for (const document of [bodyText(response), ...events].flatMap(documents)) {
    if (stringIn(document, 'method') === null) answers.push(document);
    else if (received.length < MAX_MCP_CALLS) received.push(callOf(document, undefined));
  }
  const byId = new Map(answers.map((answer) => [memberOf(answer, 'id'), answer]));
  const calls = asked
    .filter((document) => stringIn(document, 'method') !== null)
    .slice(0, MAX_MCP_CALLS)
    .map((document) => {
      const id = memberOf(document, 'id');
      return callOf(document, id === undefined ? undefined : byId.get(id));
    });
  if (request !== null && request.bodyNote !== null)
    notes.push(`The request is incomplete. ${request.bodyNote}`);
  if (messages.length === 0 && response !== null && response.bodyNote !== null)
    notes.push(`The answer is incomplete. ${response.bodyNote}`);
  return {
    protocolVersion: versionIn(request) ?? versionOf(asked, answers),
    calls,
    received,
    note: notes.length === 0 ? null : notes.join(' '),
  };
}

function callOf(document: JsonObject, answer: JsonObject | undefined): McpCall {
  const id = memberOf(document, 'id');
  const params = objectIn(document, 'params');
  const { result, error } = answer === undefined ? { result: undefined, error: null } : outcomeOf(answer);
  const isError = memberOf(asObject(result), 'isError');
  const method = stringIn(document, 'method') ?? '';
  const passed =
    memberOf(params, 'arguments') ?? (nameOf(document) === null ? memberOf(document, 'params') : undefined);
  return {
    id: id === undefined ? null : cut(textOf(id) ?? 'null', MAX_OPERATION_NAME),
    method: cut(method, MAX_OPERATION_NAME),
    name: nameOf(document),
    arguments: cutText(textOf(passed)),
    result: cutText(resultText(result)),
    isError: method !== 'tools/call' || result === undefined ? null : isError === true,
    error,
  };
}

function outcomeOf(answer: JsonObject): { result: unknown; error: McpCall['error'] } {
  const error = objectIn(answer, 'error');
  if (error === null) return { result: memberOf(answer, 'result'), error: null };
  const code = memberOf(error, 'code');
  return {
    result: undefined,
    error: { code: typeof code === 'number' ? code : null, message: cutText(stringIn(error, 'message')) },
  };
}

/** The text of the content if it is all text, else JSON. */
function resultText(result: unknown): string | null {
  const content = listIn(asObject(result), 'content');
  const texts = content.map((part) => stringIn(asObject(part), 'text'));
  return texts.length > 0 && texts.every((text) => text !== null) ? texts.join('\n') : textOf(result);
}

function nameOf(document: JsonObject): string | null {
  const params = objectIn(document, 'params');
  const method = stringIn(document, 'method') ?? '';
  if (method === 'tools/call' || method === 'prompts/get') return stringIn(params, 'name');
  return method.startsWith('resources/') ? stringIn(params, 'uri') : null;
}

function versionIn(request: MessageJson | null): string | null {
  return request?.headers.find(([name]) => name?.toLowerCase() === FIELDS[0])?.[1] ?? null;
}

/** The version that the server chose in its answer to `initialize`; null: not known. */
function versionOf(asked: readonly JsonObject[], answers: readonly JsonObject[]): string | null {
  if (!asked.some((document) => stringIn(document, 'method') === 'initialize')) return null;
  const chosen = answers.map((answer) => stringIn(objectIn(answer, 'result'), 'protocolVersion'));
  return chosen.find((version) => version !== null) ?? null;
}

/** The JSON-RPC objects in a document: one, or those of a batch. */
function documents(text: string): JsonObject[] {
  if (!text.includes('"jsonrpc"')) return [];
  const value = parseJson(text);
  return (Array.isArray(value) ? value : [value]).flatMap((one) => {
    const object = asObject(one);
    return object !== null && stringIn(object, 'jsonrpc') === '2.0' ? [object] : [];
  });
}

function bodyText(message: MessageJson | null): string {
  const body = message?.body ?? null;
  return body !== null && 'text' in body ? body.text : '';
}

function cutText(text: string | null): string | null {
  return text === null ? null : cut(text, MAX_MCP_TEXT);
}

function cut(text: string, limit: number): string {
  return text.length > limit ? `${text.slice(0, limit - 1)}…` : text;
}
