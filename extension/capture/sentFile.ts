/**
 * Data records that name a file instead of carrying bytes (`struct record_sent_file` in `bpf/trace_http.h`): reads them, and
 * makes the records that replace them. Pure.
 */
import { FLAG_FILE, FLAG_FROM_FILE, Omission, RecordType } from '../engine/record.ts';
import { LAYOUT } from '../engine/recordLayout.ts';

/** Which bytes of which file a program has sent. */
export interface SentFile {
  readonly pid: number;
  /** Boot time in nanoseconds at which the call began. */
  readonly sent: bigint;
  /** Offset in the file of the first byte. */
  readonly position: bigint;
  /** Bytes that were sent from there on. */
  readonly length: number;
  /** Of the file. */
  readonly size: bigint;
  readonly inode: bigint;
  /** ctime, in nanoseconds since the epoch. */
  readonly changed: bigint;
  readonly device: { readonly major: number; readonly minor: number };
  /** On a network or FUSE file system, which may hang, and whose timestamps may come from another machine. */
  readonly foreign: boolean;
  /** Of its times, in nanoseconds. */
  readonly granularity: number;
  /** In the process that sent it. */
  readonly descriptor: number;
  /** Any later change sets a different ctime, however soon. */
  readonly stamped: boolean;
  /** Its content may change without changing its times. */
  readonly writableMap: boolean;
  /** Path from the process's root, one character per byte; null: not known, or not usable. */
  readonly path: string | null;
}

/** Why the bytes of a file were not read. */
export type Unread =
  | Omission.FileChanged
  | Omission.FileUncertain
  | Omission.FileUnreadable
  | Omission.FileSystem
  | Omission.FileSlow;

/** bpf/trace_http.h */
export const FILE_STAMPED = 1;
export const FILE_WRITABLE_MAP = 2;
export const FILE_NO_PATH = 4;
export const FILE_FOREIGN = 8;
const SECOND = 1_000_000_000n;

/** One record of a batch, header and all. */
export interface RawRecord {
  readonly bytes: Uint8Array;
  readonly namesFile: boolean;
}

/** Splits a batch into records. Malformed ones are passed on: the engine rejects them. */
export function* rawRecords(batch: Uint8Array): Generator<RawRecord, void, undefined> {
  const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
  for (let at = 0; at < batch.length; ) {
    const whole = batch.length - at >= LAYOUT.header.size;
    const length = whole ? view.getUint32(at, true) : 0;
    const valid = length >= LAYOUT.header.size && length <= batch.length - at;
    const bytes = batch.subarray(at, valid ? at + length : batch.length);
    yield { bytes, namesFile: valid && namesFile(bytes) };
    at += bytes.length;
  }
}

function namesFile(record: Uint8Array): boolean {
  const { header, data, sentFile } = LAYOUT;
  if (record.length < sentFile.size) return false;
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
  return (
    view.getUint16(header.type, true) === RecordType.Data &&
    (view.getUint16(header.flags, true) & FLAG_FILE) !== 0 &&
    view.getUint32(data.copied, true) === 0
  );
}

/** Of a record that names a file. */
export function readSentFile(record: Uint8Array): SentFile {
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
  const f = LAYOUT.sentFile;
  const device = view.getUint32(f.device, true);
  const flags = view.getUint16(f.flags, true);
  const nanoseconds = BigInt(view.getUint32(f.changedNanoseconds, true));
  const names = record.subarray(f.size, f.size + view.getUint16(f.pathLength, true));
  return {
    pid: view.getUint32(LAYOUT.header.pid, true),
    sent: view.getBigUint64(LAYOUT.header.time, true),
    position: view.getBigUint64(f.filePosition, true),
    length: view.getUint32(LAYOUT.data.bytes, true),
    size: view.getBigUint64(f.fileSize, true),
    inode: view.getBigUint64(f.inode, true),
    changed: view.getBigUint64(f.changedSeconds, true) * SECOND + nanoseconds,
    device: { major: device >>> 20, minor: device & 0xfffff },
    foreign: (flags & FILE_FOREIGN) !== 0,
    granularity: view.getUint32(f.granularity, true),
    descriptor: view.getUint32(f.descriptor, true),
    stamped: (flags & FILE_STAMPED) !== 0,
    writableMap: (flags & FILE_WRITABLE_MAP) !== 0,
    path: (flags & FILE_NO_PATH) !== 0 ? null : pathOf(names),
  };
}

/** The names go from the file up, each followed by a slash. */
function pathOf(names: Uint8Array): string | null {
  const text = Buffer.from(names).toString('latin1');
  if (!text.endsWith('/')) return null;
  return `/${text.slice(0, -1).split('/').reverse().join('/')}`;
}

/** The record with the file's bytes in place of its name, or with the reason why they were not read. */
export function replaceSentFile(record: Uint8Array, read: Uint8Array | Unread): Uint8Array {
  const { header, data } = LAYOUT;
  const bytes = typeof read === 'number' ? new Uint8Array(0) : read;
  const replaced = new Uint8Array((data.size + bytes.length + 7) & ~7);
  replaced.set(record.subarray(0, data.size));
  replaced.set(bytes, data.size);
  const view = new DataView(replaced.buffer);
  const flags = view.getUint16(header.flags, true) & ~FLAG_FILE;
  view.setUint32(header.length, replaced.length, true);
  view.setUint16(header.flags, bytes.length > 0 ? flags | FLAG_FROM_FILE : flags, true);
  view.setUint32(data.copied, bytes.length, true);
  view.setUint8(data.omission, typeof read === 'number' ? read : Omission.None);
  return replaced;
}
