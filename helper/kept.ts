/**
 * A kept helper between two traces: no program is attached, no process is a target, and the rings are closed. It waits only
 * for the client to resume, for the client's end, or for the time limit.
 */
import type { Duplex } from 'node:stream';
import { CLIENT_FRAMES, FrameDecoder } from './frames.ts';
import { FrameType, MAX_CLIENT_FRAME } from './protocol.ts';

/**
 * Traces of one helper; the next one gets a new helper. The broker attaches probes to one file 1,024 times at most
 * (TIMES_MAX of helper/loader/broker.c), and each trace does it once or more often.
 */
export const MAX_TRACES = 256;

/** @param number of the trace in this helper, from 1 up */
export function mayBeKept({ keepable }: { readonly keepable: boolean }, number: number): boolean {
  return keepable && number < MAX_TRACES;
}

/** @param end ends the process; also called when the client sends something that is not a frame. */
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
        // A late message to the trace that has ended.
        if (type !== FrameType.Resume) continue;
        clearTimeout(timer);
        for (const [event, listener] of listeners) client.off(event, listener);
        // The client sends nothing more before the hello.
        resume();
        return;
      }
    } catch {
      end();
    }
  }
}
