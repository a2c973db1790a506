/** For tests of both sides of the protocol. */
import type { Backlog } from './protocol.ts';

/** Nothing waits, and nothing was left out. */
export const NO_BACKLOG: Backlog = {
  records: 0,
  bytes: 0,
  newest: '0',
  shedBodies: 0,
  shedHeads: 0,
  split: 0,
  droppedRecords: 0,
  droppedBytes: 0,
};
