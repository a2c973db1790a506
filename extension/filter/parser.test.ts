import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ExchangeJson } from '../engine/exchangeJson.ts';
import type { ExchangeRow } from '../engine/row.ts';
import { exampleRow } from '../engine/testing/exampleRow.ts';
import { type Filter, parseFilter } from './parser.ts';
import { PROPERTIES } from './properties.ts';
import { searchText } from './subject.ts';

const row = (change: Partial<ExchangeRow> = {}): ExchangeRow =>
  exampleRow({
    method: 'POST',
    status: 502,
    statusText: 'Bad Gateway',
    host: 'api.shop.local:8080',
    path: '/v1/Payments?retry=1',
    requestSize: 11,
    responseSize: 188,
    duration: 12,
    ...change,
  });

const matches = (filter: Filter, change: Partial<ExchangeRow> = {}): boolean => {
  const subject = row(change);
  return filter.matches === null || filter.matches({ row: subject, text: searchText(subject) });
};
const test = (line: string, change: Partial<ExchangeRow> = {}): boolean => {
  const filter = parseFilter(line);
  expect(filter.errors).toEqual([]);
  return matches(filter, change);
};

describe('grpc:', () => {
  it('is a status, by number or by name', () => {
    const call = { messageFormat: 'grpc', grpcStatus: 5, status: 200 } as const;
    for (const line of [
      'grpc:5',
      'grpc:not_found',
      'grpc:NOT_FOUND',
      'grpc:not*',
      'is:error',
      'is:grpc',
      'not_found',
    ]) {
      expect(test(line, call), line).toBe(true);
    }
    for (const line of ['grpc:0', 'grpc:ok', 'grpc:none', 'grpc:15'])
      expect(test(line, call), line).toBe(false);
    expect(test('grpc:ok', { ...call, grpcStatus: 0 })).toBe(true);
    expect(test('is:error', { ...call, grpcStatus: 0 })).toBe(false);
    expect(test('grpc:none', { ...call, grpcStatus: null })).toBe(true);
    for (const line of ['grpc:none', 'grpc:*', 'grpc:0']) expect(test(line), line).toBe(false);
    expect(parseFilter('grpc:5-6').errors).toHaveLength(1);
  });
});

describe('protocol:', () => {
  it('knows common aliases', () => {
    for (const line of ['protocol:h2', 'protocol:H2', 'protocol:http2', 'protocol:HTTP/2', 'protocol:*2']) {
      expect(test(line, { protocol: 'HTTP/2' }), line).toBe(true);
      expect(test(line, { protocol: 'HTTP/1.1' }), line).toBe(false);
    }
    expect(test('protocol:h1', { protocol: 'HTTP/1.0' })).toBe(true);
    expect(test('protocol:http/1.1', { protocol: 'HTTP/1.0' })).toBe(false);
    expect(test('-protocol:h2', { protocol: 'HTTP/2' })).toBe(false);
    expect(test('protocol:tls', { protocol: 'TLSv1.3' })).toBe(true);
  });
});

describe('connections without plaintext', () => {
  const sealed: Partial<ExchangeRow> = {
    method: null,
    status: null,
    path: null,
    completeness: ['encrypted'],
    encrypted: 'rustls is not supported',
  };
  const failed: Partial<ExchangeRow> = {
    ...sealed,
    completeness: ['handshake-failed'],
    encrypted: 'TLS handshake failed: unknown_ca (alert 48) sent by the client',
  };

  it('are found by what they are and by why they are shown', () => {
    expect(test('is:encrypted', sealed)).toBe(true);
    expect(test('is:encrypted')).toBe(false);
    expect(test('-is:encrypted', sealed)).toBe(false);
    expect(test('rustls', sealed)).toBe(true);
    expect(test('unknown_ca', failed)).toBe(true);
    expect(test('null', sealed)).toBe(false);
    expect(test('is:running', { ...sealed, state: 'running' })).toBe(false);
  });

  it('are errors when their handshake failed, and only then', () => {
    expect([test('is:error', sealed), test('is:error', failed)]).toEqual([false, true]);
    expect(test('is:encrypted', failed)).toBe(false);
  });
});

it('calls through a proxy are found by its protocol and its address', () => {
  const proxied: Partial<ExchangeRow> = { proxy: 'SOCKS5 127.0.0.1:1080, CONNECT b.test:3128' };
  for (const line of ['proxy:socks5', 'proxy:*', 'proxy:127.0.0.1:1080', 'proxy:*b.test*', '-proxy:none']) {
    expect(test(line, proxied), line).toBe(true);
    expect(test(line), line).toBe(false);
  }
  expect(test('proxy:none')).toBe(true);
  expect(test('proxy:socks4', proxied)).toBe(false);
});

describe('lookups that failed', () => {
  const failed: Partial<ExchangeRow> = {
    method: null,
    status: null,
    path: null,
    host: 'api.nowhere.example',
    completeness: ['lookup-failed'],
    failure: { phase: 'lookup', reason: 'name lookup failed: the name does not exist (NXDOMAIN)' },
  };

  it('are errors, found by their name and by why they failed', () => {
    for (const line of ['is:error', 'nowhere', 'nxdomain', '-is:encrypted']) {
      expect(test(line, failed), line).toBe(true);
    }
    expect(test('null', failed)).toBe(false);
  });
});

describe('words', () => {
  it('match method, status, host and path, whatever the case, and all of them must', () => {
    for (const line of [
      'bad gateway',
      'post',
      '502',
      'SHOP.local',
      '/v1/pay',
      'RETRY=1',
      'post shop 502',
      '  api  ',
    ]) {
      expect(test(line), line).toBe(true);
    }
    expect(test('post shop 200')).toBe(false);
    expect(test('delete')).toBe(false);
  });

  it('may hold a colon where a property cannot be meant', () => {
    expect(test('local:8080')).toBe(true);
    expect(test('http://shop')).toBe(false);
    expect(test('"a:b"', { path: '/x/A:B' })).toBe(true);
  });

  it('are left out with a minus, and may be quoted', () => {
    expect(test('-delete')).toBe(true);
    expect(test('-payments')).toBe(false);
    expect(test('"post 502"')).toBe(true);
    expect(test('-"post 502"')).toBe(false);
  });

  it('of an empty line match everything', () => {
    for (const line of ['', '   ', '-', '""']) expect(parseFilter(line).matches, line).toBeNull();
  });
});

describe('properties', () => {
  it('method is exact, or a pattern', () => {
    expect(test('method:post')).toBe(true);
    expect(test('method:pos')).toBe(false);
    expect(test('method:P*')).toBe(true);
    expect(test('method:get', { method: null })).toBe(false);
  });

  it('status is exact, a family, a comparison, a range or none', () => {
    for (const line of ['502', '5xx', '5XX', '>=500', '>501', '<=502', '<503', '=502', '500-599']) {
      expect(test(`status:${line}`), line).toBe(true);
      expect(test(`status:${line}`, { status: null }), line).toBe(false);
    }
    for (const line of ['404', '4xx', '>502', '<502', '200-299']) {
      expect(test(`status:${line}`), line).toBe(false);
    }
    expect(test('status:none', { status: null })).toBe(true);
    expect(test('-status:5xx')).toBe(false);
  });

  it('host and path are looked for anywhere, or matched whole with a star', () => {
    expect(test('host:shop')).toBe(true);
    expect(test('host:api.*')).toBe(true);
    expect(test('host:shop.*')).toBe(false);
    expect(test('host:*:8080')).toBe(true);
    expect(test('path:/v1/*')).toBe(true);
    expect(test('path:/v1/*=1')).toBe(true);
    expect(test('path:/v1')).toBe(true);
    expect(test('path:*x*')).toBe(false);
    expect(test('path:aba*aba', { path: 'aba' })).toBe(false);
    expect(test('path:"with space"', { path: 'a with space b' })).toBe(true);
  });

  it('type, process, side and is', () => {
    expect(test('type:json process:node side:client is:error')).toBe(true);
    expect(test('process:4242')).toBe(true);
    expect(test('process:42')).toBe(false);
    expect(test('side:server')).toBe(false);
    expect(test('is:running')).toBe(false);
    expect(test('is:running', { state: 'running' })).toBe(true);
    expect(test('-is:complete', { completeness: ['aborted'] })).toBe(true);
    expect(test('is:websocket')).toBe(false);
    expect(test('is:websocket', { messageFormat: 'websocket' })).toBe(true);
    expect(test('is:sse', { messageFormat: 'websocket' })).toBe(false);
    expect(test('is:sse', { messageFormat: 'server-sent-events' })).toBe(true);
    expect(test('is:grpc', { messageFormat: 'grpc' })).toBe(true);
  });
});

describe('errors', () => {
  it('are reported with their place, and the rest of the line still filters', () => {
    const filter = parseFilter('post status:5yy -x');
    expect(filter.errors).toHaveLength(1);
    expect(filter.errors[0]).toMatchObject({ start: 12, end: 15 });
    expect(filter.errors[0]?.message).toContain('404, 5xx');
    expect(matches(filter)).toBe(true);
    expect(matches(filter, { method: 'GET' })).toBe(false);
  });

  it('name unknown properties, missing values, wrong values and open quotes', () => {
    for (const line of [
      'metod:GET',
      'status:',
      'side:left',
      'is:red',
      'is:constructor',
      '"open',
      'host:"open',
      'status:1000',
    ]) {
      expect(parseFilter(line).errors, line).toHaveLength(1);
      expect(parseFilter(line).matches, line).toBeNull();
    }
    for (const property of PROPERTIES) expect(property.help).not.toBe('');
  });
});

it('never throws, takes linear time, and covers every character that is not blank with one part', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (line) => {
      const { parts, errors } = parseFilter(line);
      let at = 0;
      for (const part of parts) {
        expect(part.start).toBeGreaterThanOrEqual(at);
        expect(line.slice(at, part.start).trim()).toBe('');
        at = part.end;
      }
      expect(line.slice(at).trim()).toBe('');
      for (const error of errors) expect(error.end).toBeGreaterThan(error.start);
    }),
  );
  const path = '/a'.repeat(50_000);
  expect(test(`path:${'*a'.repeat(2_000)}*b`, { path })).toBe(false);
  parseFilter('"'.repeat(100_000));
  parseFilter('a:'.repeat(100_000));
});

describe('or, parentheses, negation and lists', () => {
  it('combine as expected: or binds less than adjacent terms', () => {
    expect(test('status:404 or status:5xx')).toBe(true);
    expect(test('status:404 OR method:get')).toBe(false);
    expect(test('method:get status:404 or method:post status:502')).toBe(true);
    expect(test('method:post (status:404 or status:200)')).toBe(false);
    expect(test('method:post and (status:404 || status:502)')).toBe(true);
    expect(test('-(method:get or status:200)')).toBe(true);
    expect(test('!(method:post status:5xx)')).toBe(false);
    expect(test('!status:404 !get')).toBe(true);
    expect(test('--post')).toBe(true);
    expect(test('((post))')).toBe(true);
    expect(test('(path:/v1/*)')).toBe(true);
    expect(test('f(x)', { path: '/f(x)' })).toBe(true);
    expect(test('(f(x))', { path: '/f(x)' })).toBe(true);
    expect(test('"or"', { path: '/this-or-that' })).toBe(true);
  });

  it('a list has commas, of which one has to hold; in quotes a comma is a comma', () => {
    expect(test('method:GET,POST')).toBe(true);
    expect(test('method:GET,PUT')).toBe(false);
    expect(test('-method:GET,PUT')).toBe(true);
    expect(test('status:404,5xx')).toBe(true);
    expect(test('host:cdn,api.*')).toBe(true);
    expect(test('path:"/a,b"', { path: '/a,b' })).toBe(true);
    expect(test('path:"/a,b"', { path: '/a' })).toBe(false);
    const [error] = parseFilter('status:404,5yy').errors;
    expect(error).toMatchObject({ start: 11, end: 14 });
  });

  it('say what is missing, and filter by the rest', () => {
    for (const line of ['get or', 'or get', '(get', 'get)', 'get or or get', '(', ')', 'get (or get)']) {
      expect(parseFilter(line).errors, line).not.toEqual([]);
    }
    expect(matches(parseFilter('get or'))).toBe(false);
    expect(matches(parseFilter('post or'))).toBe(true);
    expect(matches(parseFilter('(post'))).toBe(true);
    expect(parseFilter('()').errors).toEqual([]);
    expect(parseFilter('('.repeat(5_000)).errors.length).toBeGreaterThan(0);
    expect(parseFilter(`${'-'.repeat(5_000)}a`).errors.length).toBeGreaterThan(0);
  });
});

describe('what people type', () => {
  it('5xx alone is a status', () => {
    expect(test('5xx')).toBe(true);
    expect(test('4xx')).toBe(false);
    expect(test('4xx or 5XX')).toBe(true);
    expect(test('"5xx"')).toBe(false);
  });

  it('/…/ is a regular expression on what words match', () => {
    expect(test('/payments\\?retry=\\d$/')).toBe(false);
    expect(test('/v\\d\\/pay/')).toBe(true);
    expect(test('-/v\\d\\/pay/')).toBe(false);
    expect(test('/^post\\s502/')).toBe(true);
    expect(test('/V1/')).toBe(true);
    expect(test('/v1/payments')).toBe(true);
    const { errors } = parseFilter('get /a(b/');
    expect(errors).toMatchObject([{ start: 6, message: 'A “(” is not closed.' }]);
  });

  it('a URL finds its call, from a browser, a log or this product', () => {
    for (const line of [
      'http://api.shop.local:8080/v1/Payments?retry=1',
      'http://api.shop.local:8080/v1/Payments?retry=1#top',
      'http://user@api.shop.local:8080/v1/',
      'http://api.shop.local:8080',
      'url:http://api.shop.local:8080/v1',
      'POST http://api.shop.local:8080/v1/Payments?retry=1',
    ]) {
      expect(test(line), line).toBe(true);
    }
    expect(test('https://api.shop.local:8080/v1')).toBe(false);
    expect(test('http://h', { host: 'h:80', path: '/' })).toBe(true);
    expect(test('http://h:80/', { host: 'h', path: '/' })).toBe(true);
    expect(test('wss://h/live?x', { scheme: 'https', host: 'h', path: '/live?x' })).toBe(true);
    const masked = { host: 'h', path: '/a?token=••••••&x=1' };
    expect(test('http://h/a?token=s3cret&x=1', masked)).toBe(true);
    expect(test('http://h/a?token=••••••&x=1', masked)).toBe(true);
    expect(test('http://h/b?token=s3cret&x=1', masked)).toBe(false);
  });

  it('durations and sizes compare, with units', () => {
    expect(test('duration:>10ms')).toBe(true);
    expect(test('duration:>10ms', { duration: null })).toBe(false);
    expect(test('duration:<0.01s')).toBe(false);
    expect(test('duration:10ms-20ms')).toBe(true);
    expect(test('duration:10ms')).toBe(true);
    expect(test('size:>1kB')).toBe(false);
    expect(test('size:188')).toBe(true);
    expect(test('size:<=1KiB request-size:>10')).toBe(true);
    expect(test('size:>0', { responseSize: null })).toBe(false);
    expect(parseFilter('duration:>10').errors[0]?.message).toContain('with its unit');
  });

  it('parameters of the query, decoded', () => {
    expect(test('query:retry')).toBe(true);
    expect(test('query:retry=1')).toBe(true);
    expect(test('query:retry=2')).toBe(false);
    expect(test('query:1')).toBe(false);
    expect(test('query:q=two*', { path: '/?x=1&q=Two+w%6Frds#f' })).toBe(true);
    expect(test('query:q="two words"', { path: '/?x=1&q=Two+w%6Frds#f' })).toBe(true);
    expect(test('query:q', { path: '/?q=%E0%A4%A' })).toBe(true);
  });

  it('suggests the name that was probably meant', () => {
    for (const [typed, meant] of [
      ['metod:GET', '“method:”'],
      ['domain:x', '“host:”'],
      ['status-code:404', '“status:”'],
      ['larger-than:1k', '“size:”'],
      ['is:eror', '“is:error”'],
      ['side:sever', '“side:server”'],
    ] as const) {
      expect(parseFilter(typed).errors[0]?.message, typed).toContain(`Did you mean ${meant}?`);
    }
  });
});

describe('details', () => {
  const exchange = {
    request: {
      headers: [
        ['X-Id', '7'],
        ['Cookie', 'a=1; session=••••••'],
      ],
      trailers: [],
      body: { text: '{"Item":"Tea"}' },
    },
    response: {
      headers: [
        ['Content-Type', 'application/json; charset=utf-8'],
        ['Set-Cookie', 'seen=yes; Path=/; Max-Age=10'],
      ],
      trailers: [['grpc-status', '0']],
      body: { base64: Buffer.from('\x00\x01PNG needle').toString('base64') },
    },
    messages: [{ text: 'Hello event', protobuf: null }],
  } as unknown as ExchangeJson;
  const holds = (line: string): boolean => {
    const filter = parseFilter(line);
    expect(filter.errors).toEqual([]);
    const found = filter.details.reduce((bits, one, i) => (one(exchange) ? bits | (1 << i) : bits), 0);
    const subject = { row: row(), text: searchText(row()), found };
    if (filter.matches?.(subject) === true) expect(filter.possible(subject)).toBe(true);
    return filter.matches?.(subject) === true;
  };

  it('are tested for header fields, cookies, bodies, messages and media types', () => {
    for (const line of [
      'header:x-id',
      'header:X-ID=7',
      'header:x-*=7',
      'header:grpc-status=0',
      'header:content-type="json; charset"',
      'cookie:session',
      'cookie:a=1',
      'cookie:seen=yes',
      'body:tea',
      'body:needle',
      'body:/t[ea]+"/',
      'mime-type:application/json',
      'mime-type:json',
      'mime-type:image/*,application/*',
      '-body:coffee',
      'body:coffee or header:x-id',
      'post body:tea',
    ]) {
      expect(holds(line), line).toBe(true);
    }
    for (const line of [
      'header:id',
      'header:x-id=8',
      'cookie:path',
      'cookie:max-age',
      'body:coffee',
      '-body:tea',
      'mime-type:image/*',
      'get body:tea',
    ]) {
      expect(holds(line), line).toBe(false);
    }
  });

  it('are read only where they can matter', () => {
    const possible = (line: string) => parseFilter(line).possible({ row: row(), text: searchText(row()) });
    expect(possible('get body:tea')).toBe(false);
    expect(possible('post body:tea')).toBe(true);
    expect(possible('post -body:tea')).toBe(true);
    expect(possible('get or body:tea')).toBe(true);
    expect(possible('-(post or body:tea)')).toBe(false);
    expect(possible('')).toBe(true);
  });
});

describe('what the debugger knows', () => {
  const debug = {
    session: 'Shop (dev)',
    script: 'shop.js',
    pausedMs: 11.5,
    waitPausedMs: 11,
    pausedPeer: null,
    source: null,
  };

  it('is filtered by session and script', () => {
    expect(test('session:shop', { debug })).toBe(true);
    expect(test('session:stock', { debug })).toBe(false);
    expect(test('session:shop')).toBe(false);
    expect(test('process:shop.js', { debug })).toBe(true);
    expect(test('process:node', { debug })).toBe(true);
  });

  it('is filtered by source line: a part, a pattern, or with = the end of a path, with or without its line', () => {
    const source = { path: '/shop/src/pay.ts', line: 12, column: 3, function: 'pay' };
    const at = (query: string) => test(query, { debug: { ...debug, source } });
    for (const query of [
      'source:pay',
      'source:pay.ts:12',
      'source:*/src/*',
      'source:=pay.ts',
      'source:=src/pay.ts:12',
    ])
      expect([query, at(query)]).toEqual([query, true]);
    for (const query of ['source:order', 'source:pay.ts:13', 'source:=ay.ts', 'source:=pay.ts:1'])
      expect([query, at(query)]).toEqual([query, false]);
    expect(test('source:pay', { debug })).toBe(false);
    expect(test('source:pay')).toBe(false);
  });

  it('counts: the duration is the time without pauses', () => {
    expect(test('duration:>10ms', { debug })).toBe(false);
    expect(test('duration:<1ms', { debug })).toBe(true);
    expect(test('is:paused', { debug })).toBe(true);
    expect(test('is:paused', { debug: { ...debug, pausedMs: 0 } })).toBe(false);
    expect(
      test('is:paused', { debug: { ...debug, pausedMs: null, pausedPeer: { session: 'A', ms: 2 } } }),
    ).toBe(true);
  });
});
