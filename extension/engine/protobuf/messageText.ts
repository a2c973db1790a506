/** A protobuf message as text. */
export interface MessageText {
  readonly text: string;
  /** Offset at which it stops being protobuf; the length when all of it is. */
  readonly end: number;
  /** A secret in it is not shown. */
  readonly masked: boolean;
  /** Not all of it is shown, or known. */
  readonly cut: boolean;
}
