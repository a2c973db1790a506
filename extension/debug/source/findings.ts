/**
 * Findings: what a hook in a debugged program reports about one call, as a line of JSON. The program may be hostile, so
 * only the shape of a line is relied on, after it was checked.
 */
import { fileURLToPath } from 'node:url';
import type { SourceLine } from '../../engine/row.ts';

export interface Finding {
  /** The debug session in which the hook was evaluated, as the extension named it. */
  readonly session: string;
  readonly pid: number;
  /** Milliseconds of CLOCK_MONOTONIC, before the request's first byte was sent. */
  readonly at: number;
  readonly port: number;
  /** HTTP/2 stream; 0: another protocol. */
  readonly stream: number;
  /** Empty: not known. */
  readonly method: string;
  /** Without its query; empty: not known. */
  readonly path: string;
  /** Innermost first; at least one. */
  readonly frames: readonly SourceLine[];
}

/** No hook writes longer lines. */
export const MAX_LINE = 4_096;
const MAX_FRAMES = 50;
const MAX_PORT = 65_535;

/** null: it is not what a hook writes. */
export function parseFinding(line: string): Finding | null {
  if (line.length > MAX_LINE) return null;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const { session, pid, at, port, stream, method, path, frames } = value as Record<string, unknown>;
  if (typeof session !== 'string' || typeof method !== 'string' || typeof path !== 'string') return null;
  if (!isCount(pid) || !isCount(port) || !isCount(stream) || port > MAX_PORT) return null;
  if (typeof at !== 'number' || !Number.isFinite(at) || !Array.isArray(frames)) return null;
  const read = frames.slice(0, MAX_FRAMES).flatMap(frameOf);
  return read.length === 0 ? null : { session, pid, at, port, stream, method, path, frames: read };
}

function frameOf(frame: unknown): SourceLine[] {
  if (!Array.isArray(frame)) return [];
  const [file, line, column, name]: unknown[] = frame;
  if (typeof file !== 'string' || file === '' || !isCount(line) || line === 0) return [];
  return [
    {
      path: pathOf(file),
      line,
      column: isCount(column) && column > 0 ? column : null,
      function: typeof name === 'string' && name !== '' ? name : null,
    },
  ];
}

/** ES modules are named by their URLs. */
function pathOf(file: string): string {
  if (!file.startsWith('file://')) return file;
  try {
    return fileURLToPath(file);
  } catch {
    return file;
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
