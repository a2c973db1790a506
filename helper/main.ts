/**
 * The helper: reads the rings, manages the targets, and talks to its client over the inherited socket. It runs as
 * the user, with maps and links but no capability; it never parses payload and cannot write a file.
 * When it ends, for whatever reason, its descriptors close and nothing is left in the kernel.
 */
import { closeSync, readSync } from 'node:fs';
import { Socket } from 'node:net';
import { release } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { HEAD_ALLOWANCE, INHERITED, nameDescriptors, readFacts, tlsOff, UNLIMITED } from './facts.ts';
import {
  CLIENT_FRAMES,
  decodeJson,
  encodeFrameHeader,
  encodeJson,
  FrameDecoder,
  FrameError,
} from './frames.ts';
import { loadNative, ProcessChange } from './native.ts';
import type { Clock, Counters, Hello, Status } from './protocol.ts';
import { FRAME_HEADER_SIZE, FrameType, MAX_CLIENT_FRAME, PROTOCOL_VERSION } from './protocol.ts';
import { Targets } from './targets.ts';
import { Attachments } from './tls/attachments.ts';

/** TRACE_HTTP_LAYOUT of bpf/trace_http.h. */
const LAYOUT = 3;
/**
 * Bytes waiting in the socket above which the rings are no longer drained. The kernel then counts what it
 * drops, at its place in the stream; the traced program never notices.
 */
const MAX_UNSENT = 32 * 1024 * 1024;
const STATUS_INTERVAL_MS = 1_000;
/** How soon a client learns up to when it has seen everything, while records flow. */
const BUSY_STATUS_INTERVAL_MS = 100;
/** Wall time that jumps by more than this (suspend, set by hand) is reported. */
const CLOCK_JUMP_NS = 1_000_000n;
/** A program that still runs on another CPU when its link is closed has ended after this time. */
const SETTLE_MS = 30;
/**
 * Wait before a trace of running processes ends. A call's bytes are known when it returns. On a busy machine this is
 * some milliseconds after the peer has received everything and the user has stopped the trace.
 */
const RETURN_MS = 100;
/** How long the end of a trace waits until probes on TLS libraries are detached. After that the client need not wait. */
const DETACH_MS = 1_000;
const TIMER_MS = 200;
/** Every so many ticks of the timer all processes are checked for TLS libraries, as an event may have been lost. */
const CONSIDER_TICKS = 10;

const facts = readFacts(process.argv[2]);
const native = loadNative();
// Before anything else: only then the broker hands over the maps and links.
native.harden();
native.watch(INHERITED.socket, facts.tlsAttach === 'none' ? -1 : INHERITED.broker, () =>
  attachments?.endWithBroker(),
);
const descriptors = nameDescriptors(native.takeDescriptors(INHERITED.broker), facts.links);
const targets = new Targets(native, facts, descriptors);
const socket = new Socket({ fd: INHERITED.socket, readable: true, writable: true });

let sent = 0;
let upTo = 0n;
let lastOffset: bigint | null = null;
let lastStatus = 0;
let lastTargets = 0;
let stopping = false;
let reading = true;
let attachments: Attachments | null = null;
let timer: NodeJS.Timeout | undefined;
let ticks = 0;

function sendClock(): void {
  const [bootTime, offset] = native.readClocks();
  const moved = lastOffset === null ? CLOCK_JUMP_NS : offset - lastOffset;
  if (moved < CLOCK_JUMP_NS && moved > -CLOCK_JUMP_NS) return;
  lastOffset = offset;
  const clock: Clock = { offset: offset.toString(), bootTime: bootTime.toString() };
  socket.write(encodeJson(FrameType.Clock, clock));
}

function readCounters(): Counters {
  const values = native.readCounters(descriptors.counters);
  const at = (index: number): number => values[index] ?? 0;
  return {
    produced: at(0),
    droppedData: at(1),
    droppedStructure: at(2),
    seenBytes: at(3),
    copiedBytes: at(4),
    omittedBytes: at(5),
    droppedBytes: at(6),
    unseenBytes: at(7),
    otherBytes: at(8),
    connectionsUntracked: at(9),
    callsUntracked: at(10),
    filteredBytes: at(11),
  };
}

function sendStatus(final: boolean): void {
  lastStatus = performance.now();
  // At the end all targets are gone. The final status says how many there were before.
  if (!stopping) lastTargets = targets.count;
  const status: Status = {
    counters: readCounters(),
    sent,
    upTo: upTo.toString(),
    targets: lastTargets,
    final,
  };
  socket.write(encodeJson(FrameType.Status, status));
}

/** Everything that is in the rings, unless the client does not keep up. */
function drain(force = false): void {
  while (force || socket.writableLength <= MAX_UNSENT) {
    const drained = native.drain();
    if (drained.upTo > upTo) upTo = drained.upTo;
    if (drained.batch === null) break;
    sent += drained.records;
    drained.batch.set(encodeFrameHeader(FrameType.Records, drained.batch.length - FRAME_HEADER_SIZE));
    socket.write(drained.batch);
  }
  if (performance.now() - lastStatus >= BUSY_STATUS_INTERVAL_MS) sendStatus(false);
}

function onFrame(type: FrameType, payload: Uint8Array): void {
  switch (type) {
    case FrameType.Attach: {
      const { request, pid, children } = decodeJson(payload);
      if (!isId(request) || !isId(pid) || typeof children !== 'boolean')
        throw new FrameError('An attach is malformed.');
      const infos = targets.attach(request, pid, children);
      // First, so that a process that waits to be attached is seen from its first TLS call on.
      for (const info of infos) if (info.error === null) attachments?.consider(info.pid);
      for (const info of infos) socket.write(encodeJson(FrameType.Process, info));
      return;
    }
    case FrameType.Detach: {
      const { pid } = decodeJson(payload);
      if (!isId(pid)) throw new FrameError('A detach is malformed.');
      targets.detach(pid);
      attachments?.forget(pid);
      return;
    }
    case FrameType.Stop:
      void stop();
      return;
    default:
      throw new FrameError(`A client does not send frames of type ${type}.`);
  }
}

function isId(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0xffff_ffff;
}

/** With a latency filter: reading the iterators makes the kernel report the requests that exceed the threshold by now. */
function reportWaiting(): void {
  for (const iterator of [descriptors.waiting, descriptors.waitingUnix]) {
    try {
      readSync(iterator, Buffer.alloc(1));
    } catch {
      // These requests are missing in the trace; it ends all the same.
    }
  }
}

async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  if (targets.count > 0) await sleep(RETURN_MS);
  clearInterval(timer);
  reportWaiting();
  for (const link of descriptors.links) closeSync(link);
  // Those on TLS libraries may take seconds to go (perf's): from here on they find no target.
  lastTargets = targets.count;
  targets.clear();
  const detached = attachments?.close();
  attachments = null;
  await Promise.race([detached, sleep(DETACH_MS)]);
  await sleep(SETTLE_MS);
  reading = false;
  // Until nothing is left. The programs are detached, so this ends, however slow the client is.
  drain(true);
  await sleep(1);
  drain(true);
  sendStatus(true);
  native.closeRings();
  // Probes that are still attached are removed when this process ends.
  socket.end(() => process.exit(0));
}

function fault(code: string, message: string): void {
  socket.end(encodeJson(FrameType.Fault, { code, message }), () => process.exit(1));
}

/** What happened to targets: change and pid, alternating. */
function onProcesses(changes: readonly number[]): void {
  const pids = new Map<number, number>();
  for (let at = 0; at + 1 < changes.length; at += 2) pids.set(changes[at + 1] ?? 0, changes[at] ?? 0);
  for (const [pid, change] of pids) {
    if (change === ProcessChange.Gone) attachments?.forget(pid);
    else attachments?.consider(pid);
  }
}

function onTimer(): void {
  sendClock();
  drain();
  if (++ticks % CONSIDER_TICKS === 0) attachments?.considerAll();
  const due = performance.now() - lastStatus >= STATUS_INTERVAL_MS;
  if (due || targets.count !== lastTargets) sendStatus(false);
}

// Ctrl+C in a terminal reaches the whole group; the client decides when the trace ends.
for (const signal of ['SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGTSTP'] as const) process.on(signal, () => {});

async function start(): Promise<void> {
  const copyLimit = Math.max(facts.requestCopyLimit, facts.responseCopyLimit);
  const hello: Hello = {
    protocol: PROTOCOL_VERSION,
    layout: LAYOUT,
    backend: facts.backend,
    refused: facts.refused,
    missing: Object.fromEntries(
      Object.entries(facts.missing).filter(
        ([part, reason]) => reason !== '' && (part !== 'tls' || facts.tlsWanted),
      ),
    ),
    kernel: release(),
    byteOrder: 'little',
    bodyLimit: copyLimit === UNLIMITED ? null : Math.max(0, copyLimit - HEAD_ALLOWANCE),
    ringSize: facts.ringSize,
    tlsOff: tlsOff(facts),
    owner: facts.owner,
    helperPid: process.pid,
  };
  socket.write(encodeJson(FrameType.Hello, hello));
  sendClock();
  // The client is gone, orderly or not, so the trace ends.
  socket.on('end', () => process.exit(0));
  socket.on('close', () => process.exit(0));
  socket.on('error', () => process.exit(0));
  socket.on('drain', () => drain());
  attachments = await Attachments.create(native, facts, {
    libraries: (tls) => socket.write(encodeJson(FrameType.Tls, tls)),
    file: (file) => socket.write(encodeJson(FrameType.TlsFile, file)),
  });
  attachments.attachSystem();
  native.openRings(
    descriptors.dataRing,
    descriptors.structureRing,
    descriptors.processRing,
    () => {
      if (reading) drain();
    },
    onProcesses,
  );
  const decoder = new FrameDecoder(MAX_CLIENT_FRAME, CLIENT_FRAMES);
  socket.on('data', (piece: Buffer) => {
    try {
      for (const frame of decoder.push(piece)) onFrame(frame.type, frame.payload);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      fault('client', error.message);
    }
  });
  timer = setInterval(onTimer, TIMER_MS);
}

void start();
