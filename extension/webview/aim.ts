/**
 * Whether the user is aiming at a row: the pointer moves over the list or has just moved, or a button is down. If the
 * list scrolled in that moment, the click would hit another row than intended. Chrome DevTools does not follow new rows
 * between press and release; here a press already selects, so aiming counts, too.
 */

/** From the last movement to the press, in milliseconds: people take up to half a second. */
const REST_MS = 700;

export class Aim {
  readonly #element: HTMLElement;
  readonly #ended: () => void;
  /** Last pointer position; null: none yet. */
  #last: { readonly x: number; readonly y: number } | null = null;
  #aims = false;
  #pressed = false;
  #timer: ReturnType<typeof setTimeout> | null = null;

  /** @param ended aiming has ended. */
  constructor(element: HTMLElement, ended: () => void) {
    this.#element = element;
    this.#ended = ended;
    // Window-wide, so the last position is always known.
    window.addEventListener('pointermove', (event) => this.#moved(event), { passive: true });
    element.addEventListener('pointerdown', (event) => {
      this.#pressed = true;
      this.#moved(event);
    });
    // It may be released anywhere.
    for (const type of ['pointerup', 'pointercancel'] as const)
      window.addEventListener(type, () => this.#released(), { passive: true });
    element.addEventListener('pointerleave', () => {
      if (!this.#pressed) this.#end();
    });
  }

  /** Position in CSS pixels from the top of the element; null: not aiming. */
  get y(): number | null {
    return this.#aims && this.#last !== null
      ? this.#last.y - this.#element.getBoundingClientRect().top
      : null;
  }

  #moved({ clientX: x, clientY: y, pointerType, target }: PointerEvent): void {
    // Browsers report content that moves under a resting pointer as a movement of the pointer.
    const rests = !this.#pressed && x === this.#last?.x && y === this.#last.y;
    this.#last = { x, y };
    // A finger scrolls.
    if (rests || pointerType === 'touch') return;
    if (!this.#pressed && !(target instanceof Node && this.#element.contains(target))) return;
    this.#aims = true;
    this.#restart();
  }

  #released(): void {
    if (!this.#pressed) return;
    this.#pressed = false;
    if (this.#aims) this.#restart();
  }

  #restart(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (!this.#pressed) this.#end();
    }, REST_MS);
  }

  #end(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (!this.#aims) return;
    this.#aims = false;
    this.#ended();
  }
}
