/** What a row of the list says of its call, at every width. */
import { afterEach, describe, expect, it } from 'vitest';
import type { CallEnding, EndingKind } from '../../extension/engine/exchange.ts';
import type { ExchangeRow } from '../../extension/engine/row.ts';
import { call, calls, encrypted, failedLookup, message } from './harness/calls.ts';
import { answer, closePanel, open, panel, shown, text } from './harness/currentPanel.ts';

afterEach(closePanel);

describe('rows', () => {
  it('shows each call with what is known of it', async () => {
    await open([
      call({
        id: 1,
        method: 'POST',
        status: 502,
        path: '/v1/payments?retry=1',
        duration: 1730,
        responseSize: 9100,
      }),
      call({ id: 2, method: null, status: null, host: null, path: null, completeness: ['joined-late'] }),
    ]);
    expect(await text('#call-1')).toBe(
      [
        ...['1', 'POST', '502', 'api.shop.local', '/v1/payments?retry=1', 'http/1.1'],
        ...['json', '8.9 KiB', '1.73 s', '↗ node'],
      ].join('\n'),
    );
    expect(await text('#call-2')).toContain('request not seen');
    expect(await text('#call-2 .badge')).toBe('joined late');
    expect(await panel.page.getAttribute('#call-2 .badge', 'title')).toContain(
      'open before the trace started',
    );
    const counters = await panel.page.$$eval('.counters span:not([hidden])', (spans) =>
      spans.map((s) => s.textContent),
    );
    expect(counters).toEqual(['2 calls', '1 error', '9.1 KiB']);
  });

  it('distinguishes the two rows of a program that calls itself when Process is hidden', async () => {
    const both = { path: '/self', processName: 'node', pid: 7 };
    await open([call({ id: 1, side: 'client', ...both }), call({ id: 2, side: 'server', ...both })], {
      width: 500,
    });
    const signs = await panel.page.$$eval('.row .call', (all) =>
      all.map((one) => getComputedStyle(one, '::before').content),
    );
    expect(signs).toEqual(['"↗"', '"↘"']);
  });

  it('shows the path where the host is long and there is little room', async () => {
    const row = call({
      id: 1,
      host: `${'a-very-long-host.'.repeat(6)}test`,
      path: '/orders/17',
      completeness: ['response-truncated', 'joined-late'],
    });
    await open([row], { width: 420 });
    const path = await panel.page.$eval('.row .path', (one) => one.scrollWidth <= one.clientWidth);
    expect(path).toBe(true);
  });

  it('names the proxy on the way, shorter where there is little room, but not without its protocol', async () => {
    const proxied = call({ id: 1, path: '/orders/17', proxy: 'SOCKS5 127.0.0.1:1080' });
    const plain = call({ id: 2, path: '/orders/18' });
    await open([proxied, plain], { width: 1_400 });
    expect(await text('#call-1 .proxy')).toBe('via SOCKS5 127.0.0.1:1080');
    expect(await panel.page.$eval('#call-1 .proxy', (one) => one.scrollWidth <= one.clientWidth)).toBe(true);
    expect(await panel.page.isVisible('#call-2 .proxy')).toBe(false);
    await panel.page.setViewportSize({ width: 420, height: 400 });
    await panel.settled();
    expect(await panel.page.$eval('#call-1 .path', (one) => one.scrollWidth <= one.clientWidth)).toBe(true);
    expect(
      await panel.page.$eval('#call-1 .proxy', (one) => one.getBoundingClientRect().width),
    ).toBeGreaterThan(40);
    await panel.page.fill('.filter input', 'proxy:socks5');
    await expect.poll(shown).toEqual([1]);
  });

  it('says in full what failed, at every width; and of a call as much of the address as has room', async () => {
    const ended = (how: EndingKind, change: Partial<CallEnding> = {}): CallEnding => ({
      ...{ how, by: null, error: null, detail: null, signal: null, exitCode: null },
      ...change,
    });
    const failed = (id: number, ending: CallEnding, change: Partial<ExchangeRow>): ExchangeRow =>
      call({ id, status: null, ending, ...change });
    const none = { method: null, path: null, scheme: null, connectAttempts: 1 } as const;
    const connect = { ...none, completeness: ['connect-failed'] } satisfies Partial<ExchangeRow>;
    const host = 'api.payments.example:443';
    await open([
      failed(1, ended('refused'), { ...connect, host: '127.0.0.1:4180' }),
      failed(2, ended('unreachable'), { ...connect, host: '[2001:db8::7]:81' }),
      failed(3, ended('timed-out'), { ...connect, host }),
      failed(4, ended('refused', { detail: 'by-proxy' }), {
        ...connect,
        host,
        proxy: 'SOCKS5 127.0.0.1:1080',
      }),
      failed(5, ended('reset', { by: 'server' }), { path: '/reset/connection', completeness: ['aborted'] }),
      failed(6, ended('cancelled'), { path: '/slow?report=7', completeness: ['unanswered'] }),
      failed(7, ended('not-http'), { path: '/not-http', completeness: ['unanswered'] }),
      failedLookup({ id: 8 }),
      encrypted({
        id: 9,
        host: 'localhost:34279',
        encrypted:
          'TLS handshake not finished: the client closed the connection; the certificate of the server: self-signed certificate (verification error 18)',
        completeness: ['handshake-failed'],
      }),
    ]);
    const cut = (selector: string): Promise<string[]> =>
      panel.page.$$eval(selector, (all) =>
        all
          .filter((one) => {
            const range = document.createRange();
            range.selectNodeContents(one);
            const cell = one.closest('.cell')?.getBoundingClientRect();
            if (cell === undefined || one.getBoundingClientRect().right > cell.right + 0.5) return true;
            // An ellipsis comes with the first hundredth of a pixel.
            return range.getBoundingClientRect().width > one.getBoundingClientRect().width;
          })
          .map((one) => one.textContent ?? ''),
      );
    for (const width of [1_400, 1_044, 700, 420, 380, 289]) {
      await panel.page.setViewportSize({ width, height: 400 });
      await panel.settled();
      expect(await cut('.row .badge'), `badges at ${width}`).toEqual([]);
      if (width < 700) continue;
      expect(await cut('.row .path:not(.reason)'), `paths at ${width}`).toEqual([]);
      const hosts = await cut('.row .host:has(+ .reason)');
      if (width >= 1_400) expect(hosts, `hosts at ${width}`).toEqual([]);
      expect(hosts).not.toContain('localhost:34279 ');
    }
  });

  it('a gRPC failure is not a red 200, and its status is read in full', async () => {
    await open([
      call({ id: 1, status: 200, messageFormat: 'grpc', grpcStatus: 5, path: `/${'x'.repeat(300)}` }),
    ]);
    expect(await panel.page.getAttribute('#call-1', 'data-status')).toBe('grpc');
    expect(await panel.page.$eval('#call-1 .operation', (one) => one.scrollWidth <= one.clientWidth)).toBe(
      true,
    );
    expect(await text('.count-errors')).toBe('1 error');
  });

  it('leaves out columns where there is no room', async () => {
    await open(calls(5), { width: 400, height: 600 });
    const columns = await panel.page.$$eval('.header .cell', (cells) =>
      cells.map((cell) => cell.textContent),
    );
    expect(columns).toEqual(['Method', 'Status', 'Call', 'Time']);
    expect(await panel.page.evaluate(() => document.documentElement.scrollWidth)).toBe(400);
    await panel.page.setViewportSize({ width: 1500, height: 470 });
    await panel.settled();
    expect(await panel.page.locator('.header .cell').count()).toBe(10);
    expect(await panel.page.locator('#call-1 .cell').count()).toBe(10);
  });

  it('shows hostile text as text', async () => {
    const evil = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>';
    const row = call({
      path: `/${evil}`,
      host: 'a\u202eb.example',
      method: '<b>',
      processName: evil,
      statusText: evil,
    });
    await open([row, call({ id: 2, path: `/${'A'.repeat(100_000)}` })]);
    expect(await text('#call-1 .path')).toBe(`/${evil}`);
    expect(await text('#call-1 .host')).toBe('a\\u202eb.example');
    await panel.page.click('#call-1');
    const headers = [[evil, `${evil}\u001b[31m\u2066`]] as const;
    await answer([row], {
      url: evil,
      statusText: evil,
      process: { pid: 1, name: evil },
      request: message({
        headers,
        trailers: headers,
        body: { text: evil },
        bodySize: 9,
        bodyCaptured: 9,
        bodyNote: evil,
      }),
      response: message({
        headers: [['content-type', 'application/json'], ...headers],
        body: { text: `{"${evil}":"\u0000${evil}"}` },
      }),
      interim: [{ status: 103, statusText: evil, headers }],
      violations: [{ rule: evil, message: evil, in: 'request' }],
      connection: {
        id: evil,
        transport: 'tcp',
        local: evil,
        remote: evil,
        joinedLate: true,
        attempts: [],
        through: [],
      },
    });
    for (const tab of ['summary', 'headers', 'request', 'response', 'timing', 'connection']) {
      await panel.page.click(`#tab-${tab}`);
      expect(await panel.page.locator('.details img, .details script, .details b').count()).toBe(0);
    }
    await panel.page.click('#tab-headers');
    expect(await text('#tabpanel')).toContain(`${evil}\\x1b[31m\\u2066`);
    expect(await panel.page.locator('.grid img, .grid script, .grid b').count()).toBe(0);
    expect(await panel.page.evaluate(() => 'hacked' in window)).toBe(false);
  });
});
