/** What the programs at both ends of a connection report of their exchanges. */
import { createHash, randomBytes } from 'node:crypto';

/** Debian's Python: it has the packages python3-requests and python3-aiohttp; another one may come first in PATH. */
export const PYTHON = '/usr/bin/python3';

/** One line of a peer about one exchange. Sizes in bytes; hashes are SHA-256 of bodies without content coding. */
export interface PeerReport {
  readonly side: 'client' | 'server';
  readonly pid: number;
  /** X-Trace-Id of the request. */
  readonly id: string;
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly status: number;
  /** X-Answer of the response. */
  readonly answer: string | null;
  readonly requestSize: number;
  readonly requestSha: string;
  /** As sent, after transfer decoding; null where the peer does not know. */
  readonly responseSize: number | null;
  readonly responseSha: string;
  /** Absent or null where the peer does not know. */
  readonly localPort?: number | null;
  /** By the peer's own clock, around everything that it did for the exchange. */
  readonly ms: number;
}

/** What the peers in C know as well (test/matrix/peers/http.c). */
export interface SocketReport extends PeerReport {
  readonly answer: string;
  readonly responseSize: number;
  readonly requestWire: number;
  readonly responseWire: number;
  /** The response came to its end and its bytes were read. */
  readonly whole: boolean;
  readonly local: string | null;
  readonly remote: string | null;
  readonly fd: number;
  readonly again: number;
  readonly shorts: number;
  readonly calls: number;
  readonly synData: boolean;
  readonly network: string;
}

/** The reports among the lines of a peer. */
export function parseReports<Report extends PeerReport = PeerReport>(lines: readonly string[]): Report[] {
  const objects = lines.filter((line) => line.startsWith('{"')).map((line) => JSON.parse(line) as object);
  return objects.filter((value): value is Report => 'id' in value);
}

/** An id that nobody can guess, for the path and a field of a request. */
export function newId(): string {
  return randomBytes(12).toString('hex');
}

export function sha(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
