/**
 * Messages by which two readers can be made to disagree (the shapes of public desync research and of its
 * tools). Each is labelled, says which reading was taken, and what follows is found by that reading.
 */
import { describe, expect, it } from 'vitest';
import { Engine } from '../engine.ts';
import { conversation, recordBatch, START } from '../testing/records.ts';

const HOST = 'Host: a\r\n';
const NEXT = `GET /next HTTP/1.1\r\n${HOST}\r\n`;
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

interface Reading {
  readonly targets: (string | null)[];
  readonly body: string | null;
  readonly messages: string;
  readonly completeness: readonly string[];
}

/** Reads `out` and two answers; what is known of the first request, and the targets of all. */
function read(out: string, answers = OK + OK): Reading {
  const engine = new Engine();
  engine.setClock({ offset: 0n, bootTime: START });
  engine.push(
    recordBatch(conversation([{ out: Buffer.from(out, 'latin1') }, { in: answers }, { close: true }])),
  );
  engine.finish();
  const ids = engine.takeChanges().changed.filter((id) => engine.json(id)?.request !== null);
  const first = engine.json(ids[0] ?? 0);
  const body = first?.request?.body ?? null;
  return {
    targets: ids.map((id) => engine.json(id)?.url ?? null),
    body:
      body === null
        ? null
        : 'text' in body
          ? body.text
          : Buffer.from(body.base64, 'base64').toString('latin1'),
    messages: (first?.violations ?? []).map(({ rule, message }) => `${rule}: ${message}`).join('\n'),
    completeness: first?.completeness ?? [],
  };
}

const post = (fields: string, body: string): string =>
  `POST /x HTTP/1.1\r\n${HOST}${fields}\r\n${body}${NEXT}`;
const CHUNKS = '5\r\nhello\r\n0\r\n\r\n';
const BOTH = ['http://a/x', 'http://a/next'];

describe('two lengths', () => {
  it.each<[string, string, string, string, RegExp]>([
    [
      'CL and TE',
      'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n',
      CHUNKS,
      'hello',
      /Content-Length is ignored/,
    ],
    [
      'TE and CL',
      'Transfer-Encoding: chunked\r\nContent-Length: 3\r\n',
      CHUNKS,
      'hello',
      /Content-Length is ignored/,
    ],
    ['two CLs', 'Content-Length: 5\r\nContent-Length: 6\r\n', 'hello', 'hello', /the first is used/],
    ['a list of CLs', 'Content-Length: 5, 6\r\n', 'hello', 'hello', /the first is used/],
    ['the same CL twice', 'Content-Length: 5\r\ncontent-length: 5\r\n', 'hello', 'hello', /more than once/],
    ['a CL and a lookalike', 'Content-Length: 5\r\nContent-Length: x\r\n', 'hello', 'hello', /is ignored/],
    [
      'a CL and one that is almost',
      'Content-Length: 5\r\nContent_Length: 50\r\n',
      'hello',
      'hello',
      /ignored here/,
    ],
    ['a CL in a folded line', 'Content-Length: 5\r\n 0\r\n', '', '', /folded/],
  ])('%s', (_, fields, body, expected, said) => {
    const { targets, body: seen, messages } = read(post(fields, body));
    expect(messages).toMatch(said);
    expect(targets).toEqual(BOTH);
    expect(seen ?? '').toBe(expected);
  });

  it.each([
    '+5',
    '-5',
    '0x5',
    '5.0',
    '5e0',
    '5 5',
    '1_0',
    '',
    '5\x0b',
    '\x0c5',
    '5\xa0',
    '9'.repeat(16),
    '9'.repeat(400),
  ])('Content-Length: %s is not a length', (value) => {
    const { targets, messages } = read(post(`Content-Length: ${value}\r\n`, ''));
    expect(messages).toMatch(/not a valid number/);
    expect(targets).toEqual(BOTH);
  });

  it.each(['5', '005', ' 5 ', '\t5'])('Content-Length: %s is five', (value) => {
    const { targets, messages, body } = read(post(`Content-Length:${value}\r\n`, 'hello'));
    expect([targets, messages, body]).toEqual([BOTH, '', 'hello']);
  });
});

describe('Transfer-Encoding', () => {
  /** Read as chunked. */
  it.each<[string, string, RegExp]>([
    ['plain', 'Transfer-Encoding: chunked\r\n', /^$/],
    ['case', 'TrAnSfEr-EnCoDiNg: cHuNkEd\r\n', /^$/],
    ['blanks around the value', 'Transfer-Encoding: \t chunked\t \r\n', /^$/],
    ['an empty member', 'Transfer-Encoding: , chunked,\r\n', /^$/],
    ['a blank before the colon', 'Transfer-Encoding : chunked\r\n', /precedes the colon/],
    ['a tab before the colon', 'Transfer-Encoding\t:chunked\r\n', /precedes the colon/],
    ['folded', 'Transfer-Encoding:\r\n chunked\r\n', /folded/],
    ['behind a bare line feed', 'X: y\nTransfer-Encoding: chunked\r\n', /line feed alone/],
    ['twice', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', /more than once/],
    ['behind another coding', 'Transfer-Encoding: cow, chunked\r\n', /is not registered/],
    [
      'behind another field of that name',
      'Transfer-Encoding: cow\r\nTransfer-Encoding: chunked\r\n',
      /is not registered/,
    ],
    ['behind identity', 'Transfer-Encoding: identity, chunked\r\n', /^$/],
  ])('%s is chunked', (_, fields, said) => {
    const { targets, body, messages } = read(post(fields, CHUNKS));
    expect(targets).toEqual(BOTH);
    expect(body).toBe('hello');
    expect(messages).toMatch(said);
  });

  /** Read as another coding: nobody knows where the body ends. */
  it.each<[string, RegExp]>([
    ['chunked, cow', /last transfer coding/],
    ['xchunked', /is not registered/],
    ['chunk', /is not registered/],
    ['"chunked"', /is not registered/],
    ["'chunked'", /is not registered/],
    ['chunked;a=b', /is not registered/],
    ['chunked cow', /is not registered/],
    ['\x0bchunked', /control characters/],
    ['\x0cchunked', /control characters/],
    ['chunked\x00', /contains NUL/],
    ['\x00chunked', /contains NUL/],
    ['ch\xf9nked', /is not registered/],
    ['chunked\r', /carriage return without line feed is inside/i],
    ['x\rTransfer-Encoding: chunked', /carriage return without line feed is inside/i],
    ['identity', /last transfer coding/],
    ['', /last transfer coding/],
  ])('%j is not', (value, said) => {
    const { targets, body, messages } = read(post(`Transfer-Encoding: ${value}\r\n`, CHUNKS));
    expect(messages).toMatch(said);
    expect(messages).toMatch(/up to the end of the stream/);
    expect(targets).toEqual(['http://a/x']);
    expect(body).toContain('GET /next');
  });

  /** Another field: there is no body, and the bytes behind the head are not a message. */
  it.each<[string, RegExp]>([
    ['Transfer_Encoding: chunked', /ignored here/],
    ['Transfer Encoding: chunked', /ignored here/],
    ['TransferEncoding: chunked', /ignored here/],
    ['Transfer-Encoding\x0b: chunked', /not a token/],
    ['Transfer-Encoding\x00: chunked', /not a token/],
    ['\x00Transfer-Encoding: chunked', /not a token/],
    ['X: y\rTransfer-Encoding: chunked', /carriage return without line feed is inside/i],
    ['Content-Encoding: chunked', /^$/],
    ['Foo\r\n Transfer-Encoding: chunked', /no colon/],
  ])('%j is another field', (line, said) => {
    const { messages, body } = read(post(`${line}\r\n`, ''));
    expect(messages).toMatch(said);
    expect(body).toBeNull();
  });

  it('in HTTP/1.0 is applied and labelled', () => {
    const { body, messages } = read(
      `POST /x HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${CHUNKS}`,
      OK,
    );
    expect(body).toBe('hello');
    expect(messages).toMatch(/HTTP\/1\.0 message; it is applied/);
  });

  it('before the first field is ignored with its line', () => {
    const { targets, messages } = read(
      `POST /x HTTP/1.1\r\n Transfer-Encoding: chunked\r\n${HOST}\r\n${NEXT}`,
    );
    expect(messages).toMatch(/that line is ignored/);
    expect(targets).toEqual(BOTH);
  });
});

describe('chunks', () => {
  it.each<[string, string, string, RegExp]>([
    ['leading zeros', '0005\r\nhello\r\n000\r\n\r\n', 'hello', /^$/],
    ['capitals', 'A\r\n0123456789\r\n0\r\n\r\n', '0123456789', /^$/],
    ['an extension', '5;a=b;c="d;\\"e"\r\nhello\r\n0;x\r\n\r\n', 'hello', /^$/],
    ['a blank behind the size', '5 \r\nhello\r\n0\r\n\r\n', 'hello', /White space follows a chunk size/],
    ['a malformed extension', '5;\r\nhello\r\n0\r\n\r\n', 'hello', /chunk extension is malformed/],
    ['a bare CR in an extension', '5;a\rb\r\nhello\r\n0\r\n\r\n', 'hello', /chunk extension is malformed/],
    ['a NUL in an extension', '5;a\x00\r\nhello\r\n0\r\n\r\n', 'hello', /chunk extension is malformed/],
    ['a bare LF behind the size', '5\nhello\r\n0\r\n\r\n', 'hello', /does not end with CRLF/],
    ['a bare LF in an extension', '5;a\nhello\r\n0\r\n\r\n', 'hello', /does not end with CRLF/],
    ['a bare LF behind the data', '5\r\nhello\n0\r\n\r\n', 'hello', /does not end with CRLF/],
    ['a bare LF behind the last chunk', '5\r\nhello\r\n0\n\r\n', 'hello', /does not end with CRLF/],
    ['a trailer', '5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n', 'hello', /^$/],
    [
      'a framing field as trailer',
      '5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n',
      'hello',
      /trailer field would delimit/,
    ],
    ['Host as trailer', '5\r\nhello\r\n0\r\nhost: b\r\n\r\n', 'hello', /trailer field would delimit/],
    ['a long extension', `5;${'a'.repeat(10_000)}\r\nhello\r\n0\r\n\r\n`, 'hello', /malformed or too long/],
  ])('with %s', (_, chunks, expected, said) => {
    const { targets, body, messages } = read(post('Transfer-Encoding: chunked\r\n', chunks));
    expect(targets).toEqual(BOTH);
    expect(body).toBe(expected);
    expect(messages).toMatch(said);
  });

  /** The size is not believed; the end is searched for, and found. */
  it.each<[string, string]>([
    ['0x', '0x5\r\nhello\r\n0\r\n\r\n'],
    ['a sign', '+5\r\nhello\r\n0\r\n\r\n'],
    ['a minus', '-5\r\nhello\r\n0\r\n\r\n'],
    ['a blank before', ' 5\r\nhello\r\n0\r\n\r\n'],
    ['no hexadecimal', 'g\r\nhello\r\n0\r\n\r\n'],
    ['an empty line', '\r\nhello\r\n0\r\n\r\n'],
    ['2^64 + 5', '10000000000000005\r\nhello\r\n0\r\n\r\n'],
    ['2^64 - 1', 'ffffffffffffffff\r\nhello\r\n0\r\n\r\n'],
    ['data that is longer', '4\r\nhello\r\n0\r\n\r\n'],
    ['two bytes that are no CRLF', '5\r\nhelloXX0\r\n\r\n0\r\n\r\n'],
    ['a bare CR behind the size', '5\rXhello\r\n0\r\n\r\n'],
  ])('with a size that is wrong: %s', (_, chunks) => {
    const { targets, messages, completeness } = read(post('Transfer-Encoding: chunked\r\n', chunks));
    expect(messages).toMatch(/searches for/);
    expect(targets[0]).toBe('http://a/x');
    expect(targets.at(-1)).toBe('http://a/next');
    expect(completeness).toContain('request-truncated');
  });
});

describe('whom a request is for', () => {
  const get = (line: string, fields: string): Reading => read(`${line}\r\n${fields}\r\n`, OK);

  it.each<[string, string, string, RegExp, string | null]>([
    ['two Hosts', 'GET /x HTTP/1.1', 'Host: a\r\nHost: b\r\n', /the first is used/, 'http://a/x'],
    ['no Host', 'GET /x HTTP/1.1', '', /no Host field/, 'http://127.0.0.1:8080/x'],
    ['another Host', 'GET http://a/x HTTP/1.1', 'Host: b\r\n', /the target is followed/, 'http://a/x'],
    ['the same Host', 'GET http://A:80/x HTTP/1.1', 'Host: a\r\n', /^$/, 'http://A:80/x'],
    ['a Host with a path', 'GET /x HTTP/1.1', 'Host: a/b\r\n', /not a valid host name/, 'http://a/b/x'],
    ['a Host with userinfo', 'GET /x HTTP/1.1', 'Host: a@b\r\n', /not a valid host name/, 'http://a@b/x'],
    ['an address as Host', 'GET /x HTTP/1.1', 'Host: [::1]:80\r\n', /^$/, 'http://[::1]:80/x'],
  ])('%s', (_, line, fields, said, url) => {
    const { messages, targets } = get(line, fields);
    expect(messages).toMatch(said);
    expect(targets.map((target) => target?.replace(/••••••/, 'a'))).toEqual([url]);
  });

  it.each<[string, RegExp]>([
    ['GET  /x HTTP/1.1', /one space/],
    ['GET\t/x\tHTTP/1.1', /one space/],
    ['GET /x HTTP/1.1 ', /one space/],
    ['GET /x HTTP/1.2', /^$/],
    ['GET /x HTTP/3.1', /version/],
    ['GET /x http/1.1', /version/],
    ['G@T /x HTTP/1.1', /method is not a token/],
    ['GET /x\x00y HTTP/1.1', /characters that no URI/],
    ['GET /x y HTTP/1.1', /characters that no URI/],
    ['GET /x\rY HTTP/1.1', /no URI|carriage return/i],
  ])('%j', (line, said) => {
    expect(get(line, HOST).messages).toMatch(said);
  });
});

it('a request behind one that closes is labelled', () => {
  const out = `GET /x HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n${NEXT}`;
  const engine = new Engine();
  engine.push(recordBatch(conversation([{ out }, { in: OK + OK }])));
  engine.finish();
  expect(
    engine
      .json(2)
      ?.violations.map(({ message }) => message)
      .join(),
  ).toMatch(/it is read anyway/);
});

describe('responses', () => {
  const answered = (response: string): Engine => {
    const engine = new Engine();
    const next = 'HTTP/1.1 404 Next\r\nContent-Length: 0\r\n\r\n';
    engine.push(recordBatch(conversation([{ out: NEXT + NEXT }, { in: response + next }, { close: true }])));
    engine.finish();
    return engine;
  };

  it.each<[string, string, RegExp, number | null]>([
    [
      'CL and TE',
      `HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKS}`,
      /Content-Length is ignored/,
      404,
    ],
    [
      'two CLs',
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok',
      /the first is used/,
      404,
    ],
    ['a 204 with a length', 'HTTP/1.1 204 No\r\nContent-Length: 2\r\n\r\n', /it is ignored/, 404],
    [
      'a coding that nobody knows',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\nok',
      /is not registered/,
      null,
    ],
    ['bytes behind the body', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok\r\n', /^$/, 404],
    ['a status of four digits', 'HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nok', /status code/, 404],
    ['no reason', 'HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok', /^$/, 404],
  ])('with %s', (_, response, said, next) => {
    const engine = answered(response);
    const messages =
      engine
        .json(1)
        ?.violations.map(({ message }) => message)
        .join() ?? '';
    expect(messages).toMatch(said);
    expect(engine.json(2)?.status ?? null).toBe(next);
  });
});
