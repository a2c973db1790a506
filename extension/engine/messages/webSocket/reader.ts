/**
 * The messages of one direction of a WebSocket (RFC 6455), decompressed (RFC 7692). Violations are labelled, and
 * reading continues while frame boundaries are certain; otherwise the next frame is searched for.
 */

import type { GapReason, Outcome } from '../../byteStream.ts';
import type { Field, MessageKind } from '../../exchange.ts';
import { ContentBuffer } from '../contentBuffer.ts';
import { gapLabel, type LabelName } from '../labels.ts';
import { type MessageList, type MessageType, NO_FIELDS, NO_LABELS } from '../messageList.ts';
import type { MessageHost, MessageReader } from '../messageReader.ts';
import { Utf8Check } from '../utf8.ts';
import { closeCodeName, maySendCode } from './closeCodes.ts';
import {
  type FrameHeader,
  headerSize,
  isControl,
  isKnownOpcode,
  MAX_CONTROL,
  MAX_HEADER,
  Opcode,
  readFrameHeader,
} from './frameHeader.ts';
import { FrameSearch } from './frameSearch.ts';
import type { Handshake } from './handshake.ts';
import { MessageInflater } from './messageInflater.ts';

/** The most bytes of memory that decompression of one direction may need. */
const INFLATER_COST = 80 * 1024;
/** Bytes of payload that are unmasked at a time. */
const UNMASKED = 16 * 1024;

/** The current message or control frame. */
class Draft {
  type: MessageType = 'unknown';
  labels: readonly LabelName[] = NO_LABELS;
  fragments = 0;
  compressed = false;
  compressedSize = 0;
  /** Bytes of it are missing. */
  holed = false;
  /** The rest of its content is unreadable. */
  closed = false;
  readonly content: ContentBuffer;

  constructor(limit: number) {
    this.content = new ContentBuffer(limit);
  }

  begin(type: MessageType): void {
    this.type = type;
    this.labels = NO_LABELS;
    this.fragments = 0;
    this.compressed = false;
    this.compressedSize = 0;
    this.holed = false;
    this.closed = false;
    this.content.clear();
  }

  label(name: LabelName): void {
    if (!this.labels.includes(name)) this.labels = [...this.labels, name];
  }
}

export class WebSocketReader implements MessageReader {
  readonly #in: MessageKind;
  readonly #list: MessageList;
  readonly #host: MessageHost;
  readonly #handshake: Handshake;
  readonly #search: FrameSearch;
  readonly #utf8 = new Utf8Check();
  #inflater: MessageInflater | null = null;
  /** Bytes of memory that were reported to the list. */
  #reported = 0;

  /** Beginning of an incomplete header. */
  readonly #begun = Buffer.alloc(MAX_HEADER);
  #begunLength = 0;
  /** The frame whose payload is being read; null: a header is next. */
  #frame: FrameHeader | null = null;
  #payloadRead = 0;
  readonly #data: Draft;
  /** A data message has begun and not ended. */
  #open = false;
  readonly #control: Draft;
  #unmasked: Buffer | null = null;
  #closed = false;
  /** Where the next frame begins is not known. */
  #lost = false;
  /** Frames were found again, perhaps in the middle of a message. */
  #found = false;
  /** Compressed messages may have been missed. */
  #missed = false;

  constructor(kind: MessageKind, list: MessageList, host: MessageHost, handshake: Handshake) {
    this.#in = kind;
    this.#list = list;
    this.#host = host;
    this.#handshake = handshake;
    this.#search = new FrameSearch(kind, handshake);
    this.#data = new Draft(host.bodyLimit);
    this.#control = new Draft(MAX_CONTROL);
    for (const name of handshake.broken) list.breaks(name, 'response');
  }

  feed(bytes: Buffer, time: number): void {
    if (this.#lost) {
      const found = this.#search.add(bytes, time);
      this.#reportMemory();
      if (found === null) return;
      this.#lost = false;
      this.#found = true;
      for (const piece of found) this.feed(piece.bytes, piece.time);
      return;
    }
    for (let at = 0; at < bytes.length; ) {
      if (this.#frame === null) at = this.#header(bytes, at, time);
      else at = this.#payload(bytes, at, time, this.#frame);
      if (this.#lost) {
        if (at < bytes.length) this.feed(bytes.subarray(at), time);
        return;
      }
    }
    this.#reportMemory();
  }

  gap(length: number | null, reason: GapReason, time: number): void {
    const label = gapLabel(reason);
    const frame = this.#frame;
    if (this.#lost) this.#search.clear();
    else if (frame === null || length === null || length > left(frame, this.#payloadRead)) {
      if (length !== 0) this.#lose(label, time);
    } else {
      const draft = isControl(frame.opcode) ? this.#control : this.#data;
      draft.label(label);
      draft.content.skip(length);
      if (draft.compressed) {
        draft.compressedSize += length;
        this.#inflater?.lose();
        draft.holed = true;
      }
      draft.closed = true;
      this.#payloadRead += length;
      if (left(frame, this.#payloadRead) === 0) this.#frameEnded(frame, time);
    }
    this.#reportMemory();
  }

  end(outcome: Outcome, time: number): void {
    // An unfinished message is cut, even if the stream ends in an orderly way.
    const label = outcome === 'complete' ? 'cut' : outcome === 'lost' ? 'gap' : outcome;
    if (this.#frame !== null && isControl(this.#frame.opcode)) this.#abandon(this.#control, label, time);
    if (this.#open) this.#abandon(this.#data, label, time);
    else if (this.#begunLength > 0) {
      this.#data.begin('unknown');
      this.#abandon(this.#data, label, time);
    }
    this.#frame = null;
    this.#search.clear();
    this.#inflater = null;
    this.#reportMemory();
    if (outcome !== 'open' && !this.#lost && !this.#list.closing) this.#list.notes.add('ws-no-close');
  }

  // ── frames ─────────────────────────────────────────────────────────────────────────────────────────────

  #header(bytes: Buffer, at: number, time: number): number {
    let header: FrameHeader | null = null;
    let to = at;
    if (this.#begunLength === 0) header = readFrameHeader(bytes, at);
    if (header !== null) to = at + header.size;
    while (header === null && to < bytes.length) {
      // Byte by byte, so that nothing after the header is taken.
      this.#begun[this.#begunLength++] = bytes[to++] as number;
      const begun = this.#begun.subarray(0, this.#begunLength);
      if (headerSize(begun, 0) === this.#begunLength) header = readFrameHeader(begun, 0);
    }
    if (header === null) return to;
    this.#begunLength = 0;
    this.#frameBegan(header, time);
    return to;
  }

  #frameBegan(header: FrameHeader, time: number): void {
    const control = isControl(header.opcode);
    const draft = control ? this.#control : this.#data;
    if (control) draft.begin(controlType(header.opcode));
    else this.#dataBegan(header, time);
    this.#check(header, draft, control);
    if (header.length === null) {
      draft.label('ws-length-range');
      if (control) this.#abandon(draft, null, time);
      this.#lose(null, time);
      return;
    }
    draft.fragments++;
    this.#frame = header;
    this.#payloadRead = 0;
    if (header.length === 0) this.#frameEnded(header, time);
  }

  /** A text, binary or continuation frame, or one with a reserved opcode. */
  #dataBegan(header: FrameHeader, time: number): void {
    const draft = this.#data;
    if (header.opcode === Opcode.Continuation) {
      if (!this.#open) {
        draft.begin('unknown');
        draft.label(this.#found ? 'ws-begun' : 'ws-continuation');
        draft.holed = this.#found;
      } else if ((header.reserved & 4) !== 0 && this.#handshake.deflate !== null) draft.label('ws-rsv1');
      this.#open = true;
      return;
    }
    if (this.#open) this.#abandon(draft, 'ws-interleaved', time);
    draft.begin(
      header.opcode === Opcode.Text ? 'text' : header.opcode === Opcode.Binary ? 'binary' : 'unknown',
    );
    this.#open = true;
    this.#found = false;
    if (this.#handshake.deflate === null || (header.reserved & 4) === 0) return;
    draft.compressed = true;
    if (this.#inflater === null && this.#host.mayKeep(INFLATER_COST)) {
      this.#inflater = new MessageInflater(this.#handshake.deflate, (output) => this.#content(output));
      if (this.#missed) this.#inflater.lose();
    }
    if (this.#inflater === null) {
      draft.label('content-memory');
      draft.holed = true;
      draft.closed = true;
      this.#missed = true;
    } else this.#inflater.begin();
  }

  #check(header: FrameHeader, draft: Draft, control: boolean): void {
    const { deflate, extended } = this.#handshake;
    if (this.#closed) draft.label('ws-after-close');
    if (!isKnownOpcode(header.opcode)) draft.label('ws-opcode');
    if (!header.minimal) draft.label('ws-length');
    if (header.mask === null && this.#in === 'request') draft.label('ws-unmasked');
    if (header.mask !== null && this.#in === 'response') draft.label('ws-masked');
    if (control) {
      if (!header.final) draft.label('ws-control-fragment');
      if (header.length === null || header.length > MAX_CONTROL) draft.label('ws-control-length');
    }
    if (header.reserved === 0) return;
    if (extended) draft.label('ws-extension');
    else if ((header.reserved & 3) !== 0 || deflate === null) draft.label('ws-rsv');
    else if (control) draft.label('ws-rsv1');
  }

  #payload(bytes: Buffer, at: number, time: number, frame: FrameHeader): number {
    const draft = isControl(frame.opcode) ? this.#control : this.#data;
    const to = Math.min(bytes.length, at + left(frame, this.#payloadRead));
    for (let from = at; from < to; ) {
      const end = Math.min(to, from + UNMASKED);
      this.#add(draft, bytes, from, end, frame);
      this.#payloadRead += end - from;
      from = end;
    }
    if (left(frame, this.#payloadRead) === 0) this.#frameEnded(frame, time);
    return to;
  }

  #add(draft: Draft, bytes: Buffer, from: number, to: number, frame: FrameHeader): void {
    const length = to - from;
    if (draft.compressed) draft.compressedSize += length;
    if (draft.closed || (draft.content.full && !draft.compressed && draft.type !== 'text')) {
      draft.content.skip(length);
      return;
    }
    const payload =
      frame.mask === null ? bytes.subarray(from, to) : this.#unmask(bytes, from, to, frame.mask);
    if (!draft.compressed) {
      draft.content.append(payload);
      if (draft.type === 'text') this.#utf8.add(payload);
    } else this.#inflater?.add(payload);
  }

  #unmask(bytes: Buffer, from: number, to: number, mask: Buffer): Buffer {
    this.#unmasked ??= Buffer.allocUnsafeSlow(UNMASKED);
    const output = this.#unmasked;
    const length = to - from;
    const offset = this.#payloadRead;
    for (let i = 0; i < length; i++) {
      output[i] = (bytes[from + i] as number) ^ (mask[(offset + i) & 3] as number);
    }
    return output.subarray(0, length);
  }

  /** Decompressed bytes of the data message. */
  #content(bytes: Buffer): void {
    this.#data.content.append(bytes);
    if (this.#data.type === 'text') this.#utf8.add(bytes);
  }

  #frameEnded(frame: FrameHeader, time: number): void {
    this.#frame = null;
    if (isControl(frame.opcode)) {
      if (frame.opcode === Opcode.Close) this.#closeFrame(time);
      else this.#emit(this.#control, time);
      return;
    }
    if (!frame.final) return;
    const draft = this.#data;
    if (draft.compressed && !draft.holed) {
      const fault = this.#inflater?.end() ?? null;
      if (fault !== null) {
        draft.label(fault);
        draft.holed = true;
      }
    }
    const valid = this.#utf8.end();
    if (draft.type === 'text' && !valid && !draft.holed && !draft.closed) draft.label('ws-utf8');
    this.#open = false;
    this.#emit(draft, time);
  }

  #closeFrame(time: number): void {
    const draft = this.#control;
    this.#closed = true;
    this.#list.closing = true;
    this.#list.notes.delete('ws-no-close');
    const { bytes, size } = draft.content;
    if (size === 0) {
      this.#emit(draft, time);
      return;
    }
    if (size === 1) draft.label('ws-close-length');
    if (bytes.length < 2) {
      this.#emit(draft, time);
      return;
    }
    const code = bytes.readUInt16BE(0);
    const name = closeCodeName(code);
    if (!maySendCode(code)) draft.label('ws-close-code');
    const reason = bytes.subarray(2);
    this.#utf8.end();
    const check = new Utf8Check();
    check.add(reason);
    if (!check.end() && bytes.length === size) draft.label('ws-utf8');
    const fields: Field[] = [['code', String(code)]];
    if (name !== null) fields.push(['meaning', name]);
    this.#list.add({
      in: this.#in,
      type: 'close',
      time,
      size: size - 2,
      compressedSize: null,
      content: reason.toString('latin1').slice(0, this.#host.bodyLimit),
      fields,
      labels: draft.labels,
    });
    draft.content.clear();
  }

  // ── messages ───────────────────────────────────────────────────────────────────────────────────────────

  #emit(draft: Draft, time: number): void {
    const { content } = draft;
    this.#list.add({
      in: this.#in,
      type: draft.type,
      time,
      size: draft.holed ? null : content.size,
      compressedSize: draft.compressed ? draft.compressedSize : null,
      content: content.take().slice(0, this.#host.bodyLimit),
      fields: draft.fragments > 1 ? [['fragments', String(draft.fragments)]] : NO_FIELDS,
      labels: draft.labels,
    });
  }

  /** The message ends here, incomplete. */
  #abandon(draft: Draft, name: LabelName | null, time: number): void {
    if (name !== null) draft.label(name);
    draft.holed = true;
    if (draft === this.#data) {
      this.#open = false;
      this.#utf8.end();
    }
    if (draft.compressed) this.#inflater?.lose();
    this.#emit(draft, time);
  }

  /** From here on frame boundaries are unknown. */
  #lose(name: LabelName | null, time: number): void {
    if (this.#frame !== null && isControl(this.#frame.opcode)) this.#abandon(this.#control, name, time);
    if (this.#open) this.#abandon(this.#data, name, time);
    this.#frame = null;
    this.#begunLength = 0;
    this.#inflater?.lose();
    this.#missed = true;
    this.#lost = true;
    this.#data.begin('unknown');
    this.#abandon(this.#data, 'ws-lost', time);
  }

  #reportMemory(): void {
    const cost = (this.#inflater?.cost ?? 0) + this.#search.cost + this.#data.content.kept;
    this.#list.hold(cost - this.#reported);
    this.#reported = cost;
  }
}

/** Bytes of the payload that are still to come. */
function left(frame: FrameHeader, read: number): number {
  return (frame.length as number) - read;
}

function controlType(opcode: number): MessageType {
  switch (opcode) {
    case Opcode.Close:
      return 'close';
    case Opcode.Ping:
      return 'ping';
    case Opcode.Pong:
      return 'pong';
    default:
      return 'unknown';
  }
}
