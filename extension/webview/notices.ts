/** Lines above the calls: problems of the trace, and notes on opened files. */
import type { TraceStatus } from '../engine/traceStatus.ts';
import { visibleLine } from '../words/visible.ts';
import { el, setText } from './dom.ts';
import { icon } from './icons.ts';

export class Notices {
  readonly #problem = el('div', { class: 'problem', role: 'alert', hidden: '' });
  readonly #problemText = el('span');
  readonly #fileNote = el('div', { class: 'file-note', role: 'status', hidden: '' });
  readonly elements = [this.#problem, this.#fileNote];

  constructor() {
    this.#problem.append(icon('warning'), this.#problemText);
  }

  /** @param isEmpty there are no calls: then the problem is shown in their place. */
  show(status: TraceStatus, isEmpty: boolean): void {
    const problem = isEmpty && status.phase === 'failed' ? null : status.problem;
    this.#problem.hidden = problem === null;
    setText(this.#problemText, visibleLine(problem ?? ''));
    const note = fileNotes(status);
    this.#fileNote.hidden = note === null;
    setText(this.#fileNote, visibleLine(note ?? ''));
  }
}

/** Notes on the files that were opened; null: none. */
function fileNotes({ files }: TraceStatus): string | null {
  const notes = files.flatMap(({ name, note, kept }) => {
    if (note === null) return [];
    return kept ? [note] : [`${name}: ${note}`];
  });
  return notes.length === 0 ? null : [...new Set(notes)].join(' ');
}
