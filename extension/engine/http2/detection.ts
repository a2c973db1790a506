/** Detects HTTP/2 in bytes that the kernel programs did not classify. */
import { DEFAULT_FRAME_SIZE, FRAME_HEADER, frameEvidence, PREFACE } from './frameFormat.ts';

/** Bits of evidence: random bytes pass with a probability below 2 to the power of minus this. */
const ENOUGH = 50;

const EXPECTED = { maxFrameSize: DEFAULT_FRAME_SIZE, maxStream: 0 };

/**
 * Do these bytes begin with the preface of a client (RFC 9113 section 3.4), or with a chain of frames of either
 * side? A preface is certain. Frames are evidence: each header that could stand there counts 24 to 70 bits, and
 * 50 are wanted, so that random bytes pass in less than one of 2^50 cases; of bytes of other protocols, which
 * are not random, detection.test.ts has examples. false also where too few bytes are given.
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
