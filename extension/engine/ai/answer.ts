/** Assembles a language model's answer, from one JSON document or from many events. Bounded. */

import { MAX_AI_PARTS, MAX_AI_TEXT, MAX_AI_WORD } from '../limits.ts';
import type { AiMessage, AiPart, AiUsage } from './aiJson.ts';
import { asObject, type JsonObject, stringIn, textOf } from './json.ts';

interface OpenPart {
  readonly key: string;
  type: AiPart['type'];
  text: string | null;
  name: string | null;
  id: string | null;
}

/** A piece of a part. Members that are missing or null are not known from this piece. */
export interface Piece {
  readonly type: AiPart['type'];
  readonly text?: string | null;
  readonly name?: string | null;
  readonly id?: string | null;
}

const NO_USAGE: AiUsage = {
  inputTokens: null,
  outputTokens: null,
  cachedTokens: null,
  reasoningTokens: null,
};

export class Answer {
  /** At least one document or event had the API's shape. */
  known = false;
  model: string | null = null;
  finishReason: string | null = null;
  error: string | null = null;
  usage: AiUsage = NO_USAGE;
  /** A limit cut off text or parts. */
  cut = false;
  /** Characters held. */
  held = 0;
  #parts = 0;
  readonly #choices = new Map<number, { role: string | null; readonly parts: Map<string, OpenPart> }>();

  /** True once a part of the answer itself, the first token, has arrived. */
  get begun(): boolean {
    return this.#parts > 0;
  }

  get partCount(): number {
    return this.#parts;
  }

  role(choice: number, role: string | null): void {
    const message = this.#choice(choice);
    if (message !== null && role !== null) message.role ??= bounded(role);
  }

  /** Appends to the part with this key, and creates it if necessary. */
  add(choice: number, key: string, { type, text = null, name = null, id = null }: Piece): void {
    const message = this.#choice(choice);
    if (message === null) return;
    let part = message.parts.get(key);
    if (part === undefined) {
      if (this.#parts >= MAX_AI_PARTS) {
        this.cut = true;
        return;
      }
      this.#parts++;
      part = { key, type, text: null, name: null, id: null };
      message.parts.set(key, part);
    }
    part.name ??= name === null ? null : bounded(name);
    part.id ??= id === null ? null : bounded(id);
    if (text === null) return;
    const room = MAX_AI_TEXT - this.held;
    if (text.length > room) this.cut = true;
    const taken = text.slice(0, room);
    part.text = (part.text ?? '') + taken;
    this.held += taken.length;
  }

  /** @param usage its null members do not replace known values. */
  count(usage: AiUsage): void {
    const { inputTokens, outputTokens, cachedTokens, reasoningTokens } = this.usage;
    this.usage = {
      inputTokens: usage.inputTokens ?? inputTokens,
      outputTokens: usage.outputTokens ?? outputTokens,
      cachedTokens: usage.cachedTokens ?? cachedTokens,
      reasoningTokens: usage.reasoningTokens ?? reasoningTokens,
    };
  }

  answeredBy(model: string | null): void {
    if (model !== null && model !== '') this.model ??= bounded(model);
  }

  finished(reason: string | null): void {
    if (reason !== null) this.finishReason ??= bounded(reason);
  }

  /** `{"error": {"message": …}}`, with what the providers put beside the message. */
  fails(error: unknown): void {
    if (error === undefined || error === null) return;
    const object = asObject(error);
    const message = object === null ? textOf(error) : (stringIn(object, 'message') ?? textOf(error));
    const kind = stringIn(object, 'type') ?? stringIn(object, 'status') ?? stringIn(object, 'code');
    if (message === null) return;
    this.known = true;
    this.error ??= (kind === null ? message : `${kind}: ${message}`).slice(0, MAX_ERROR);
  }

  get toolNames(): readonly string[] {
    return this.messages.flatMap(({ parts }) =>
      parts.flatMap(({ type, name }) => (type === 'tool-call' && name !== null ? [name] : [])),
    );
  }

  get messages(): readonly AiMessage[] {
    return [...this.#choices.values()].map(({ role, parts }) => ({
      role,
      parts: [...parts.values()].map(({ type, text, name, id }) => ({ type, text, name, id })),
    }));
  }

  #choice(index: number): { role: string | null; readonly parts: Map<string, OpenPart> } | null {
    let choice = this.#choices.get(index);
    if (choice === undefined) {
      if (this.#choices.size >= MAX_CHOICES) {
        this.cut = true;
        return null;
      }
      choice = { role: null, parts: new Map() };
      this.#choices.set(index, choice);
    }
    return choice;
  }
}

const MAX_CHOICES = 16;
const MAX_ERROR = 2_000;

/** Reads the documents and events of one API. */
export interface AnswerReader {
  /** A whole response, or its beginning. */
  readonly whole: (value: JsonObject, answer: Answer) => void;
  /** The data of one event. */
  readonly event: (value: JsonObject, answer: Answer) => void;
}

/** Shortens a name, a role or an id. Long ones are copied, because a slice would keep the whole text in memory. */
export function bounded(word: string): string {
  return word.length > MAX_AI_WORD ? `${word.slice(0, MAX_AI_WORD - 1)}…` : word;
}
