/** Detects HTTP/2 in bytes that the kernel programs did not classify. */
import { DEFAULT_FRAME_SIZE, FRAME_HEADER, frameEvidence, PREFACE } from './frameFormat.ts';

/** Required bits of evidence: random bytes match with a probability below 2^-ENOUGH. */
const ENOUGH = 50;

const EXPECTED = { maxFrameSize: DEFAULT_FRAME_SIZE, maxStream: 0 };

/**
 * Whether the bytes begin with the client's connection preface (RFC 9113 section 3.4), or with a chain of frames
 * from either side. The preface is conclusive. Frames are evidence, in bits by {@link frameEvidence}:
 * 50 are required, so random bytes match in fewer than one in 2^50 cases. Bytes of other protocols are not random;
 * detection.test.ts has examples of them. Also false if there are too few bytes.
 */
export function looksLikeHttp2(bytes: Uint8Array): boolean {
  if (startsWithPreface(bytes)) return true;
  let evidence = 0;
  for (let at = 0; at < bytes.length; ) {
    const bits = frameEvidence(bytes, at, bytes.length, EXPECTED);
    if (bits <= 0) return bits === 0 && evidence >= ENOUGH;
    evidence += bits;
    if (evidence >= ENOUGH && at > 0) return true;
    at +=
      FRAME_HEADER +
      (((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number));
  }
  return evidence >= ENOUGH;
}

function startsWithPreface(bytes: Uint8Array): boolean {
  if (bytes.length < PREFACE.length) return false;
  for (let i = 0; i < PREFACE.length; i++) if (bytes[i] !== PREFACE.charCodeAt(i)) return false;
  return true;
}
