/**
 * Opens a call's menu by keyboard. VS Code builds it for the event's target, which is the grid: it has the focus for
 * all of its rows, and belongs to no call.
 */

/** CSS pixels from the row's left edge, where the menu opens: below the text that is read first. */
const INDENT = 24;

/** @param row the element of the selected call, which is in view; null: there is none. */
export function openMenuOfRow(grid: HTMLElement, row: () => HTMLElement | null): void {
  grid.addEventListener('contextmenu', (event) => {
    // With a mouse, the target is inside the grid: a row, the space below, the header.
    if (event.target !== grid) return;
    event.preventDefault();
    event.stopPropagation();
    const element = row();
    if (element === null) return;
    const { left, bottom } = element.getBoundingClientRect();
    element.dispatchEvent(
      new MouseEvent('contextmenu', {
        bubbles: true,
        cancelable: true,
        clientX: left + INDENT,
        clientY: bottom,
      }),
    );
  });
}
