/** State of the newest trace, from its events: clock, how far it was read, and its processes. */
import type { HelperEvent } from '../../helper/events.ts';
import { FrameError } from '../../helper/frames.ts';
import { FrameType } from '../../helper/protocol.ts';
import type { EngineApi } from '../engine/engine.ts';
import { Candidates } from './candidates.ts';
import { behindMs, Pipeline } from './pipeline.ts';
import { scriptOf } from './scriptOf.ts';
import { TargetList } from './targetList.ts';
import type { TraceBytes } from './traceBytes.ts';

export class NewestTrace {
  readonly #newEngine: (bootTime: bigint, offset: bigint) => EngineApi;
  readonly #bytes: TraceBytes;
  #debuggerScripts: ReadonlySet<string> = new Set();
  #candidates = new Candidates();
  #targets = new TargetList();
  /** null until its clock is known. */
  #engine: EngineApi | null = null;
  #pipeline: Pipeline | null = null;
  /** Events that arrive before the clock, which an engine needs to begin. */
  #early: HelperEvent[] = [];
  /** Wall time minus boot time, and the boot time up to which it was read; ns. */
  #offset = 0n;
  #upTo: bigint | null = null;
  #suspended: bigint | null = null;
  #behindMs = 0;
  #waiting = 0;

  /**
   * @param newEngine for a trace that begins; in nanoseconds
   * @param bytes of all traces: this one's are added
   */
  constructor(newEngine: (bootTime: bigint, offset: bigint) => EngineApi, bytes: TraceBytes) {
    this.#newEngine = newEngine;
    this.#bytes = bytes;
  }

  get candidates(): Candidates {
    return this.#candidates;
  }

  get targets(): TargetList {
    return this.#targets;
  }

  get engine(): EngineApi | null {
    return this.#engine;
  }

  /** Wall time minus boot time; ns. */
  get offset(): bigint {
    return this.#offset;
  }

  /** Wall time up to which everything was seen, in ns; null: not known. */
  get seenUpTo(): bigint | null {
    return this.#upTo === null ? null : this.#upTo + this.#offset;
  }

  /** Boot time minus monotonic time (ns); null: not reported. */
  get suspended(): bigint | null {
    return this.#suspended;
  }

  /** Of the latest status. */
  get behindMs(): number {
    return this.#behindMs;
  }

  /** Records that wait in the helper. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Targets that are not left out as candidates. */
  shownTargets(): TargetList['all'] {
    return this.#targets.all.filter(({ pid }) => this.#candidates.visibility(pid) === 'shown');
  }

  /** Another trace is about to start. @param debuggerScripts run by debuggers beside the program */
  prepare(debuggerScripts: readonly string[]): void {
    this.#targets = new TargetList();
    this.#candidates = new Candidates();
    this.#debuggerScripts = new Set(debuggerScripts);
  }

  /** It has started: {@link take} gets its events from here on. */
  begin(): void {
    this.#bytes.begin();
    this.#waiting = 0;
    this.#engine = null;
    this.#pipeline = null;
    this.#early = [];
  }

  /** @throws FrameError when records come before the clock */
  take(event: HelperEvent): void {
    if (this.#pipeline === null) {
      if (event.type === FrameType.Records) throw new FrameError('Records arrived before the clock frame.');
      if (event.type !== FrameType.Clock) {
        this.#early.push(event);
        return;
      }
      this.#engine = this.#newEngine(event.bootTime, event.offset);
      this.#pipeline = new Pipeline(this.#engine);
      this.#offset = event.offset;
      this.#upTo = event.bootTime;
      for (const before of this.#early.splice(0)) this.#apply(before, this.#pipeline);
    }
    this.#apply(event, this.#pipeline);
  }

  end(): void {
    this.#engine?.finish();
    this.#behindMs = 0;
    this.#targets.allEnded();
    this.#candidates.leaveOutUnnamed(Number.POSITIVE_INFINITY);
  }

  /** The list of calls is cleared. @param live the trace goes on: its targets stay */
  clear(live: boolean): void {
    if (live) this.#targets.clear();
    else this.#targets = new TargetList();
  }

  #apply(event: HelperEvent, pipeline: Pipeline): void {
    pipeline.take(event);
    switch (event.type) {
      case FrameType.Process: {
        const { pid, error, seed = false } = event.info;
        if (seed) {
          if (error === null) this.#candidates.seeded(pid);
          return;
        }
        const again = this.#candidates.visibility(pid) === 'left-out';
        if (error === null) this.#candidates.confirm(pid);
        this.#targets.attached(event.info, again);
        // It already ran, below a debugged process.
        if (error === null) this.#leaveOutDebugger(pid);
        return;
      }
      case FrameType.Records:
        this.#targets.records(
          event.records,
          (pid, parent) => {
            this.#candidates.started(pid, parent, performance.now());
            this.#leaveOutDebugger(pid);
          },
          (pid) => this.#leaveOutDebugger(pid),
          (pid) => this.#candidates.ended(pid),
        );
        return;
      case FrameType.Clock:
        this.#suspended = event.suspended;
        return;
      case FrameType.Status:
        // A trace goes on without processes: extension/debug/traceControl.ts decides when it ends, because it
        // knows of debug sessions that restart.
        this.#bytes.take(event.status, this.#engine?.stats().shedBytes ?? 0);
        this.#behindMs = behindMs(event.status);
        this.#waiting = event.status.backlog.records;
        this.#upTo = event.upTo;
        return;
      default:
        return;
    }
  }

  /** Processes that debuggers run beside the program, such as js-debug's watchdog, are not debugged. */
  #leaveOutDebugger(pid: number): void {
    if (this.#debuggerScripts.size === 0) return;
    if (this.#debuggerScripts.has(scriptOf(pid) ?? '')) this.#candidates.leaveOut(pid);
  }
}
