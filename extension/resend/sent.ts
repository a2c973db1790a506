/** The result of sending a request. */
import type { FieldLine } from '../export/replay.ts';

export interface SentResponse {
  readonly protocol: string;
  readonly status: number;
  readonly statusText: string;
  /** In their order; values are Latin-1. */
  readonly fields: readonly FieldLine[];
  readonly trailers: readonly FieldLine[];
  /** Without transfer coding. */
  readonly body: Buffer;
  /** There was more, which was not read. */
  readonly cut: boolean;
  /** Milliseconds, including name lookup and connecting. */
  readonly duration: number;
  /** Address and port; null: not known. */
  readonly remote: string | null;
}

export type SendFailure = 'certificate' | 'cancelled' | 'timeout' | 'failed';

/** Why there is no response, as a text for the user. */
export class SendError extends Error {
  override readonly name = 'SendError';
  constructor(
    readonly kind: SendFailure,
    message: string,
  ) {
    super(message);
  }
}

/** Bytes of a response that are read. */
export const MAX_RESPONSE = 32 * 1024 * 1024;

/** What sending needs in either protocol. */
export interface Sending {
  readonly signal: AbortSignal;
  readonly checkCertificate: boolean;
  /** Data has arrived. */
  readonly alive: () => void;
}
export type Received = Omit<SentResponse, 'duration'>;
