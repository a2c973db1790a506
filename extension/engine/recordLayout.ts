/**
 * The offset of each field of a record. test/trust/layout.test.ts compares every offset with the C compiler's layout of
 * `bpf/trace_http.h`.
 */

/** The TRACE_HTTP_LAYOUT that these offsets belong to. */
export const RECORD_LAYOUT = 5;

/** Byte offsets; every record begins with the header. */
export const LAYOUT = {
  header: { size: 40, length: 0, type: 4, flags: 6, time: 8, emitted: 16, pid: 24, tid: 28, connection: 32 },
  opened: {
    size: 112,
    inode: 40,
    connectStarted: 48,
    established: 56,
    networkNamespace: 64,
    family: 68,
    side: 70,
    transport: 71,
    localPort: 72,
    remotePort: 74,
    localAddress: 80,
    remoteAddress: 96,
  },
  openedUnix: {
    size: 336,
    localLength: 112,
    remoteLength: 114,
    peerInode: 116,
    localPath: 120,
    remotePath: 228,
  },
  data: {
    size: 80,
    position: 40,
    returned: 48,
    unseen: 56,
    bytes: 64,
    copied: 68,
    direction: 72,
    layer: 73,
    protocol: 74,
    omission: 75,
    call: 76,
    claim: 78,
  },
  /** A data record with {@link FLAG_FILE}; the path follows. */
  sentFile: {
    size: 136,
    filePosition: 80,
    fileSize: 88,
    inode: 96,
    changedSeconds: 104,
    changedNanoseconds: 112,
    device: 116,
    granularity: 120,
    descriptor: 124,
    flags: 128,
    pathLength: 130,
  },
  ended: { size: 56, position: 40, error: 48, direction: 52, ending: 53 },
  closed: { size: 56, sent: 40, received: 48 },
  connectFailed: {
    size: 192,
    started: 40,
    networkNamespace: 48,
    error: 52,
    family: 56,
    transport: 58,
    remotePort: 60,
    remoteLength: 62,
    remoteAddress: 64,
    remotePath: 80,
  },
  process: { size: 72, startTime: 40, parent: 48, status: 52, name: 56 },
  tls: {
    size: 120,
    socket: 40,
    handshakeStarted: 48,
    handshakeEnded: 56,
    library: 64,
    binding: 65,
    side: 66,
    alpnLength: 67,
    file: 68,
    alpn: 72,
    error: 104,
    verification: 108,
    closeNotify: 112,
  },
  /** With {@link FLAG_NAMED} JSON takes the place of the frames. */
  caller: {
    size: 344,
    request: 40,
    place: 48,
    file: 56,
    stream: 60,
    function: 64,
    count: 65,
    methodLength: 66,
    method: 72,
    frames: 88,
  },
  /** Replaced by `extension/capture/callers.ts`. */
  stack: {
    size: 8400,
    registers: 40,
    floor: 168,
    bytes: 176,
    stream: 180,
    machine: 184,
    beginningLength: 185,
    beginning: 192,
    stack: 208,
  },
  name: {
    size: 88,
    socket: 40,
    bytes: 48,
    copied: 52,
    error: 56,
    family: 60,
    remotePort: 62,
    direction: 64,
    transport: 65,
    closed: 66,
    remoteAddress: 72,
  },
} as const;

/** Bytes of fields that are arrays. */
export const FIELD_SIZES = { alpn: 32, address: 16, comm: 16, unixPath: 108, method: 16 } as const;
