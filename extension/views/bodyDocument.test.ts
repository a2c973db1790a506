import { describe, expect, test } from 'vitest';
import type { ExchangeJson, MessageJson } from '../engine/exchangeJson.ts';
import { bodyName, bodyText, hexDump } from './bodyDocument.ts';

function withResponse(changes: Partial<MessageJson>): ExchangeJson {
  const response: MessageJson = {
    headers: [],
    trailers: [],
    bodySize: 2,
    bodyCaptured: 2,
    body: { text: '{}' },
    decodedSize: null,
    bodyNote: null,
    bodyFromFile: false,
    ...changes,
  };
  return { request: null, response } as unknown as ExchangeJson;
}

const typed = (value: string) => bodyName(withResponse({ headers: [['Content-Type', value]] }), 'response');

test.each([
  ['application/json; charset=utf-8', 'json'],
  ['application/problem+json', 'json'],
  ['APPLICATION/JSON', 'json'],
  ['text/html', 'html'],
  ['application/soap+xml', 'xml'],
  ['image/svg+xml', 'svg'],
  ['text/javascript', 'js'],
  ['application/x-ndjson', 'jsonl'],
  ['application/../../../etc/passwd', 'txt'],
  ['', 'txt'],
])('%s opens as .%s', (type, extension) => expect(typed(type)).toBe(`response-body.${extension}`));

describe('bodies', () => {
  test('text stays as it is', () => expect(bodyText(withResponse({}), 'response')).toBe('{}'));

  test('a beginning is called one', () => {
    expect(bodyName(withResponse({ bodyNote: 'Only the first 64 KiB.' }), 'response')).toBe(
      'response-body (beginning).txt',
    );
  });

  test('bytes are dumped', () => {
    const exchange = withResponse({
      body: { base64: Buffer.from('\x00\xff|A', 'latin1').toString('base64') },
    });
    expect(bodyName(exchange, 'response')).toBe('response-body.hex.txt');
    expect(bodyText(exchange, 'response')).toBe(`00000000  00 ff 7c 41${' '.repeat(37)}  |..|A|\n`);
  });

  test('nothing captured is no empty body', () => {
    expect(bodyText(withResponse({ body: null }), 'response')).toBeNull();
    expect(bodyText(withResponse({}), 'request')).toBeNull();
  });
});

describe('hexDump', () => {
  test('columns stay in line', () => {
    const lines = hexDump(Uint8Array.from({ length: 20 }, (_, i) => 0x41 + i)).split('\n');
    expect(lines[0]).toBe('00000000  41 42 43 44 45 46 47 48  49 4a 4b 4c 4d 4e 4f 50  |ABCDEFGHIJKLMNOP|');
    expect(lines[1]!.indexOf('|')).toBe(lines[0]!.indexOf('|'));
  });

  test('is bounded and says so', () => {
    const dump = hexDump(new Uint8Array(1024 * 1024 + 5));
    expect(dump.trimEnd().split('\n').at(-1)).toBe('… 5 more bytes');
  });
});
