/**
 * Holds the beginning of a stream until its protocol is known, then passes it to the protocol's dissector, without
 * the layers in front. A socket, a session's plaintext and a tunnel are such streams.
 */
import type { MissingReason, PieceContext } from '../byteStream.ts';
import type { Dissector } from '../dissector.ts';
import type { Refusal } from '../layers/layer.ts';
import { MAX_HELD_BYTES, MAX_HELD_PIECES } from '../limits.ts';
import { type Direction, WireProtocol } from '../record.ts';
import type { StoredConnection } from '../storedExchange.ts';
import { mayBeLayer, Recogniser } from './recogniser.ts';

/** What arrived before the protocol was known. */
type Held =
  | { readonly bytes: Buffer; readonly direction: Direction; readonly context: PieceContext }
  | { readonly bytes: null; readonly direction: Direction; readonly act: (dissector: Dissector) => void };

export class Detection {
  readonly #info: StoredConnection;
  /** @returns null for a protocol without a dissector. */
  readonly #make: (protocol: WireProtocol) => Dissector | null;
  readonly #refused: (refusal: Refusal, context: PieceContext) => void;
  #dissector: Dissector | null = null;
  #held: Held[] = [];
  #heldBytes = 0;
  /** null: nothing is held. */
  #recogniser: Recogniser | null = null;
  /** The protocol that the kernel programs recognised. */
  #fromKernel = WireProtocol.Undecided;
  /** The stream is not read: its protocol has no dissector. */
  #foreign = false;

  /** @param refused called when a proxy refuses to connect, so that nothing follows. By default this is not shown. */
  constructor(
    info: StoredConnection,
    make: (protocol: WireProtocol) => Dissector | null,
    refused: (refusal: Refusal, context: PieceContext) => void = () => {},
  ) {
    this.#info = info;
    this.#make = make;
    this.#refused = refused;
  }

  get dissector(): Dissector | null {
    return this.#dissector;
  }

  /** @param fromKernel the protocol that the kernel programs recognised. */
  bytes(direction: Direction, bytes: Buffer, context: PieceContext, fromKernel: WireProtocol): void {
    if (fromKernel !== WireProtocol.Undecided) this.#fromKernel = fromKernel;
    if (this.#dissector === null && !this.#foreign) {
      const sure = this.#recogniser === null && fromKernel !== WireProtocol.Undecided;
      if (!sure || (!this.#info.joinedLate && mayNeedBoth(fromKernel, bytes))) {
        this.#heldBytes += bytes.length;
        this.#recognise().add(direction, bytes);
        const recogniser = this.#recogniser;
        this.#hold({ bytes: Buffer.from(bytes), direction, context });
        if (recogniser?.refusal != null) this.#refused(recogniser.refusal, context);
        return;
      }
      this.#pick(fromKernel);
    }
    if (fromKernel === WireProtocol.Other)
      this.#dissector?.missing(direction, bytes.length, 'foreign', context);
    else this.#dissector?.bytes(direction, bytes, context);
  }

  /** @param fromKernel as in {@link bytes}; null: not from a data record. */
  missing(
    direction: Direction,
    length: number,
    reason: MissingReason,
    context: PieceContext,
    fromKernel: WireProtocol | null,
  ): void {
    if (this.#dissector === null && fromKernel !== null) {
      if (fromKernel !== WireProtocol.Undecided) this.#fromKernel = fromKernel;
      if (fromKernel === WireProtocol.Tls && this.#recogniser === null) this.#pick(fromKernel);
      else if (fromKernel === WireProtocol.Other) this.#pick(fromKernel);
    }
    if (this.#dissector !== null) this.#dissector.missing(direction, length, reason, context);
    else if (reason !== 'foreign' && !this.#foreign) {
      this.#recognise().beginnings[direction].lost();
      this.#hold({
        bytes: null,
        direction,
        act: (dissector) => dissector.missing(direction, length, reason, context),
      });
    }
  }

  ended(direction: Direction, orderly: boolean, context: PieceContext): void {
    if (this.#dissector !== null) this.#dissector.ended(direction, orderly, context);
    else if (!this.#foreign) {
      this.#hold({
        bytes: null,
        direction,
        act: (dissector) => dissector.ended(direction, orderly, context),
      });
    }
  }

  /** The connection has ended. If its protocol is still unknown, a proxy may not have connected. */
  closed(context: PieceContext): void {
    const refusal = this.#recogniser?.closed() ?? null;
    if (refusal !== null) this.#refused(refusal, context);
  }

  /** No more bytes will come: decides for good. @returns null when the protocol has no dissector. */
  settle(): Dissector | null {
    if (this.#dissector === null && this.#recogniser !== null) {
      const fromKernel = this.#fromKernel;
      this.#pick(fromKernel === WireProtocol.Undecided ? this.#recogniser.settle() : fromKernel);
    }
    return this.#dissector;
  }

  #recognise(): Recogniser {
    this.#recogniser ??= new Recogniser();
    return this.#recogniser;
  }

  #hold(held: Held): void {
    this.#held.push(held);
    const protocol = this.#recogniser?.decide(this.#fromKernel, this.#info.side) ?? WireProtocol.Undecided;
    if (protocol !== WireProtocol.Undecided) this.#pick(protocol);
    else if (this.#held.length > MAX_HELD_PIECES || this.#heldBytes > MAX_HELD_BYTES) {
      this.#pick(WireProtocol.Other);
    }
  }

  #pick(protocol: WireProtocol): void {
    const held = this.#held;
    const recogniser = this.#recogniser;
    this.#held = [];
    this.#recogniser = null;
    if (recogniser !== null && recogniser.layers.length > 0) {
      this.#info.through = [...this.#info.through, ...recogniser.layers];
    }
    this.#dissector = this.#make(protocol);
    this.#foreign = this.#dissector === null;
    if (this.#dissector === null) return;
    const skip = recogniser?.beginnings.map(({ passed }) => passed) ?? [0, 0];
    for (const piece of held) {
      if (piece.bytes === null) piece.act(this.#dissector);
      else {
        const { bytes, direction, context } = piece;
        const left = skip[direction] as number;
        const passed = Math.min(left, bytes.length);
        skip[direction] = left - passed;
        if (passed < bytes.length) this.#dissector.bytes(direction, bytes.subarray(passed), context);
      }
    }
  }
}

/** True when one direction alone may not show what the stream carries. */
function mayNeedBoth(fromKernel: WireProtocol, bytes: Buffer): boolean {
  return mayBeLayer(bytes) || (fromKernel === WireProtocol.Http2 && bytes[0] === 0);
}
