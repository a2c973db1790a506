/** Assembles a language model's answer from the events of its stream, as they arrive. */

import { maskText } from '../../privacy/maskText.ts';
import type { NewMessage } from '../messages/messageList.ts';
import { Answer, type AnswerReader } from './answer.ts';
import { asObject, parseJson } from './json.ts';

export class AnswerStream {
  readonly answer = new Answer();
  /** When the first event with a part of the answer arrived; milliseconds since the trace's start. */
  firstToken: number | null = null;
  /** Events, or parts of some, were not seen. */
  missed = false;
  readonly #reader: AnswerReader;

  constructor(reader: AnswerReader) {
    this.#reader = reader;
  }

  get spreadsSecret(): boolean {
    const parts = this.answer.messages.flatMap((message) => message.parts);
    return parts.some(({ text }) => text !== null && maskText(text) !== text);
  }

  /** @returns how many more characters are held than before. */
  see({ type, in: kind, content, size, time, labels }: NewMessage): number {
    if (type !== 'event' || kind !== 'response') return 0;
    const { answer } = this;
    const before = answer.held;
    if (size !== content.length) this.missed = true;
    // The stream was cut off within an event.
    else if (labels.length > 0 && labels.some((label) => label !== 'sse-utf8')) this.missed = true;
    this.take(Buffer.from(content, 'latin1').toString());
    if (answer.begun) this.firstToken ??= time;
    return answer.held - before;
  }
  /** @param data of one event. */
  take(data: string): void {
    const value = asObject(parseJson(data));
    // `[DONE]` is not JSON.
    if (value !== null) this.#reader.event(value, this.answer);
  }
}
