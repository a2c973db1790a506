/** The few things that a page without a framework needs. Text is only ever set as text. */

type Child = Node | string | null;

/** Attributes by name; `class` and `aria-*` included. null leaves one out. */
export type Attributes = Readonly<Record<string, string | number | null>>;

/** An element with attributes and children; strings become text nodes. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null) element.setAttribute(name, String(value));
  }
  for (const child of children) if (child !== null) element.append(child);
  return element;
}

/** A button whose label is its tooltip and accessible name. */
export function iconButton(
  icon: Node,
  label: string,
  onClick: () => void,
  className = 'icon',
): HTMLButtonElement {
  const button = el('button', { type: 'button', class: className, title: label, 'aria-label': label }, icon);
  button.addEventListener('click', onClick);
  return button;
}

export function textButton(label: string, onClick: () => void, className = 'link'): HTMLButtonElement {
  const button = el('button', { type: 'button', class: className }, label);
  button.addEventListener('click', onClick);
  return button;
}

/** Sets text only when it differs: unchanged nodes cost no layout. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function setTitle(element: HTMLElement, title: string): void {
  if (element.title !== title) element.title = title;
}

/** Tracks the pointer from press to release or cancel. Positions are in client coordinates. */
export function drag(
  element: HTMLElement,
  handlers: {
    /** false: ignore this press. */
    readonly start: (event: PointerEvent) => boolean;
    readonly move: (event: PointerEvent) => void;
    readonly end?: (event: PointerEvent) => void;
  },
): void {
  element.addEventListener('pointerdown', (down) => {
    if (down.button !== 0 || !handlers.start(down)) return;
    down.preventDefault();
    element.setPointerCapture(down.pointerId);
    const stop = new AbortController();
    const options = { signal: stop.signal };
    const end = (event: PointerEvent): void => {
      stop.abort();
      handlers.end?.(event);
    };
    element.addEventListener('pointermove', handlers.move, options);
    element.addEventListener('pointerup', end, options);
    element.addEventListener('pointercancel', end, options);
  });
}
