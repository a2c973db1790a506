/**
 * What ended a connection, and in which order: the facts by which the end of a call is derived. A TLS session shares
 * those of its socket.
 */
import { exitOf } from './errno.ts';
import { Direction, type EndedRecord, Ending, FLAG_PROCESS_ENDED } from './record.ts';

/** The process ended while it had the connection; null: it did not, or how is not known. */
export interface ProcessExit {
  readonly signal: string | null;
  readonly exitCode: number | null;
}

const UNKNOWN_EXIT: ProcessExit = { signal: null, exitCode: null };

/** Times are milliseconds since the trace's start; null: it was not seen. The first of each kind counts. */
export class ConnectionEnds {
  /** The traced process closed the socket or the session, or ended. */
  localClose: number | null = null;
  /** It shut its own direction down: a server answers no more then. */
  localFin: number | null = null;
  /** By its close the kernel sent a RST, which takes bytes with it that the peer has not read. */
  closedByReset = false;
  /** Set where it did so by ending. */
  exit: ProcessExit | null = null;
  /** The peer's end: its FIN arrived, or the process read the end. */
  peerEnd: number | null = null;
  /** RST, or another error of the socket. */
  error: number | null = null;
  /** errno. */
  errno = 0;
  /** The end of the peer's bytes is that of the socket, which TLS did not confirm. */
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
        // After its own close, a process learns of no error: the peer answers to bytes that nobody waits for.
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
    // Of a connection whose end has been reported, this is only the kernel's last word.
    if (this.error === null && this.peerEnd === null) this.localClose ??= at;
  }
}
