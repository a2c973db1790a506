import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ExchangeRow } from '../engine/row.ts';
import { exampleRow } from '../engine/testing/exampleRow.ts';
import { Table } from './table.ts';

/** What the table writes of one exchange. */
function written(columns: number | null, shown: ExchangeRow): string[] {
  const texts: string[] = [];
  new Table({ columns, secrets: false, write: (text) => texts.push(text) }).exchange({
    row: () => shown,
    json: () => null,
  });
  return texts;
}
const header = (): string => written(null, row)[0] ?? '';
const line = (columns: number | null, shown: ExchangeRow): string => written(columns, shown)[1] ?? '';

const row: ExchangeRow = exampleRow({
  host: 'localhost:8080',
  path: '/orders/17?full=1',
  responseSize: 1300,
  start: 1234.5,
  duration: 12.34,
  localPort: null,
});

describe('the table', () => {
  it('shows everything where there is room', () => {
    expect(header()).toBe('   START METHOD  STATUS     TIME     SENT     SIZE SIDE   PROCESS         URL\n');
    expect(line(null, row)).toBe(
      '   1.234 GET     200     12.3 ms      0 B  1.3 KiB client node:4242       http://localhost:8080/orders/17?full=1\n',
    );
  });

  it('says of a name that was not found why', () => {
    const failed: ExchangeRow = {
      ...row,
      method: null,
      status: null,
      scheme: null,
      host: 'api.nowhere.example',
      path: null,
      protocol: 'DNS',
      requestSize: null,
      responseSize: null,
      completeness: ['lookup-failed'],
      failure: { phase: 'lookup', reason: 'name lookup failed: the name does not exist (NXDOMAIN)' },
    };
    expect(line(null, failed)).toBe(
      '   1.234 -       -       12.3 ms        -        - client node:4242       api.nowhere.example (name lookup failed: the name does not exist (NXDOMAIN)) [lookup-failed]\n',
    );
  });

  it('names the peer of a connection without plaintext, and why there is no plaintext', () => {
    const sealed: ExchangeRow = {
      ...row,
      method: null,
      status: null,
      scheme: null,
      host: 'api.example:8443',
      path: null,
      completeness: ['encrypted'],
      encrypted: 'rustls is not supported',
    };
    expect(line(null, sealed)).toBe(
      '   1.234 -       -       12.3 ms      0 B  1.3 KiB client node:4242       api.example:8443 (rustls is not supported) [encrypted]\n',
    );
  });

  it('names the proxy on the way, and says that an answer is not HTTP', () => {
    expect(line(null, { ...row, proxy: 'SOCKS5 127.0.0.1:1080' })).toContain(
      'http://localhost:8080/orders/17?full=1 (via SOCKS5 127.0.0.1:1080)\n',
    );
    const foreign: ExchangeRow = {
      ...row,
      status: null,
      violations: 1,
      ending: { how: 'not-http', by: 'server', error: null, detail: null, signal: null, exitCode: null },
    };
    expect(line(null, foreign)).toContain('/orders/17?full=1 [not HTTP]\n');
  });

  it('says of a connection that failed who did not connect, and why', () => {
    const failed = (how: 'refused' | 'unreachable', error: string, detail: 'by-proxy' | null = null) =>
      line(null, {
        ...row,
        ...{ method: null, status: null, scheme: null, host: '10.0.0.9:80', path: null, connectAttempts: 1 },
        completeness: ['connect-failed'],
        ending: { how, by: null, error, detail, signal: null, exitCode: null },
      })
        .slice(73)
        .trim();
    expect(failed('refused', 'ECONNREFUSED')).toBe(
      '10.0.0.9:80 (the connection was refused: nothing listens at the address, or a firewall refuses it (ECONNREFUSED)) [connection refused]',
    );
    expect(failed('unreachable', 'ENETUNREACH')).toBe(
      '10.0.0.9:80 (the network cannot be reached: this machine, or a router, has no route to the address (ENETUNREACH)) [unreachable]',
    );
    expect(failed('refused', 'SOCKS5: host unreachable', 'by-proxy')).toBe(
      '10.0.0.9:80 (the proxy did not connect to the address (SOCKS5: host unreachable)) [proxy refused]',
    );
  });

  it('shows what is unknown as unknown', () => {
    const unknown: ExchangeRow = {
      ...row,
      method: null,
      status: null,
      duration: null,
      host: null,
      path: null,
      requestSize: null,
      responseSize: null,
      pid: null,
      processName: null,
      side: null,
    };
    expect(line(null, unknown).trim().split(/\s+/)).toEqual([
      '1.234',
      '-',
      '-',
      '-',
      '-',
      '-',
      '-',
      '-',
      '-',
    ]);
  });

  it('shows what is incomplete', () => {
    const cut: ExchangeRow = { ...row, completeness: ['response-truncated', 'joined-late'], violations: 2 };
    expect(line(null, cut)).toMatch(/full=1 \[response-truncated, joined-late, malformed\]\n$/);
    expect(line(80, cut)).toMatch(/~ \[response-truncated, joined-late, malformed\]\n$/);
  });

  it.each([40, 60, 80, 100, 120, 200])('never is wider than a terminal of %d columns', (width) => {
    fc.assert(
      fc.property(
        fc.record({
          method: fc.string({ unit: 'binary', maxLength: 40 }),
          path: fc.string({ unit: 'binary', maxLength: 300 }),
          processName: fc.string({ unit: 'binary', maxLength: 15 }),
          pid: fc.integer({ min: 1, max: 4194304 }),
          duration: fc.double({ min: 0, max: 1e7, noNaN: true }),
          responseSize: fc.maxSafeNat(),
        }),
        (some) => {
          const text = line(width, { ...row, ...some });
          expect(text.length - 1).toBeLessThanOrEqual(width);
          expect(text).toMatch(/^[\x20-\x7e]+\n$/);
        },
      ),
    );
  });

  it('lets no captured byte reach the terminal as control', () => {
    const hostile: ExchangeRow = { ...row, path: '/\x1b]0;owned\x07\r\n\x9b2J\u202e', processName: 'a\nb' };
    const text = line(null, hostile);
    expect(text).toContain('/\\x1b]0;owned\\x07\\x0d\\x0a\\x9b2J\\u{202e}');
    expect(text).toContain('a\\x0ab:4242');
  });
});
