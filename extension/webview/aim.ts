/**
 * Whether somebody aims at a row with the pointer: it moves over the list or has just moved, or a button is down. A list
 * that scrolls in that moment has another row under the pointer when it is pressed, or released, than the one that was
 * meant. Chrome DevTools does not follow between press and release; here a press already chooses, so aiming counts, too.
 */

/** From the last movement to the press, in milliseconds: people take up to half a second. */
const REST_MS = 700;

export class Aim {
  readonly #element: HTMLElement;
  readonly #ended: () => void;
  /** Where the pointer was last; null: nowhere yet. */
  #last: { readonly x: number; readonly y: number } | null = null;
  #aims = false;
  #pressed = false;
  #timer: ReturnType<typeof setTimeout> | null = null;

  /** @param ended somebody aimed, and does no more. */
  constructor(element: HTMLElement, ended: () => void) {
    this.#element = element;
    this.#ended = ended;
    // Where it was before is known of the whole window.
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

  /** Where, in CSS pixels from the top of the element; null: nobody aims. */
  get y(): number | null {
    return this.#aims && this.#last !== null
      ? this.#last.y - this.#element.getBoundingClientRect().top
      : null;
  }

  #moved({ clientX: x, clientY: y, pointerType, target }: PointerEvent): void {
    // What moves under a pointer that rests is reported as if the pointer had moved.
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
