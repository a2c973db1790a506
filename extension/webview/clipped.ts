/**
 * Detects that no part of the panel is visible although it is shown. VS Code (seen with 1.139) draws a webview over its
 * pane, clipped to the container; after the view or the panel is moved, it still clips to the old place. The page then
 * runs and has a size, but not one pixel is drawn.
 */

/** Milliseconds: moving, folding and unfolding take less. */
const PATIENCE = 700;
/**
 * The host ignores a report right after it has repaired this: it is reported again after this many milliseconds, this
 * many times.
 */
const AGAIN = 5_000;
const TIMES = 3;
/** CSS pixels; a folded view has less. */
const MIN_SIZE = 40;

/** @param clipped called when the state has lasted, and again while it lasts. */
export function watchClipping(page: Element, clipped: () => void): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  // For a page in a frame, the observer reports what the surrounding windows leave visible.
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
