/** The file of `--record`: private, written as the frames come. */
import { closeSync } from 'node:fs';
import type { FrameType } from '../../helper/protocol.ts';
import { RecordingEncoder } from '../capture/recording.ts';
import { openPrivate, reasonOf, writeWhole } from './output.ts';

export class RecordingFile {
  readonly #path: string;
  readonly #encoder = new RecordingEncoder();
  readonly #file: number;
  #open = true;
  #problem: string | null = null;

  /** @throws Exit when it cannot be written. */
  constructor(path: string) {
    this.#path = path;
    this.#file = openPrivate(path);
  }

  /** Why it is not whole, in words; null while it is. */
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
    this.#close();
  }

  #write(bytes: Uint8Array): void {
    if (!this.#open) return;
    try {
      writeWhole(this.#file, bytes);
    } catch (error) {
      this.#problem = `The recording ${JSON.stringify(this.#path)} is cut: ${reasonOf(error)}.`;
      this.#close();
    }
  }

  #close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.#file);
  }
}
