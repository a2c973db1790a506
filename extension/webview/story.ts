/** Marks in the overview: what debugged programs printed, and the exceptions at which they stopped. */
import type { StoryMark } from '../engine/traceStatus.ts';
import { durationText } from '../words/numbers.ts';
import { momentKind } from '../words/story.ts';
import { t } from '../words/translate.ts';
import { labelText } from '../words/visible.ts';
import { el } from './dom.ts';
import { type TimeWindow, toPixels } from './timeWindow.ts';

/** Moments closer than this, in CSS pixels, share a mark, so that it can be clicked. */
const GAP = 8;
/** Maximum moments listed in a hover. */
const SHOWN = 8;
/** Characters of a line of the hover. */
const LINE = 160;

const WEIGHT: Readonly<Record<StoryMark['kind'], number>> = { output: 0, error: 1, exception: 2 };

/** Moments that are drawn as one. */
export interface MarkGroup {
  /** CSS pixels from the left. */
  readonly left: number;
  /** The first of the most severe moments: a click opens it. */
  readonly shown: StoryMark;
  readonly marks: readonly StoryMark[];
}

/** @param marks in order of time. */
export function groups(marks: readonly StoryMark[], window: TimeWindow, width: number): MarkGroup[] {
  const found: { left: number; shown: StoryMark; marks: StoryMark[] }[] = [];
  for (const mark of marks) {
    const left = toPixels(window, width, mark.at);
    if (left < 0 || left > width) continue;
    const last = found.at(-1);
    if (last === undefined || left - last.left >= GAP) found.push({ left, shown: mark, marks: [mark] });
    else {
      last.marks.push(mark);
      if (WEIGHT[mark.kind] > WEIGHT[last.shown.kind]) last.shown = mark;
    }
  }
  return found;
}

/** What the hover says. */
export function hoverText({ marks, shown }: MarkGroup): string {
  const lines = marks.slice(0, SHOWN).map((mark) => {
    const [first = ''] = mark.text.split('\n');
    const place = mark.place === null ? '' : ` (${labelText(mark.place, LINE)})`;
    return `${durationText(mark.at)}  ${momentKind(mark)}: ${labelText(first, LINE)}${place}`;
  });
  if (marks.length > SHOWN) lines.push(t('and {0} more', String(marks.length - SHOWN)));
  lines.push(
    shown.place === null ? t('Click: Debug Console') : t('Click: {0}', labelText(shown.place, LINE)),
  );
  return lines.join('\n');
}

export class StoryMarks {
  readonly element = el('div', { class: 'story' });
  readonly #open: (id: number) => void;
  #marks: readonly StoryMark[] = [];
  /** Incremented on each change. */
  revision = 0;

  constructor(open: (id: number) => void) {
    this.#open = open;
  }

  set(marks: readonly StoryMark[]): void {
    this.#marks = marks;
    this.revision++;
  }

  draw(window: TimeWindow, width: number): void {
    const drawn = groups(this.#marks, window, width);
    const buttons = [...this.element.children] as HTMLElement[];
    drawn.forEach((group, index) => {
      const button = buttons[index] ?? this.#button();
      button.className = `mark ${group.shown.kind}`;
      button.style.left = `${group.left.toFixed(1)}px`;
      button.dataset['id'] = String(group.shown.id);
      const text = hoverText(group);
      if (button.title !== text) {
        button.title = text;
        button.setAttribute('aria-label', text);
      }
    });
    for (const button of buttons.slice(drawn.length)) button.remove();
  }

  /** Not a tab stop, as there may be hundreds: a command lists them. */
  #button(): HTMLElement {
    const button = el('button', { type: 'button', tabindex: -1 });
    // A press on the strip itself selects a time range.
    button.addEventListener('pointerdown', (event) => event.stopPropagation());
    button.addEventListener('click', (event) => {
      event.stopPropagation();
      this.#open(Number(button.dataset['id']));
    });
    this.element.append(button);
    return button;
  }
}
