/**
 * Moves the focus when the panel gets it (by F6, or "Focus on HTTP Trace View") and no element had it: VS Code
 * focuses the page, where keys do nothing.
 */
export function takeKeyboard(take: () => void): void {
  let pressed = false;
  document.addEventListener('pointerdown', () => (pressed = true), { capture: true });
  for (const type of ['pointerup', 'pointercancel'] as const)
    document.addEventListener(type, () => (pressed = false), { capture: true });
  window.addEventListener('focus', () => {
    // A click focuses the element that it hits.
    if (!pressed && document.activeElement === document.body) take();
  });
}
