import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ExchangeRow } from '../engine/row.ts';
import { examplePhases } from '../engine/testing/phases.ts';
import { type Filter, PROPERTIES, parseFilter, searchText } from './filter.ts';

const row = (change: Partial<ExchangeRow> = {}): ExchangeRow => ({
  id: 1,
  revision: 1,
  method: 'POST',
  status: 502,
  statusText: 'Bad Gateway',
  scheme: 'http',
  host: 'api.shop.local:8080',
  path: '/v1/Payments?retry=1',
  protocol: 'HTTP/1.1',
  type: 'json',
  requestSize: 11,
  responseSize: 188,
  start: 0,
  duration: 12,
  phases: examplePhases(),
  pid: 4242,
  processName: 'node',
  side: 'client',
  state: 'ended',
  completeness: ['complete'],
  ending: { how: 'answered', by: null, error: null, detail: null, signal: null, exitCode: null },
  connectAttempts: 0,
  violations: 0,
  connection: 'c1',
  messageFormat: null,
  messages: 0,
  grpcStatus: null,
  encrypted: null,
  failure: null,
  operation: null,
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
  it('knows the names that people use', () => {
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
    for (const line of ['post', '502', 'SHOP.local', '/v1/pay', 'RETRY=1', 'post shop 502', '  api  ']) {
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
    expect(filter.errors[0]).toMatchObject({ start: 5, end: 15 });
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
  expect(test(`path:${'*a'.repeat(5_000)}*b`, { path })).toBe(false);
  parseFilter('"'.repeat(100_000));
  parseFilter('a:'.repeat(100_000));
});
