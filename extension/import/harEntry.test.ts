import { describe, expect, it } from 'vitest';
import { callRow } from './callRow.ts';
import { readHarEntry } from './harEntry.ts';
import { maskCall } from './mask.ts';

/** As Chrome 142 writes it: HTTP/2 with pseudo-header fields, queueing within `blocked`, -1 for sizes. */
const CHROME = {
  _connectionId: '1234',
  _initiator: { type: 'script', stack: { callFrames: [] } },
  _priority: 'High',
  _resourceType: 'fetch',
  cache: {},
  connection: '443',
  request: {
    method: 'POST',
    url: 'https://api.example/graphql',
    httpVersion: 'http/2.0',
    headers: [
      { name: ':authority', value: 'api.example' },
      { name: ':method', value: 'POST' },
      { name: 'content-type', value: 'application/json' },
      { name: 'authorization', value: 'Bearer sesame' },
    ],
    queryString: [],
    cookies: [],
    headersSize: -1,
    bodySize: 44,
    postData: { mimeType: 'application/json', text: '{"query":"query Cart { id }","variables":{}}' },
  },
  response: {
    status: 200,
    statusText: '',
    httpVersion: 'http/2.0',
    headers: [
      { name: 'content-encoding', value: 'br' },
      { name: 'content-type', value: 'application/json; charset=utf-8' },
    ],
    cookies: [],
    content: { size: 12, mimeType: 'application/json', text: 'eyJhIjoiw7wifQ==', encoding: 'base64' },
    redirectURL: '',
    headersSize: -1,
    bodySize: -1,
    _transferSize: 120,
    _error: null,
  },
  serverIPAddress: '[2001:db8::1]',
  startedDateTime: '2026-11-22T19:00:00.5+01:00',
  time: 30,
  timings: {
    blocked: 10,
    dns: 1,
    ssl: 2,
    connect: 5,
    send: 1,
    wait: 12,
    receive: 1,
    _blocked_queueing: 9,
  },
};

describe('an entry', () => {
  it('of Chrome', () => {
    const call = readHarEntry(CHROME);
    expect(call).toMatchObject({
      process: null,
      side: 'client',
      protocol: 'HTTP/2',
      method: 'POST',
      status: 200,
      operation: { protocol: 'graphql', names: [{ type: 'query', name: 'Cart' }] },
      startedAt: '2026-11-22T18:00:00.516000Z',
      durationMs: 14,
      timings: { lookupMs: 1, connectMs: 3, tlsMs: 2, sendMs: 1, waitMs: 12, receiveMs: 1, overlapMs: null },
      connection: { id: '1234', local: null, remote: '[2001:db8::1]' },
      tls: { version: null },
      request: {
        headers: [
          ['content-type', 'application/json'],
          ['authorization', 'Bearer sesame'],
        ],
        bodySize: 44,
      },
      response: { body: { text: '{"a":"ü"}' }, bodySize: null, decodedSize: 12, bodyNote: null },
      completeness: ['complete'],
      ending: { how: 'answered' },
    });
    expect(call).not.toBeNull();
    if (call === null) return;
    const masked = maskCall(call);
    expect(JSON.stringify(masked)).not.toContain('sesame');
    expect(callRow({ call: masked, model: null, operation: null }, 3)).toMatchObject({
      scheme: 'https',
      host: 'api.example',
      path: '/graphql',
      type: 'json',
      operation: 'query Cart',
      start: 3,
      duration: 14,
      pid: null,
      processName: null,
    });
  });

  it('of Firefox: a request that failed, with a form and only its pairs', () => {
    const call = readHarEntry({
      startedDateTime: '2026-11-22T18:00:00.000Z',
      request: {
        bodySize: 7,
        method: 'POST',
        url: 'http://127.0.0.1:9/login?next=%2F',
        httpVersion: '',
        headers: [],
        postData: {
          mimeType: 'application/x-www-form-urlencoded',
          params: [{ name: 'a', value: 'b c' }, {}],
        },
      },
      response: { status: 0, statusText: '', httpVersion: '', headers: [], content: {}, bodySize: -1 },
      cache: {},
      timings: {},
      time: 0,
    });
    expect(call).toMatchObject({
      protocol: '',
      status: null,
      statusText: null,
      durationMs: 0,
      timings: { sendMs: null, waitMs: null },
      request: { body: { text: 'a=b+c&=' }, bodyNote: expect.stringContaining('pairs') },
      response: null,
      completeness: ['unanswered'],
      ending: { how: 'unknown' },
    });
  });

  it('of Chrome: a refused connection, and a WebSocket', () => {
    const refused = readHarEntry({
      ...CHROME,
      response: {
        status: 0,
        headers: [],
        content: { size: 0 },
        bodySize: -1,
        _error: 'net::ERR_CONNECTION_REFUSED',
      },
    });
    expect(refused).toMatchObject({
      response: null,
      ending: { how: 'failed', error: 'net::ERR_CONNECTION_REFUSED' },
    });
    const socket = readHarEntry({
      ...CHROME,
      startedDateTime: '2026-11-22T18:00:00.000Z',
      timings: { blocked: -1, send: 0, wait: 5, receive: 0 },
      request: { ...CHROME.request, method: 'GET', url: 'wss://a.example/live', httpVersion: 'http/1.1' },
      _webSocketMessages: [
        { type: 'send', time: 1_795_370_400.25, opcode: 1, data: 'hé' },
        { type: 'receive', time: 1_795_370_401, opcode: 2, data: 'AQL/' },
        { type: 'receive', time: 'soon', opcode: 9, data: '' },
      ],
    });
    expect(socket).toMatchObject({
      url: 'https://a.example/live',
      messageStream: { format: 'websocket', out: 1, in: 1 },
      messages: [
        { number: 1, direction: 'out', atMs: 250, kind: 'text', size: 3, text: 'hé' },
        { number: 2, direction: 'in', atMs: 1_000, kind: 'binary', size: 3, base64: 'AQL/' },
      ],
    });
  });

  it('of a program that leaves out bodies says so', () => {
    const call = readHarEntry({
      ...CHROME,
      response: { ...CHROME.response, headers: [], content: { size: 100, mimeType: 'text/plain' } },
    });
    expect(call).toMatchObject({
      response: { bodySize: 100, body: null, bodyNote: 'The file does not hold the body.' },
      completeness: ['response-truncated'],
    });
  });

  it.each([
    null,
    7,
    [],
    {},
    { request: {}, startedDateTime: 'yesterday' },
    { request: null, startedDateTime: '2026-11-22T18:00:00Z' },
    { request: {}, startedDateTime: '9999999-11-22T18:00:00Z' },
  ])('that is not valid is not read: %j', (value) => {
    expect(readHarEntry(value)).toBeNull();
  });

  it.each([
    ['2026-11-22T18:00:00Z', '2026-11-22T18:00:00.000000Z'],
    ['2026-11-22T18:00Z', '2026-11-22T18:00:00.000000Z'],
    ['2026-11-22T18:00:00.1234567+0530', '2026-11-22T12:30:00.123456Z'],
    ['2026-11-22T18:00:00,25-01', '2026-11-22T19:00:00.250000Z'],
    ['1969-12-31T23:59:59.999Z', '1969-12-31T23:59:59.999000Z'],
  ])('may begin at %s', (startedDateTime, startedAt) => {
    expect(readHarEntry({ startedDateTime, request: {} })?.startedAt).toBe(startedAt);
  });

  it('is not confused by names that every object has', () => {
    const call = readHarEntry(
      JSON.parse(
        '{"startedDateTime":"2026-11-22T18:00:00Z","__proto__":{"polluted":1},"constructor":{},"request":{"__proto__":{"method":"EVIL"},"headers":{"length":9}},"_httpTrace":{"completeness":["toString","constructor"],"ending":{"how":"__proto__"},"process":{"pid":"x"}}}',
      ),
    );
    expect(call).toMatchObject({ method: null, completeness: [], ending: null, process: null });
    expect({}).not.toHaveProperty('polluted');
  });
});

describe('numbers that cannot be', () => {
  const entry = (rest: object) => ({ ...CHROME, startedDateTime: '2026-11-22T18:00:00Z', ...rest });

  it('are not known, and neither is their sum', () => {
    const call = readHarEntry(entry({ time: 1e308, timings: { send: 1e308, wait: 1e308, receive: 2 } }));
    expect(call).toMatchObject({ durationMs: 2, timings: { sendMs: null, waitMs: null, receiveMs: 2 } });
  });

  it('are no date: the year has four digits', () => {
    expect(readHarEntry(entry({ startedDateTime: '9999-12-31T23:59:59Z' }))).not.toBeNull();
    const late = { startedDateTime: '9999-12-31T23:59:59Z', timings: { blocked: 1e10, wait: 1 } };
    expect(readHarEntry(entry(late))).toBeNull();
  });
});
