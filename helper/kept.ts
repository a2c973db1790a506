/**
 * Between two traces of a helper that is kept: no program is attached, no process is a target, and the rings are closed.
 * All that is waited for is the client's word to go on, its end, or the end of the time.
 */
import type { Duplex } from 'node:stream';
import { CLIENT_FRAMES, FrameDecoder } from './frames.ts';
import { FrameType, MAX_CLIENT_FRAME } from './protocol.ts';

/** @param end ends the process; also when the client sends what is no frame. */
export function waitForResume(client: Duplex, forMs: number, resume: () => void, end: () => void): void {
  const decoder = new FrameDecoder(MAX_CLIENT_FRAME, CLIENT_FRAMES);
  const timer = setTimeout(end, forMs);
  const listeners: [event: string, listener: (piece: Buffer) => void][] = [
    ['data', (piece: Buffer) => take(piece)],
    ...['end', 'close', 'error'].map((event): [string, () => void] => [event, end]),
  ];
  for (const [event, listener] of listeners) client.on(event, listener);

  function take(piece: Buffer): void {
    try {
      for (const { type } of decoder.push(piece)) {
        // A late word to the trace that has ended.
        if (type !== FrameType.Resume) continue;
        clearTimeout(timer);
        for (const [event, listener] of listeners) client.off(event, listener);
        // The client says nothing more before the hello.
        resume();
        return;
      }
    } catch {
      end();
    }
  }
}
