/** What the window's debug sessions add to calls: the session of each call, and the pauses of its process. */
import { readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import * as vscode from 'vscode';
import type { Annotations } from '../capture/trace.ts';
import type { DebugFacts, ExchangeRow, SourceLine } from '../engine/row.ts';
import { IDLE_STATUS, type PauseSpan, type TraceStatus } from '../engine/traceStatus.ts';
import { bootTime, setSuspended } from './bootTime.ts';
import { type Debuggee, type DebugSessions, rootOf } from './debugSessions.ts';
import { scriptName } from './scriptName.ts';
import type { SourceLines } from './source/sourceLines.ts';
import { common, joined, type Stretch, within } from './spans.ts';

/** Newest sessions and processes that are remembered after they have ended. */
const MAX_SESSIONS = 200;
const MAX_PROCESSES = 10_000;
/** The newest pauses, which views get. */
const MAX_SHOWN = 300;
/** Ancestors of a process that are considered. */
const MAX_DEPTH = 64;

/** Delays before each read of a command line, in milliseconds. */
const LOOKS = [0, 300, 2_000];
/** Milliseconds; shorter pauses are not shown: adapter messages are no more precise. */
const LEAST_PEER_PAUSE = 1;

interface Process {
  name: string | null;
  parent: number | null;
  script: string | null;
}

export class DebugAnnotations implements Annotations, vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<number>();
  readonly #disposables: vscode.Disposable[];
  readonly #sources: SourceLines;
  /** The newest last. */
  readonly #debuggees: Debuggee[] = [];
  readonly #processes = new Map<number, Process>();
  /** By process, in milliseconds of the list; missing: recomputed. */
  readonly #stretches = new Map<number, readonly Stretch[]>();
  #status: TraceStatus = IDLE_STATUS;
  #pauses: readonly PauseSpan[] = [];
  /** The change to announce: rows change from this boot time on. */
  #announced: number | null = null;

  readonly onDidChange = this.#changed.event;

  constructor(sessions: DebugSessions, sources: SourceLines) {
    this.#sources = sources;
    for (const debuggee of sessions.all) this.#keep(debuggee);
    this.#disposables = [
      this.#changed,
      sessions.onDidOpen((debuggee) => this.#keep(debuggee)),
      sessions.onDidFindProcess(() => this.#change()),
      sessions.onDidPause(({ pauses }) => this.#change(pauses.spans.at(-1)?.from)),
      sessions.onDidEnd(({ ended }) => this.#change(ended ?? 0)),
      sources.onDidChange((since) => this.#change(since)),
    ];
  }

  dispose(): void {
    for (const disposable of this.#disposables) disposable.dispose();
  }

  debugOf(row: ExchangeRow, rows: ReadonlyMap<number, ExchangeRow>): DebugFacts | null {
    const { pid } = row;
    if (pid === null) return null;
    const session = this.#sessionOf(pid);
    const script = this.#processes.get(pid)?.script ?? null;
    // For some programs, the eBPF programs find the lines without a hook.
    const source = this.#sources.of(row, this.#status.bootStart ?? 0) ?? row.debug?.source ?? null;
    if (session === null && script === null && source === null) return null;
    const own = this.#debuggeeOf(pid) === null ? null : this.#stretchesOf(pid);
    const end = row.duration === null ? this.#now : row.start + row.duration;
    const asked = row.start + (row.phases.sendMs ?? 0) - (row.phases.overlapMs ?? 0);
    return {
      session,
      script,
      pausedMs: own === null ? null : rounded(within(own, row.start, end)),
      waitPausedMs: own === null ? 0 : rounded(within(own, asked, asked + (row.phases.waitMs ?? 0))),
      pausedPeer: this.#pausedPeer(row, row.peer === null ? undefined : rows.get(row.peer), end),
      source,
    };
  }

  stackOf({ id }: ExchangeRow): readonly SourceLine[] {
    return this.#sources.stackOf(id);
  }

  statusOf(status: TraceStatus): TraceStatus {
    const before = this.#status;
    this.#status = status;
    if (status.suspendedMs !== null) setSuspended(status.suspendedMs);
    if (status.bootStart !== before.bootStart) this.#forget();
    for (const target of status.targets) this.#learn(target);
    return { ...status, pauses: this.#pauses };
  }

  /** Milliseconds of the list. */
  get #now(): number {
    return bootTime() - (this.#status.bootStart ?? 0);
  }

  #keep(debuggee: Debuggee): void {
    this.#debuggees.push(debuggee);
    const over = this.#debuggees.findIndex(({ ended }) => ended !== null);
    if (this.#debuggees.length > MAX_SESSIONS && over >= 0) this.#debuggees.splice(over, 1);
  }

  /**
   * Many messages may arrive together: rows are updated once.
   * @param since boot time; rows that had ended before are unchanged.
   */
  #change(since = Number.NEGATIVE_INFINITY): void {
    this.#forget();
    if (this.#announced === null)
      setImmediate(() => {
        const from = this.#announced ?? 0;
        this.#announced = null;
        this.#changed.fire(from - (this.#status.bootStart ?? 0));
      });
    this.#announced = Math.min(this.#announced ?? since, since);
  }

  #forget(): void {
    this.#stretches.clear();
    const start = this.#status.bootStart;
    this.#pauses = start === null ? [] : this.#spans(start);
  }

  #spans(start: number): PauseSpan[] {
    const spans: PauseSpan[] = [];
    for (const { session, processes, pauses } of this.#debuggees)
      for (const { from, to } of pauses.spans) {
        if (to !== null && to < start) continue;
        spans.push({
          pids: [...processes],
          session: rootName(session),
          from: from - start,
          to: to === null ? null : to - start,
        });
      }
    return spans.sort((a, b) => a.from - b.from).slice(-MAX_SHOWN);
  }

  #debuggeeOf(pid: number): Debuggee | null {
    return this.#debuggees.findLast(({ processes }) => processes.has(pid)) ?? null;
  }

  /** Session of the process, or of its nearest debugged ancestor. */
  #sessionOf(pid: number): string | null {
    let one: number | null = pid;
    for (let depth = 0; one !== null && depth < MAX_DEPTH; depth++) {
      const debuggee = this.#debuggeeOf(one);
      if (debuggee !== null) return rootName(debuggee.session);
      one = this.#processes.get(one)?.parent ?? null;
    }
    return null;
  }

  /** When the whole process was paused. If each thread has its own session, one may be paused alone. */
  #stretchesOf(pid: number): readonly Stretch[] {
    const known = this.#stretches.get(pid);
    if (known !== undefined) return known;
    const start = this.#status.bootStart ?? 0;
    const all = this.#debuggees.filter(({ processes }) => processes.has(pid));
    // Of nested sessions, the innermost has the threads.
    const own = all.filter(({ session }) => !all.some((other) => other.session.parentSession === session));
    let allPaused: Stretch[] | null = null;
    for (const { pauses, opened, ended } of own) {
      const one = pauses.spans.map(({ from, to }) => ({ from, to: to ?? Number.POSITIVE_INFINITY }));
      // Before the session began and after it ended, no thread of it could run.
      if (own.length > 1) one.unshift({ from: Number.NEGATIVE_INFINITY, to: opened });
      if (own.length > 1 && ended !== null) one.push({ from: ended, to: Number.POSITIVE_INFINITY });
      allPaused = allPaused === null ? joined(one) : common(allPaused, joined(one));
    }
    const paused = joined(
      own.flatMap(({ pauses }) =>
        pauses.spans.map(({ from, to }) => ({ from, to: to ?? Number.POSITIVE_INFINITY })),
      ),
    );
    const found = common(allPaused ?? [], paused).map(({ from, to }) => ({
      from: from - start,
      to: to - start,
    }));
    this.#stretches.set(pid, found);
    return found;
  }

  /** @param peer the row of the side that answered. */
  #pausedPeer(
    { side, pid, start }: ExchangeRow,
    peer: ExchangeRow | undefined,
    end: number,
  ): DebugFacts['pausedPeer'] {
    const other = peer?.pid ?? null;
    if (side !== 'client' || other === null || other === pid) return null;
    const debuggee = this.#debuggeeOf(other);
    if (debuggee === null) return null;
    const ms = within(this.#stretchesOf(other), start, end);
    return ms < LEAST_PEER_PAUSE ? null : { session: rootName(debuggee.session), ms: rounded(ms) };
  }

  #learn({ pid, name, parent, ended }: TraceStatus['targets'][number]): void {
    const known = this.#processes.get(pid);
    if (known !== undefined && known.name === name) {
      known.parent ??= parent;
      return;
    }
    const process: Process = { name, parent: parent ?? known?.parent ?? null, script: known?.script ?? null };
    this.#processes.delete(pid);
    this.#processes.set(pid, process);
    bound(this.#processes);
    if (!ended) void this.#nameScript(pid, process);
  }

  /** Right after the fork it has its parent's command line, or none: it is read again. */
  async #nameScript(pid: number, process: Process): Promise<void> {
    for (const wait of LOOKS) {
      await setTimeout(wait, undefined, { ref: false });
      if (this.#processes.get(pid) !== process) return;
      const script = scriptName(await commandLine(pid));
      if (script === null || script === process.script) continue;
      process.script = script;
      this.#change();
    }
  }
}

async function commandLine(pid: number): Promise<string[]> {
  try {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
  } catch {
    return []; // It has ended.
  }
}

export function rootName(session: vscode.DebugSession): string {
  return rootOf(session).name;
}

function bound(map: Map<unknown, unknown>): void {
  if (map.size <= MAX_PROCESSES) return;
  const oldest = map.keys().next();
  if (!oldest.done) map.delete(oldest.value);
}

/** To microseconds: the timing of an adapter's messages is even less exact. */
function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 1e3) / 1e3;
}
