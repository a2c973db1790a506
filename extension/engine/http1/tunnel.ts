/** The bytes after a 101, or after a 2xx to CONNECT: counts them and finds the messages in them. */
import type { GapReason, Outcome } from '../byteStream.ts';
import type { ConnectionHost } from '../dissector.ts';
import type { MessageKind } from '../exchange.ts';
import { openMessageReader } from '../messages/formats.ts';
import type { MessageReader } from '../messages/messageReader.ts';
import { Direction } from '../record.ts';
import type { StoredExchange } from '../storedExchange.ts';

export class Tunnel {
  exchange: StoredExchange;
  readonly #readers: Record<MessageKind, MessageReader | null>;

  constructor(exchange: StoredExchange, protocol: string, host: ConnectionHost) {
    this.exchange = exchange;
    exchange.tunnel = { protocol, sent: 0, received: 0 };
    this.#readers = {
      request: openMessageReader(exchange, 'request', host),
      response: openMessageReader(exchange, 'response', host),
    };
  }

  feed(kind: MessageKind, bytes: Buffer, time: number): void {
    this.#readers[kind]?.feed(bytes, time);
  }

  gap(kind: MessageKind, length: number, reason: GapReason, time: number): void {
    const reader = this.#readers[kind];
    const message = this.exchange[kind];
    if (reader === null || message === null) return;
    reader.gap(length, reason, time);
    if (reason !== 'lost') message.leaveOut(reason);
    else message.gap = true;
  }

  count(direction: Direction, length: number): void {
    const { tunnel } = this.exchange;
    if (tunnel === null) return;
    if (direction === Direction.Out) tunnel.sent += length;
    else tunnel.received += length;
  }

  endReader(kind: MessageKind, outcome: Outcome, time: number): void {
    this.#readers[kind]?.end(outcome, time);
    this.#readers[kind] = null;
  }
}
