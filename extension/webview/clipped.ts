/**
 * Notices that nothing of the panel can be seen although it is shown. VS Code (seen with 1.139) draws a webview's view over
 * the place of its pane, cut to what it was scrolled in; when the view or the panel is moved, it goes on cutting by the old
 * place, which is nowhere. The page then lives on, with a size, and not one pixel is drawn.
 */

/** Milliseconds: moving, folding and unfolding take less. */
const PATIENCE = 700;
/** The host does nothing about it if it has just done so: it is reported again after so many milliseconds, so many times in all. */
const AGAIN = 5_000;
const TIMES = 3;
/** CSS pixels; a folded view has less. */
const MIN_SIZE = 40;

/** @param clipped called when it has lasted, and again while it lasts. */
export function watchClipping(page: Element, clipped: () => void): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  // Of a page in a frame it is said what the windows around it leave of it.
  new IntersectionObserver((entries) => {
    clearTimeout(timer);
    if (entries.at(-1)?.isIntersecting !== false) return;
    let left = TIMES;
    const report = (): void => {
      if (document.visibilityState !== 'visible' || innerWidth < MIN_SIZE || innerHeight < MIN_SIZE) return;
      clipped();
      if (--left > 0) timer = setTimeout(report, AGAIN);
    };
    timer = setTimeout(report, PATIENCE);
  }).observe(page);
}
