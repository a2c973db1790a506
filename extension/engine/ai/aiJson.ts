/** Calls to language models and to MCP servers as they are shown: parts of the public JSON, see exchangeJson.ts. */

export type AiApi =
  | 'openai-chat-completions'
  | 'openai-responses'
  | 'openai-embeddings'
  | 'anthropic-messages'
  | 'gemini-generate-content';

export interface AiPart {
  /** `other`: an image, a document, audio, … */
  readonly type: 'text' | 'reasoning' | 'refusal' | 'tool-call' | 'tool-result' | 'other';
  /** The text; a tool call's arguments; a tool result's result, mostly JSON. null: none, or not known. */
  readonly text: string | null;
  /** The tool's name, for a tool call and for a result that has one; for `other`, the API's own type. */
  readonly name: string | null;
  /** Links a tool call to its result. */
  readonly id: string | null;
}

export interface AiMessage {
  /** `system`, `user`, `assistant`, … as sent. */
  readonly role: string | null;
  readonly parts: readonly AiPart[];
}

/** As the API reports them; null: it did not, or not yet. What `inputTokens` includes differs between APIs. */
export interface AiUsage {
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  /** Input that the provider had in its cache. */
  readonly cachedTokens: number | null;
  readonly reasoningTokens: number | null;
}

export interface AiJson {
  readonly api: AiApi;
  /** The model that answered, else the requested one. */
  readonly model: string | null;
  readonly requestedModel: string | null;
  /** The answer came as an event stream; null: no answer yet. */
  readonly streaming: boolean | null;
  readonly prompt: readonly AiMessage[];
  /** Names of the tools that the model may call. */
  readonly tools: readonly string[];
  /** One message for each choice, assembled from its events if it was streamed. */
  readonly completion: readonly AiMessage[];
  /** The first choice's reason, as sent: `stop`, `tool_use`, `MAX_TOKENS`, … */
  readonly finishReason: string | null;
  readonly usage: AiUsage;
  /** From the start of the call to the first event with a part of the answer; null: not a stream, or not yet. */
  readonly firstTokenMs: number | null;
  /** What the API says went wrong. */
  readonly error: string | null;
  /** Why the prompt or completion is incomplete; null: complete as far as known. */
  readonly note: string | null;
}

/** A JSON-RPC request and its response. */
export interface McpCall {
  /** null: a notification. */
  readonly id: string | null;
  readonly method: string;
  /** The tool, the prompt or the resource's URI; null: the method has none. */
  readonly name: string | null;
  /** JSON. */
  readonly arguments: string | null;
  /** The text of the content, else JSON; null: none was seen in this call. */
  readonly result: string | null;
  /** The tool reports a failure; null: not known, or not a tool's result. */
  readonly isError: boolean | null;
  readonly error: { readonly code: number | null; readonly message: string | null } | null;
}

export interface McpJson {
  /** From this call's header fields, or from its `initialize`; null: not known. */
  readonly protocolVersion: string | null;
  readonly calls: readonly McpCall[];
  /** The first requests and notifications that the server sent in the event stream. */
  readonly received: readonly McpCall[];
  readonly note: string | null;
}
