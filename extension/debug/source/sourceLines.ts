/**
 * Finds the line of a debugged program that made a call: hooks in the programs report it through a pipe, and it is matched
 * to the call by its connection. This runs code in the debugged program, so it does nothing until the user has agreed.
 */
import { setTimeout } from 'node:timers/promises';
import * as vscode from 'vscode';
import type { ExchangeRow, SourceLine } from '../../engine/row.ts';
import { monotonicToBoot } from '../bootTime.ts';
import { type Finding, parseFinding } from './findings.ts';
import { type Hookable, HookedSessions } from './hookedSessions.ts';
import { Matching } from './matching.ts';
import { originalFrames } from './originalLines.ts';
import { type FindingsPipe, openPipe } from './pipe.ts';
import { ownFrame } from './userCode.ts';

/** Newest distinct stacks that are kept. */
const MAX_STACKS = 2_000;
/** Delays before asking js-debug for original lines, in milliseconds: first lines run before the source map is read. */
const ATTEMPTS = [0, 500, 2_000, 5_000];

/** Maximum number of stacks whose original lines are requested at once; further stacks stay as they are. */
const MAX_NAMING = 200;

interface Captured {
  /** null: none of the frames is the program's own. */
  source: SourceLine | null;
  stack: readonly SourceLine[];
}

export class SourceLines implements vscode.Disposable {
  readonly #sessions: HookedSessions;
  readonly #matching = new Matching<Captured>();
  readonly #stacks = new Map<string, Captured>();
  readonly #changed = new vscode.EventEmitter<number>();
  #pipe: FindingsPipe | null = null;
  #opening: Promise<void> | null = null;
  #wanted = false;
  #disposed = false;
  #naming = 0;

  /** Lines of calls have become known, or have changed; calls that ended before this moment (boot time) are unchanged. */
  readonly onDidChange = this.#changed.event;
  readonly onDidBecomeReady: vscode.Event<Hookable>;

  /** @param folder with the hooks */
  constructor(folder: string) {
    this.#sessions = new HookedSessions(folder, () => this.#pipe?.path ?? null);
    this.onDidBecomeReady = this.#sessions.onDidBecomeReady;
  }

  /** Whether a debugged program can take a hook. */
  get canHook(): boolean {
    return this.#sessions.hasAny;
  }

  /** Installs hooks in the debugged programs, or removes them. */
  async want(wanted: boolean): Promise<void> {
    this.#wanted = wanted;
    if (wanted) await this.prepare();
    this.#sessions.want(this.#wanted && this.#pipe !== null);
  }

  /** Creates the pipe that hooks need, so that one can be installed at once. If that fails, there are no source lines. */
  prepare(): Promise<void> {
    this.#opening ??= openPipe((line) => this.#take(line)).then(
      (pipe) => {
        this.#pipe = pipe;
      },
      () => {},
    );
    return this.#opening;
  }

  /** @param bootStart where the list's times start */
  of(row: ExchangeRow, bootStart: number): SourceLine | null {
    return this.#matching.of(row, bootStart)?.data.source ?? null;
  }

  /** The functions that led to a call's line, innermost first. */
  stackOf(id: number): readonly SourceLine[] {
    return this.#matching.joined(id)?.data.stack ?? [];
  }

  dispose(): void {
    this.#disposed = true;
    this.#sessions.dispose();
    this.#changed.dispose();
    this.#pipe?.dispose();
  }

  #take(line: string): void {
    const finding = parseFinding(line);
    // Only hooks know a session's token.
    const hooked = finding === null ? null : this.#sessions.byToken(finding.session);
    if (finding === null || hooked === null) return;
    const at = monotonicToBoot(finding.at);
    this.#matching.add({ finding, at, data: this.#capture(finding, hooked, at) });
    this.#changed.fire(at);
  }

  /** Most calls come from the same few places. */
  #capture(finding: Finding, hooked: Hookable, at: number): Captured {
    const { frames } = finding;
    const key = JSON.stringify([finding.session, frames]);
    const known = this.#stacks.get(key);
    if (known !== undefined) return known;
    const captured: Captured = { source: ownFrame(frames), stack: frames };
    this.#stacks.set(key, captured);
    const [oldest] = this.#stacks.keys();
    if (this.#stacks.size > MAX_STACKS && oldest !== undefined) this.#stacks.delete(oldest);
    if (hooked.runtime === 'node' && this.#naming < MAX_NAMING) {
      this.#naming++;
      void this.#nameOriginal(captured, hooked, at).finally(() => this.#naming--);
    }
    return captured;
  }

  /** Shows the original source, which is what the author knows. */
  async #nameOriginal(captured: Captured, { session }: Hookable, at: number): Promise<void> {
    for (const wait of ATTEMPTS) {
      await setTimeout(wait, undefined, { ref: false });
      const frames = await originalFrames(session, captured.stack);
      if (this.#disposed) return;
      if (frames === null) continue;
      captured.stack = frames;
      captured.source = ownFrame(frames);
      this.#changed.fire(at);
      return;
    }
  }
}
