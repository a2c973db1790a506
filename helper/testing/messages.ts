/** For tests of both sides of the protocol. */
import { type Backlog, type Hello, PROTOCOL_VERSION } from '../protocol.ts';

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

/** A helper's hello, but for the record layout: that is the client's (extension/engine/recordLayout.ts). */
export const HELLO: Omit<Hello, 'layout'> = {
  protocol: PROTOCOL_VERSION,
  backend: 'tracepoint',
  refused: { fentry: '', kprobe: '', tracepoint: '' },
  missing: {},
  kernel: '6.18',
  byteOrder: 'little',
  bodyLimit: 65_536,
  ringSize: 65_536,
  owner: 0,
  tlsOff: null,
  helperPid: 1,
};
