/** What is known about an MCP call without reading all of it. */

import { maskText } from '../../privacy/maskText.ts';
import { maskUrl } from '../../privacy/maskUrl.ts';
import type { Operation } from '../exchange.ts';
import type { MessageList } from '../messages/messageList.ts';
import type { StoredMessage } from '../storedMessage.ts';
import { smallText } from './bodyText.ts';
import { hasMcpField, isMcp, isMcpInitialize, mcpSubject } from './mcp.ts';

export class McpFacts {
  /** The tool, the prompt or the resource that it is about; null: none, or it is a stream. */
  readonly subject: string | null;

  private constructor(subject: string | null) {
    this.subject = subject === null ? null : maskText(maskUrl(subject, 0));
  }

  /** @returns null: not an MCP call, or not known yet. */
  static of(
    operation: Operation | null,
    request: StoredMessage,
    messages: MessageList | null,
  ): McpFacts | null {
    if (operation === null) {
      const stream = request.method === 'GET' && messages?.format === 'server-sent-events';
      return stream && (hasMcpField(request) || beginsWithEndpoint(messages)) ? new McpFacts(null) : null;
    }
    if (operation.protocol !== 'json-rpc') return null;
    if (isMcp(operation, request)) return new McpFacts(mcpSubject(smallText(request) ?? ''));
    const initialize = operation.names.some(({ name }) => name === 'initialize');
    return initialize && isMcpInitialize(smallText(request) ?? '') ? new McpFacts(null) : null;
  }
}

/** MCP's transport of 2024-11-05: the first event names the URL for requests, with the session's id. */
function beginsWithEndpoint(messages: MessageList): boolean {
  const first = messages.get(1);
  if (first === undefined || !first.fields.some(([name, value]) => name === 'event' && value === 'endpoint'))
    return false;
  return /[?&]session_?id=/i.test(first.content);
}
