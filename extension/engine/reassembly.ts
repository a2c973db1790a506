/**
 * Puts the records of one connection in order: within a direction by position, across directions by arrival.
 * If a record is missing, everything after it waits, in both directions, so that the result does not depend
 * on when the wait is given up.
 *
 * Bytes that the kernel programs report as unseen may have been moved by a thread that is preempted before its call ends.
 * Where the position of the record behind them is certain, they are waited for, too.
 */
import type { MissingReason } from './byteStream.ts';
import { MAX_WAITING_BYTES, MAX_WAITING_RECORDS, UNSEEN_PATIENCE } from './limits.ts';
import {
  type ClosedRecord,
  type DataRecord,
  type Direction,
  type EndedRecord,
  FLAG_FROM_FILE,
  FLAG_UNORDERED,
  Omission,
  RecordType,
  WireProtocol,
} from './record.ts';

export type StreamRecord = DataRecord | EndedRecord | ClosedRecord;

export interface OrderedSink {
  /** @param bytes a view that is valid during the call only. */
  bytes(record: DataRecord, bytes: Buffer): void;
  missing(direction: Direction, length: number, reason: MissingReason, record: StreamRecord): void;
  directionEnded(record: EndedRecord): void;
  connectionClosed(record: ClosedRecord): void;
}

/** Byte counts by outcome, for the whole trace. */
export interface ByteCounters {
  copied: number;
  omitted: number;
  /** Part of `omitted`: read from the file that was sent. */
  fromFiles: number;
  /** Part of `omitted`: left out by the kernel programs or the helper because of overload. */
  shed: number;
  unseen: number;
  lost: number;
}

interface Waiting {
  readonly record: StreamRecord;
  /** A copy of a data record's bytes. */
  readonly bytes: Buffer;
}

const NO_BYTES = Buffer.alloc(0);

/** The sink of a closed connection: late records are counted, but not read. */
const DISCARD: OrderedSink = {
  bytes() {},
  missing() {},
  directionEnded() {},
  connectionClosed() {},
};

export class Reassembly {
  #sink: OrderedSink;
  readonly #counters: ByteCounters;
  /** Next position of each direction. */
  readonly #next: [number, number] = [0, 0];
  #queue: Waiting[] = [];
  #queuedBytes = 0;
  /** Unseen bytes were waited for, and did not come: probably no hook sees how the process moves them. */
  #waitedInVain = false;
  /** Bytes of a protocol that is not copied have arrived. */
  #foreign = false;
  /** The `opened` record has arrived, or is no longer waited for. */
  #open = false;

  constructor(sink: OrderedSink, counters: ByteCounters) {
    this.#sink = sink;
    this.#counters = counters;
  }

  get waiting(): boolean {
    return this.#queue.length > 0;
  }

  /** The `opened` record has arrived: delivers the records that waited for it. */
  opened(): void {
    this.#open = true;
    this.#drain();
  }

  push(record: StreamRecord): void {
    if (this.#open && this.#queue.length === 0 && this.#fits(record)) {
      this.#deliver(record, isData(record) ? asBuffer(record.bytes) : NO_BYTES);
      return;
    }
    if (this.#open && isUnordered(record)) this.#giveUpUnlessAwaited(record);
    const bytes = isData(record) ? Buffer.from(record.bytes) : NO_BYTES;
    this.#insert({ record, bytes });
    this.#queuedBytes += bytes.length;
    this.#drain();
    while (this.#queue.length > MAX_WAITING_RECORDS || this.#queuedBytes > MAX_WAITING_BYTES) this.#giveUp();
  }

  /**
   * All records emitted up to this boot time (ns) have been pushed: older holes will not be filled.
   * @returns the boot time up to which all have been delivered, too.
   */
  advance(upTo: number): number {
    for (;;) {
      const head = this.#queue[0]?.record;
      if (head === undefined || head.emitted > upTo) return upTo;
      if (isData(head) && this.#waitsForUnseen(head)) {
        if (head.emitted + UNSEEN_PATIENCE > upTo) return head.emitted - 1;
        this.#waitedInVain = true;
      }
      this.#giveUp();
    }
  }

  /** Unseen bytes, and nothing else, are missing before this record, and its own position is certain. */
  #waitsForUnseen(record: DataRecord): boolean {
    return (
      record.unseen > 0 &&
      record.claim !== 0 &&
      !this.#waitedInVain &&
      // Of other protocols only the first call is reported.
      !this.#foreign &&
      !isForeign(record) &&
      record.position - record.unseen === this.#next[record.direction]
    );
  }

  /** Of bytes that were counted by another thread's call, only those are certain that are waited for. */
  #giveUpUnlessAwaited(record: DataRecord): void {
    for (;;) {
      const head = this.#queue[0]?.record;
      if (!isData(head) || !this.#waitsForUnseen(head)) return;
      if (record.emitted > head.emitted + UNSEEN_PATIENCE) this.#waitedInVain = true;
      else if (hasUnseenOf(head, record)) return;
      this.#giveUp();
    }
  }

  /** The trace has ended: delivers what is waiting, and nothing after it. */
  finish(): void {
    this.advance(Number.POSITIVE_INFINITY);
    this.#sink = DISCARD;
  }

  /** Inserts before the first waiting record of the same direction with a higher position, else at the end. */
  #insert(item: Waiting): void {
    let at = this.#queue.length;
    if (isData(item.record)) {
      const { direction, position } = item.record;
      for (let i = this.#queue.length - 1; i >= 0; i--) {
        const other = (this.#queue[i] as Waiting).record;
        if (other.type === RecordType.Closed) at = i;
        else if (other.direction === direction) {
          if (other.position > position) at = i;
          else break;
        }
      }
    }
    this.#queue.splice(at, 0, item);
  }

  #drain(): void {
    if (!this.#open) return;
    let count = 0;
    for (;;) {
      const head = this.#queue[count];
      if (head === undefined || !this.#fits(head.record)) break;
      count++;
      this.#queuedBytes -= head.bytes.length;
      this.#deliver(head.record, head.bytes);
    }
    if (count > 0) this.#queue.splice(0, count);
  }

  #giveUp(): void {
    const head = this.#queue.shift();
    if (head === undefined) return;
    this.#open = true;
    this.#queuedBytes -= head.bytes.length;
    const { record } = head;
    if (record.type === RecordType.Closed) {
      this.#lose(0, record.sent, record);
      this.#lose(1, record.received, record);
    } else if (record.type === RecordType.Ended) this.#lose(record.direction, record.position, record);
    else this.#lose(record.direction, record.position - record.unseen, record);
    this.#deliver(record, head.bytes);
    this.#drain();
  }

  #lose(direction: Direction, to: number, record: StreamRecord): void {
    const length = to - this.#next[direction];
    if (length <= 0) return;
    this.#next[direction] = to;
    // For other protocols the kernel programs report only the first system call, so nothing was lost.
    if (!this.#foreign) this.#counters.lost += length;
    this.#sink.missing(direction, length, 'lost', record);
  }

  #fits(record: StreamRecord): boolean {
    if (isData(record)) {
      return !this.#waitsForUnseen(record) && record.position - record.unseen <= this.#next[record.direction];
    }
    if (record.type === RecordType.Ended) return record.position <= this.#next[record.direction];
    return record.sent <= this.#next[0] && record.received <= this.#next[1];
  }

  #deliver(record: StreamRecord, bytes: Buffer): void {
    if (record.type === RecordType.Ended) this.#sink.directionEnded(record);
    else if (record.type === RecordType.Closed) {
      const sink = this.#sink;
      this.#sink = DISCARD;
      sink.connectionClosed(record);
    } else this.#deliverData(record, bytes);
  }

  #deliverData(record: DataRecord, bytes: Buffer): void {
    const { direction } = record;
    const position = record.position;
    let next = this.#next[direction];
    if (next < position) {
      this.#counters.unseen += position - next;
      this.#sink.missing(direction, position - next, 'lost', record);
      next = position;
    }
    // An overlap repeats bytes that were delivered before, or bytes that were counted as unseen (FLAG_UNORDERED).
    const repeated = Math.min(next - position, record.size);
    if (repeated > 0 && (record.flags & FLAG_UNORDERED) !== 0) {
      this.#counters.unseen = Math.max(0, this.#counters.unseen - repeated);
    }
    const fromFile = (record.flags & FLAG_FROM_FILE) !== 0 ? bytes.length : 0;
    this.#counters.copied += bytes.length - fromFile;
    this.#counters.fromFiles += fromFile;
    if (record.omission !== Omission.Filter) this.#counters.omitted += record.size - bytes.length + fromFile;
    if (isShed(record)) this.#counters.shed += record.size - bytes.length;
    this.#next[direction] = next + record.size - repeated;
    const fresh = repeated === 0 ? bytes : repeated < bytes.length ? bytes.subarray(repeated) : NO_BYTES;
    const foreign = isForeign(record);
    if (foreign) this.#foreign = true;
    if (fresh.length > 0) this.#sink.bytes(record, fresh);
    const omitted = record.size - Math.max(repeated, bytes.length);
    if (omitted > 0) {
      this.#sink.missing(direction, omitted, foreign ? 'foreign' : reasonOf(record.omission), record);
    }
  }
}

function isData(record: StreamRecord | undefined): record is DataRecord {
  return record?.type === RecordType.Data;
}

/** Of a protocol that is not copied. */
function isForeign({ protocol, omission }: DataRecord): boolean {
  return protocol === WireProtocol.Tls || protocol === WireProtocol.Other || omission === Omission.Protocol;
}

/** `record` has exactly the bytes that were unseen before `head`. */
function hasUnseenOf(head: DataRecord, record: DataRecord): boolean {
  return (
    record.claim === head.claim &&
    record.direction === head.direction &&
    record.position === head.position - head.unseen &&
    record.size === head.unseen
  );
}

function isUnordered(record: StreamRecord): record is DataRecord {
  return isData(record) && (record.flags & FLAG_UNORDERED) !== 0;
}

/** Some of its bytes were left out because of overload. */
export function isShed({ omission }: DataRecord): boolean {
  return omission === Omission.Pressure || omission === Omission.PressureHead;
}

function reasonOf(omission: Omission): MissingReason {
  if (omission === Omission.Limit) return 'limit';
  if (omission === Omission.Pressure) return 'shed';
  return omission === Omission.Filter ? 'filter' : 'lost';
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
