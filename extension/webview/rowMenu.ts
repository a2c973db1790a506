/**
 * The menu of a call by keyboard. VS Code builds it for the event's target: that is the grid, which has the focus for
 * all of its rows, and belongs to no call.
 */

/** CSS pixels from the row's left edge, where the menu opens: below the text that is read first. */
const INDENT = 24;

/** @param row the element of the selected call, which is in view; null: there is none. */
export function openMenuOfRow(grid: HTMLElement, row: () => HTMLElement | null): void {
  grid.addEventListener('contextmenu', (event) => {
    // The mouse is always on something in the grid: a row, the space below them, the header.
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
