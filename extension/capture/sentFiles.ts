/**
 * A stage between the helper and the consumers of its events. It fills in the bytes of records that name a file, so that
 * the engine, recordings and replays do not need the file. Events stay in order: while a file is read, later ones wait.
 */
import { type HelperEvent, readEvent } from '../../helper/events.ts';
import type { Frame } from '../../helper/frames.ts';
import { FrameType } from '../../helper/protocol.ts';
import { rawRecords, readSentFile, replaceSentFile } from './sentFile.ts';
import { SentFileReader } from './sentFileReader.ts';

/** Bytes waiting for a file to be read. Above this, no more are read from the helper, whose backlog holds them. */
const MAX_WAITING = 16 * 1024 * 1024;
/** Bytes of records after which a batch is passed on. Together with the largest piece of a file, less than MAX_FRAME. */
const PART_SIZE = 1024 * 1024;

export interface SentFilesHost {
  /** The payload is only valid during the call. */
  deliver(event: HelperEvent, frame: Frame): void;
  /** Delivering failed while no caller was waiting for it. */
  failed(error: unknown): void;
  /** Called with false to pause the helper, and with true to resume. */
  flow(open: boolean): void;
}

export class SentFiles {
  readonly #host: SentFilesHost;
  readonly #reader: Pick<SentFileReader, 'read' | 'close'>;
  #waiting: Frame[] = [];
  #waitingBytes = 0;
  #busy: Promise<void> | null = null;
  #paused = false;
  /** Wall time minus boot time in nanoseconds. */
  #offset = 0n;

  constructor(host: SentFilesHost, reader: Pick<SentFileReader, 'read' | 'close'> = new SentFileReader()) {
    this.#host = host;
    this.#reader = reader;
  }

  /** Resolves when drained; null: nothing waits. */
  get busy(): Promise<void> | null {
    return this.#busy;
  }

  take(event: HelperEvent, frame: Frame): void {
    if (this.#busy === null && !namesFiles(event)) {
      this.#deliver(event, frame);
      return;
    }
    this.#waiting.push({ type: frame.type, payload: frame.payload.slice() });
    this.#waitingBytes += frame.payload.length;
    if (this.#waitingBytes > MAX_WAITING && !this.#paused) {
      this.#paused = true;
      this.#host.flow(false);
    }
    this.#busy ??= this.#work();
  }

  async #work(): Promise<void> {
    try {
      for (;;) {
        const frame = this.#waiting.shift();
        if (frame === undefined) break;
        this.#waitingBytes -= frame.payload.length;
        const event = readEvent(frame);
        if (event.type === FrameType.Records && namesFiles(event)) await this.#read(event.records);
        else this.#deliver(event, frame);
        if (this.#paused && this.#waitingBytes <= MAX_WAITING) {
          this.#paused = false;
          this.#host.flow(true);
        }
      }
    } catch (error) {
      this.#waiting = [];
      this.#host.failed(error);
    } finally {
      this.#busy = null;
    }
  }

  async #read(records: Uint8Array): Promise<void> {
    const part: Uint8Array[] = [];
    let size = 0;
    const flush = (): void => {
      const payload = Buffer.concat(part.splice(0));
      size = 0;
      const type = FrameType.Records;
      if (payload.length > 0) this.#deliver({ type, records: payload }, { type, payload });
    };
    for (const { bytes, namesFile } of rawRecords(records)) {
      const record = namesFile ? await this.#bytesOf(bytes) : bytes;
      part.push(record);
      size += record.length;
      if (size >= PART_SIZE) flush();
    }
    flush();
    await this.#reader.close();
  }

  async #bytesOf(record: Uint8Array): Promise<Uint8Array> {
    const file = readSentFile(record);
    return replaceSentFile(record, await this.#reader.read(file, file.sent + this.#offset));
  }

  #deliver(event: HelperEvent, frame: Frame): void {
    if (event.type === FrameType.Clock) this.#offset = event.offset;
    this.#host.deliver(event, frame);
  }
}

function namesFiles(event: HelperEvent): boolean {
  if (event.type !== FrameType.Records) return false;
  for (const { namesFile } of rawRecords(event.records)) if (namesFile) return true;
  return false;
}
