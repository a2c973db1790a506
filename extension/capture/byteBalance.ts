/** Accounts for all bytes of a trace: combines the counts of the kernel, of the helper's backlog and of the engine. */
import type { Backlog, Status } from '../../helper/protocol.ts';

/** In bytes: `seen = copied + omitted + dropped + unseen`. */
export interface ByteBalance {
  readonly seen: number;
  /** Bytes that the engine received. */
  readonly copied: number;
  readonly omitted: number;
  /** Part of the omitted bytes: left out by the helper's backlog. */
  readonly shedByHelper: number;
  /** Did not fit into the ring, or was left behind when the trace was stopped without waiting. */
  readonly dropped: number;
  readonly unseen: number;
  /** Of connections that are not HTTP. */
  readonly other: number;
}

export function byteBalance({ counters, backlog }: Pick<Status, 'counters' | 'backlog'>): ByteBalance {
  const shed = shedByHelper(backlog);
  return {
    seen: counters.seenBytes,
    copied: counters.copiedBytes - shed - backlog.droppedBytes,
    omitted: counters.omittedBytes + shed,
    shedByHelper: shed,
    dropped: counters.droppedBytes + backlog.droppedBytes,
    unseen: counters.unseenBytes,
    other: counters.otherBytes,
  };
}

export function shedByHelper({ shedBodies, shedHeads }: Backlog): number {
  return shedBodies + shedHeads;
}
