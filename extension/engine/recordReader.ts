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
import { RecordCursor, RecordError, RecordHeader } from './recordCursor.ts';
import { LAYOUT } from './recordLayout.ts';

/**
 * The records of one batch, in order. Payloads are views of `batch`.
 * @throws RecordError when a length or a value is not one that the kernel programs write.
 */
export function* readRecords(batch: Uint8Array): Generator<TraceRecord, void, undefined> {
  const cursor = new RecordCursor(batch);
  const { size, length, type } = LAYOUT.header;
  for (; cursor.at < batch.length; cursor.at += cursor.length) {
    const left = batch.length - cursor.at;
    if (left < size) throw new RecordError(`a record is cut at byte ${cursor.at}`);
    cursor.length = cursor.u32(length);
    if (cursor.length < size || cursor.length % 8 !== 0 || cursor.length > left) {
      throw new RecordError(`a record at byte ${cursor.at} has the impossible length ${cursor.length}`);
    }
    const kind: RecordType = cursor.u16(type);
    yield kind === RecordType.Data ? new Data(cursor) : readControlRecord(kind, cursor);
  }
}

/** The bulk of all records. */
class Data extends RecordHeader implements DataRecord {
  readonly type = RecordType.Data;
  readonly position: number;
  readonly unseen: number;
  readonly size: number;
  readonly direction: Direction;
  readonly layer: Layer;
  readonly protocol: WireProtocol;
  readonly omission: Omission;
  readonly call: number;
  readonly returned: bigint;
  readonly bytes: Uint8Array;

  constructor(cursor: RecordCursor) {
    super(cursor);
    const f = LAYOUT.data;
    cursor.need(RecordType.Data, f.size);
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
    this.returned = cursor.u64(f.returned);
    this.bytes = cursor.bytes(f.size, copied);
  }
}
