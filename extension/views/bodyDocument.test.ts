import { describe, expect, test } from 'vitest';
import type { ExchangeJson, MessageJson } from '../engine/exchangeJson.ts';
import { binaryBody, bodyName, bodyText, isImage } from './bodyDocument.ts';

function withResponse(changes: Partial<MessageJson>): ExchangeJson {
  const response: MessageJson = {
    headers: [],
    trailers: [],
    headersSize: null,
    wireSize: null,
    bodySize: 2,
    bodyCaptured: 2,
    body: { text: '{}' },
    decodedSize: null,
    bodyNote: null,
    bodyFromFile: false,
    ...changes,
  };
  const call = { method: 'GET', url: 'http://a.example/shop/orders', status: 404 };
  return { ...call, request: null, response } as unknown as ExchangeJson;
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
])('%s opens as .%s', (type, extension) => expect(typed(type)).toBe(`GET orders 404.${extension}`));

describe('bodies', () => {
  test('text is laid out', () => {
    const headers: [string, string][] = [['Content-Type', 'application/json']];
    const exchange = withResponse({ headers, body: { text: '{"a":1.0}' } });
    expect(bodyText(exchange, 'response')).toBe('{\n  "a": 1.0\n}\n');
    expect(bodyText(withResponse({ body: { text: 'a  b' } }), 'response')).toBe('a  b');
  });

  test('an image is one when it is whole', () => {
    const headers: [string, string][] = [['Content-Type', 'image/png']];
    const image = withResponse({ headers, body: { base64: 'AAEC' } });
    expect(bodyName(image, 'response')).toBe('GET orders 404.png');
    expect(isImage(image, 'response')).toBe(true);
    expect(binaryBody(image, 'response')).toEqual(Buffer.from([0, 1, 2]));
    expect(isImage(withResponse({ headers, bodyNote: 'Only the first.' }), 'response')).toBe(false);
    expect(isImage(withResponse({}), 'response')).toBe(false);
    expect(binaryBody(withResponse({}), 'response')).toBeNull();
  });

  test('a beginning is called one', () => {
    expect(bodyName(withResponse({ bodyNote: 'Only the first 64 KiB.' }), 'response')).toBe(
      'GET orders 404 (beginning).txt',
    );
  });

  test('bytes are dumped', () => {
    const exchange = withResponse({
      body: { base64: Buffer.from('\x00\xff|A', 'latin1').toString('base64') },
    });
    expect(bodyName(exchange, 'response')).toBe('GET orders 404.bin');
    expect(bodyText(exchange, 'response')).toBe(`00000000  00 ff 7c 41${' '.repeat(37)}  |..|A|\n`);
  });

  test('nothing captured is no empty body', () => {
    expect(bodyText(withResponse({ body: null }), 'response')).toBeNull();
    expect(bodyText(withResponse({}), 'request')).toBeNull();
  });
});

test('a media type that no table has, and every object, is any other', () => {
  for (const name of ['constructor', '__proto__', 'toString']) {
    const headers = [['Content-Type', name]] as const;
    const call = withResponse({ headers, body: { base64: 'AAEC' } });
    expect(bodyName(call, 'response')).toBe('GET orders 404.bin');
    expect(isImage(call, 'response')).toBe(false);
  }
});
