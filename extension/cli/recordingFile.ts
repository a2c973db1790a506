/** The file of `--record`: private, written as the frames arrive. */
import type { FrameType } from '../../helper/protocol.ts';
import { RecordingEncoder } from '../capture/recording.ts';
import { PrivateFile, reasonOf } from './privateFile.ts';

export class RecordingFile {
  readonly #encoder = new RecordingEncoder();
  readonly #path: string;
  readonly #file: PrivateFile;
  #problem: string | null = null;

  /** @throws Exit when it cannot be written. */
  constructor(path: string) {
    this.#path = path;
    this.#file = PrivateFile.open(path);
  }

  /** Why the recording failed, in words; null: it has not. */
  get problem(): string | null {
    return this.#problem;
  }

  begin(byteOrder: 'little' | 'big'): void {
    this.#write(this.#encoder.header(byteOrder));
  }

  frame(type: FrameType, payload: Uint8Array): void {
    this.#write(this.#encoder.frame(type, payload));
    this.#write(payload);
  }

  end(): void {
    this.#write(this.#encoder.end());
    this.#try(() => this.#file.commit());
  }

  /** Discards the file: there was nothing to record. */
  discard(): void {
    this.#file.discard();
  }

  #write(bytes: Uint8Array): void {
    this.#try(() => this.#file.write(bytes));
  }

  #try(act: () => void): void {
    if (this.#problem !== null) return;
    try {
      act();
    } catch (error) {
      this.#problem = `The recording ${JSON.stringify(this.#path)} cannot be written: ${reasonOf(error)}.`;
    }
  }
}
