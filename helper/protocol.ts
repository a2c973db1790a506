/**
 * Everything that crosses the socket between the helper and its client (the extension or the command
 * line). Both sides check what they receive: a frame that does not fit is an error, never a guess.
 *
 * A frame: `u32 length` (of what follows), `u8 version`, `u8 type`, payload. Integers are little-endian.
 * The records inside a `records` frame keep the layout of `bpf/trace_http.h`.
 */

/** Raised whenever a frame changes. A peer with another version is refused. */
export const PROTOCOL_VERSION = 5;

/** TRACE_HTTP_LAYOUT of bpf/trace_http.h. */
export const RECORD_LAYOUT = 5;

/** Longest frame in bytes, header excluded. A batch of records is cut below it. */
export const MAX_FRAME = 4 * 1024 * 1024;

/** Longest frame that the helper accepts from its client: only JSON ever comes, of which an automaton
 * ({@link BreakRequest}) is the largest. */
export const MAX_CLIENT_FRAME = 128 * 1024;

export const FRAME_HEADER_SIZE = 6;

export enum FrameType {
  // helper → client
  /** JSON {@link Hello}: the first frame. */
  Hello = 1,
  /** Binary: whole records, one after the other. */
  Records = 2,
  /** JSON {@link Status}: counters, sent once a second and, with `final`, as the last frame. */
  Status = 3,
  /** JSON {@link ProcessInfo}: a process was attached, or could not be. */
  Process = 4,
  /** JSON {@link Fault}: the helper cannot go on; the socket closes after it. */
  Fault = 5,
  /** JSON {@link Clock}: offset to wall time, at start and when it moved. */
  Clock = 6,
  /** JSON {@link Tls}: the TLS libraries of a process, when they are known and again when that changes. */
  Tls = 7,
  /** JSON {@link TlsFile}: the version of a library file that is probed, as soon as it is known. */
  TlsFile = 8,
  /** JSON {@link BreakState}: the answer to a {@link BreakRequest}; sent unasked when a process was stopped. */
  Break = 9,
  /** JSON {@link GoProgram}: a program whose requests have records of their callers. */
  GoProgram = 10,
  /** JSON {@link NativeProgram}: a program whose stacks are taken where it sends requests. */
  NativeProgram = 11,
  // client → helper
  /** JSON {@link Attach}. */
  Attach = 32,
  /** JSON {@link Detach}. */
  Detach = 33,
  /** Empty: send the waiting records, then the final status, and end. */
  Stop = 34,
  /** JSON {@link Options}; may come at any time. */
  Options = 35,
  /** Empty, after a stop: drop the waiting records, and count them in the final status. */
  CutShort = 36,
  /** JSON {@link BreakRequest}. */
  SetBreak = 37,
  /** JSON {@link Expected}: sent before the first process is attached. */
  Expected = 38,
  /** JSON {@link Pause}: like a stop, but the helper stays, and begins another trace at {@link Resume}. */
  Pause = 39,
  /** Empty, after the final status of a trace that was paused: another one begins, with a hello. */
  Resume = 40,
}

/** Ways to hook, in the order in which they are tried. */
export const BACKENDS = ['fentry', 'kprobe', 'tracepoint'] as const;
export type Backend = (typeof BACKENDS)[number];

/**
 * Optional parts of the BPF programs: if the kernel refuses one, the rest still works (enum part of
 * helper/loader/loader.h).
 */
export const KERNEL_PARTS = ['waiting', 'begun', 'tls', 'hooks', 'callers', 'stacks'] as const;
export type KernelPart = (typeof KERNEL_PARTS)[number];

/** How to attach to the functions of TLS libraries; `multi` and `perf` force one of the ways that `auto` would try. */
export const TLS_WAYS = ['auto', 'none', 'multi', 'perf'] as const;
export type TlsWay = (typeof TLS_WAYS)[number];

export interface Hello {
  /** {@link PROTOCOL_VERSION} of the helper. */
  readonly protocol: number;
  /** TRACE_HTTP_LAYOUT of the loaded programs. */
  readonly layout: number;
  readonly backend: Backend;
  /** Why the backends that were tried before it are not used; empty for those that were not tried. */
  readonly refused: Readonly<Record<Backend, string>>;
  /** The optional parts that this kernel refused, with its reason. */
  readonly missing: Readonly<Partial<Record<KernelPart, string>>>;
  readonly kernel: string;
  /** Machine byte order of the records. */
  readonly byteOrder: 'little' | 'big';
  /** Bytes of each body that are copied: the larger limit of the two directions; null = all. */
  readonly bodyLimit: number | null;
  /** Size of the data ring in bytes. */
  readonly ringSize: number;
  /** Why TLS is not decrypted in this trace, as a text for the user; null when it is. */
  readonly tlsOff: string | null;
  /** User id whose processes may be traced; 0 = every process. */
  readonly owner: number;
  readonly helperPid: number;
  /** The helper supports {@link Pause}. Older recordings do not have this field. */
  readonly keepable?: boolean;
}

/** While paused, nothing is attached or seen. */
export interface Pause {
  /** Milliseconds after which the helper ends by itself, from 1 to {@link MAX_PAUSE_MS}. */
  readonly forMs: number;
}

export const MAX_PAUSE_MS = 3_600_000;

/** Wall time minus boot time in nanoseconds, as a decimal string (it does not fit a double). */
export interface Clock {
  readonly offset: string;
  /** Boot time of the reading in nanoseconds. */
  readonly bootTime: string;
  /**
   * Boot time minus CLOCK_MONOTONIC, the clock of `process.hrtime`, in nanoseconds: the time for which the machine was
   * suspended. Missing in older recordings.
   */
  readonly suspended?: string;
}

/** Sums over CPUs of `struct counters`, as numbers (exact below 2^53). */
export interface Counters {
  readonly produced: number;
  readonly droppedData: number;
  readonly droppedStructure: number;
  readonly seenBytes: number;
  readonly copiedBytes: number;
  readonly omittedBytes: number;
  readonly droppedBytes: number;
  readonly unseenBytes: number;
  readonly otherBytes: number;
  readonly connectionsUntracked: number;
  readonly callsUntracked: number;
  /** Bytes of exchanges that were faster than the chosen latency. */
  readonly filteredBytes: number;
}

/**
 * Records that wait in the helper for its client to read, then sums over the trace. Under overload,
 * the helper leaves out bodies first, then all data of new records.
 */
export interface Backlog {
  /** Records that wait. */
  readonly records: number;
  /** Bytes that they take. */
  readonly bytes: number;
  /** Boot time in nanoseconds at which the newest record was made, as a decimal string; 0 = there was none. */
  readonly newest: string;
  /** Bytes that the kernel copied and the helper left out: of bodies, and of any data. */
  readonly shedBodies: number;
  readonly shedHeads: number;
  /** Records sent that are a further part of a kernel record that was split. */
  readonly split: number;
  /** Dropped because the client did not wait for them: records of the kernel, and the copied bytes in them. */
  readonly droppedRecords: number;
  readonly droppedBytes: number;
}

export interface Status {
  readonly counters: Counters;
  readonly backlog: Backlog;
  /** Records that the helper has sent. */
  readonly sent: number;
  /** Boot time in nanoseconds up to which every record has been sent. */
  readonly upTo: string;
  readonly targets: number;
  readonly final: boolean;
}

export interface Attach {
  /** Answered by a {@link ProcessInfo} with the same number. */
  readonly request: number;
  readonly pid: number;
  /** Follow fork and exec. */
  readonly children: boolean;
  /**
   * Neither the process nor its running descendants are traced, but everything that they start from
   * now on, from its first instruction. Omitted: false.
   */
  readonly seed?: boolean;
}

/** Bytes: the helper's own, and the least that it takes (helper/addon/backlog.h). */
export const DEFAULT_BACKLOG = 256 * 1024 * 1024;
export const MIN_BACKLOG = 4 * 1024 * 1024;

export interface Options {
  /** Bytes that the records which wait in the helper may take, from {@link MIN_BACKLOG}. */
  readonly backlog: number;
}

/** Findings of earlier traces. They are hints: a wrong path only costs time. */
export interface Expected {
  /** Absolute paths of files that contain TLS libraries; 64 at most. */
  readonly paths: readonly string[];
}

export const MAX_EXPECTED = 64;

export interface Detach {
  readonly pid: number;
  /** The process becomes a seed: only its own calls are not traced any more. Omitted: false. */
  readonly seed?: boolean;
}

/** Of `struct break_automaton` (bpf/trace_http.h), in bytes. */
export const AUTOMATON_SIZE = 256 + 4 + 2 * 512 * 64;

/** Break on Calls in a process that is debugged by ptrace. */
export interface BreakRequest {
  /** Answered by a {@link BreakState} with the same number; from 1 up. */
  readonly request: number;
  readonly pid: number;
  /**
   * `arm`: it is stopped once, before it sends a request that the automaton accepts. `read`: what it was stopped at.
   * `release`: it is not stopped any more.
   */
  readonly action: 'arm' | 'read' | 'release';
  /** To arm: {@link AUTOMATON_SIZE} bytes in base64 for all processes; null: unchanged. */
  readonly automaton: string | null;
}

export interface BreakState {
  /** 0: sent unasked. */
  readonly request: number;
  readonly pid: number;
  /** Why the process cannot be armed, as a text for the user; null when it is armed, or this was not requested. */
  readonly reason: string | null;
  /** It was stopped, and has not been armed again. */
  readonly hit: BreakHit | null;
}

/** What a thread was about to send when it was stopped. */
export interface BreakHit {
  /** In the initial pid namespace. */
  readonly thread: number;
  readonly encrypted: boolean;
  /** The request's first 512 bytes at most, in base64. */
  readonly head: string;
}

/** `known`: the requested seed is already a seed or a target. */
export type AttachError =
  | 'not-found'
  | 'not-owner'
  | 'not-process'
  | 'gone'
  | 'too-many'
  | 'kernel'
  | 'known';

export interface ProcessInfo {
  readonly request: number;
  readonly pid: number;
  /** null when attached. */
  readonly error: AttachError | null;
  /** One sentence for people; empty when attached. */
  readonly message: string;
  /** comm of the process; null when not attached. */
  readonly name: string | null;
  /** It is not traced itself. Recordings of earlier versions do not have it. */
  readonly seed?: boolean;
}

export const TLS_KINDS = [
  'openssl',
  'boringssl',
  'gnutls',
  'go',
  'nss',
  'rustls',
  'java',
  'mbedtls',
  'wolfssl',
  'unknown',
] as const;
export type TlsKind = (typeof TLS_KINDS)[number];

/** A TLS library that a process has in memory. */
export interface TlsLibrary {
  readonly kind: TlsKind;
  /** null = not known. */
  readonly version: string | null;
  /** As the process sees it. */
  readonly path: string;
  /** Part of the program's own file. */
  readonly inExecutable: boolean;
  /** Its plaintext is captured. */
  readonly attached: boolean;
  /** Boot time in nanoseconds; earlier calls were not seen. null when it is not attached. */
  readonly since?: string | null;
  /** How the returns of the functions that move data are seen; null when not attached. */
  readonly returns: 'instructions' | 'uretprobe' | null;
  /** Why it is not attached, as a text for the user, to follow "not decrypted: "; null when it is. */
  readonly reason: string | null;
}

export interface Tls {
  readonly pid: number;
  /** All libraries of the process; replaces what was reported before. Empty when it has none. */
  readonly libraries: readonly TlsLibrary[];
  /** Another frame follows: libraries that can only be named take longer to find. */
  readonly partial?: boolean;
  /** The process ended before the helper could look at what it loaded last: it may have more libraries than these. */
  readonly unseen?: boolean;
}

/** The version of a file with probes, independent of the processes that load it. */
export interface TlsFile {
  /** As in the TLS records of its sessions; from 1 up, never used again. */
  readonly file: number;
  readonly version: string;
}

/** Identifies the file: `path` leads to it only if these numbers of fstat(2), as decimal strings, are equal. */
export interface ProgramFile {
  readonly path: string;
  readonly device: string;
  readonly inode: string;
  readonly size: string;
  /** Nanoseconds since the epoch. */
  readonly modified: string;
}

/** A Go program with probes. Its file has the source lines for the addresses in caller records. */
export interface GoProgram extends ProgramFile {
  /** As in the records; from 1 up, never used again. */
  readonly file: number;
  /** For each probed function (enum tls_function), the offset of its probe in the file. */
  readonly places: readonly { readonly function: number; readonly offset: number }[];
}

/** The code mappings of a process whose stacks are in its records; replaces an earlier report. */
export interface NativeProgram {
  readonly pid: number;
  /** Boot time in nanoseconds when this was looked at, as a decimal string. */
  readonly since: string;
  readonly modules: readonly NativeModuleRange[];
}

/** A range of addresses that holds code, and the part of the file that is mapped there. */
export interface NativeModuleRange extends ProgramFile {
  /** In hexadecimal. */
  readonly start: string;
  readonly end: string;
  /** In the file, of the first byte. */
  readonly offset: number;
}

export interface Fault {
  readonly code: string;
  /** One sentence: what is wrong and what to do. */
  readonly message: string;
}
