/** Checks that text which arrives in pieces is valid UTF-8. */
import { isUtf8 } from 'node:buffer';

export class Utf8Check {
  valid = true;
  /** An incomplete character: at most three bytes. */
  #rest: Buffer = Buffer.alloc(0);

  add(bytes: Buffer): void {
    if (!this.valid || bytes.length === 0) return;
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const begun = lastBegun(all);
    this.valid = isUtf8(all.subarray(0, begun)) && (begun === all.length || mayBegin(all.subarray(begun)));
    this.#rest = begun === all.length ? NOTHING : Buffer.from(all.subarray(begun));
  }

  /** The text has ended: starts over. @returns whether all of it was valid. */
  end(): boolean {
    const valid = this.valid && this.#rest.length === 0;
    this.valid = true;
    this.#rest = NOTHING;
    return valid;
  }
}

const NOTHING = Buffer.alloc(0);

/** Offset of an incomplete character at the end; the length if there is none. */
function lastBegun(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] as number;
    if (byte < 0x80) return bytes.length;
    if (byte < 0xc0) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

/** Can these one to three bytes be completed to a character (RFC 3629 section 4)? */
function mayBegin(bytes: Buffer): boolean {
  const [first = 0, second] = bytes;
  if (first < 0xc2 || first > 0xf4) return false;
  if (second === undefined) return true;
  const least = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const most = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  return second >= least && second <= most;
}
