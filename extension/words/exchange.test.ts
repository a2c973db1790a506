import { describe, expect, test } from 'vitest';
import { exampleRow } from '../engine/testing/exampleRow.ts';
import { addressText, completeUrl } from './address.ts';
import {
  methodText,
  pausedPeerText,
  processText,
  rowDurationText,
  rowProcessText,
  sessionText,
  spokenText,
  statusText,
  tooltipText,
} from './exchange.ts';

describe('a connection without plaintext', () => {
  const sealed = exampleRow({
    method: null,
    status: null,
    statusText: null,
    scheme: null,
    host: 'api.example:8443',
    path: null,
    protocol: 'TLSv1.3',
    requestSize: 500,
    responseSize: 2_048,
    duration: 12.34,
    completeness: ['encrypted'],
    encrypted: 'rustls is not supported',
  });

  test('says with whom it is and why nothing of it is shown', () => {
    expect([methodText(sealed), statusText(sealed), addressText(sealed), completeUrl(sealed)]).toEqual([
      'TLS',
      'encrypted',
      'api.example:8443',
      null,
    ]);
    expect(tooltipText(sealed)).toBe(
      [
        'TLS api.example:8443',
        'encrypted · TLSv1.3 · 12.3 ms',
        'Made by node (4242)',
        'rustls is not supported',
        'From the client: 500 B',
        'From the server: 2.0 KiB',
        'The connection is encrypted and was not decrypted.',
      ].join('\n'),
    );
    expect(spokenText(sealed)).toBe(
      'TLS connection to api.example:8443, rustls is not supported, 12.3 ms, of node (4242)',
    );
  });

  test('whose handshake failed is an error', () => {
    const failed = exampleRow({
      ...sealed,
      completeness: ['handshake-failed'],
      encrypted: 'TLS handshake failed: unknown_ca (alert 48) sent by the client',
    });
    expect(statusText(failed)).toBe('failed');
    expect(spokenText(failed)).toContain('unknown_ca (alert 48) sent by the client, error');
  });
});

test('a proxy on the way is named', () => {
  const proxied = exampleRow({ proxy: 'SOCKS5 127.0.0.1:1080' });
  expect(tooltipText(proxied)).toContain('\nvia SOCKS5 127.0.0.1:1080');
  expect(spokenText(proxied)).toContain(', via SOCKS5 127.0.0.1:1080, made by');
  expect(tooltipText(exampleRow())).not.toContain('via');
});

test('an answer that is not HTTP has no status, but a word for it', () => {
  const ending = {
    how: 'not-http',
    by: 'server',
    error: null,
    detail: null,
    signal: null,
    exitCode: null,
  } as const;
  const row = exampleRow({ status: null, statusText: null, violations: 1, ending });
  expect(statusText(row)).toBe('not HTTP');
  expect(spokenText(row)).toContain('not HTTP, error');
  expect(tooltipText(row)).toContain('What the server answered is not HTTP');
});

describe('a failed lookup', () => {
  const failed = exampleRow({
    method: null,
    status: null,
    scheme: null,
    host: 'api.nowhere.example',
    path: null,
    protocol: 'DNS',
    completeness: ['lookup-failed'],
    failure: { phase: 'lookup', reason: 'name lookup failed: the name does not exist (NXDOMAIN)' },
  });

  test('says which name and why, and is an error', () => {
    expect(methodText(failed)).toBe('DNS');
    expect(statusText(failed)).toBe('failed');
    expect(tooltipText(failed)).toContain(
      'DNS api.nowhere.example\nfailed · DNS · 12.5 ms\nMade by node (4242)\nname lookup failed: the name does not exist (NXDOMAIN)',
    );
    expect(spokenText(failed)).toBe(
      'Lookup of api.nowhere.example, name lookup failed: the name does not exist (NXDOMAIN), error, 12.5 ms, by node (4242)',
    );
  });

  test('that the trace did not see the end of is no error', () => {
    expect(statusText({ ...failed, completeness: ['unanswered'] })).toBe('not finished');
  });
});

describe('a gRPC call', () => {
  test('has the status that counts', () => {
    const call = { status: 200, statusText: '', messageFormat: 'grpc' } as const;
    expect(statusText(exampleRow({ ...call, grpcStatus: 5 }))).toBe('200 NOT_FOUND');
    expect(statusText(exampleRow({ ...call, grpcStatus: 0 }))).toBe('200 OK');
    expect(statusText(exampleRow({ ...call, grpcStatus: 99 }))).toBe('200 gRPC status 99');
    expect(statusText(exampleRow({ ...call, grpcStatus: null }))).toBe('200');
    expect(spokenText(exampleRow({ ...call, grpcStatus: 5 }))).toContain('error');
  });
});

describe('words', () => {
  test('status', () => {
    expect(statusText(exampleRow({ status: 404, statusText: 'Not Found' }))).toBe('404 Not Found');
    expect(statusText(exampleRow({ status: 200, statusText: '' }))).toBe('200');
    expect(statusText(exampleRow({ status: null, state: 'running' }))).toBe('…');
    expect(statusText(exampleRow({ status: null, completeness: ['aborted'] }))).toBe('aborted');
    expect(statusText(exampleRow({ status: null, completeness: ['unanswered'] }))).toBe('no response seen');
  });

  test('process', () => {
    expect(processText({ pid: 7, name: 'node' })).toBe('node (7)');
    expect(processText({ pid: 7, name: null })).toBe('process 7');
    expect(processText({ pid: null, name: null })).toBe('unknown process');
  });

  test('tooltip: unknown stays unknown, hostile text stays on its line', () => {
    const text = tooltipText(
      exampleRow({
        method: null,
        host: null,
        path: '/a\nForged: line',
        completeness: ['joined-late', 'response-gap'],
      }),
    );
    expect(text.split('\n')).toEqual([
      '— /a\\x0aForged: line',
      '200 OK · HTTP/1.1 · 12.5 ms',
      'Made by node (4242)',
      'Response body: 27 B',
      'Some bytes of the response could not be captured.',
      'The connection was open before the trace started; what it carried before is unknown, and bytes that may belong to it are not shown.',
    ]);
  });

  test('for screen readers', () => {
    expect(spokenText(exampleRow({ status: 500, statusText: '' }))).toBe(
      'GET /products, 500, error, 12.5 ms, made by node (4242)',
    );
    expect(spokenText(exampleRow({ messageFormat: 'websocket', messages: 1_234 }))).toBe(
      'GET /products, 200 OK, 12.5 ms, 1,234 messages, made by node (4242)',
    );
  });
});

describe('what the debugger knows', () => {
  const debug = {
    session: 'Shop',
    script: 'shop.js',
    pausedMs: 2_000,
    waitPausedMs: 2_000,
    pausedPeer: { session: 'Stock', ms: 1_500 },
    source: null,
  };
  const row = exampleRow({ duration: 2_012.5, debug });

  test('is the script and the session of a process', () => {
    expect(rowProcessText(row)).toBe('shop.js (4242)');
    expect(sessionText(row)).toBe('Shop');
    // It is called so anyway.
    expect(sessionText(exampleRow({ debug: { ...debug, session: 'shop.js' } }))).toBe('');
    expect(sessionText(exampleRow())).toBe('');
  });

  test('is the time without pauses, and who was paused', () => {
    expect(rowDurationText(row)).toBe('12.5 ms + 2.00 s paused');
    expect(rowDurationText(exampleRow())).toBe('12.5 ms');
    expect(pausedPeerText(debug)).toBe('“Stock”, which answers, was paused for about 1.50 s meanwhile.');
    expect(pausedPeerText(null)).toBe('');
    expect(tooltipText(row)).toContain('Made by shop.js (4242) · Shop\n“Stock”, which answers');
  });
});
