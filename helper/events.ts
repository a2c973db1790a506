/**
 * Decodes and checks what a helper sends to its client: frames in, typed events out. The receiver of an event
 * need not check its fields again.
 */
import { decodeJson, type Frame, FrameError } from './frames.ts';
import {
  type AttachError,
  BACKENDS,
  type Backend,
  type Backlog,
  type BreakHit,
  type BreakState,
  type Clock,
  type Counters,
  type Fault,
  FrameType,
  type GoProgram,
  type Hello,
  KERNEL_PARTS,
  type NativeModuleRange,
  type NativeProgram,
  type ProcessInfo,
  type ProgramFile,
  type Status,
  TLS_KINDS,
  type Tls,
  type TlsFile,
  type TlsKind,
} from './protocol.ts';

export type HelperEvent =
  | { readonly type: FrameType.Hello; readonly hello: Hello }
  /** Whole records, one after the other: a view, valid only while the event is handled. */
  | { readonly type: FrameType.Records; readonly records: Uint8Array }
  | { readonly type: FrameType.Status; readonly status: Status; readonly upTo: bigint }
  | { readonly type: FrameType.Process; readonly info: ProcessInfo }
  | { readonly type: FrameType.Fault; readonly fault: Fault }
  /** Nanoseconds: {@link import('./protocol.ts').Clock}. */
  | {
      readonly type: FrameType.Clock;
      readonly offset: bigint;
      readonly bootTime: bigint;
      /** null: not reported. */
      readonly suspended: bigint | null;
    }
  | { readonly type: FrameType.Tls; readonly tls: Tls }
  | { readonly type: FrameType.TlsFile; readonly file: TlsFile }
  | { readonly type: FrameType.Break; readonly state: BreakState }
  | { readonly type: FrameType.GoProgram; readonly program: GoProgram }
  | { readonly type: FrameType.NativeProgram; readonly program: NativeProgram };

/** @throws FrameError that names the frame, and the field that does not conform to protocol.ts. */
export function readEvent({ type, payload }: Frame): HelperEvent {
  switch (type) {
    case FrameType.Hello:
      return { type, hello: checked('hello', HELLO, decodeJson(payload)) };
    case FrameType.Records:
      return { type, records: payload };
    case FrameType.Status: {
      const status = checked<Status>('status', STATUS, decodeJson(payload));
      return { type, status, upTo: BigInt(status.upTo) };
    }
    case FrameType.Process:
      return { type, info: checked('process', PROCESS, decodeJson(payload)) };
    case FrameType.Fault:
      return { type, fault: checked('fault', FAULT, decodeJson(payload)) };
    case FrameType.Clock: {
      const { offset, bootTime, suspended } = checked<Clock>('clock', CLOCK, decodeJson(payload));
      return {
        type,
        offset: BigInt(offset),
        bootTime: BigInt(bootTime),
        suspended: suspended === undefined ? null : BigInt(suspended),
      };
    }
    case FrameType.Tls:
      return { type, tls: readTls(decodeJson(payload)) };
    case FrameType.TlsFile:
      return { type, file: checked('TLS file', TLS_FILE, decodeJson(payload)) };
    case FrameType.Break:
      return { type, state: checked('break', BREAK, decodeJson(payload)) };
    case FrameType.GoProgram:
      return { type, program: checked('Go program', GO_PROGRAM, decodeJson(payload)) };
    case FrameType.NativeProgram:
      return { type, program: checked('native program', NATIVE_PROGRAM, decodeJson(payload)) };
    default:
      throw new FrameError(`A helper sends no frame of type ${type}.`);
  }
}

/** Also reads what the helper prints with `--tls PID`. @throws FrameError */
export function readTls(json: Readonly<Record<string, unknown>>): Tls {
  return checked('TLS', TLS, json);
}

type Check = (value: unknown) => boolean;
/** A check for each field: a missing one is a compile error. */
type Checks<T> = { readonly [Field in keyof T]-?: Check };

function checked<T>(frame: string, checks: Checks<T>, json: Readonly<Record<string, unknown>>): T {
  for (const [field, check] of Object.entries<Check>(checks)) {
    if (check(json[field])) continue;
    const problem = Object.hasOwn(json, field) ? `an invalid "${field}"` : `no "${field}"`;
    throw new FrameError(`A ${frame} frame has ${problem}.`);
  }
  return json as T;
}

const isText: Check = (value) => typeof value === 'string';
const isBoolean: Check = (value) => typeof value === 'boolean';
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
/** Sums of the kernel: counters of several processors, read one after the other. */
const isSum: Check = (value) => typeof value === 'number' && Number.isFinite(value);
/** Nanoseconds, which do not fit a double. */
const isDecimal: Check = (value) => typeof value === 'string' && /^-?\d{1,20}$/.test(value);
const isKernelPart = (name: string): boolean => (KERNEL_PARTS as readonly string[]).includes(name);
const oneOf =
  (values: readonly unknown[]): Check =>
  (value) =>
    values.includes(value);
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const record =
  <T>(checks: Checks<T>): Check =>
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.entries<Check>(checks).every(([field, check]) => check((value as Record<string, unknown>)[field]));

const BREAK: Checks<BreakState> = {
  request: isCount,
  pid: isCount,
  reason: orNull(isText),
  hit: orNull(record<BreakHit>({ thread: isCount, encrypted: isBoolean, head: isText })),
};

const HELLO: Checks<Hello> = {
  protocol: isCount,
  layout: isCount,
  backend: oneOf(BACKENDS),
  refused: record<Record<Backend, string>>({ fentry: isText, kprobe: isText, tracepoint: isText }),
  missing: (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.entries(value).every(([part, reason]) => isKernelPart(part) && isText(reason)),
  kernel: isText,
  // Records of a big-endian machine cannot be read yet.
  byteOrder: oneOf(['little']),
  bodyLimit: orNull(isCount),
  ringSize: isCount,
  tlsOff: orNull(isText),
  owner: isCount,
  helperPid: isCount,
  keepable: (value) => value === undefined || typeof value === 'boolean',
};

const CLOCK: Checks<Clock> = {
  offset: isDecimal,
  bootTime: isDecimal,
  suspended: (value) => value === undefined || isDecimal(value),
};

const ATTACH_ERRORS: Readonly<Record<AttachError, true>> = {
  'not-found': true,
  'not-owner': true,
  'not-process': true,
  gone: true,
  'too-many': true,
  kernel: true,
  known: true,
};

const PROCESS: Checks<ProcessInfo> = {
  request: isCount,
  pid: isCount,
  error: orNull(oneOf(Object.keys(ATTACH_ERRORS))),
  message: isText,
  name: orNull(isText),
  seed: (value) => value === undefined || typeof value === 'boolean',
};

const TLS: Checks<Tls> = {
  pid: isCount,
  libraries: (value) => Array.isArray(value) && value.every(isTlsLibrary),
  partial: (value) => value === undefined || typeof value === 'boolean',
  unseen: (value) => value === undefined || typeof value === 'boolean',
};

const isTlsLibrary = record<Tls['libraries'][number]>({
  kind: oneOf(TLS_KINDS satisfies readonly TlsKind[]),
  version: orNull(isText),
  path: isText,
  inExecutable: isBoolean,
  attached: isBoolean,
  // Recordings of earlier versions do not have it.
  since: (value) => value === undefined || value === null || isDecimal(value),
  returns: oneOf([null, 'instructions', 'uretprobe']),
  reason: orNull(isText),
});

const TLS_FILE: Checks<TlsFile> = { file: isCount, version: isText };

const isAddress: Check = (value) => typeof value === 'string' && /^[0-9a-f]{1,16}$/.test(value);

const PROGRAM_FILE: Checks<ProgramFile> = {
  path: isText,
  device: isDecimal,
  inode: isDecimal,
  size: isDecimal,
  modified: isDecimal,
};

const NATIVE_PROGRAM: Checks<NativeProgram> = {
  pid: isCount,
  since: isDecimal,
  modules: (value) =>
    Array.isArray(value) &&
    value.every(
      record<NativeModuleRange>({ ...PROGRAM_FILE, start: isAddress, end: isAddress, offset: isCount }),
    ),
};

const GO_PROGRAM: Checks<GoProgram> = {
  ...PROGRAM_FILE,
  file: isCount,
  places: (value) =>
    Array.isArray(value) &&
    value.every(record<GoProgram['places'][number]>({ function: isCount, offset: isCount })),
};

const FAULT: Checks<Fault> = { code: isText, message: isText };

const STATUS: Checks<Status> = {
  counters: record<Counters>({
    produced: isSum,
    droppedData: isSum,
    droppedStructure: isSum,
    seenBytes: isSum,
    copiedBytes: isSum,
    omittedBytes: isSum,
    droppedBytes: isSum,
    unseenBytes: isSum,
    otherBytes: isSum,
    connectionsUntracked: isSum,
    callsUntracked: isSum,
    filteredBytes: isSum,
  }),
  backlog: record<Backlog>({
    records: isCount,
    bytes: isCount,
    newest: isDecimal,
    shedBodies: isCount,
    shedHeads: isCount,
    split: isCount,
    droppedRecords: isCount,
    droppedBytes: isCount,
  }),
  sent: isCount,
  upTo: isDecimal,
  targets: isCount,
  final: isBoolean,
};
