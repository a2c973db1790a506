/**
 * What ended a connection, and in which order: ending.ts derives from it how a call ended. A TLS session shares this
 * with its socket.
 */
import { exitOf } from './errno.ts';
import { Direction, type EndedRecord, Ending, FLAG_PROCESS_ENDED } from './record.ts';

/** How a process ended that had the connection open; both null: not known. */
export interface ProcessExit {
  readonly signal: string | null;
  readonly exitCode: number | null;
}

const UNKNOWN_EXIT: ProcessExit = { signal: null, exitCode: null };

/** Times are milliseconds since the trace's start; null: not seen. The first event of each kind counts. */
export class ConnectionEnds {
  /** The traced process closed the socket or the session, or ended. */
  localClose: number | null = null;
  /** The traced process shut down its sending side: a server sends no more responses. */
  localFin: number | null = null;
  /** On close, the kernel sent a RST, which discards bytes that the peer has not read yet. */
  closedByReset = false;
  /** How the process ended, if its end is what closed the connection. */
  exit: ProcessExit | null = null;
  /** The peer's end of stream: its FIN arrived, or EOF was read. */
  peerEnd: number | null = null;
  /** RST, or another error of the socket. */
  error: number | null = null;
  /** errno. */
  errno = 0;
  /** The peer's TLS stream ended with the socket, without close_notify. */
  unconfirmed = false;

  /** @param statusOf the wait status of a process that has ended; null: not known. */
  ended(record: EndedRecord, at: number, statusOf: (pid: number) => number | null): void {
    switch (record.ending) {
      case Ending.Close:
        if (this.localClose !== null) return;
        this.localClose = at;
        this.closedByReset = record.error !== 0;
        if ((record.flags & FLAG_PROCESS_ENDED) !== 0) {
          const status = statusOf(record.pid);
          this.exit = status === null ? UNKNOWN_EXIT : exitOf(status);
        }
        return;
      case Ending.Reset:
      case Ending.PeerReset:
        // The first error counts. A process that has closed does not see errors any more: ending.ts compares the times.
        if (this.error !== null) return;
        this.error = at;
        this.errno = record.error;
        return;
      case Ending.PeerFin:
      case Ending.ReadEof:
        this.peerEnd ??= at;
        return;
      case Ending.Fin:
        if (record.direction === Direction.In) this.peerEnd ??= at;
        else this.localFin ??= at;
        return;
    }
  }

  closed(at: number): void {
    // If an end was reported before, this only says that the kernel has released the socket.
    if (this.error === null && this.peerEnd === null) this.localClose ??= at;
  }
}
