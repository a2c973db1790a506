/** A long text that is assembled from pieces, of which there may be millions. */

/** Each pending piece takes some hundred bytes, so this many are joined at once. */
const MAX_WAITING = 8_192;

export class Pieces {
  readonly #joined: string[] = [];
  #waiting: string[] = [];

  add(piece: string): void {
    if (this.#waiting.push(piece) < MAX_WAITING) return;
    this.#joined.push(this.#waiting.join(''));
    this.#waiting = [];
  }

  text(): string {
    this.#joined.push(this.#waiting.join(''));
    this.#waiting = [];
    return this.#joined.join('');
  }
}

/** A text of which parts are replaced, from beginning to end. */
export class Replaced {
  readonly #text: string;
  /** Lazy: most texts have no replacement. */
  #pieces: Pieces | null = null;
  /** Up to here the text is in the pieces. */
  #from = 0;

  constructor(text: string) {
    this.#text = text;
  }

  replace(from: number, to: number, by: string): void {
    this.#pieces ??= new Pieces();
    this.#pieces.add(this.#text.slice(this.#from, from));
    this.#pieces.add(by);
    this.#from = to;
  }

  /** @param end of the text that counts. */
  result(end = this.#text.length): string {
    if (this.#pieces === null) return this.#text.slice(0, end);
    this.#pieces.add(this.#text.slice(this.#from, Math.max(this.#from, end)));
    return this.#pieces.text();
  }

  get from(): number {
    return this.#from;
  }
}
