/**
 * Where the keyboard goes when it comes to the panel (by F6, or "Focus on HTTP Trace View") and nothing in it had it: VS Code
 * gives it to the page, where keys do nothing.
 */
export function takeKeyboard(take: () => void): void {
  let pressed = false;
  document.addEventListener('pointerdown', () => (pressed = true), { capture: true });
  for (const type of ['pointerup', 'pointercancel'] as const)
    document.addEventListener(type, () => (pressed = false), { capture: true });
  window.addEventListener('focus', () => {
    // A click gives it to what it meets.
    if (!pressed && document.activeElement === document.body) take();
  });
}
