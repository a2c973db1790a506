/**
 * gRPC's length-prefixed messages (grpc/grpc, doc/PROTOCOL-HTTP2.md): a byte of flags, four of length, the
 * message. In gRPC-Web (PROTOCOL-WEB.md) the last one may hold the trailers.
 */

import type { GapReason, Outcome } from '../byteStream.ts';
import type { Field, MessageKind } from '../exchange.ts';
import type { GrpcType } from '../grpc/call.ts';
import { MAX_DESCRIBED_BYTES, MAX_INFLATED_MESSAGE } from '../limits.ts';
import { ContentBuffer } from './contentBuffer.ts';
import { gapLabel, type LabelName } from './labels.ts';
import { type MessageList, NO_FIELDS, NO_LABELS } from './messageList.ts';
import type { MessageHost, MessageReader } from './messageReader.ts';
import { type StreamDecoder, streamDecoder } from './streamDecoder.ts';

const PREFIX = 5;
const COMPRESSED = 0x01;
const TRAILERS = 0x80;

/** Bytes decompressed at a time, so that the output is bounded. */
const STEP = 4 * 1024;
/** Bytes of gRPC-Web's trailers that are read. */
const MAX_TRAILERS = 64 * 1024;
const MAX_TRAILER_FIELDS = 1_000;

export interface GrpcOptions extends GrpcType {
  /** `grpc-encoding`; null: none. */
  readonly encoding: string | null;
  /** Takes each message that is whole; a view that is valid during the call only. */
  readonly sink: ((content: Buffer) => void) | null;
}

export class GrpcReader implements MessageReader {
  readonly #in: MessageKind;
  readonly #list: MessageList;
  readonly #host: MessageHost;
  readonly #options: GrpcOptions;
  readonly #prefix = Buffer.alloc(PREFIX);
  /** Bytes of the prefix so far. */
  #prefixed = 0;
  #flags = 0;
  /** Length of the message as sent, and how much of it is still to come. */
  #length = 0;
  #remaining = 0;
  #content: ContentBuffer;
  #decoder: StreamDecoder | null = null;
  /** Decompressed bytes. */
  #inflated = 0;
  /** The rest of the message is not decompressed. */
  #stopped = false;
  #holed = false;
  #labels: readonly LabelName[] = NO_LABELS;
  /** It is not known where the next message begins. */
  #lost = false;
  #time = 0;
  #reported = 0;

  constructor(kind: MessageKind, list: MessageList, host: MessageHost, options: GrpcOptions) {
    this.#in = kind;
    this.#list = list;
    this.#host = host;
    this.#options = options;
    this.#content = this.#newContent();
  }

  feed(bytes: Buffer, time: number): void {
    this.#time = time;
    for (let at = 0; at < bytes.length && !this.#lost; ) {
      if (this.#prefixed < PREFIX) {
        this.#prefix[this.#prefixed++] = bytes[at++] as number;
        if (this.#prefixed === PREFIX) this.#begin();
        continue;
      }
      const to = Math.min(bytes.length, at + this.#remaining);
      this.#remaining -= to - at;
      this.#take(bytes.subarray(at, to));
      at = to;
      if (this.#remaining === 0) this.#emit();
    }
    this.#reportMemory();
  }

  gap(length: number | null, reason: GapReason, time: number): void {
    this.#time = time;
    if (this.#lost || length === 0) return;
    const inMessage = this.#prefixed === PREFIX;
    const within = inMessage && length !== null && length <= this.#remaining;
    if (inMessage) {
      this.#label(gapLabel(reason));
      this.#holed = true;
      if (this.#decoder !== null) this.#stopped = true;
      else this.#content.skip(within ? (length as number) : 1);
    }
    if (within) {
      this.#remaining -= length as number;
      if (this.#remaining === 0) this.#emit();
    } else {
      this.#list.notes.add('grpc-lost');
      if (inMessage) this.#emit();
      this.#lost = true;
    }
    this.#reportMemory();
  }

  end(outcome: Outcome, time: number): void {
    this.#time = time;
    if (!this.#lost && this.#prefixed > 0) {
      this.#label(outcome === 'open' ? 'open' : outcome === 'lost' ? 'gap' : 'cut');
      this.#holed = true;
      this.#emit();
    }
    this.#lost = true;
    this.#decoder = null;
    this.#content = new ContentBuffer(0);
    this.#reportMemory();
  }

  /** The prefix is whole. */
  #begin(): void {
    this.#flags = this.#prefix[0] as number;
    this.#length = this.#prefix.readUInt32BE(1);
    this.#remaining = this.#length;
    const known = this.#options.web ? COMPRESSED | TRAILERS : COMPRESSED;
    if ((this.#flags & ~known) !== 0) this.#label('grpc-flags');
    if (this.#isTrailers) this.#content = new ContentBuffer(MAX_TRAILERS);
    if (this.#compressed) this.#openDecoder();
    if (this.#length === 0) this.#emit();
  }

  #newContent(): ContentBuffer {
    const { bodyLimit } = this.#host;
    return new ContentBuffer(
      this.#options.sink === null ? bodyLimit : Math.max(bodyLimit, MAX_DESCRIBED_BYTES),
    );
  }

  get #isTrailers(): boolean {
    return this.#options.web && (this.#flags & TRAILERS) !== 0;
  }

  get #compressed(): boolean {
    return (this.#flags & COMPRESSED) !== 0;
  }

  #openDecoder(): void {
    const encoding = this.#options.encoding?.trim().toLowerCase() ?? '';
    if (encoding === '' || encoding === 'identity') {
      this.#label('grpc-encoding');
      return;
    }
    this.#inflated = 0;
    this.#decoder = streamDecoder(encoding, (bytes) => {
      this.#inflated += bytes.length;
      this.#content.append(bytes);
    });
    if (this.#decoder === null) this.#label('message-coding-unread');
  }

  #take(bytes: Buffer): void {
    if (this.#decoder === null) {
      this.#content.append(bytes);
      return;
    }
    for (let at = 0; at < bytes.length && !this.#stopped; at += STEP) {
      const fault = this.#decoder.push(bytes.subarray(at, at + STEP));
      if (fault === null && this.#inflated < MAX_INFLATED_MESSAGE) continue;
      this.#stopped = true;
      this.#label(fault === 'coding-broken' ? 'message-coding-broken' : 'inflate-limit');
    }
  }

  /** The message has ended, or the rest of it is unknown. */
  #emit(): void {
    const decoder = this.#decoder;
    if (decoder !== null && !this.#stopped) {
      decoder.end();
      if (!decoder.whole && this.#length > 0 && !this.#holed) {
        this.#stopped = true;
        this.#label('message-coding-broken');
      }
    }
    const sent = this.#compressed;
    const known = !this.#holed && !this.#stopped && (!sent || decoder !== null);
    const trailers = this.#isTrailers ? readTrailers(this.#content.bytes) : null;
    if (trailers !== null) this.#list.setTrailers(trailers);
    else if (known && this.#content.kept === this.#content.size) this.#options.sink?.(this.#content.bytes);
    const size = sent && decoder !== null ? this.#inflated : this.#content.size;
    const content = this.#content.take().slice(0, this.#host.bodyLimit);
    this.#list.add({
      in: this.#in,
      type: trailers !== null ? 'trailers' : this.#options.messages === 'json' ? 'text' : 'message',
      time: this.#time,
      size: known ? size : null,
      compressedSize: sent && this.#prefixed === PREFIX ? this.#length : null,
      content: trailers === null ? content : '',
      fields: trailers ?? NO_FIELDS,
      labels: this.#labels,
    });
    if (trailers !== null) this.#content = this.#newContent();
    this.#prefixed = 0;
    this.#flags = 0;
    this.#decoder = null;
    this.#stopped = false;
    this.#holed = false;
    this.#labels = NO_LABELS;
  }

  #label(name: LabelName): void {
    if (!this.#labels.includes(name)) this.#labels = [...this.#labels, name];
  }

  #reportMemory(): void {
    const cost = this.#content.kept + (this.#decoder?.cost ?? 0);
    this.#list.hold(cost - this.#reported);
    this.#reported = cost;
  }
}

/** The trailers are in HTTP/1 field syntax. */
function readTrailers(bytes: Buffer): Field[] {
  const fields: Field[] = [];
  for (const line of bytes.toString('latin1').split('\n', MAX_TRAILER_FIELDS)) {
    const colon = line.indexOf(':');
    if (colon > 0) fields.push([line.slice(0, colon), line.slice(colon + 1).trim()]);
  }
  return fields;
}
