/** Lines of a body that is laid out (JSON, XML), as they fold in an editor: what is further in than a line is beneath it. */
import { counted } from '../../words/numbers.ts';
import { t } from '../../words/translate.ts';
import { visibleLine } from '../../words/visible.ts';
import { el, textButton } from '../dom.ts';

export interface Line {
  /** Levels. */
  readonly indent: number;
  readonly pieces: readonly { readonly kind: string; readonly text: string }[];
}

export class FoldedLines {
  readonly #lines: readonly Line[];
  readonly #elements: readonly HTMLElement[];
  readonly #folded = new Set<number>();
  /** Folds all that is not the outermost, and back; null: there is nothing to fold. By keyboard this is the way. */
  readonly all: HTMLButtonElement | null;

  constructor(lines: readonly Line[]) {
    this.#lines = lines;
    this.#elements = lines.map((line, index) => this.#element(line, index));
    this.all = lines.some((line, index) => line.indent > 0 && this.#folds(index))
      ? textButton(t('Fold'), () => this.#foldAll(this.#folded.size === 0))
      : null;
  }

  get elements(): readonly HTMLElement[] {
    return this.#elements;
  }

  #element({ indent, pieces }: Line, index: number): HTMLElement {
    const line = el('div', { class: 'laid-out' });
    // A hanging indent: what wraps stays below its beginning.
    line.style.paddingInlineStart = `${indent * 2 + 2}ch`;
    line.style.textIndent = `${-indent * 2 - 2}ch`;
    if (this.#folds(index)) {
      // Drawn by the style sheet: what is selected and copied has no sign of it.
      const sign = el('span', { class: 'fold', 'aria-hidden': 'true' });
      sign.style.insetInlineStart = `${indent * 2}ch`;
      sign.addEventListener('click', () => this.#toggle(index));
      line.append(sign);
    }
    // Written, so that it is copied.
    line.append(' '.repeat(indent * 2));
    for (const { kind, text } of pieces) line.append(el('span', { class: `t-${kind}` }, visibleLine(text)));
    return line;
  }

  #folds(index: number): boolean {
    const [line, next] = [this.#lines[index], this.#lines[index + 1]];
    return line !== undefined && next !== undefined && next.indent > line.indent;
  }

  #toggle(index: number): void {
    if (!this.#folded.delete(index)) this.#folded.add(index);
    this.#show();
  }

  #foldAll(fold: boolean): void {
    this.#folded.clear();
    this.#lines.forEach(({ indent }, index) => {
      if (fold && indent > 0 && this.#folds(index)) this.#folded.add(index);
    });
    this.#show();
  }

  #show(): void {
    /** The fold that hides what comes: its line, and its level. */
    let by: { readonly index: number; readonly indent: number } | null = null;
    const close = (end: number): void => {
      const line = by === null ? undefined : this.#elements[by.index];
      if (by !== null && line !== undefined)
        line.dataset['hidden'] = counted(end - by.index - 1, '{0} line', '{0} lines');
    };
    this.#lines.forEach(({ indent }, index) => {
      const element = this.#elements[index];
      if (element === undefined) return;
      if (by !== null && indent <= by.indent) {
        close(index);
        by = null;
      }
      const hides = by !== null;
      if (element.hidden !== hides) element.hidden = hides;
      const folded = this.#folded.has(index);
      element.classList.toggle('folded', folded);
      if (!folded) delete element.dataset['hidden'];
      if (folded && by === null) by = { index, indent };
    });
    close(this.#lines.length);
    if (this.all !== null) this.all.textContent = this.#folded.size === 0 ? t('Fold') : t('Unfold');
  }
}
