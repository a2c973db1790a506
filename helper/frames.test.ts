import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CLIENT_FRAMES, decodeJson, encodeFrame, FrameDecoder, FrameError, HELPER_FRAMES } from './frames.ts';
import { FrameType, MAX_CLIENT_FRAME, PROTOCOL_VERSION } from './protocol.ts';

const helperType = fc.constantFrom(...HELPER_FRAMES);

function decodeAll(decoder: FrameDecoder, pieces: Uint8Array[]): { type: FrameType; payload: number[] }[] {
  return pieces.flatMap((piece) =>
    [...decoder.push(piece)].map((frame) => ({ type: frame.type, payload: [...frame.payload] })),
  );
}

describe('frames', () => {
  it('are the same after encoding and decoding, however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ type: helperType, payload: fc.uint8Array({ maxLength: 300 }) }), {
          maxLength: 8,
        }),
        fc.array(fc.integer({ min: 1, max: 64 }), { minLength: 1, maxLength: 20 }),
        (frames, cuts) => {
          const stream = Buffer.concat(frames.map((frame) => encodeFrame(frame.type, frame.payload)));
          const pieces: Uint8Array[] = [];
          for (let at = 0, i = 0; at < stream.length; i++) {
            const size = cuts[i % cuts.length] ?? 1;
            pieces.push(stream.subarray(at, at + size));
            at += size;
          }
          const decoder = new FrameDecoder(1024, HELPER_FRAMES);
          expect(decodeAll(decoder, pieces)).toEqual(
            frames.map((frame) => ({ type: frame.type, payload: [...frame.payload] })),
          );
          expect(decoder.pending).toBe(0);
        },
      ),
    );
  });

  it('refuses a length beyond the limit before the bytes have come', () => {
    const decoder = new FrameDecoder(MAX_CLIENT_FRAME, CLIENT_FRAMES);
    const header = Buffer.from([0xff, 0xff, 0xff, 0xff, PROTOCOL_VERSION, FrameType.Attach]);
    expect(() => [...decoder.push(header)]).toThrow(FrameError);
  });

  it.each([
    ['another version', [2, 0, 0, 0, PROTOCOL_VERSION + 1, FrameType.Attach]],
    ['an unknown type', [2, 0, 0, 0, PROTOCOL_VERSION, 99]],
    ['a type that only helpers send', [2, 0, 0, 0, PROTOCOL_VERSION, FrameType.Records]],
    ['a length without room for version and type', [1, 0, 0, 0, PROTOCOL_VERSION, FrameType.Stop]],
  ])('refuses %s', (_what, bytes) => {
    const decoder = new FrameDecoder(MAX_CLIENT_FRAME, CLIENT_FRAMES);
    expect(() => [...decoder.push(Uint8Array.from(bytes))]).toThrow(FrameError);
  });

  it('never throws anything but FrameError for random bytes, and holds no more than one frame', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 50 }), (pieces) => {
        const decoder = new FrameDecoder(256, CLIENT_FRAMES);
        try {
          for (const piece of pieces) {
            for (const _ of decoder.push(piece)) {
            }
            expect(decoder.pending).toBeLessThan(256 + 6 + 64);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(FrameError);
        }
      }),
    );
  });

  it.each(['', '[]', 'null', '"x"', '{', '\xff'])('refuses %j as a JSON object', (text) => {
    expect(() => decodeJson(Buffer.from(text, 'latin1'))).toThrow(FrameError);
  });
});
