/** A trace that was kept, as the recording that `--record` would have written. */
import { joined, type KeptPart } from './keptFiles.ts';
import { RecordingEncoder, RecordingReader } from './recording.ts';
import { type Recorded, TraceError } from './trace.ts';

/** Bytes; the extension host does other work in between. */
const PIECE = 256 * 1024;

export function copyOf(parts: readonly KeptPart[]): Recorded {
  return {
    began: parts[0]?.began ?? 0,
    bytes: parts.reduce((sum, { size }) => sum + size, 0),
    partly: (parts[0]?.part ?? 1) > 1,
    write: (to, progress) => copy(parts, to, progress),
  };
}

async function copy(
  parts: readonly KeptPart[],
  to: (bytes: Uint8Array) => void,
  progress: (bytes: number) => boolean,
): Promise<void> {
  const reader = new RecordingReader();
  const encoder = new RecordingEncoder();
  to(encoder.header('little'));
  let read = 0;
  for await (const piece of joined(parts, PIECE)) {
    for (const { type, payload } of reader.push(piece)) {
      to(encoder.frame(type, payload));
      to(payload);
    }
    read += piece.length;
    if (!progress(read)) throw new TraceError('cancelled', 'Saving was cancelled: no file was written.');
  }
  to(encoder.end());
}
