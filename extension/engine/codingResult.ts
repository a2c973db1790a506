/** The result of decoding one content coding. */
export interface CodingResult {
  readonly bytes: Buffer;
  /** `cut`: over the limit. `partial`: the input ends early. `broken`: the rest is not valid. */
  readonly end: 'whole' | 'cut' | 'partial' | 'broken';
  readonly note?: string;
}
