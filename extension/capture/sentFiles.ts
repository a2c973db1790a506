/**
 * Between the helper and all who use its events: records that name a file get the bytes that were sent from it, so
 * that engine, recordings and replays need no file. Everything stays in order: while a file is read, later events wait.
 */
import { type HelperEvent, readEvent } from '../../helper/events.ts';
import type { Frame } from '../../helper/frames.ts';
import { FrameType } from '../../helper/protocol.ts';
import { rawRecords, readSentFile, replaceSentFile } from './sentFile.ts';
import { SentFileReader } from './sentFileReader.ts';

/** Bytes that wait while a file is read, above which no more are taken from the helper, whose backlog holds them. */
const MAX_WAITING = 16 * 1024 * 1024;
/** Records are handed on when they have so many bytes. With the largest piece of a file this is less than MAX_FRAME. */
const PART_SIZE = 1024 * 1024;

export interface SentFilesHost {
  /** The payload is only valid during the call. */
  deliver(event: HelperEvent, frame: Frame): void;
  /** Delivering failed while nobody waited for it. */
  failed(error: unknown): void;
  /** Whether more events may come. */
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

  /** Resolves when nothing waits; null: nothing does. */
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
