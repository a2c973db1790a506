/** States in which no further message is read. */
import type { GapReason, Origin } from '../byteStream.ts';
import type { MessageProgress } from './messageProgress.ts';
import type { ReaderState } from './readerState.ts';

/** After a 101 or a CONNECT: bytes of another protocol. */
export class Tunnel implements ReaderState {
  readonly #progress: MessageProgress;

  constructor(progress: MessageProgress) {
    this.#progress = progress;
  }

  read(bytes: Buffer, at: number, context: Origin): number {
    const { kind, sink } = this.#progress;
    this.#progress.position += bytes.length - at;
    sink.tunnelled(kind, bytes.subarray(at), context);
    return bytes.length;
  }

  gap(length: number, reason: GapReason, context: Origin): number {
    const { kind, sink } = this.#progress;
    this.#progress.position += length;
    sink.tunnelGap(kind, length, reason, context);
    return 0;
  }

  end(): void {}
}

/** After the end of the stream, or of HTTP/1 on it: bytes are only counted. */
export class Unread implements ReaderState {
  readonly #progress: MessageProgress;

  constructor(progress: MessageProgress) {
    this.#progress = progress;
  }

  read(bytes: Buffer, at: number, context: Origin): number {
    this.#progress.take(bytes.length - at, context);
    return bytes.length;
  }

  gap(length: number): number {
    this.#progress.skip(length);
    return 0;
  }

  end(): void {}
}
