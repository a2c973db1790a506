import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../test/kit/runs.ts';
import { Engine } from '../engine.ts';
import type { ExchangeJson } from '../exchangeJson.ts';
import { Ending, WireProtocol } from '../record.ts';
import { ADDRESSES, ciphertext, HANDSHAKES, SOCKET } from '../testing/handshakes.ts';
import {
  type ConversationOptions,
  conversation,
  type RecordSpec,
  recordBatch,
  type Step,
  split,
} from '../testing/records.ts';

const GET: Step = { out: 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n' };
const OK: Step = { in: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok' };
const UNDECIDED = { protocol: WireProtocol.Undecided };

function engineOf(specs: readonly RecordSpec[]): Engine {
  const engine = new Engine();
  engine.push(recordBatch(specs));
  engine.finish();
  return engine;
}

function read(specs: readonly RecordSpec[]): ExchangeJson[] {
  const engine = engineOf(specs);
  return engine.takeChanges().changed.map((id) => engine.json(id) as ExchangeJson);
}

/** A recorded TLS connection, up to its end. */
function closed(name: string): RecordSpec[] {
  return ciphertext(name, { rest: [{ close: true }] });
}

function shown(steps: readonly Step[], options: ConversationOptions = UNDECIDED): ExchangeJson[] {
  return read(conversation(steps, options));
}

const GREETING: readonly Step[] = [{ out: '\x05\x01\0' }, { in: '\x05\0' }];
const REPLY: Step = { in: '\x05\0\0\x01\x7f\0\0\x01\x1f\x90' };

describe('a call names the proxies in front of it', () => {
  const v6 = `${'\0'.repeat(15)}\x01`;
  const socks5 = (address: string): readonly Step[] => [
    ...GREETING,
    { out: `\x05\x01\0${address}\0\x50` },
    REPLY,
  ];
  const of = (protocol: string, target: string | null, client: string | null = null) => [
    { protocol, client, target },
  ];
  const signature = '\r\n\r\n\0\r\nQUIT\n';
  it.each<[string, readonly Step[], readonly object[]]>([
    ['none', [], []],
    [
      'PROXY protocol 1',
      [{ out: 'PROXY TCP4 10.0.0.1 10.0.0.2 4000 80\r\n' }],
      of('PROXY protocol', '10.0.0.2:80', '10.0.0.1:4000'),
    ],
    [
      'PROXY protocol 1 with IPv6',
      [{ out: 'PROXY TCP6 ::1 ::2 4000 80\r\n' }],
      of('PROXY protocol', '[::2]:80', '[::1]:4000'),
    ],
    ['PROXY protocol 1, unknown', [{ out: 'PROXY UNKNOWN\r\n' }], of('PROXY protocol', null)],
    [
      'PROXY protocol 2',
      [{ out: `${signature}\x21\x11\0\x0c\x0a\0\0\x01\x0a\0\0\x02\x0f\xa0\0\x50` }],
      of('PROXY protocol', '10.0.0.2:80', '10.0.0.1:4000'),
    ],
    [
      'PROXY protocol 2 with IPv6 and more behind it',
      [{ out: `${signature}\x21\x21\0\x28${v6}${v6}\x0f\xa0\0\x50\x04\0\x01x` }],
      of('PROXY protocol', '[::1]:80', '[::1]:4000'),
    ],
    ['PROXY protocol 2, local', [{ out: `${signature}\x20\0\0\0` }], of('PROXY protocol', null)],
    [
      'SOCKS 4',
      [{ out: '\x04\x01\0\x50\x0a\x09\x08\x07me\0' }, { in: '\0\x5a\0\0\0\0\0\0' }],
      of('SOCKS4', '10.9.8.7:80'),
    ],
    [
      'SOCKS 4A',
      [{ out: '\x04\x01\0\x50\0\0\0\x01\0name.test\0' }, { in: '\0\x5a\0\0\0\0\0\0' }],
      of('SOCKS4', 'name.test:80'),
    ],
    ['SOCKS 5', socks5('\x01\x0a\x09\x08\x07'), of('SOCKS5', '10.9.8.7:80')],
    ['SOCKS 5 with a name', socks5('\x03\x09name.test'), of('SOCKS5', 'name.test:80')],
    ['SOCKS 5 with IPv6', socks5(`\x04${v6}`), of('SOCKS5', '[::1]:80')],
    ['SOCKS 5 with a name that is not valid', socks5('\x03\x04a\nb '), of('SOCKS5', null)],
    [
      'PROXY protocol around SOCKS 5',
      [{ out: 'PROXY UNKNOWN\r\n' }, ...socks5('\x01\x0a\x09\x08\x07')],
      [...of('PROXY protocol', null), ...of('SOCKS5', '10.9.8.7:80')],
    ],
  ])('%s', (_name, before, through) => {
    const [json, ...others] = shown([...before, GET, OK]);
    expect(others).toEqual([]);
    expect(json).toMatchObject({ url: 'http://a/x', status: 200, completeness: ['complete'] });
    expect(json?.connection.through).toEqual(through);
    expect(JSON.stringify(json)).not.toContain('secret');
  });

  it('CONNECT, and a proxy in front of that', () => {
    const connect: readonly Step[] = [
      { out: 'CONNECT b:80 HTTP/1.1\r\nHost: b:80\r\n\r\n' },
      { in: 'HTTP/1.1 200 OK\r\n\r\n' },
    ];
    const socks = { protocol: 'SOCKS5', client: null, target: '10.9.8.7:80' };
    const inside = { protocol: 'CONNECT', client: null, target: 'b:80' };
    const steps: readonly Step[] = [...socks5('\x01\x0a\x09\x08\x07'), ...connect, GET, OK, { close: true }];
    const engine = engineOf(conversation(steps, UNDECIDED));
    const ids = engine.takeChanges().changed;
    const calls = ids.map((id) => engine.json(id) as ExchangeJson);
    const proxies = ids.map((id) => engine.row(id)?.proxy);
    expect(proxies).toEqual(Array(2).fill('SOCKS5 127.0.0.1:8080, CONNECT 10.9.8.7:80'));
    expect(calls.map(({ method, connection }) => [method, connection.through])).toEqual([
      ['CONNECT', [socks]],
      ['GET', [socks, inside]],
    ]);
  });

  it('a request without Host is one to the proxy’s target', () => {
    const [json] = shown([...socks5('\x01\x0a\x09\x08\x07'), { out: 'GET /x HTTP/1.0\r\n\r\n' }, OK]);
    expect(json?.url).toBe('http://10.9.8.7:80/x');
  });

  it('and so does TLS behind it', () => {
    const name = Object.keys(HANDSHAKES).find((one) => read(closed(one)).length > 0);
    const tls = closed(name as string);
    const steps: readonly Step[] = socks5('\x03\x09name.test');
    const shift = [0, 0];
    const before = conversation(steps, { ...ADDRESSES, ...UNDECIDED, connection: SOCKET });
    for (const spec of before) {
      if (spec.type === 'data')
        shift[spec.direction] =
          (shift[spec.direction] ?? 0) + Buffer.from(spec.bytes as string, 'latin1').length;
    }
    const behind = tls.flatMap((spec): RecordSpec[] => {
      if (spec.type === 'opened') return [];
      if (spec.type === 'data' || spec.type === 'ended')
        return [{ ...spec, position: spec.position + (shift[spec.direction] ?? 0) }];
      if (spec.type !== 'closed') return [spec];
      return [{ ...spec, sent: spec.sent + (shift[0] ?? 0), received: spec.received + (shift[1] ?? 0) }];
    });
    const alone = read(tls);
    const through = read([...before, ...behind]);
    expect(alone).not.toEqual([]);
    expect(through).toHaveLength(alone.length);
    expect(through[0]?.tls).toMatchObject({ version: alone[0]?.tls?.version });
    expect(through[0]?.connection.through).toEqual(of('SOCKS5', 'name.test:80'));
  });
});

describe('a proxy that does not connect', () => {
  const asked: Step = { out: '\x05\x01\0\x03\x09name.test\x01\xbb' };
  const greeted: Step = { in: '\x05\0' };
  const hello: Step = { out: '\x05\x01\0' };
  const zeros = '\0\x01\0\0\0\0\0\0';
  const socks4: Step = { out: '\x04\x01\x01\xbb\0\0\0\x01\0name.test\0' };
  it.each<[string, readonly Step[], string]>([
    ['refused', [hello, greeted, asked, { in: `\x05\x05${zeros}` }], 'SOCKS5: connection refused'],
    [
      'in pieces',
      [hello, greeted, asked, { in: '\x05' }, { in: `\x02${zeros}` }],
      'SOCKS5: not allowed by the proxy’s rules',
    ],
    ['unknown reply', [hello, greeted, asked, { in: `\x05\x63${zeros}` }], 'SOCKS5: reply 99'],
    [
      'no method',
      [hello, { in: '\x05\xff' }],
      'SOCKS5: the proxy accepted none of the offered authentication methods',
    ],
    [
      'wrong password',
      [{ out: '\x05\x01\x02' }, { in: '\x05\x02' }, { out: '\x01\x02me\x06secret' }, { in: '\x01\x01' }],
      'SOCKS5: user name or password not accepted',
    ],
    ['SOCKS 4', [socks4, { in: '\0\x5b\0\0\0\0\0\0' }], 'SOCKS4: rejected or failed'],
  ])('is a failed call: %s', (_name, steps, error) => {
    const engine = engineOf(
      conversation([...steps, { end: 'in', ending: Ending.ReadEof }, { close: true }], UNDECIDED),
    );
    const json = engine.json(1) as ExchangeJson;
    expect(engine.json(2)).toBeUndefined();
    expect(json).toMatchObject({
      completeness: ['connect-failed'],
      ending: { how: 'refused', by: 'server', detail: 'by-proxy', error },
      failure: { phase: 'connect', reason: `connecting failed: the proxy did not connect (${error})` },
    });
    expect(JSON.stringify(json)).not.toContain('secret');
    expect(engine.row(1)).toMatchObject({
      // Before it is asked, where to is not known.
      host: steps.some((step) => 'out' in step && String(step.out).includes('name.test'))
        ? 'name.test:443'
        : '127.0.0.1:8080',
      proxy: `${error.slice(0, 6)} 127.0.0.1:8080`,
    });
    expect(engine.stats()).toMatchObject({ exchanges: 1, errors: 1 });
  });

  const eof: Step = { end: 'in', ending: Ending.ReadEof };
  const silent = 'the proxy closed the connection without an answer';
  it.each<[string, readonly Step[], string, object]>([
    ['at once', [hello, eof], `SOCKS5: ${silent}`, { how: 'closed', by: 'server' }],
    ['when it was asked', [hello, greeted, asked, eof], `SOCKS5: ${silent}`, { how: 'closed', by: 'server' }],
    [
      'in the middle of its reply',
      [hello, greeted, asked, { in: '\x05' }, eof],
      `SOCKS5: ${silent}`,
      { how: 'closed', by: 'server' },
    ],
    ['SOCKS 4', [socks4, eof], `SOCKS4: ${silent}`, { how: 'closed', by: 'server' }],
    [
      'by a reset',
      [hello, greeted, asked, { end: 'in', ending: Ending.Reset, error: 104 }],
      'SOCKS5: the proxy reset the connection without an answer',
      { how: 'reset', by: 'server' },
    ],
    [
      'never',
      [hello, greeted, asked, { end: 'out', ending: Ending.Close }],
      'SOCKS5: no answer from the proxy before the client gave up',
      { how: 'cancelled', by: 'client' },
    ],
    [
      'with another protocol',
      [hello, { in: 'HT' }],
      'SOCKS5: the answer is not SOCKS (HT)',
      { how: 'failed', by: 'server' },
    ],
    [
      'with a banner, first',
      [{ in: 'SSH-2.0-OpenSSH_9.2\r\n' }, hello],
      'SOCKS5: the answer is not SOCKS (SSH-2.0-OpenSSH_9.2)',
      { how: 'failed', by: 'server' },
    ],
    [
      'with HTTP',
      [hello, { in: 'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n' }],
      'SOCKS5: the answer is not SOCKS (HTTP/1.1 400 Bad Request)',
      { how: 'failed', by: 'server' },
    ],
    [
      'with something else than a reply',
      [socks4, { in: 'hello' }],
      'SOCKS4: the answer is not SOCKS (hello)',
      { how: 'failed', by: 'server' },
    ],
  ])('and does not say so is a failed call: %s', (_name, steps, error, ending) => {
    // Where the server speaks first, the greeting must come in one piece.
    for (const size of 'in' in (steps[0] ?? {}) ? [100] : [1, 100]) {
      const all = [...steps, { close: true } as const];
      const rows = read(split(conversation(all, UNDECIDED), size));
      expect(rows).toHaveLength(1);
      expect(rows[0]).toMatchObject({
        completeness: ['connect-failed'],
        ending: { ...ending, detail: 'by-proxy', error },
        failure: { phase: 'connect', reason: `connecting failed: the proxy did not connect (${error})` },
      });
      const target = steps.some((step) => 'out' in step && String(step.out).includes('name.test'));
      expect(rows[0]?.connection.through).toEqual([
        { protocol: error.slice(0, 6), client: null, target: target ? 'name.test:443' : null },
      ]);
    }
  });

  it.each<[string, readonly Step[]]>([
    ['another version’s greeting', [{ out: '\x05\0' }, eof]],
    ['more than a greeting', [{ out: '\x05\x01\0\x03ab' }, { in: 'x' }, eof]],
    ['a greeting that is not whole', [{ out: '\x05\x03\0' }, eof]],
    [
      'bytes like a request of SOCKS 4 with more behind it',
      [{ out: '\x04\x01\0\x50\x01\x02\x03\x04\0!' }, eof],
    ],
  ])('is not made up: %s', (_name, steps) => {
    expect(shown([...steps, { close: true }])).toEqual([]);
  });

  it('is not a row if the proxy itself is traced, or if it did connect', () => {
    const refused: readonly Step[] = [hello, greeted, asked, { in: `\x05\x05${zeros}` }, { close: true }];
    expect(
      shown(
        refused.map(
          (step): Step => ('out' in step ? { in: step.out } : 'in' in step ? { out: step.in } : step),
        ),
        { ...UNDECIDED, side: 'server' },
      ),
    ).toEqual([]);
    expect(shown([hello, greeted, asked, { in: `\x05\0${zeros}` }, { close: true }])).toEqual([]);
  });
});

describe('a decision', () => {
  it('waits for the answer, whatever the odd request was, in pieces of any size', () => {
    const odd = ['get /x', 'GET /x 200', 'hello world', ' GET /x', '\t\r\n x y'];
    fc.assert(
      fc.property(
        fc.constantFrom(...odd),
        fc.integer({ min: 1, max: 9 }),
        fc.boolean(),
        (line, size, http) => {
          const steps: Step[] = [{ out: `${line}\r\n\r\n` }, http ? OK : { in: '+OK\r\n' }];
          const calls = read(split(conversation([...steps, { close: true }], UNDECIDED), size));
          expect(calls.filter(({ status }) => status === 200)).toHaveLength(http ? 1 : 0);
          if (!http) expect(calls).toEqual([]);
        },
      ),
      { numRuns: runs(200) },
    );
  });

  it('is not made for streams that the kernel programs gave up', () => {
    const specs = conversation([{ out: 'GET /x\n' }, { out: 'GET /y\n' }, OK], UNDECIDED);
    const given = specs.map(
      (spec, i): RecordSpec =>
        spec.type === 'data' && i > 1 ? { ...spec, protocol: WireProtocol.Other } : spec,
    );
    expect(read(given)).toEqual([]);
  });

  it('is made of the beginning only: nothing is kept of a stream that never shows what it is', () => {
    const piece = { out: 'x '.repeat(4000) } as const;
    const engine = new Engine();
    engine.push(recordBatch(conversation(Array<Step>(200).fill(piece), UNDECIDED)));
    engine.finish();
    expect(engine.takeChanges().changed).toEqual([]);
  });

  it('never throws', () => {
    const start = fc.constantFrom(
      '\x04\x01',
      '\x05\x01\0',
      '\x05\0\x05\0\0',
      'PROXY TCP4 ',
      '\r\n\r\n\0\r\nQUIT\n\x21',
      '\0\0\x06\x04\0\0\0\0\0',
      'PRI * HTTP/2.0\r\n',
      '',
    );
    const bytes = fc
      .tuple(start, fc.uint8Array({ maxLength: 60 }))
      .map(([text, rest]) => Buffer.concat([Buffer.from(text, 'latin1'), rest]));
    fc.assert(
      fc.property(bytes, bytes, fc.integer({ min: 1, max: 50 }), (out, back, size) => {
        const specs = conversation(
          [{ out }, { in: back }, { out: back }, { in: out }, { close: true }],
          UNDECIDED,
        );
        read(split(specs, size));
      }),
      { numRuns: runs(500) },
    );
  });
});
