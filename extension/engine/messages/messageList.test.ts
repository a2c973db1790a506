import { describe, expect, it } from 'vitest';
import { MAX_FIRST_MESSAGES, MAX_LAST_MESSAGES } from '../limits.ts';
import { MessageList, type NewMessage, NO_FIELDS, NO_LABELS } from './messageList.ts';
import type { MessageHost } from './messageReader.ts';

const ROOMY: MessageHost = { bodyLimit: 65_536, mayKeep: () => true, learnDefinitions: () => {} };

function text(content: string, change: Partial<NewMessage> = {}): NewMessage {
  return {
    in: 'response',
    type: 'text',
    time: 0,
    size: content.length,
    compressedSize: null,
    content,
    fields: NO_FIELDS,
    labels: NO_LABELS,
    ...change,
  };
}

const numbers = (list: MessageList): number[] => list.messages().map(({ number }) => number);

describe('a list of messages', () => {
  it('keeps the first and the last of a million, counts all, and its cost stays what it holds', () => {
    const list = new MessageList('websocket', ROOMY);
    let most = 0;
    for (let i = 1; i <= 1_000_000; i++) {
      list.add(text(`message ${i}`, { in: i % 3 === 0 ? 'request' : 'response' }));
      most = Math.max(most, list.cost);
    }
    expect([list.count, list.requests, list.responses]).toEqual([1_000_000, 333_333, 666_667]);
    const held = numbers(list);
    expect(held).toHaveLength(MAX_FIRST_MESSAGES + MAX_LAST_MESSAGES);
    expect(list.evicted).toBe(1_000_000 - held.length);
    expect(list.keptFirst).toBe(MAX_FIRST_MESSAGES);
    expect(held.slice(0, 2)).toEqual([1, 2]);
    expect(held[MAX_FIRST_MESSAGES]).toBe(1_000_000 - MAX_LAST_MESSAGES + 1);
    expect(held.at(-1)).toBe(1_000_000);
    expect(list.get(1)?.content).toBe('message 1');
    expect(list.get(999_999)?.content).toBe('message 999999');
    expect(list.get(MAX_FIRST_MESSAGES + 1)).toBeUndefined();
    expect(list.messages(999_998).map(({ content }) => content)).toEqual([
      'message 999999',
      'message 1000000',
    ]);
    expect(most).toBeLessThan(1024 * 1024);
  });

  it('holds a bounded number of bytes', () => {
    const list = new MessageList('websocket', ROOMY);
    for (let i = 0; i < 1_000; i++) list.add(text('x'.repeat(65_536)));
    expect(list.cost).toBeLessThan(6 * 1024 * 1024);
    expect(list.count).toBe(1_000);
    expect(list.messages().length + list.evicted).toBe(1_000);
  });

  it('gives up its own oldest, then content, then messages, when the store has no room', () => {
    let room = 100_000;
    const list: MessageList = new MessageList('websocket', {
      bodyLimit: 65_536,
      learnDefinitions: () => {},
      mayKeep: (bytes) => list.cost + bytes <= room,
    });
    for (let i = 1; i <= 150; i++) list.add(text(`${i}`));
    room = list.cost;
    list.add(text('151'));
    expect(numbers(list)).toHaveLength(150);
    expect(numbers(list)).not.toContain(101);
    expect(list.get(151)?.content).toBe('151');
    expect(list.cost).toBe(room);
    room = 0;
    list.add(text('x'.repeat(60_000)));
    expect(list.get(152)).toBeUndefined();
    expect(list.count).toBe(152);
    expect(list.messages().length + list.evicted).toBe(152);
  });

  it('takes over another list, and what is added to that later', () => {
    const list = new MessageList('grpc', ROOMY);
    const other = new MessageList('grpc', ROOMY);
    list.add(text('a', { in: 'request' }));
    other.add(text('b'));
    list.adopt(other);
    other.add(text('c'));
    expect(list.messages().map(({ number, content }) => `${number}${content}`)).toEqual(['1a', '2b', '3c']);
    expect([list.requests, list.responses]).toEqual([1, 2]);
  });
});
