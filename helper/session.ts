/**
 * The helper's part of one trace: drains the rings, manages the targets, and talks to the client. It does not look at
 * payload, which stays in the addon's backlog until it is sent.
 */
import { closeSync } from 'node:fs';
import { release } from 'node:os';
import { isAbsolute } from 'node:path';
import type { Duplex } from 'node:stream';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { Breaks } from './breaks.ts';
import { type Descriptors, type Facts, HEAD_ALLOWANCE, INHERITED, tlsOff, UNLIMITED } from './facts.ts';
import {
  CLIENT_FRAMES,
  decodeJson,
  encodeFrameHeader,
  encodeJson,
  FrameDecoder,
  FrameError,
} from './frames.ts';
import { BATCH_SIZE, type Native, ProcessChange } from './native.ts';
import type { Clock, Counters, Hello, Status } from './protocol.ts';
import {
  FRAME_HEADER_SIZE,
  FrameType,
  MAX_CLIENT_FRAME,
  MAX_EXPECTED,
  MAX_PAUSE_MS,
  PROTOCOL_VERSION,
  RECORD_LAYOUT,
} from './protocol.ts';
import { untilReturned } from './returning.ts';
import { StackPolicies } from './stackPolicies.ts';
import { Targets } from './targets.ts';
import { Attachments } from './tls/attachments.ts';
import { TlsFinder } from './tls/finder.ts';

/**
 * Batches on their way into the socket; the rest waits in the backlog, where it can be shed. When that is full, too, the
 * kernel counts what it drops, at its place in the stream; the traced program never notices.
 */
const BATCHES = 4;
export const MAX_UNSENT = BATCHES * BATCH_SIZE;
const STATUS_INTERVAL_MS = 1_000;
/** Interval of the status while records flow: up to when the client has everything, and how much is waiting. */
const BUSY_STATUS_INTERVAL_MS = 100;
/** Wall time that jumps by more than this (suspend, set by hand) is reported. */
const CLOCK_JUMP_NS = 1_000_000n;
/** Time after which a program that was still running on another CPU when its link was closed has ended. */
const SETTLE_MS = 30;
/** How long the end of a trace waits for probes on TLS libraries to be detached. After that the client need not wait. */
const DETACH_MS = 1_000;
/** How long the end of a trace waits until the TLS libraries in programs are named. */
const RECOGNISE_MS = 2_000;
const TIMER_MS = 200;
/** Timer ticks between two checks of all processes for TLS libraries, in case an event was lost. */
const CONSIDER_TICKS = 10;

export class Session {
  readonly #native: Native;
  readonly #facts: Facts;
  readonly #descriptors: Descriptors;
  readonly #client: Duplex;
  /** Ends the process, and with it the trace: the kernel closes what is still open. */
  readonly #exit: (status: number) => void;
  readonly #targets: Targets;
  /** Null before the TLS libraries are read, and once the trace ends. */
  #attachments: Attachments | null = null;
  #breaks: Breaks | null = null;
  readonly #stacks: StackPolicies;
  #timer: NodeJS.Timeout | undefined;
  #ticks = 0;
  /** Records. */
  #sent = 0;
  #upTo = 0n;
  #lastClocks: { readonly offset: bigint; readonly suspended: bigint } | null = null;
  #lastStatus = 0;
  #lastTargets = 0;
  #stopping = false;
  /** The client does not wait for the remaining records. */
  #cutShort = false;
  /** No more records are taken from the backlog. */
  #closed = false;
  /** Batch buffers that are not in the socket at the moment. */
  readonly #batches = Array.from({ length: BATCHES }, () =>
    Buffer.allocUnsafe(FRAME_HEADER_SIZE + BATCH_SIZE),
  );
  /** A status is still in the socket: statuses do not pile up for a client that reads nothing. */
  #statusUnsent = false;
  /** The counters after this helper's earlier traces; null: this is its first trace. */
  readonly #before: Counters | null;
  readonly #onPaused: (forMs: number) => void;
  #listeners: [event: string, listener: (piece: Buffer) => void][] = [];
  /** Called when nothing is in the socket. */
  #onSent: (() => void) | null = null;

  constructor(
    native: Native,
    facts: Facts,
    descriptors: Descriptors,
    client: Duplex,
    exit: (status: number) => void,
    /** For a helper that may be kept: whether it has served a trace before, and what follows when this one has ended. */
    { resumed = false, onPaused = () => {} }: { resumed?: boolean; onPaused?: (forMs: number) => void } = {},
  ) {
    this.#before = resumed ? readCounters(native, descriptors.counters) : null;
    this.#onPaused = onPaused;
    this.#native = native;
    this.#facts = facts;
    this.#descriptors = descriptors;
    this.#client = client;
    this.#exit = exit;
    this.#targets = new Targets(native, facts, descriptors);
    this.#stacks = new StackPolicies(native, facts, descriptors, (program) => {
      client.write(encodeJson(FrameType.NativeProgram, program));
    });
  }

  /**
   * Sends the hello; resolves when records flow.
   * @param finder may already know files
   */
  async start(finder?: TlsFinder): Promise<void> {
    const client = this.#client;
    client.write(encodeJson(FrameType.Hello, this.#hello()));
    this.#sendClock();
    // The client is gone, orderly or not, so the trace ends.
    for (const event of ['end', 'close', 'error']) this.#listen(event, () => this.#exit(0));
    this.#attachments = new Attachments(this.#native, this.#facts, finder ?? (await TlsFinder.create()), {
      libraries: (tls) => client.write(encodeJson(FrameType.Tls, tls)),
      file: (file) => client.write(encodeJson(FrameType.TlsFile, file)),
      goProgram: (program) => client.write(encodeJson(FrameType.GoProgram, program)),
    });
    this.#attachments.attachSystem();
    this.#breaks = new Breaks(this.#native, this.#descriptors, this.#attachments);
    const { dataRing, structureRing, processRing } = this.#descriptors;
    this.#native.openRings(
      dataRing,
      structureRing,
      processRing,
      () => this.#feed(),
      (changes) => this.#onProcesses(changes),
    );
    const decoder = new FrameDecoder(MAX_CLIENT_FRAME, CLIENT_FRAMES);
    this.#listen('data', (piece: Buffer) => {
      try {
        for (const frame of decoder.push(piece)) this.#onFrame(frame.type, frame.payload);
      } catch (error) {
        if (!(error instanceof FrameError)) throw error;
        this.#fault('client', error.message);
      }
    });
    this.#timer = setInterval(() => this.#onTimer(), TIMER_MS);
  }

  #listen(event: string, listener: (piece: Buffer) => void): void {
    this.#listeners.push([event, listener]);
    this.#client.on(event, listener);
  }

  /**
   * The broker is gone: the kernel has removed its probes, and nothing can be attached any more. In a trace after the first,
   * the broker also held the links that the trace itself needs.
   */
  endWithBroker(): void {
    if (this.#before !== null && !this.#stopping)
      this.#fault(
        'helper',
        'The process of HTTP Trace that attaches probes has ended; what was captured is kept. Start again.',
      );
    this.#attachments?.endWithBroker();
  }

  /** Reports everything that has been seen, and ends. */
  async stop(): Promise<void> {
    if (this.#stopping) return;
    await this.#detach();
    this.#sendStatus(true);
    this.#native.closeRings();
    // Probes that are still attached are removed when this process ends.
    this.#client.end(() => this.#exit(0));
  }

  /** Like {@link stop}, but the process stays, with nothing attached: see kept.ts. */
  async pause(forMs: number): Promise<void> {
    if (this.#stopping) return;
    await this.#detach();
    const kept = this.#facts.keepable && (await this.#pauseBroker());
    this.#sendStatus(true);
    this.#native.closeRings();
    if (!kept) {
      this.#client.end(() => this.#exit(0));
      return;
    }
    for (const [event, listener] of this.#listeners) this.#client.off(event, listener);
    this.#onPaused(forMs);
  }

  /** Ends the capture and sends the records that are left. The last probes may be removed later. */
  async #detach(): Promise<void> {
    this.#stopping = true;
    // From here on no process is stopped before a call.
    const released = this.#breaks?.close();
    this.#stacks.close();
    this.#breaks = null;
    if (this.#targets.count > 0) await untilReturned(() => this.#targets.traced);
    // Now it is also known which programs were executed last.
    this.#native.drainNow();
    this.#native.reportProcesses();
    // The newest programs may still be under inspection: the client has to learn why their connections are not read.
    await Promise.race([this.#attachments?.recognised(), sleep(RECOGNISE_MS)]);
    clearInterval(this.#timer);
    this.#reportWaiting();
    await this.#closeLinks();
    // Probes on TLS libraries may take seconds to detach (perf's), but from here on they find no target.
    this.#lastTargets = this.#targets.count;
    this.#targets.clear();
    if (this.#before !== null) await this.#pauseBroker();
    const detached = this.#attachments?.close();
    this.#attachments = null;
    // A probe's close returns when its programs have ended, so only the other links need time to settle.
    await Promise.all([
      Promise.race([Promise.all([detached, released]), sleep(DETACH_MS)]),
      sleep(SETTLE_MS),
    ]);
    await this.#sendRest();
  }

  async #closeLinks(): Promise<void> {
    for (const link of this.#descriptors.links) {
      closeSync(link);
      await this.#showWork();
    }
  }

  /**
   * After the first trace the broker has the links.
   * @returns false: the broker is gone, and with it the links
   */
  async #pauseBroker(): Promise<boolean> {
    try {
      while (this.#native.pauseTrace(INHERITED.broker) > 0) await this.#showWork();
      return true;
    } catch {
      return false;
    }
  }

  /** Closing a link may block, on a busy machine for seconds. Meanwhile a status shows that the helper is working. */
  async #showWork(): Promise<void> {
    if (this.#statusUnsent || performance.now() - this.#lastStatus < STATUS_INTERVAL_MS) return;
    this.#sendStatus(false);
    await setImmediate();
  }

  #hello(): Hello {
    const facts = this.#facts;
    const copyLimit = Math.max(facts.requestCopyLimit, facts.responseCopyLimit);
    return {
      protocol: PROTOCOL_VERSION,
      layout: RECORD_LAYOUT,
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
      keepable: facts.keepable,
    };
  }

  #sendClock(): void {
    const [bootTime, offset, suspended] = this.#native.readClocks();
    const last = this.#lastClocks;
    if (last !== null && !hasJumped(offset - last.offset) && !hasJumped(suspended - last.suspended)) return;
    this.#lastClocks = { offset, suspended };
    const clock: Clock = {
      offset: offset.toString(),
      bootTime: bootTime.toString(),
      suspended: suspended.toString(),
    };
    this.#client.write(encodeJson(FrameType.Clock, clock));
  }

  #sendStatus(final: boolean): void {
    this.#lastStatus = performance.now();
    // At the end all targets are gone. The final status says how many there were before.
    if (!this.#stopping) this.#lastTargets = this.#targets.count;
    const backlog = this.#native.readBacklog();
    const status: Status = {
      counters: since(readCounters(this.#native, this.#descriptors.counters), this.#before),
      backlog: { ...backlog, newest: backlog.newest.toString() },
      sent: this.#sent,
      upTo: this.#upTo.toString(),
      targets: this.#lastTargets,
      final,
    };
    this.#statusUnsent = true;
    this.#client.write(encodeJson(FrameType.Status, status), () => {
      this.#statusUnsent = false;
    });
  }

  /** Sends records from the backlog as long as the client reads. */
  #feed(): void {
    if (this.#closed) return;
    for (let batch = this.#nextBatch(); batch !== undefined; batch = this.#nextBatch()) {
      const free = batch;
      const { length, records, upTo } = this.#native.takeBatch(free);
      if (upTo > this.#upTo) this.#upTo = upTo;
      if (length === 0) {
        this.#batches.push(free);
        break;
      }
      this.#sent += records;
      // The client must know a program before its records.
      this.#native.reportProcesses();
      free.set(encodeFrameHeader(FrameType.Records, length));
      this.#client.write(free.subarray(0, FRAME_HEADER_SIZE + length), () => {
        this.#batches.push(free);
        this.#feed();
      });
    }
    if (this.#batches.length === BATCHES) this.#onSent?.();
    if (performance.now() - this.#lastStatus >= BUSY_STATUS_INTERVAL_MS && !this.#statusUnsent)
      this.#sendStatus(false);
  }

  #nextBatch(): Buffer<ArrayBuffer> | undefined {
    return this.#cutShort ? undefined : this.#batches.pop();
  }

  /** The programs are detached, so this ends, however slow the client is. */
  async #sendRest(): Promise<void> {
    for (;;) {
      const dry = this.#native.drainNow();
      if (this.#cutShort) this.#native.dropBacklog();
      const sent = new Promise<void>((resolve) => {
        this.#onSent = resolve;
      });
      this.#feed();
      await Promise.race([sent, sleep(dry ? BUSY_STATUS_INTERVAL_MS : 1)]);
      if (dry && this.#native.readBacklog().records === 0 && this.#batches.length === BATCHES) break;
    }
    this.#onSent = null;
    this.#closed = true;
  }

  #onFrame(type: FrameType, payload: Uint8Array): void {
    switch (type) {
      case FrameType.Attach: {
        const { request, pid, children, seed = false } = decodeJson(payload);
        if (!isId(request) || !isId(pid) || typeof children !== 'boolean' || typeof seed !== 'boolean')
          throw new FrameError('An attach is malformed.');
        // A seed starts an adapter first: meanwhile these files are attached, one after the other.
        if (!seed) this.#attachments?.attachExpected();
        const infos = this.#targets.attach({ request, pid, children, seed });
        // First, so that a process that waits to be attached is seen from its first TLS call on.
        for (const info of infos) if (info.error === null && !seed) this.#consider(info.pid);
        for (const info of infos) this.#client.write(encodeJson(FrameType.Process, info));
        return;
      }
      case FrameType.Detach: {
        const { pid, seed = false } = decodeJson(payload);
        if (!isId(pid) || typeof seed !== 'boolean') throw new FrameError('A detach is malformed.');
        this.#targets.detach(pid, seed);
        this.#forget(pid);
        this.#breaks?.release(pid);
        return;
      }
      case FrameType.SetBreak: {
        const { request, pid, action, automaton } = decodeJson(payload);
        const known = action === 'arm' || action === 'read' || action === 'release';
        if (!isId(request) || !isId(pid) || !known || !(automaton === null || typeof automaton === 'string'))
          throw new FrameError('A break is malformed.');
        const state = this.#breaks?.answer({ request, pid, action, automaton });
        const ended = { request, pid, reason: 'the trace ends', hit: null };
        this.#client.write(encodeJson(FrameType.Break, state ?? ended));
        return;
      }
      case FrameType.Stop:
        void this.stop();
        return;
      case FrameType.Pause: {
        const { forMs } = decodeJson(payload);
        if (!isId(forMs) || forMs < 1 || forMs > MAX_PAUSE_MS) throw new FrameError('A pause is malformed.');
        void this.pause(forMs);
        return;
      }
      case FrameType.Options: {
        const { backlog } = decodeJson(payload);
        if (!Number.isSafeInteger(backlog) || (backlog as number) < 0)
          throw new FrameError('The options are malformed.');
        this.#native.setBacklogLimit(backlog as number);
        return;
      }
      case FrameType.CutShort:
        if (!this.#stopping) throw new FrameError('Nothing is being stopped.');
        // Records that still arrive until the programs are detached are dropped, too (#sendRest).
        this.#cutShort = true;
        return;
      case FrameType.Expected: {
        const { paths } = decodeJson(payload);
        if (!Array.isArray(paths) || paths.length > MAX_EXPECTED || !paths.every(isAbsolutePath))
          throw new FrameError('The list of expected files is malformed.');
        this.#attachments?.expect(paths);
        return;
      }
      default:
        throw new FrameError(`A client does not send frames of type ${type}.`);
    }
  }

  #fault(code: string, message: string): void {
    this.#client.end(encodeJson(FrameType.Fault, { code, message }), () => this.#exit(1));
  }

  /** With a latency filter: the kernel reports the requests that exceed the threshold by now. */
  #reportWaiting(): void {
    try {
      this.#native.reportWaiting(this.#descriptors.waiting);
    } catch {
      // These requests are missing in the trace; it ends all the same.
    }
  }

  /** Changes of targets, as the addon reports them. Of each process only the last change and the executed program matter. */
  #onProcesses(changes: readonly (number | bigint | string)[]): void {
    const pids = new Map<number, number>();
    /** By process. */
    const lastExecuted = new Map<number, number>();
    for (let at = 0; at + 4 < changes.length; at += 5) {
      const [change, pid] = [Number(changes[at]), Number(changes[at + 1])];
      // First, and for all of them: looking for TLS libraries takes long.
      if (change === ProcessChange.Executed || change === ProcessChange.Mapped)
        this.#stacks.noticed(pid, String(changes[at + 4]), change === ProcessChange.Mapped);
      if (change === ProcessChange.Executed) lastExecuted.set(pid, at);
    }
    for (let at = 0; at + 4 < changes.length; at += 5) {
      const [change, pid] = [Number(changes[at]), Number(changes[at + 1])];
      const [inode, path] = [BigInt(changes[at + 2] ?? 0), String(changes[at + 3])];
      pids.delete(pid);
      pids.set(pid, change);
      if (change === ProcessChange.Forked) this.#attachments?.begun(pid);
      if (change === ProcessChange.Executed && path !== '')
        this.#attachments?.executed(pid, path, inode, at === lastExecuted.get(pid));
      else if (change === ProcessChange.Mapped) this.#attachments?.loaded(pid);
    }
    for (const [pid, change] of pids) {
      if (change === ProcessChange.Gone) {
        this.#stacks.forget(pid);
        this.#attachments?.ended(pid);
        this.#breaks?.release(pid);
      } else {
        if (change === ProcessChange.Forked) this.#stacks.consider(pid);
        this.#attachments?.consider(pid);
      }
    }
  }

  #consider(pid: number): void {
    this.#stacks.consider(pid);
    this.#attachments?.consider(pid);
  }

  #forget(pid: number): void {
    this.#stacks.forget(pid);
    this.#attachments?.forget(pid);
  }

  #onTimer(): void {
    this.#sendClock();
    for (const state of this.#breaks?.takeHits() ?? [])
      this.#client.write(encodeJson(FrameType.Break, state));
    this.#feed();
    if (++this.#ticks % CONSIDER_TICKS === 0) {
      this.#stacks.considerAll();
      this.#attachments?.considerAll();
    }
    if (this.#statusUnsent) return;
    const due = performance.now() - this.#lastStatus >= STATUS_INTERVAL_MS;
    if (due || this.#targets.count !== this.#lastTargets) this.#sendStatus(false);
  }
}

function readCounters(native: Native, map: number): Counters {
  const values = native.readCounters(map);
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

function since(counters: Counters, before: Counters | null): Counters {
  if (before === null) return counters;
  const names = Object.keys(counters) as (keyof Counters)[];
  return Object.fromEntries(
    names.map((name) => [name, counters[name] - before[name]]),
  ) as unknown as Counters;
}

function hasJumped(by: bigint): boolean {
  return by >= CLOCK_JUMP_NS || by <= -CLOCK_JUMP_NS;
}

function isAbsolutePath(value: unknown): value is string {
  return typeof value === 'string' && isAbsolute(value) && !value.includes('\0');
}

function isId(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0xffff_ffff;
}
