import { constants, deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { Engine, type EngineOptions } from '../../engine.ts';
import type { StreamMessageJson } from '../../exchangeJson.ts';
import { Ending, Omission } from '../../record.ts';
import {
  type ConversationOptions,
  conversation,
  recordBatch,
  START,
  type Step,
} from '../../testing/records.ts';
import { messageSummary } from '../../testing/summary.ts';
import {
  binary,
  close,
  continuation,
  frame,
  MASK,
  ping,
  pong,
  switching,
  text,
  UPGRADE,
} from '../../testing/webSocket.ts';

const mask = MASK;

function engineOf(
  steps: readonly Step[],
  { extensions, ...options }: ConversationOptions & EngineOptions & { extensions?: string } = {},
): Engine {
  const engine = new Engine(options);
  engine.setClock({ offset: 0n, bootTime: START });
  const server = options.side === 'server';
  const handshake: Step[] = server
    ? [{ in: UPGRADE }, { out: switching(extensions) }]
    : [{ out: UPGRADE }, { in: switching(extensions) }];
  engine.push(recordBatch(conversation([...handshake, ...steps], options)));
  engine.advance(START * 2n);
  return engine;
}

const messages = (engine: Engine): readonly StreamMessageJson[] => engine.json(1)?.messages ?? [];
const shown = (...args: Parameters<typeof engineOf>): string[] =>
  messages(engineOf(...args)).map(messageSummary);

/** As permessage-deflate has it. */
function deflated(content: string, past = ''): Buffer {
  const bytes = deflateRawSync(Buffer.from(content), {
    finishFlush: constants.Z_SYNC_FLUSH,
    ...(past === '' ? {} : { dictionary: Buffer.from(past) }),
  });
  return bytes.subarray(0, -4);
}

const DEFLATE = { extensions: 'permessage-deflate' };
const squeezed = (content: string, past = ''): Buffer =>
  frame({ opcode: 1, reserved: 4, payload: deflated(content, past) });

describe('a WebSocket', () => {
  it('is one exchange whose messages come live, both ways, with times', () => {
    const engine = engineOf([
      { out: text('hello', { mask }) },
      { in: text('welcome') },
      { in: binary(Buffer.from([0, 255])) },
      { out: ping('p', { mask }) },
      { in: pong('p') },
    ]);
    expect(engine.row(1)).toMatchObject({
      state: 'running',
      status: 101,
      messageFormat: 'websocket',
      messages: 5,
      violations: 0,
    });
    expect(messages(engine).map(messageSummary)).toEqual([
      '>text 5 "hello"',
      '<text 7 "welcome"',
      '<binary 2 base64:AP8=',
      '>ping 1 "p"',
      '<pong 1 "p"',
    ]);
    expect(messages(engine).map(({ number, atMs }) => [number, atMs])).toEqual([
      [1, 2],
      [2, 3],
      [3, 4],
      [4, 5],
      [5, 6],
    ]);
    expect(engine.json(1)?.messageStream).toEqual({
      format: 'websocket',
      out: 2,
      in: 3,
      note: null,
      omitted: null,
    });
  });

  it('seen from the server', () => {
    expect(shown([{ in: text('a', { mask }) }, { out: text('b') }], { side: 'server' })).toEqual([
      '<text 1 "a"',
      '>text 1 "b"',
    ]);
  });

  it('may begin in the call that carries the handshake', () => {
    const engine = new Engine();
    engine.push(
      recordBatch(
        conversation([
          { out: Buffer.concat([Buffer.from(UPGRADE), text('early', { mask })]) },
          { in: Buffer.concat([Buffer.from(switching()), text('reply')]) },
        ]),
      ),
    );
    expect(messages(engine).map(messageSummary)).toEqual(
      expect.arrayContaining(['>text 5 "early"', '<text 5 "reply"']),
    );
  });

  it('joins fragments, with control frames between them', () => {
    const engine = engineOf([
      { in: text('one ', { final: false }) },
      { in: ping('x') },
      { in: continuation('two ', { final: false }) },
      { in: continuation('three') },
    ]);
    expect(messages(engine).map(messageSummary)).toEqual([
      '<ping 1 "x"',
      '<text fragments=3 13 "one two three"',
    ]);
  });

  it('ends with codes and reasons', () => {
    const engine = engineOf([{ out: close(1001, 'going', { mask }) }, { in: close(null) }, { close: true }]);
    expect(messages(engine).map(messageSummary)).toEqual([
      '>close code=1001 meaning=Going Away 5 "going"',
      '<close 0 ""',
    ]);
    expect(engine.json(1)?.messageStream?.note).toBeNull();
    expect(engine.row(1)).toMatchObject({ state: 'ended', completeness: ['complete'] });
  });

  it('says that it ended without a Close frame, and what was cut', () => {
    const engine = engineOf([
      { in: text('whole') },
      { in: text('a longer text').subarray(0, 8) },
      { end: 'in', ending: Ending.Reset },
    ]);
    expect(messages(engine).map(messageSummary)).toEqual([
      '<text 5 "whole"',
      '<text ? "a long" (The stream ended before the message did.)',
    ]);
    expect(engine.json(1)?.messageStream?.note).toMatch(/without a Close frame.*1006/);
  });

  it('has messages of 64 KiB and more', () => {
    const content = 'x'.repeat(70_000);
    const engine = engineOf([{ in: text(content) }, { in: text('y'.repeat(126)) }]);
    const [first, second] = messages(engine);
    expect(first).toMatchObject({ size: 70_000, text: content.slice(0, 65_536) });
    expect(first?.note).toBe('Only the first 65536 of 70000 bytes are kept.');
    expect(second).toMatchObject({ size: 126, note: null });
    const heads = messages(engineOf([{ in: text('abc') }, { in: close(1000, 'why') }], { bodyLimit: 0 }));
    expect(heads).toMatchObject([
      { size: 3, text: null, note: 'The content is not kept.' },
      {
        size: 3,
        text: null,
        fields: [
          ['code', '1000'],
          ['meaning', 'Normal Closure'],
        ],
      },
    ]);
  });

  it('keeps a bounded number of very many', () => {
    const engine = new Engine();
    const many = Buffer.concat(Array.from({ length: 5_000 }, (_, i) => text(`tick ${i}`)));
    const steps: Step[] = [
      { out: UPGRADE },
      { in: switching() },
      ...Array.from({ length: 20 }, () => ({ in: many })),
    ];
    engine.push(recordBatch(conversation(steps)));
    expect(engine.row(1)?.messages).toBe(100_000);
    const json = engine.json(1);
    expect(json?.messages).toHaveLength(2_000);
    expect(json?.messageStream?.omitted).toEqual({ after: 100, count: 98_000 });
    expect(json?.messages[100]).toMatchObject({ number: 98_101 });
    expect(json?.messages.at(-1)).toMatchObject({ number: 100_000, text: 'tick 4999' });
  });

  it('gives one message alone, and its list in short', () => {
    const content = '{"a":"ä","token":"geheim"}'.repeat(40);
    const engine = engineOf([{ in: text('first') }, { in: text(content) }]);
    expect(engine.message(1, 2)).toMatchObject({ number: 2, text: content.replaceAll('geheim', '••••••') });
    expect(engine.message(1, 2, { reveal: true })).toMatchObject({ text: content });
    expect(engine.message(1, 3)).toBeUndefined();
    expect(engine.message(2, 1)).toBeUndefined();
    const [, short] = engine.json(1, { messageBytes: 8 })?.messages ?? [];
    expect(short).toMatchObject({ size: Buffer.byteLength(content), text: '{"a":"ä' });
  });

  it('masks secrets', () => {
    const engine = engineOf([{ out: text('{"token":"geheim","a":1}', { mask }) }]);
    expect(messages(engine)[0]).toMatchObject({ text: '{"token":"••••••","a":1}' });
    expect(engine.json(1, { reveal: true })?.messages[0]).toMatchObject({ text: '{"token":"geheim","a":1}' });
  });

  it('is no WebSocket when another protocol was agreed upon', () => {
    const engine = new Engine();
    const other = switching().replace('Upgrade: websocket', 'Upgrade: something');
    engine.push(recordBatch(conversation([{ out: UPGRADE }, { in: other }, { in: text('a') }])));
    expect(engine.row(1)).toMatchObject({ messageFormat: null, messages: 0 });
  });
});

describe('permessage-deflate', () => {
  it('is undone, with the past that messages refer to', () => {
    const one = '{"kind":"update","value":1}';
    expect(
      shown(
        [{ in: squeezed(one) }, { in: text('plain') }, { in: squeezed(one, one) }, { in: squeezed('') }],
        DEFLATE,
      ),
    ).toEqual([
      `<text 27 ${JSON.stringify(one)} (${deflated(one).length} sent)`,
      '<text 5 "plain"',
      `<text 27 ${JSON.stringify(one)} (${deflated(one, one).length} sent)`,
      `<text 0 "" (${deflated('').length} sent)`,
    ]);
  });

  it('is undone over fragments, and in streams that end (RFC 7692 section 7.2.3)', () => {
    const bytes = deflated('Hello Hello');
    const fragmented: Step[] = [
      { in: frame({ opcode: 1, reserved: 4, final: false, payload: bytes.subarray(0, 3) }) },
      { in: continuation(bytes.subarray(3).toString('latin1')) },
    ];
    fragmented[1] = { in: frame({ opcode: 0, payload: bytes.subarray(3) }) };
    expect(shown(fragmented, DEFLATE)).toEqual([`<text fragments=2 11 "Hello Hello" (${bytes.length} sent)`]);
    const hex = (digits: string): Step => ({
      in: frame({ opcode: 1, reserved: 4, payload: Buffer.from(digits, 'hex') }),
    });
    // The examples of the RFC: once and again, no compression, BFINAL, two blocks.
    const examples = [
      'f248cdc9c90700',
      'f200110000',
      '000500faff48656c6c6f00',
      'f348cdc9c9070000',
      'f248050000 00ffffcac9c90700'.replace(' ', ''),
    ];
    for (const message of messages(engineOf(examples.map(hex), DEFLATE))) {
      expect(message).toMatchObject({ text: 'Hello', size: 5, note: null, violations: [] });
    }
  });

  it('forgets the past where no takeover was agreed upon, each way by itself', () => {
    const one = 'the same words again';
    const extensions = 'permessage-deflate; server_no_context_takeover; client_max_window_bits=9';
    const refers = squeezed(one, one);
    expect(shown([{ in: squeezed(one) }, { in: refers }], { extensions })).toEqual([
      expect.stringContaining('"the same words again"'),
      expect.stringContaining('!RFC 7692 section 7.2.2'),
    ]);
    const asked = frame({ opcode: 1, reserved: 4, mask, payload: deflated(one) });
    const again = frame({ opcode: 1, reserved: 4, mask, payload: deflated(one, one) });
    expect(shown([{ out: asked }, { out: again }], { extensions })).toEqual([
      expect.stringContaining('>text 20 "the same words again"'),
      expect.stringContaining('>text 20 "the same words again"'),
    ]);
  });

  it('says what is malformed, what is beyond the limit, and goes on', () => {
    const bomb = frame({ opcode: 2, reserved: 4, payload: deflated('\0'.repeat(40_000_000)) });
    const broken = frame({ opcode: 1, reserved: 4, payload: Buffer.from('ffffffff', 'hex') });
    const engine = engineOf([{ in: bomb }, { in: broken }, { in: squeezed('after') }], DEFLATE);
    expect(messages(engine)).toMatchObject([
      { kind: 'binary', size: null, note: expect.stringContaining('up to a limit') },
      { kind: 'text', size: null, violations: [{ rule: 'RFC 7692 section 7.2.2' }] },
      { kind: 'text', size: 5, text: 'after', violations: [] },
    ]);
    expect(engine.row(1)?.violations).toBe(1);
  });

  it('never guesses the data of a lost message that later ones refer to', () => {
    const [one, two] = ['first first first', 'second and only'];
    const gap: Step = { omit: 'in', size: 6, omission: Omission.Limit };
    const lost = squeezed(one);
    const steps: Step[] = [
      { in: lost.subarray(0, lost.length - 6) },
      gap,
      { in: squeezed(one, one) },
      { in: squeezed(two) },
      { in: squeezed(two, two) },
    ];
    expect(messages(engineOf(steps, DEFLATE))).toMatchObject([
      { size: null, note: expect.stringContaining('left out') },
      { size: null, note: expect.stringContaining('refers to earlier ones') },
      { size: 15, text: two },
      { size: 15, text: two },
    ]);
  });

  it('with a parameter out of range is read and labelled', () => {
    const engine = engineOf([{ in: squeezed('a') }], {
      extensions: 'permessage-deflate; server_max_window_bits=16; x=1',
    });
    expect(engine.json(1)?.violations).toEqual([
      expect.objectContaining({ rule: 'RFC 7692 section 7.1', in: 'response' }),
    ]);
    expect(messages(engine)).toMatchObject([{ text: 'a' }]);
  });
});

describe('what breaks a rule', () => {
  it.each<[string, Step[], string[]]>([
    ['a client that does not mask', [{ out: text('a') }], ['>text 1 "a" !RFC 6455 section 5.1']],
    ['a server that masks', [{ in: text('a', { mask }) }], ['<text 1 "a" !RFC 6455 section 5.1']],
    ['reserved bits', [{ in: text('a', { reserved: 4 }) }], ['<text 1 "a" !RFC 6455 section 5.2']],
    [
      'a reserved opcode',
      [{ in: frame({ opcode: 3, payload: 'a' }) }],
      ['<unknown 1 base64:YQ== !RFC 6455 section 5.2'],
    ],
    [
      'a length in too many bytes',
      [{ in: text('a', { lengthBytes: 2 }) }],
      ['<text 1 "a" !RFC 6455 section 5.2'],
    ],
    ['and in eight', [{ in: text('a', { lengthBytes: 8 }) }], ['<text 1 "a" !RFC 6455 section 5.2']],
    ['a fragmented ping', [{ in: ping('a', { final: false }) }], ['<ping 1 "a" !RFC 6455 section 5.5']],
    [
      'a long ping',
      [{ in: ping('a'.repeat(126)) }, { in: text('b') }],
      [
        `<ping 126 ${JSON.stringify('a'.repeat(125))} (Only the first 125 of 126 bytes are kept.) !RFC 6455 section 5.5`,
        '<text 1 "b"',
      ],
    ],
    [
      'a continuation of nothing',
      [{ in: continuation('a') }],
      ['<unknown 1 base64:YQ== !RFC 6455 section 5.4'],
    ],
    [
      'a message inside another',
      [{ in: text('a', { final: false }) }, { in: text('b') }],
      ['<text ? "a" !RFC 6455 section 5.4', '<text 1 "b"'],
    ],
    [
      'half a close code',
      [{ in: frame({ opcode: 8, payload: '\x03' }) }],
      ['<close 1 "\\u0003" !RFC 6455 section 5.5.1'],
    ],
    [
      'a code for no frame',
      [{ in: close(1006) }],
      ['<close code=1006 meaning=Abnormal Closure 0 "" !RFC 6455 section 7.4'],
    ],
    [
      'a frame behind the close',
      [{ in: close(4000, 'bye') }, { in: text('a') }],
      ['<close code=4000 3 "bye"', '<text 1 "a" !RFC 6455 section 5.5.1'],
    ],
    [
      'text that is no UTF-8',
      [{ in: frame({ opcode: 1, payload: Buffer.from([0x61, 0xc0, 0x80]) }) }],
      ['<text 3 base64:YcCA !RFC 6455 section 8.1'],
    ],
    [
      'text that ends in a character',
      [{ in: frame({ opcode: 1, payload: Buffer.from('ä').subarray(0, 1) }) }],
      ['<text 1 base64:ww== !RFC 6455 section 8.1'],
    ],
  ])('%s', (_, steps, expected) => {
    expect(shown(steps)).toEqual(expected);
  });

  it('an answer to another key', () => {
    const engine = new Engine();
    engine.push(recordBatch(conversation([{ out: UPGRADE }, { in: switching().replace('s3pP', 'S3pP') }])));
    expect(engine.json(1)?.violations).toMatchObject([{ rule: 'RFC 6455 section 4.2.2', in: 'response' }]);
  });
});

describe('after a gap', () => {
  it('inside a frame the next one is certain', () => {
    const steps: Step[] = [
      { in: text('0123456789').subarray(0, 4) },
      { omit: 'in', size: 5, omission: Omission.Limit },
      { in: Buffer.concat([Buffer.from('789'), text('next')]) },
    ];
    const engine = engineOf([...steps, { close: true }]);
    expect(messages(engine)).toMatchObject([
      { size: 10, text: '01', note: expect.stringContaining('left out by the capture limit') },
      { size: 4, text: 'next', note: null },
    ]);
    expect(engine.row(1)?.completeness).toEqual(['response-truncated']);
  });

  it('beyond a frame the next one is found on strong evidence, with its own times', () => {
    const steps: Step[] = [
      { in: text('known') },
      { lose: 'in', size: 100 },
      { in: Buffer.from('the end of a lost frame') },
      { in: text('one') },
      { in: text('two') },
      { in: Buffer.concat([text('three'), text('four')]) },
    ];
    const engine = engineOf([...steps, { close: true }]);
    expect(messages(engine).map(messageSummary)).toEqual([
      '<text 5 "known"',
      expect.stringContaining('<unknown ? null (Bytes are missing'),
      '<text 3 "one"',
      '<text 3 "two"',
      '<text 5 "three"',
      '<text 4 "four"',
    ]);
    expect(messages(engine).map(({ atMs }) => atMs)).toEqual([2, 4, 5, 6, 7, 7]);
    expect(engine.row(1)?.completeness).toEqual(['response-gap']);
  });

  it('nothing is shown without evidence', () => {
    const steps: Step[] = [
      { lose: 'in', size: 100 },
      { in: Buffer.concat([text('maybe'), text('maybe').subarray(0, 3)]) },
      { in: 'An ordinary text that is no frame. '.repeat(3) },
      { in: Buffer.alloc(500) },
      { in: Buffer.alloc(500) },
      { in: Buffer.alloc(500, 0xff) },
      { close: true },
    ];
    expect(shown(steps)).toEqual([expect.stringContaining('<unknown ? null')]);
  });

  it('a fragment whose message began in it is labelled', () => {
    const steps: Step[] = [
      { lose: 'in', size: 100 },
      { in: continuation('the end') },
      { in: text('one') },
      { in: text('two') },
      { in: text('three') },
    ];
    expect(messages(engineOf(steps))).toMatchObject([
      { kind: 'unknown' },
      { kind: 'unknown', size: null, note: 'The beginning of the message is missing.', violations: [] },
      { text: 'one' },
      { text: 'two' },
      { text: 'three' },
    ]);
  });

  it('a length that no frame can have loses the frames', () => {
    const engine = engineOf([
      { in: text('a') },
      { in: text('', { lengthBytes: 8, length: 0xffff_ffff_ffff_fff0n }) },
      { in: text('one') },
      { in: text('two') },
      { in: text('three') },
    ]);
    expect(messages(engine).map(({ kind, violations }) => [kind, violations.length])).toEqual([
      ['text', 0],
      ['text', 1],
      ['unknown', 0],
      ['text', 0],
      ['text', 0],
      ['text', 0],
    ]);
  });
});
