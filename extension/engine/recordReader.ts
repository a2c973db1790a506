/** Reads the records of a batch, as the helper forwards them. */
import { readControlRecord } from './controlRecords.ts';
import {
  type DataRecord,
  type Direction,
  type Layer,
  Omission,
  RecordType,
  type TraceRecord,
  type WireProtocol,
} from './record.ts';
import { RecordCursor, RecordError } from './recordCursor.ts';
import { LAYOUT } from './recordLayout.ts';

/** The records of one batch, one after the other. Payloads are views of the batch. */
export class RecordReader {
  readonly #cursor: RecordCursor;

  constructor(batch: Uint8Array) {
    this.#cursor = new RecordCursor(batch);
  }

  /**
   * @returns null after the last record.
   * @throws RecordError for a length or value that the kernel programs never write.
   */
  next(): TraceRecord | null {
    const cursor = this.#cursor;
    cursor.at += cursor.length;
    cursor.length = 0;
    const left = cursor.batch.length - cursor.at;
    if (left === 0) return null;
    const { size, length, type } = LAYOUT.header;
    if (left < size) throw new RecordError(`a record is cut at byte ${cursor.at}`);
    cursor.length = cursor.u32(length);
    if (cursor.length < size || cursor.length % 8 !== 0 || cursor.length > left) {
      throw new RecordError(`a record at byte ${cursor.at} has the impossible length ${cursor.length}`);
    }
    const kind: RecordType = cursor.u16(type);
    return kind === RecordType.Data ? new Data(cursor) : readControlRecord(kind, cursor);
  }
}

/** The same, as a generator. */
export function* readRecords(batch: Uint8Array): Generator<TraceRecord, void, undefined> {
  const reader = new RecordReader(batch);
  for (let record = reader.next(); record !== null; record = reader.next()) yield record;
}

const HALF = 32n;

function joined(high: number, low: number): bigint {
  return (BigInt(high >>> 0) << HALF) | BigInt(low >>> 0);
}

/** The most frequent record, so created without bigints. */
class Data implements DataRecord {
  readonly type = RecordType.Data;
  readonly flags: number;
  readonly timeHigh: number;
  readonly timeLow: number;
  readonly returnedHigh: number;
  readonly returnedLow: number;
  readonly emitted: number;
  readonly pid: number;
  readonly tid: number;
  readonly connectionHigh: number;
  readonly connectionLow: number;
  readonly position: number;
  readonly unseen: number;
  readonly size: number;
  readonly direction: Direction;
  readonly layer: Layer;
  readonly protocol: WireProtocol;
  readonly omission: Omission;
  readonly call: number;
  readonly claim: number;
  readonly bytes: Uint8Array;

  constructor(cursor: RecordCursor) {
    const h = LAYOUT.header;
    const f = LAYOUT.data;
    cursor.need(RecordType.Data, f.size);
    this.flags = cursor.u16(h.flags);
    this.timeHigh = cursor.i32(h.time + 4);
    this.timeLow = cursor.i32(h.time);
    this.returnedHigh = cursor.i32(f.returned + 4);
    this.returnedLow = cursor.i32(f.returned);
    this.emitted = cursor.count(h.emitted);
    this.pid = cursor.u32(h.pid);
    this.tid = cursor.u32(h.tid);
    this.connectionHigh = cursor.u32(h.connection + 4);
    this.connectionLow = cursor.u32(h.connection);
    const copied = cursor.u32(f.copied);
    this.size = cursor.u32(f.bytes);
    this.direction = cursor.u8(f.direction);
    this.layer = cursor.u8(f.layer);
    this.protocol = cursor.u8(f.protocol);
    this.omission = cursor.u8(f.omission);
    if (
      copied > this.size ||
      copied > cursor.length - f.size ||
      this.direction > 1 ||
      this.layer > 1 ||
      this.protocol > 4 ||
      Omission[this.omission] === undefined
    ) {
      throw new RecordError('a data record has an impossible value');
    }
    this.position = cursor.count(f.position);
    this.unseen = cursor.count(f.unseen);
    this.call = cursor.u16(f.call);
    this.claim = cursor.u16(f.claim);
    this.bytes = cursor.bytes(f.size, copied);
  }

  get connection(): bigint {
    return joined(this.connectionHigh, this.connectionLow);
  }

  get time(): bigint {
    return joined(this.timeHigh, this.timeLow);
  }

  get returned(): bigint {
    return joined(this.returnedHigh, this.returnedLow);
  }
}
