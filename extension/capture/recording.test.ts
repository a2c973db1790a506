import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeFrame } from '../../helper/frames.ts';
import { FrameType, PROTOCOL_VERSION } from '../../helper/protocol.ts';
import { runs } from '../../test/kit/runs.ts';
import { RecordingEncoder, type RecordingEnd, RecordingError, RecordingReader } from './recording.ts';

interface Copy {
  readonly type: FrameType;
  readonly payload: number[];
}

function record(frames: readonly Copy[]): Uint8Array {
  const encoder = new RecordingEncoder();
  const parts = [encoder.header('little')];
  for (const { type, payload } of frames) {
    const bytes = Uint8Array.from(payload);
    parts.push(encoder.frame(type, bytes), bytes);
  }
  parts.push(encoder.end());
  return Buffer.concat(parts);
}

function read(file: Uint8Array, cuts: readonly number[] = []): { frames: Copy[]; end: RecordingEnd } {
  const reader = new RecordingReader();
  const frames: Copy[] = [];
  let at = 0;
  for (const cut of [...[...cuts].sort((a, b) => a - b), file.length]) {
    for (const { type, payload } of reader.push(file.slice(at, cut)))
      frames.push({ type, payload: [...payload] });
    at = cut;
  }
  return { frames, end: reader.finish() };
}

const hello: Copy = { type: FrameType.Hello, payload: [...Buffer.from('{"protocol":1}')] };
const anyFrame = fc.record({
  type: fc.constantFrom(
    FrameType.Records,
    FrameType.Status,
    FrameType.Process,
    FrameType.Clock,
    FrameType.Fault,
  ),
  payload: fc.array(fc.nat(255), { maxLength: 60 }),
});
const anyTrace = fc.array(anyFrame, { maxLength: 8 }).map((frames) => [hello, ...frames]);

describe('a recording', () => {
  it('is read back equal, however it is cut into pieces', () => {
    fc.assert(
      fc.property(anyTrace, fc.array(fc.nat(1000), { maxLength: 12 }), (frames, cuts) => {
        const file = record(frames);
        const result = read(
          file,
          cuts.map((cut) => cut % (file.length + 1)),
        );
        expect(result.frames).toEqual(frames);
        expect(result.end).toEqual({ kind: 'complete', frames: frames.length });
      }),
    );
  });

  it('gives the whole frames before a cut, at every position, and says that it is cut', () => {
    fc.assert(
      fc.property(anyTrace, (frames) => {
        const file = record(frames);
        let position = 16;
        const ends = frames.map((frame) => {
          position += 6 + frame.payload.length;
          return position;
        });
        for (let length = 0; length < file.length; length++) {
          const { frames: got, end } = read(file.subarray(0, length));
          const whole = ends.filter((e) => e <= length).length;
          expect(got).toEqual(frames.slice(0, whole));
          const lost = length < 16 ? length : length - (ends[whole - 1] ?? 16);
          expect(end).toEqual({ kind: 'cut', frames: whole, lost });
        }
      }),
      { numRuns: runs(15) },
    );
  });

  it('is never anything but frames, a cut or a RecordingError, whatever the bytes', () => {
    const attempt = (file: Uint8Array): void => {
      try {
        read(file);
      } catch (error) {
        expect(error).toBeInstanceOf(RecordingError);
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), attempt));
    const header = new RecordingEncoder().header('little');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (tail) => attempt(Buffer.concat([header, tail]))),
    );
    const file = record([hello, { type: FrameType.Records, payload: [1, 2, 3] }]);
    fc.assert(
      fc.property(fc.nat(file.length - 1), fc.nat(255), (at, value) => {
        const changed = Uint8Array.from(file);
        changed[at] = value;
        attempt(changed);
      }),
    );
  });

  it('refuses a foreign file at its first wrong byte, before any frame', () => {
    expect(() => read(Buffer.from('PK\x03\x04 a zip file'))).toThrow('is not a recording of HTTP Trace.');
    const mangled = Buffer.from(record([hello]));
    mangled[5] = 0x20;
    expect(() => read(mangled)).toThrow(RecordingError);
  });

  it('names another version and another byte order', () => {
    const next = Buffer.from(record([hello]));
    next[8] = 9;
    expect(() => read(next)).toThrow(`format 9.${PROTOCOL_VERSION}`);
    expect(() => read(new RecordingEncoder().header('big'))).toThrow('big-endian');
  });

  it('distinguishes damage from a cut', () => {
    const file = record([hello]);
    expect(() => read(Buffer.concat([file, Buffer.from('x')]))).toThrow('data after its end mark');
    const noHello = record([{ type: FrameType.Clock, payload: [] }]);
    expect(() => read(noHello)).toThrow('its first frame is not a hello');
    const missing = Buffer.concat([file.subarray(0, 16), file.subarray(16 + 6 + hello.payload.length)]);
    expect(() => read(missing)).toThrow('end mark does not match');
    const length = Buffer.from(file);
    length.writeUInt32LE(0xffff_ffff, 16);
    expect(() => read(length)).toThrow('are not a frame');
  });

  it('does not accept what only a client sends', () => {
    const header = new RecordingEncoder().header('little');
    const attach = encodeFrame(FrameType.Attach, Buffer.from('{}'));
    expect(() => read(Buffer.concat([header, attach]))).toThrow(RecordingError);
  });
});
