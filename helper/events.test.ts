import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readEvent } from './events.ts';
import { FrameError } from './frames.ts';
import { FrameType } from './protocol.ts';
import { NO_BACKLOG } from './testing/messages.ts';

const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

const LIBRARY = {
  kind: 'openssl',
  version: '3.0.19',
  path: '/usr/lib/libssl.so.3',
  inExecutable: false,
  attached: true,
  returns: 'instructions',
  reason: null,
};
/** One valid frame of each type that holds JSON. */
const VALID: Readonly<Record<string, readonly [type: FrameType, value: Record<string, unknown>]>> = {
  hello: [
    FrameType.Hello,
    {
      protocol: 3,
      layout: 1,
      backend: 'kprobe',
      refused: { fentry: 'no', kprobe: '', tracepoint: '' },
      missing: { waiting: 'EPERM' },
      kernel: '6.18',
      byteOrder: 'little',
      bodyLimit: null,
      ringSize: 65536,
      tlsOff: null,
      owner: 0,
      helperPid: 1,
    },
  ],
  status: [
    FrameType.Status,
    {
      counters: Object.fromEntries(
        [
          'produced',
          'droppedData',
          'droppedStructure',
          'seenBytes',
          'copiedBytes',
          'omittedBytes',
          'droppedBytes',
          'unseenBytes',
          'otherBytes',
          'connectionsUntracked',
          'callsUntracked',
          'filteredBytes',
        ].map((name) => [name, 1]),
      ),
      backlog: NO_BACKLOG,
      sent: 1,
      upTo: '9007199254740993',
      targets: 0,
      final: true,
    },
  ],
  process: [FrameType.Process, { request: 1, pid: 7, error: null, message: '', name: 'node' }],
  fault: [FrameType.Fault, { code: 'kernel', message: 'No BTF.' }],
  clock: [FrameType.Clock, { offset: '-5', bootTime: '9007199254740993' }],
  TLS: [FrameType.Tls, { pid: 7, libraries: [LIBRARY] }],
  'TLS file': [FrameType.TlsFile, { file: 1, version: '3.0.19' }],
};

describe('events of a helper', () => {
  it('are typed, and times beyond a double are exact', () => {
    expect(readEvent({ type: FrameType.Clock, payload: json(VALID['clock']![1]) })).toEqual({
      type: FrameType.Clock,
      offset: -5n,
      bootTime: 9007199254740993n,
      suspended: null,
    });
    const suspended = { ...VALID['clock']![1], suspended: '12' };
    expect(readEvent({ type: FrameType.Clock, payload: json(suspended) })).toMatchObject({ suspended: 12n });
    expect(readEvent({ type: FrameType.Status, payload: json(VALID['status']![1]) })).toMatchObject({
      upTo: 9007199254740993n,
      status: { final: true, counters: { produced: 1 } },
    });
    const unseen = { pid: 7, libraries: [], unseen: true };
    expect(readEvent({ type: FrameType.Tls, payload: json(unseen) })).toMatchObject({ tls: unseen });
    expect(() => readEvent({ type: FrameType.Tls, payload: json({ ...unseen, unseen: 1 }) })).toThrow(
      'unseen',
    );
    const records = Uint8Array.of(1, 2);
    expect(readEvent({ type: FrameType.Records, payload: records })).toEqual({
      type: FrameType.Records,
      records,
    });
  });

  describe.each(Object.entries(VALID))('%s', (name, [type, value]) => {
    it('is accepted', () => expect(readEvent({ type, payload: json(value) }).type).toBe(type));

    it.each(Object.keys(value))('is refused without %s, or with another type there', (field) => {
      const { [field]: _, ...without } = value;
      expect(() => readEvent({ type, payload: json(without) })).toThrow(
        new FrameError(`A ${name} frame has no "${field}".`),
      );
      for (const wrong of [true, {}, -1.5, [null]]) {
        // An empty list is valid: nothing is missing.
        if (field === 'missing' && JSON.stringify(wrong) === '{}') continue;
        if (typeof wrong === typeof value[field] && typeof wrong !== 'object' && field !== 'pid') continue;
        expect(() => readEvent({ type, payload: json({ ...value, [field]: wrong }) })).toThrow(
          new FrameError(`A ${name} frame has an invalid "${field}".`),
        );
      }
    });
  });

  it('of a type that only clients send are refused', () => {
    expect(() => readEvent({ type: FrameType.Attach, payload: json({}) })).toThrow(FrameError);
  });

  it('throw only FrameError, whatever is in the frame', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.values(VALID)),
        fc.oneof(
          fc.uint8Array({ maxLength: 60 }),
          fc.json().map((text) => new TextEncoder().encode(text)),
        ),
        ([type], payload) => {
          try {
            readEvent({ type, payload });
          } catch (error) {
            expect(error).toBeInstanceOf(FrameError);
          }
        },
      ),
    );
  });
});
