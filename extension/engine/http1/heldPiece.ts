/** A piece of one direction: bytes, a gap, or the end. It may be held until it is known how to read it. */
import type { GapReason, PieceContext } from '../byteStream.ts';

export type Piece =
  | { readonly kind: 'bytes'; readonly bytes: Buffer; from: number; readonly context: PieceContext }
  | {
      readonly kind: 'gap';
      readonly length: number;
      readonly reason: GapReason;
      readonly context: PieceContext;
    }
  | { readonly kind: 'end'; readonly orderly: boolean };
