/** A socket as one of the two ends of a connection. */
import type { ConnectionEnds } from '../connectionEnds.ts';
import type { Side } from '../exchange.ts';
import { WaitingCalls } from './waitingCalls.ts';

/** What is known of a socket so far. */
export interface EndFacts {
  readonly transport: 'tcp' | 'unix';
  readonly side: Side | null;
  /** Milliseconds since the trace's start; null: not known, or accepted. */
  readonly connectStarted: number | null;
  readonly established: number | null;
  readonly ends: ConnectionEnds;
}

/** One end of a connection. */
export class SocketEnd {
  /** The other end; null: it is not traced, or not certain. */
  peer: SocketEnd | null = null;
  readonly info: EndFacts;
  /** The key by which its peer finds it. */
  readonly own: string;
  /** The key of its peer; null: not known on this side. */
  readonly sought: string | null;
  /** Calls on it without a peer. Maintained by {@link Peers}. */
  readonly waiting = new WaitingCalls();
  /** The newest of them, for connections that were joined in their middle. */
  readonly recent: number[] = [];
  closed = false;

  constructor(info: EndFacts, own: string, sought: string | null) {
    this.info = info;
    this.own = own;
    this.sought = sought;
  }
}
