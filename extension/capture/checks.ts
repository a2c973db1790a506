/** JSON frames of the helper, checked field by field. @throws FrameError for anything else. */
import { FrameError } from '../../helper/frames.ts';
import type {
  Backend,
  Clock,
  Counters,
  Fault,
  Hello,
  ProcessInfo,
  Status,
  Tls,
  TlsFile,
  TlsKind,
} from '../../helper/protocol.ts';
import { BACKENDS, KERNEL_PARTS, TLS_KINDS } from '../../helper/protocol.ts';

type Json = Record<string, unknown>;

function wrong(what: string): never {
  throw new FrameError(`A ${what} frame does not hold what it should.`);
}

function isKernelPart(value: string): boolean {
  return (KERNEL_PARTS as readonly string[]).includes(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isDecimal(value: unknown): value is string {
  return typeof value === 'string' && /^-?\d{1,20}$/.test(value);
}

export function readHello(json: Json): Hello {
  const refused = json['refused'];
  const missing = json['missing'];
  if (
    !isCount(json['protocol']) ||
    !isCount(json['layout']) ||
    !BACKENDS.includes(json['backend'] as Backend) ||
    typeof refused !== 'object' ||
    refused === null ||
    BACKENDS.some((backend) => typeof (refused as Json)[backend] !== 'string') ||
    typeof missing !== 'object' ||
    missing === null ||
    !Object.entries(missing).every(([part, reason]) => isKernelPart(part) && typeof reason === 'string') ||
    typeof json['kernel'] !== 'string' ||
    json['byteOrder'] !== 'little' ||
    !(json['bodyLimit'] === null || isCount(json['bodyLimit'])) ||
    !isCount(json['ringSize']) ||
    !(json['tlsOff'] === null || typeof json['tlsOff'] === 'string') ||
    !isCount(json['owner']) ||
    !isCount(json['helperPid'])
  ) {
    wrong('hello');
  }
  return json as unknown as Hello;
}

export function readClock(json: Json): Clock {
  if (!isDecimal(json['offset']) || !isDecimal(json['bootTime'])) wrong('clock');
  return json as unknown as Clock;
}

export function readProcessInfo(json: Json): ProcessInfo {
  if (
    !isCount(json['request']) ||
    !isCount(json['pid']) ||
    !(json['error'] === null || typeof json['error'] === 'string') ||
    typeof json['message'] !== 'string' ||
    !(json['name'] === null || typeof json['name'] === 'string')
  ) {
    wrong('process');
  }
  return json as unknown as ProcessInfo;
}

export function readTls(json: Json): Tls {
  const libraries = json['libraries'];
  if (!isCount(json['pid']) || !Array.isArray(libraries) || !libraries.every(isTlsLibrary)) wrong('TLS');
  return json as unknown as Tls;
}

function isTlsLibrary(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const library = value as Json;
  return (
    TLS_KINDS.includes(library['kind'] as TlsKind) &&
    (library['version'] === null || typeof library['version'] === 'string') &&
    typeof library['path'] === 'string' &&
    typeof library['inExecutable'] === 'boolean' &&
    typeof library['attached'] === 'boolean' &&
    [null, 'instructions', 'uretprobe'].includes(library['returns'] as string | null) &&
    (library['reason'] === null || typeof library['reason'] === 'string')
  );
}

export function readTlsFile(json: Json): TlsFile {
  if (!isCount(json['file']) || typeof json['version'] !== 'string') wrong('TLS file');
  return json as unknown as TlsFile;
}

export function readFault(json: Json): Fault {
  if (typeof json['code'] !== 'string' || typeof json['message'] !== 'string') wrong('fault');
  return json as unknown as Fault;
}

const COUNTERS = [
  'produced',
  'droppedData',
  'droppedStructure',
  'seenBytes',
  'copiedBytes',
  'omittedBytes',
  'droppedBytes',
  'unseenBytes',
  'otherBytes',
  'connectionsUntracked',
  'callsUntracked',
  'filteredBytes',
] as const satisfies readonly (keyof Counters)[];

export function readStatus(json: Json): Status {
  const counters = json['counters'];
  if (typeof counters !== 'object' || counters === null) wrong('status');
  if (COUNTERS.some((name) => typeof (counters as Json)[name] !== 'number')) wrong('status');
  if (
    !isCount(json['sent']) ||
    !isDecimal(json['upTo']) ||
    !isCount(json['targets']) ||
    typeof json['final'] !== 'boolean'
  ) {
    wrong('status');
  }
  return json as unknown as Status;
}
