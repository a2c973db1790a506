/**
 * The story of the window's debug sessions: what their programs printed, and the exceptions at which they stopped, as
 * marks on the timeline of the calls.
 */
import * as vscode from 'vscode';
import type { Marks, Trace } from '../../capture/trace.ts';
import type { StoryMark } from '../../engine/traceStatus.ts';
import { maskText } from '../../privacy/maskText.ts';
import { rootName } from '../debugAnnotations.ts';
import type { Debuggee, DebugSessions } from '../debugSessions.ts';
import type { Moment, Place } from './sessionStory.ts';

/** Newest sessions that are remembered after they have ended. */
const MAX_SESSIONS = 50;
/** The newest marks, which views get. */
const MAX_MARKS = 300;
/** A program may print thousands of lines a second; milliseconds. */
const INTERVAL = 250;

interface Shown {
  readonly mark: StoryMark;
  readonly session: vscode.DebugSession;
  readonly place: Place | null;
}

export class Story implements Marks, vscode.Disposable {
  readonly #trace: Trace;
  readonly #debuggees: Debuggee[] = [];
  /** Numbers of moments: a moment that grows keeps its number. */
  readonly #ids = new Map<string, number>();
  #newest = 0;
  #shown: readonly Shown[] = [];
  #start: number | null = null;
  #timer: NodeJS.Timeout | undefined;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #disposables: vscode.Disposable[];

  readonly onDidChange = this.#changed.event;

  constructor(sessions: DebugSessions, trace: Trace) {
    this.#trace = trace;
    this.#debuggees.push(...sessions.all);
    this.#disposables = [
      this.#changed,
      sessions.onDidOpen((debuggee) => {
        this.#debuggees.push(debuggee);
        if (this.#debuggees.length > MAX_SESSIONS) this.#debuggees.shift();
      }),
      sessions.onDidChangeStory(() => this.#change()),
      vscode.Disposable.from(
        trace.onDidChangeStatus(({ bootStart }) => {
          // The list was cleared, or has its first calls.
          if (bootStart !== this.#start) this.#change();
        }),
      ),
    ];
  }

  /** In order of time. */
  get all(): readonly StoryMark[] {
    return this.#shown.map(({ mark }) => mark);
  }

  /** The moment of a mark; undefined: it is no longer kept. */
  find(id: number): Shown | undefined {
    return this.#shown.find(({ mark }) => mark.id === id);
  }

  dispose(): void {
    clearTimeout(this.#timer);
    for (const disposable of this.#disposables) disposable.dispose();
  }

  #change(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#update();
      this.#changed.fire();
    }, INTERVAL);
  }

  #update(): void {
    const { bootStart } = this.#trace.status;
    this.#start = bootStart;
    const moments: { moment: Moment; session: vscode.DebugSession }[] = [];
    if (bootStart !== null)
      for (const { session, story } of this.#debuggees)
        for (const moment of story.moments) if (moment.at >= bootStart) moments.push({ moment, session });
    moments.sort((a, b) => a.moment.at - b.moment.at);
    const kept = moments.slice(-MAX_MARKS);
    const ids = new Map(this.#ids);
    this.#ids.clear();
    this.#shown = kept.map(({ moment, session }) => {
      const key = `${session.id} ${moment.kind} ${moment.at}`;
      const id = ids.get(key) ?? ++this.#newest;
      this.#ids.set(key, id);
      const { kind, at, text, place } = moment;
      const mark: StoryMark = {
        id,
        kind,
        session: rootName(session),
        at: at - (bootStart ?? 0),
        text: maskText(text),
        place: place === null ? null : `${nameOf(place.path)}:${place.line}`,
      };
      return { mark, session, place };
    });
  }
}

/** The file name of a path of any system, as the program may have been compiled elsewhere. */
function nameOf(path: string): string {
  return path.split(/[\\/]/).at(-1) ?? path;
}
