/** What the decoder of one content coding made of its input. */
export interface CodingResult {
  readonly bytes: Buffer;
  /** `cut`: beyond the limit. `partial`: the input ends early. `broken`: the rest is not of this coding. */
  readonly end: 'whole' | 'cut' | 'partial' | 'broken';
  readonly note?: string;
}
