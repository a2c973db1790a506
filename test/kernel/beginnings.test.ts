/** Connections that begin with something other than a plain request: what is HTTP is shown, and nothing else. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { ExchangeJson } from '../../extension/engine/exchangeJson.ts';
import type { Trace } from '../kit/tracing.ts';
import { makeCertificate } from './support/certificate.mjs';
import { CallTracing, describeTraced, PEERS, temporaryFolder, tracingIn } from './support/environment.ts';

const folder = temporaryFolder();
const context = tracingIn(folder);
const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];

/** Traces the peers of beginnings.py, clients and servers; what the servers read. The bytes are balanced. */
async function trace(scenario: string): Promise<{ traced: Trace; seen: string[] }> {
  const command = ['python3', join(PEERS, 'beginnings.py'), scenario, key, certificate];
  const traced = await CallTracing.run(context, command).result();
  return { traced, seen: JSON.parse(traced.ended.stdout) as string[] };
}

function rulesOf({ violations }: ExchangeJson): string[] {
  return violations.map(({ rule, message }) => `${rule}: ${message}`);
}

describeTraced('the beginning of a connection', () => {
  it('odd requests are requests, whatever the segments and calls are that they move in', async () => {
    const { traced, seen } = await trace('requests');
    expect(seen).toHaveLength(14);
    const methods = seen.map((line) => line.trim().split(' ')[0]);
    for (const side of ['client', 'server'] as const) {
      const rows = traced.exchanges.filter((exchange) => exchange.side === side);
      expect(rows.map(({ method, status }) => [method, status])).toEqual(methods.map((one) => [one, 400]));
      for (const row of rows) expect(row.completeness).toEqual(['complete']);
      const of = (path: string): string[] =>
        rulesOf(rows.find(({ url }) => url?.includes(path)) as ExchangeJson).map(
          (text) => text.split(':')[0] ?? '',
        );
      expect(of('/lower')).toContain('RFC 9110 section 9.1');
      expect(of('index.html')).toEqual(['RFC 9112 section 3.2']);
      expect(of('/space')).toEqual(['RFC 9112 section 3']);
      expect(of('/no-version')).toEqual(['RFC 9112 section 2.3']);
      for (const fine of ['/dotted', '/segments', '/calls', '/empty-segments', '/long'])
        expect(of(fine)).toEqual([]);
    }
  });

  it('what is behind a proxy’s protocol is dissected, TLS too, and the call names the proxy', async () => {
    makeCertificate(key, certificate);
    const { traced, seen } = await trace('proxies');
    expect(seen).toHaveLength(13);
    for (const side of ['client', 'server'] as const) {
      const rows = traced.exchanges.filter(({ method, side: of }) => method === 'GET' && of === side);
      const shown = rows.map(({ url, status, connection, tls }) => {
        const kind = url?.slice(url.lastIndexOf('/') + 1) ?? '';
        const [layer] = connection.through;
        expect(connection.through).toHaveLength(1);
        expect([kind, status, tls !== null]).toEqual([kind, 200, kind.startsWith('tls')]);
        expect(connection.joinedLate).toBe(false);
        return `${kind} ${layer?.protocol} ${layer?.target?.replace(/:\d{3,}$/, ':…')}`;
      });
      const socks = (kind: string, port: number): string[] => [
        `${kind}--socks4 SOCKS4 10.9.8.7:${port}`,
        `${kind}--socks4a SOCKS4 name.test:${port}`,
        `${kind}--socks5 SOCKS5 10.9.8.7:${port}`,
        `${kind}--socks5-hostname SOCKS5 name.test:${port}`,
        `${kind}--haproxy PROXY protocol 127.0.0.1:…`,
        `${kind}--connect CONNECT name.test:${port}`,
      ];
      const tls = socks('tls', 443).map((text) => text.replace(':443', ':…'));
      expect(shown.sort()).toEqual(
        [...socks('plain', 80), ...tls, 'plain--password SOCKS5 name.test:80'].sort(),
      );
      const failed = traced.exchanges.filter(
        ({ completeness, side: of }) => completeness.includes('handshake-failed') && of === side,
      );
      const reasons = failed.map(({ encrypted }) => `${side}: ${encrypted?.reason}`);
      for (const reason of reasons) expect(reason).toMatch(/unknown_ca .* sent by the client/);
      expect(failed.map(({ connection }) => connection.through.map(({ protocol }) => protocol))).toEqual([
        ['SOCKS5'],
        ['CONNECT'],
      ]);
    }
    expect(traced.text).not.toContain('secret');
  });

  it('a proxy that does not connect is a row, with its reason and where to', async () => {
    const { traced, seen } = await trace('refusals');
    const nameOf = new Map(
      seen.map((text) => text.split(' ')).map(([name, port]) => [`127.0.0.1:${port}`, name]),
    );
    const rows = traced.exchanges
      .filter(({ side }) => side === 'client')
      .map(({ method, status, connection, failure, ending, violations }) => {
        const name = nameOf.get(connection.remote ?? '');
        const [layer] = connection.through;
        if (method === 'CONNECT') return [name, status, ending?.how, violations[0]?.message ?? null];
        expect([ending?.detail, failure?.phase]).toEqual(['by-proxy', 'connect']);
        return [name, layer?.protocol, layer?.target, failure?.reason];
      });
    const failed = (text: string): string => `connecting failed: the proxy did not connect (${text})`;
    const silent = 'the proxy closed the connection without an answer';
    expect(rows).toEqual([
      ['unreachable', 'SOCKS5', 'unreachable.test:443', failed('SOCKS5: host unreachable')],
      ['forbidden', 'SOCKS5', 'forbidden.test:443', failed('SOCKS5: not allowed by the proxy’s rules')],
      [
        'no-method',
        'SOCKS5',
        null,
        failed('SOCKS5: the proxy accepted none of the offered authentication methods'),
      ],
      ['closes', 'SOCKS5', null, failed(`SOCKS5: ${silent}`)],
      ['closes-then', 'SOCKS5', 'closes-then.test:443', failed(`SOCKS5: ${silent}`)],
      // It has read no more.
      ['text', 'SOCKS5', null, failed('SOCKS5: the answer is not SOCKS (SS)')],
      ['hangs', 'SOCKS5', null, failed('SOCKS5: no answer from the proxy before the client gave up')],
      ['rejected', 'SOCKS4', 'rejected.test:443', failed('SOCKS4: rejected or failed')],
      ['closes-4', 'SOCKS4', 'closes-4.test:443', failed(`SOCKS4: ${silent}`)],
      ['connect-closes', null, 'closed', null],
      ['connect-text', null, 'not-http', 'The answer is not HTTP (SSH-2.0-OpenSSH_9.2).'],
      ['connect-502', 502, 'answered', null],
    ]);
  });

  it('what is no HTTP is no row, and little of it is copied', async () => {
    const { traced } = await trace('foreign');
    expect(traced.exchanges).toEqual([]);
    const { bytes } = traced.summary;
    // 16 KiB of each direction and side of ten connections, and the first calls of others.
    expect(bytes?.copied).toBeLessThan(100_000);
    expect(bytes?.other).toBeGreaterThan(2_000_000);
  });

  it('what is not HTTP is a row where it is answered in HTTP, with its beginning', async () => {
    const { traced, seen } = await trace('strangers');
    expect(seen).toHaveLength(8);
    const quotes = [
      '\\xef\\xbb\\xbfGET /mark HTTP/1.1',
      '\\x00GET /nul HTTP/1.1',
      'EHLO mail.example)',
      'SSH-2.0-OpenSSH_9.2)',
      'PING)',
      '*1)',
      '\\x10\\x1e\\x00\\x04MQTT',
      'hello, is that a server of mail?)',
      'noop)',
    ];
    for (const side of ['client', 'server'] as const) {
      const rows = traced.exchanges.filter((exchange) => exchange.side === side);
      for (const [i, row] of rows.entries()) {
        expect(row).toMatchObject({
          method: null,
          status: 400,
          completeness: ['complete'],
          ending: { how: 'answered', detail: 'request-not-http' },
        });
        expect(rulesOf(row)[0]).toContain(`RFC 9112 section 3: The request is not HTTP (${quotes[i]}`);
      }
      expect(rows).toHaveLength(quotes.length);
    }
  });

  it('an answer that is not HTTP is quoted, and no bytes are said to be lost', async () => {
    const { traced } = await trace('answers');
    const quotes = {
      '/redis': "-ERR unknown command 'GET'",
      '/ssh': 'SSH-2.0-OpenSSH_9.2',
      '/mysql': 'J\\x00\\x00\\x00\\x0a8.0.36\\x00',
      '/smtp': '220 mail ESMTP',
      '/h2c': 'frames of HTTP/2',
    };
    for (const side of ['client', 'server'] as const) {
      const rows = traced.exchanges.filter((exchange) => exchange.side === side);
      expect(rows).toHaveLength(6);
      for (const [path, quote] of Object.entries(quotes)) {
        const row = rows.find(({ url }) => url?.endsWith(path)) as ExchangeJson;
        expect(row).toMatchObject({ method: 'GET', status: null });
        const start = `RFC 9112 section 4: The answer is not HTTP (${quote}`;
        expect(rulesOf(row).some((text) => text.startsWith(start))).toBe(true);
        expect(row.completeness).not.toContain('response-gap');
      }
      const preface = rows.find(({ url }) => url?.endsWith('/preface'));
      expect(preface).toMatchObject({ status: 400, http2: { stream: 1 } });
      expect(preface?.violations.map(({ rule }) => rule)).toContain('RFC 9113 section 3.4');
    }
  });
});
