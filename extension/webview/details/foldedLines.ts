/**
 * Lines of a formatted body that fold by indentation, as in an editor. If there are many, more are created as the
 * user scrolls, because a browser may take too long to lay out all of them.
 */
import type { CodeLine } from '../../words/codeLines.ts';
import { indentation } from '../../words/laidOut.ts';
import { counted } from '../../words/numbers.ts';
import { t } from '../../words/translate.ts';
import { visibleLine } from '../../words/visible.ts';
import { el, textButton } from '../dom.ts';

/** Lines in one block: blocks out of sight cost no layout (content-visibility). */
const LINES_PER_BLOCK = 50;
/** Lines that are made at a time. */
const LINES_AT_ONCE = 500;
/** More lines are created when the current end is this close to the visible part. */
const NEAR = '1500px';

export class FoldedLines {
  readonly #lines: readonly CodeLine[];
  /** Created when first shown. */
  readonly #elements: HTMLElement[] = [];
  readonly #blocks: HTMLElement[] = [];
  readonly #folded = new Set<number>();
  readonly #end = el('div', { class: 'more-lines' });
  readonly #observer: IntersectionObserver;
  /** Visible lines: their index, and how many lines a folded one hides. */
  #shown: readonly { readonly index: number; readonly hides: number }[];
  readonly element: HTMLElement;
  /**
   * Folds everything but the outermost level, or unfolds it; null: there is nothing to fold. For keyboard users.
   */
  readonly all: HTMLButtonElement | null;

  constructor(lines: readonly CodeLine[]) {
    this.#lines = lines;
    this.#shown = lines.map((_, index) => ({ index, hides: 0 }));
    this.element = el('pre', { class: 'code', tabindex: 0 }, this.#end);
    this.all = lines.some((line, index) => line.indent > 0 && this.#folds(index))
      ? textButton(t('Fold'), () => this.#foldAll(this.#folded.size === 0))
      : null;
    this.element.classList.toggle(
      'folds',
      lines.some((_, index) => this.#folds(index)),
    );
    this.#observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) this.#make();
        // An element that was removed from the page is replaced by a new one.
        else if (!this.element.isConnected) this.#observer.disconnect();
      },
      // Relative to the scroll container, unlike rootMargin.
      { scrollMargin: NEAR } as IntersectionObserverInit,
    );
    this.#make();
  }

  /** The next lines. */
  #make(): void {
    this.#observer.disconnect();
    const { length } = this.#blocks;
    const made = this.#shown.findIndex(({ index }) => index >= length * LINES_PER_BLOCK);
    if (made < 0) {
      this.#end.remove();
      return;
    }
    const last = this.#shown[Math.min(made + LINES_AT_ONCE, this.#shown.length) - 1]?.index ?? 0;
    while (this.#blocks.length * LINES_PER_BLOCK <= last) {
      const block = el('div', { class: 'block' });
      this.#blocks.push(block);
      this.#end.before(block);
    }
    this.#fill(length);
    // Observed again, because the end may still be visible.
    this.#observer.observe(this.#end);
  }

  /** Fills the blocks from this one on with the visible lines. */
  #fill(from = 0): void {
    const content = this.#blocks.slice(from).map((): HTMLElement[] => []);
    for (const { index, hides } of this.#shown) {
      const list = content[Math.floor(index / LINES_PER_BLOCK) - from];
      if (list === undefined) continue;
      this.#elements[index] ??= this.#element(this.#lines[index] as CodeLine, index);
      const element = this.#elements[index];
      element.classList.toggle('folded', hides > 0);
      if (hides > 0) element.dataset['hidden'] = counted(hides, '{0} line', '{0} lines');
      else delete element.dataset['hidden'];
      list.push(element);
    }
    content.forEach((list, at) => {
      const block = this.#blocks[from + at] as HTMLElement;
      if (list.length === block.childElementCount && list.every((one, i) => one === block.children[i]))
        return;
      block.replaceChildren(...list);
      block.hidden = list.length === 0;
      block.style.containIntrinsicSize = `auto ${list.length * 18}px`;
    });
  }

  #element(content: CodeLine, index: number): HTMLElement {
    const { indent, pieces } = content;
    const line = el('div', { class: 'laid-out' });
    // A hanging indent: wrapped text stays below its start.
    const hanging = indentation(content).length + 2;
    line.style.paddingInlineStart = `${hanging}ch`;
    line.style.textIndent = `${-hanging}ch`;
    if (this.#folds(index)) {
      // Drawn by the style sheet, so that it is not selected or copied.
      const sign = el('span', { class: 'fold', 'aria-hidden': 'true' });
      sign.style.insetInlineStart = `${indent * 2}ch`;
      sign.addEventListener('click', () => this.#toggle(index));
      line.append(sign);
    }
    // As text, so that it is copied.
    line.append(indentation(content));
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
    const shown: { index: number; hides: number }[] = [];
    /** Indent of the fold that hides lines. */
    let hiding = Number.POSITIVE_INFINITY;
    this.#lines.forEach(({ indent }, index) => {
      const last = shown.at(-1);
      if (indent > hiding && last !== undefined) {
        last.hides++;
        return;
      }
      hiding = this.#folded.has(index) ? indent : Number.POSITIVE_INFINITY;
      shown.push({ index, hides: 0 });
    });
    this.#shown = shown;
    this.#fill();
    if (this.#end.isConnected) this.#observer.observe(this.#end);
    if (this.all !== null) this.all.textContent = this.#folded.size === 0 ? t('Fold') : t('Unfold');
  }
}
