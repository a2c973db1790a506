import type { RecordType } from './record.ts';
import { LAYOUT } from './recordLayout.ts';

/** A batch that does not fit the layout: the helper and the engine differ, or the file is damaged. */
export class RecordError extends Error {
  override readonly name = 'RecordError';
}

/** A position in a batch: reads the record there by the offsets of recordLayout.ts. */
export class RecordCursor {
  readonly batch: Uint8Array;
  readonly view: DataView;
  /** Where the record begins, and its length. */
  at = 0;
  length = 0;

  constructor(batch: Uint8Array) {
    this.batch = batch;
    this.view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
  }

  /** @throws RecordError when the record is shorter. */
  need(type: RecordType, size: number): void {
    if (this.length < size) {
      throw new RecordError(`a record of type ${type} is ${this.length} bytes, ${size} expected`);
    }
  }

  u8(field: number): number {
    return this.view.getUint8(this.at + field);
  }

  u16(field: number): number {
    return this.view.getUint16(this.at + field, true);
  }

  u32(field: number): number {
    return this.view.getUint32(this.at + field, true);
  }

  u64(field: number): bigint {
    return this.view.getBigUint64(this.at + field, true);
  }

  i32(field: number): number {
    return this.view.getInt32(this.at + field, true);
  }

  /** A u64 that counts bytes or time: exact up to 2^53, which no stream reaches. */
  count(field: number): number {
    const at = this.at + field;
    return this.view.getUint32(at + 4, true) * 2 ** 32 + this.view.getUint32(at, true);
  }

  /** A view of the batch. */
  bytes(field: number, length: number): Uint8Array {
    return this.batch.subarray(this.at + field, this.at + field + length);
  }
}

/** The header of every record. */
export class RecordHeader {
  readonly flags: number;
  readonly time: bigint;
  readonly emitted: number;
  readonly pid: number;
  readonly tid: number;
  readonly connection: bigint;

  constructor(cursor: RecordCursor) {
    const { flags, time, emitted, pid, tid, connection } = LAYOUT.header;
    this.flags = cursor.u16(flags);
    this.time = cursor.u64(time);
    this.emitted = cursor.count(emitted);
    this.pid = cursor.u32(pid);
    this.tid = cursor.u32(tid);
    this.connection = cursor.u64(connection);
  }
}
