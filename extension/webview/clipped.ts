/**
 * Notices that nothing of the panel can be seen although it is shown. VS Code (seen with 1.139) draws a webview's view over
 * the place of its pane, cut to what it was scrolled in; when the view or the panel is moved, it goes on cutting by the old
 * place, which is nowhere. The page then lives on, with a size, and not one pixel is drawn.
 */

/** Milliseconds: moving, folding and unfolding take less. */
const PATIENCE = 700;
/** CSS pixels; a folded view has less. */
const MIN_SIZE = 40;

/** @param clipped called each time when it has lasted. */
export function watchClipping(page: Element, clipped: () => void): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  // Of a page in a frame it is said what the windows around it leave of it.
  new IntersectionObserver((entries) => {
    clearTimeout(timer);
    if (entries.at(-1)?.isIntersecting !== false) return;
    timer = setTimeout(() => {
      if (document.visibilityState === 'visible' && innerWidth >= MIN_SIZE && innerHeight >= MIN_SIZE)
        clipped();
    }, PATIENCE);
  }).observe(page);
}
