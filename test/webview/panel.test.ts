/** The panel by mouse and keyboard, as a person would use it. */
import { afterEach, describe, expect, it } from 'vitest';
import type { CallEnding, EndingKind } from '../../extension/engine/exchange.ts';
import type { ExchangeRow } from '../../extension/engine/row.ts';
import { examplePhases } from '../../extension/engine/testing/phases.ts';
import { IDLE_STATUS } from '../../extension/engine/traceStatus.ts';
import { MASK } from '../../extension/privacy/secrets.ts';
import {
  call,
  calls,
  encrypted,
  exchangeOf,
  failedLookup,
  JSON_BODY,
  LOOKUP,
  message,
  statusOf,
  tlsCalls,
} from './harness/calls.ts';
import { openPanel, type PanelOptions, type PanelPage } from './harness/panelPage.ts';

let panel: PanelPage;

afterEach(async () => {
  expect(panel.problems).toEqual([]);
  await panel.close();
});

async function open(rows: readonly ExchangeRow[], options: PanelOptions = {}) {
  panel = await openPanel(options);
  await panel.fill(rows, statusOf(rows));
}

/** Numbers of the rows that lie within the visible part of the list, top down. */
async function shown(): Promise<number[]> {
  return panel.page.evaluate(() => {
    const box = document.querySelector('.scroller')?.getBoundingClientRect();
    return [...document.querySelectorAll<HTMLElement>('.row')]
      .map((row) => ({ id: Number(row.id.replace('call-', '')), box: row.getBoundingClientRect() }))
      .filter((row) => box !== undefined && row.box.top >= box.top - 1 && row.box.bottom <= box.bottom + 1)
      .sort((a, b) => a.box.top - b.box.top)
      .map(({ id }) => id);
  });
}

// biome-ignore lint/performance/useDomNodeTextContent: it is what a person sees that counts.
const text = (selector: string): Promise<string> => panel.page.locator(selector).innerText();
const selected = (): Promise<number[]> =>
  panel.page.$$eval('.row[aria-selected="true"]', (rows) =>
    rows.map((row) => Number(row.id.replace('call-', ''))),
  );

/** Does something while the pointer moves about in a row, however slow the machine is. */
async function aiming({ x, y, height }: { x: number; y: number; height: number }, work: () => Promise<void>) {
  let done = false;
  const move = async (): Promise<void> => {
    for (let step = 0; !done; step++) await panel.page.mouse.move(x + 80 + (step % 20), y + height / 2);
  };
  const moving = panel.page.mouse.move(x + 79, y + height / 2).then(move);
  try {
    await panel.page.waitForTimeout(50);
    await work();
  } finally {
    done = true;
    await moving;
  }
}

/** Fills the details as the host would, for the call that the panel asked for last. */
async function answer(rows: readonly ExchangeRow[], change: Parameters<typeof exchangeOf>[1] = {}) {
  await expect.poll(async () => (await panel.lastSent('details'))?.id).not.toBeNull();
  const id = (await panel.lastSent('details'))?.id ?? 0;
  const row = rows.find((r) => r.id === id);
  await panel.post({ type: 'details', id, exchange: row === undefined ? null : exchangeOf(row, change) });
}

describe('what commands do in the list', () => {
  const rows = () => [
    call({ id: 1, host: 'shop.test', path: '/a?x=1' }),
    call({ id: 2, host: 'other.test', path: '/b' }),
    call({ id: 3, host: 'shop.test:81', path: '/c', pinned: true }),
  ];

  it('Show Only writes an exact term into the filter, and Hide another', async () => {
    await open(rows());
    await panel.post({ type: 'narrow', term: 'host:=shop.test' });
    await expect.poll(shown).toEqual([1]);
    await panel.post({ type: 'narrow', term: 'host:=other.test' });
    await expect.poll(shown).toEqual([2]);
    expect(await panel.page.inputValue('input')).toBe('host:=other.test');
    await panel.post({ type: 'narrow', term: '-path:=/b' });
    await expect.poll(shown).toEqual([]);
    expect(await panel.page.inputValue('input')).toBe('host:=other.test -path:=/b');
  });

  it('a pinned call has a mark that is read, and is found by is:pinned', async () => {
    await open(rows());
    const marks = panel.page.getByRole('img', { name: 'pinned' });
    await expect.poll(() => marks.count()).toBe(1);
    expect(await panel.page.locator('#call-3').getAttribute('data-vscode-context')).toContain(
      '"callPinned":true',
    );
    await panel.page.fill('input', 'is:pinned');
    await expect.poll(shown).toEqual([3]);
    await panel.post({
      type: 'rows',
      rows: [call({ ...rows()[2], revision: 2, pinned: false })],
      removed: [],
    });
    await expect.poll(shown).toEqual([]);
  });
});

describe('list', () => {
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

  it('holds 50,000 calls with a bounded document, and scrolls to the last and the first', async () => {
    const rows = calls(50_000);
    await open(rows);
    const nodes = () => panel.page.evaluate(() => document.querySelectorAll('*').length);
    expect((await shown()).at(-1)).toBe(50_000);
    const before = await nodes();
    expect(before).toBeLessThan(1_000);
    await panel.page.hover('.scroller');
    for (let i = 0; i < 20; i++) await panel.page.mouse.wheel(0, -3_000);
    await expect.poll(async () => (await shown())[0]).toBeLessThan(48_000);
    await panel.page.focus('.grid');
    await panel.page.keyboard.press('Home');
    await panel.settled();
    expect((await shown())[0]).toBe(1);
    await panel.page.keyboard.press('End');
    await panel.settled();
    expect((await shown()).at(-1)).toBe(50_000);
    expect(await nodes()).toBeLessThan(before + 200);
    expect(await panel.page.getAttribute('.grid', 'aria-rowcount')).toBe('50001');
    expect(await panel.page.getAttribute('#call-50000', 'aria-rowindex')).toBe('50001');
  });

  it('keeps the newest in view until one scrolls away, then says how many are new', async () => {
    const rows = calls(100);
    await open(rows.slice(0, 50));
    expect((await shown()).at(-1)).toBe(50);
    await panel.post({ type: 'rows', rows: rows.slice(50, 60), removed: [] });
    expect((await shown()).at(-1)).toBe(60);
    expect(await panel.page.isVisible('.hint')).toBe(false);

    await panel.page.hover('.scroller');
    await panel.page.mouse.wheel(0, -400);
    await expect.poll(async () => (await shown()).at(-1)).toBeLessThan(50);
    const before = await shown();
    await panel.post({ type: 'rows', rows: rows.slice(60, 72), removed: [1, 2, 3] });
    expect(await shown()).toEqual(before);
    expect(await text('.hint')).toBe('12 new');
    await panel.page.click('.hint');
    await panel.settled();
    expect((await shown()).at(-1)).toBe(72);
    expect(await panel.page.isVisible('.hint')).toBe(false);
    await panel.post({ type: 'rows', rows: rows.slice(72), removed: [] });
    expect((await shown()).at(-1)).toBe(100);
  });

  it('says what is new beside the rows and not over them, where it is narrow', async () => {
    const rows = calls(100);
    await open(rows.slice(0, 50), { width: 300, height: 400 });
    await panel.page.hover('.scroller');
    await panel.page.mouse.wheel(0, -400);
    await panel.page.locator('#call-50').waitFor({ state: 'hidden' });
    await panel.post({ type: 'rows', rows: rows.slice(50), removed: [] });
    await panel.page.locator('.hint').waitFor();
    await panel.settled();
    await panel.screenshot('dark-300-news');
    const [hint, list] = await Promise.all(
      ['.hint', '.scroller'].map((selector) => panel.page.locator(selector).boundingBox()),
    );
    expect(list!.y + list!.height).toBeLessThanOrEqual(hint!.y);
    expect(list!.height).toBeGreaterThan(150);
    await panel.page.click('.hint');
    await expect.poll(async () => (await shown()).at(-1)).toBe(100);
    expect(await panel.page.isVisible('.hint')).toBe(false);
  });

  it('keeps the row under a pointer that aims, and goes on when it has rested', async () => {
    const rows = calls(100);
    await open(rows.slice(0, 50));
    const aimed = (await shown()).at(-3)!;
    const box = (await panel.page.locator(`#call-${aimed}`).boundingBox())!;
    await aiming(box, async () => {
      await panel.post({ type: 'rows', rows: rows.slice(50, 60), removed: [1, 2, 3] });
      expect((await shown()).at(-3)).toBe(aimed);
      expect(await panel.page.isVisible('.hint')).toBe(false);
    });
    // The pointer rests, and the list follows again: also while rows move under it.
    await expect.poll(async () => (await shown()).at(-1)).toBe(60);
    await panel.post({ type: 'rows', rows: rows.slice(60, 70), removed: [] });
    expect((await shown()).at(-1)).toBe(70);
    const next = (await shown()).at(-3)!;
    await aiming(box, async () => {
      await panel.post({ type: 'rows', rows: rows.slice(70, 80), removed: [] });
      await panel.page.mouse.down();
    });
    await panel.post({ type: 'rows', rows: rows.slice(80, 90), removed: [] });
    await panel.page.mouse.up();
    expect(await selected()).toEqual([next]);
    expect((await panel.lastSent('details'))?.id).toBe(next);
  });

  it('goes on at once when the pointer leaves, and keeps the aimed row in an order by time, too', async () => {
    const rows = calls(200).map((row, i) => ({ ...row, duration: i + 1, state: 'ended' as const }));
    await open(rows.slice(0, 60));
    await aiming({ x: 120, y: 200, height: 22 }, async () => {
      await panel.post({ type: 'rows', rows: rows.slice(60, 70), removed: [] });
      expect((await shown()).at(-1)).toBeLessThanOrEqual(60);
    });
    await panel.page.mouse.move(200, 2);
    await panel.settled();
    expect((await shown()).at(-1)).toBe(70);

    await panel.page.click('.header .c-time .name');
    await panel.page.click('.header .c-time .name');
    await panel.settled();
    const [, , third] = await shown();
    const box = (await panel.page.locator(`#call-${third}`).boundingBox())!;
    await aiming(box, async () => {
      // Slower ones than all: without aiming they would push it down.
      await panel.post({ type: 'rows', rows: rows.slice(70, 75), removed: [] });
      expect((await panel.page.locator(`#call-${third}`).boundingBox())?.y).toBe(box.y);
    });
    await panel.page.mouse.move(200, 2);
    await panel.settled();
    expect((await shown())[0]).toBe(75);
  });

  it('sorts by a click on a header, up, down and back', async () => {
    await open([
      call({ id: 1, duration: 30 }),
      call({ id: 2, duration: null, status: null, state: 'running' }),
      call({ id: 3, duration: 10 }),
    ]);
    const header = panel.page.locator('.header .c-time');
    await header.click();
    await panel.settled();
    expect(await shown()).toEqual([3, 1, 2]);
    expect(await header.getAttribute('aria-sort')).toBe('ascending');
    await header.click();
    await panel.settled();
    expect(await shown()).toEqual([1, 3, 2]);
    expect(await header.getAttribute('aria-sort')).toBe('descending');
    await panel.post({ type: 'rows', rows: [call({ id: 2, revision: 2, duration: 20 })], removed: [] });
    expect(await shown()).toEqual([1, 2, 3]);
    await header.click();
    await panel.settled();
    expect(await header.getAttribute('aria-sort')).toBe('none');
    expect(await panel.page.getAttribute('.header .c-id', 'aria-sort')).toBe('ascending');
    // By keyboard.
    await panel.page.keyboard.press('Shift+Tab');
    await panel.page.focus('.header [tabindex="0"]');
    await panel.page.keyboard.press('Enter');
    await panel.settled();
    expect(await shown()).toEqual([3, 2, 1]);
  });

  it('has columns that can be made wider, and remembers it', async () => {
    await open(calls(5));
    const width = async () => (await panel.page.locator('.header .c-method').boundingBox())?.width ?? 0;
    const before = await width();
    const handle = await panel.page.locator('.header .c-method .handle').boundingBox();
    if (handle === null) throw new Error('no handle');
    await panel.page.mouse.move(handle.x + 3, handle.y + 8);
    await panel.page.mouse.down();
    await panel.page.mouse.move(handle.x + 53, handle.y + 8, { steps: 5 });
    await panel.page.mouse.up();
    await panel.settled();
    expect(await width()).toBeCloseTo(before + 50, 0);
    expect(await panel.state()).toMatchObject({ widths: { method: Math.round(before + 50) } });
    expect(await panel.page.getAttribute('.header .c-method', 'aria-sort')).toBe('none');
  });

  it('keeps the header and every column while an edge is dragged far', async () => {
    await open(calls(20), { width: 1300 });
    const names = () => panel.page.$$eval('.header .cell', (all) => all.map((one) => one.className));
    const before = await names();
    const handle = await panel.page.locator('.header .c-call .handle').boundingBox();
    if (handle === null) throw new Error('no handle');
    const y = handle.y + 5;
    await panel.page.mouse.move(handle.x + 3, y);
    await panel.page.mouse.down();
    const widths: number[] = [];
    for (const by of [20, 60, 120, 200, 400, 100, 30]) {
      await panel.page.mouse.move(handle.x + 3 + by, y);
      await panel.settled();
      widths.push(
        await panel.page.$eval('.header .c-call', (cell) => Math.round(cell.getBoundingClientRect().width)),
      );
    }
    await panel.page.mouse.up();
    expect(await names()).toEqual(before);
    // It follows the pointer as far as there is room, and back again.
    expect((widths[1] ?? 0) - (widths[0] ?? 0)).toBeGreaterThan(0);
    expect((widths[4] ?? 0) - (widths[6] ?? 0)).toBeGreaterThan(0);
    expect((widths[1] ?? 0) - (widths[6] ?? 0), String(widths)).toBe(30);
  });

  it('tells the two rows of a program that calls itself apart when Process is hidden', async () => {
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

  it('begins at the top when it is sorted, and not at the selected call', async () => {
    await open(calls(500));
    await panel.page.click('#call-495');
    await panel.page.click('.header .c-time .name');
    await panel.page.click('.header .c-time .name');
    await panel.settled();
    const times = await panel.page.$eval('.scroller', (one) => one.scrollTop);
    expect(times).toBe(0);
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

  it('lets the bars of running calls grow, and nothing else move', async () => {
    const rows = [
      call({
        id: 1,
        start: 0,
        duration: 100,
        phases: examplePhases({ sendMs: 1, waitMs: 98, receiveMs: 1 }),
      }),
      call({
        id: 2,
        start: 100,
        duration: null,
        status: null,
        responseSize: null,
        state: 'running',
        completeness: [],
      }),
    ];
    await open(rows, { reducedMotion: 'no-preference' });
    const share = () =>
      panel.page.evaluate(() => {
        const width = (id: number) =>
          document.querySelector(`#call-${id} .bar`)?.getBoundingClientRect().width ?? 0;
        return width(2) / (width(1) + width(2));
      });
    const first = await share();
    await panel.page.waitForTimeout(400);
    const second = await share();
    expect(second).toBeGreaterThan(first);
    expect(await text('#call-2')).toMatch(/\d\.\d s…/);
    await panel.post(
      { type: 'rows', rows: [call({ id: 2, revision: 2, start: 100, duration: 100 })], removed: [] },
      { type: 'status', status: statusOf(rows, { phase: 'stopped', runningCalls: 0 }) },
    );
    const third = await share();
    await panel.page.waitForTimeout(300);
    expect(await share()).toBe(third);
    expect(third).toBeCloseTo(0.5, 1);
  });

  it('draws what grows no more often than it can look different', async () => {
    const rows = [
      call({ id: 1, start: 0, duration: 500_000 }),
      call({ id: 2, start: 100, duration: null, status: null, state: 'running', completeness: [] }),
    ];
    await open(rows, { reducedMotion: 'no-preference' });
    const before = await text('#call-2');
    const frames = await panel.page.evaluate(async () => {
      const { requestAnimationFrame } = window;
      let count = 0;
      window.requestAnimationFrame = (callback) => {
        count++;
        return requestAnimationFrame(callback);
      };
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      window.requestAnimationFrame = requestAnimationFrame;
      return count;
    });
    expect(await text('#call-2')).not.toBe(before);
    // 60 when it was drawn with each frame.
    expect(frames).toBeLessThanOrEqual(12);
  });

  it('explains the phases of a bar to who points at it', async () => {
    await open([
      call({
        id: 1,
        duration: 120,
        phases: examplePhases({ connectMs: 4, sendMs: 1, waitMs: 100, receiveMs: 19 }),
      }),
      call({
        id: 2,
        phases: examplePhases(),
      }),
    ]);
    const title = (id: number) => panel.page.getAttribute(`#call-${id} .c-waterfall`, 'title');
    expect(await title(1)).toBeNull();
    await panel.page.hover('#call-1 .c-waterfall');
    expect((await title(1))?.split('\n')).toEqual([
      'Connect 4.0 ms · Opening the connection',
      'Send 1.0 ms · First to last byte of the request',
      'Wait 100 ms · Last byte of the request to first byte of the response',
      'Receive 19.0 ms · First to last byte of the response',
      'Total 124 ms',
    ]);
    await panel.page.hover('#call-2 .c-waterfall');
    expect((await title(2)) ?? '').toBe('');
  });

  it('zooms the waterfall with ctrl and the wheel, and fits again with F', async () => {
    await open(calls(12, { running: 0 }));
    const width = () =>
      panel.page.evaluate(() => document.querySelector('#call-3 .bar')?.getBoundingClientRect().width ?? 0);
    const before = await width();
    const bar = await panel.page.locator('#call-3 .bar').boundingBox();
    if (bar === null) throw new Error('no bar');
    await panel.page.mouse.move(bar.x, bar.y + 4);
    await panel.page.keyboard.down('Control');
    await panel.page.mouse.wheel(0, -500);
    await panel.page.keyboard.up('Control');
    await expect.poll(width).toBeGreaterThan(before * 1.5);
    // Times stand above it in every zoom.
    expect(await panel.page.locator('.header .tick').allInnerTexts()).not.toEqual([]);
    const zoomed = await panel.page.locator('#call-3 .bar').boundingBox();
    expect(zoomed?.x).toBeCloseTo(bar.x, -1);
    await panel.page.focus('.grid');
    await panel.page.keyboard.press('f');
    await panel.settled();
    expect(await width()).toBeCloseTo(before, 0);
  });
});

describe('filter', () => {
  it('lists what matches, says how many, and is cleared with Escape', async () => {
    const rows = calls(300);
    await open(rows);
    await panel.page.keyboard.press('/');
    await panel.page.keyboard.type('payments status:5xx');
    const expected = rows.filter((row) => row.path?.includes('payments') && row.status === 502).length;
    expect(expected).toBeGreaterThan(0);
    await expect.poll(() => text('.count-calls')).toBe(`${expected} of 300 calls`);
    for (const status of await panel.page.$$eval('.row .c-status', (c) =>
      c.map((cell) => cell.textContent),
    )) {
      expect(status).toBe('502');
    }
    expect(await panel.page.$$eval('.painted span', (parts) => parts.map((p) => p.className))).toEqual([
      'part-word',
      'part-property',
      'part-value',
    ]);
    await panel.page.keyboard.press('Escape');
    await expect.poll(() => text('.count-calls')).toBe('300 calls');
    await panel.page.keyboard.press('Escape');
    expect(await panel.page.evaluate(() => document.activeElement?.className)).toBe('grid');
  });

  it('underlines what it does not understand and says why, and does not hide everything', async () => {
    await open(calls(20));
    await panel.page.fill('.filter input', 'metod:GET');
    await expect.poll(() => panel.page.isVisible('.filter-message')).toBe(true);
    expect(await text('.filter-message')).toBe(
      'Unknown filter “metod:”. Did you mean “method:”? Put text with a colon in quotes.',
    );
    expect(await text('.part-error')).toBe('metod:');
    expect((await shown()).length).toBeGreaterThan(10);
    expect(await panel.page.getAttribute('.filter input', 'aria-invalid')).toBe('true');
    await panel.page.fill('.filter input', 'method:GET');
    await expect.poll(() => panel.page.isVisible('.filter-message')).toBe(false);
  });

  it('says that nothing matches, and offers the way back', async () => {
    await open(calls(20));
    await panel.page.fill('.filter input', 'nowhere');
    await expect.poll(() => panel.page.isVisible('.empty')).toBe(true);
    expect(await text('.empty .sentence')).toBe('No call matches the filter.');
    await panel.page.click('.empty button');
    await panel.settled();
    expect(await panel.page.isVisible('.empty')).toBe(false);
    expect((await shown()).at(-1)).toBe(20);
  });

  it('has chips for errors and for what is running', async () => {
    const rows = calls(200);
    await open(rows);
    await panel.page.click('.chip:text("Errors")');
    const errors = rows.filter((r) => (r.status ?? 0) >= 400 || r.completeness.includes('aborted')).length;
    expect(await text('.count-calls')).toBe(`${errors} of 200 calls`);
    expect(await panel.page.getAttribute('.chip:text("Errors")', 'aria-pressed')).toBe('true');
    await panel.page.click('.chip:text("Running")');
    expect(await shown()).toEqual(rows.filter((r) => r.state === 'running').map((r) => r.id));
    await panel.page.click('.chip:text("All")');
    expect(await text('.count-calls')).toBe('200 calls');
  });
});

describe('TLS', () => {
  it('shows connections without plaintext with the reason, and counts them as no calls', async () => {
    await open(tlsCalls());
    expect(await text('.count-calls')).toBe('5 calls');
    expect(await text('.count-errors')).toBe('1 error');
    expect(await text('#call-3 .c-call')).toMatch(
      /^metrics\.example:8443\s+rustls is not supported\s+encrypted$/,
    );
    expect(await text('#call-5 .c-call')).toMatch(/unknown_ca \(alert 48\) sent by the client\s+TLS failed$/);
    expect(await panel.page.getAttribute('#call-5', 'data-status')).toBe('error');
    expect(await text('#call-3 .c-method')).toBe('TLS');
    expect(await panel.page.getAttribute('#call-3 .c-method', 'aria-label')).toBe('TLS connection');
    expect(await text('#call-7 .c-time')).toMatch(/^\d+\.\d s…$/);
    expect(await panel.page.getAttribute('#call-1 .c-call', 'title')).toBe(
      'https://api.shop.example/v1/session',
    );
    await panel.page.fill('.filter input', 'is:encrypted');
    await expect.poll(shown).toEqual([3, 7]);
    expect(await text('.count-calls')).toBe('0 of 5 calls + 2 encrypted');
    await panel.page.fill('.filter input', '');
    await panel.page.click('.chip:text("Running")');
    await expect.poll(shown).toEqual([]);
  });

  it('tells of a call what was agreed on and how its socket was found', async () => {
    const rows = tlsCalls();
    await open(rows);
    await panel.page.click('#call-1');
    await answer(rows);
    await panel.page.click('#tab-connection');
    const connection = await text('#tabpanel');
    for (const said of [
      'session on connection 4',
      'TLSv1.3',
      'TLS_AES_256_GCM_SHA384',
      'api.shop.example',
      'h2, http/1.1 offered',
      '6.2 ms',
      'full',
      'OpenSSL',
      '3.0.19',
      'by the system call in which the library sent or received it',
    ]) {
      expect(connection).toContain(said);
    }
    await panel.page.click('#tab-timing');
    expect(await text('.timing')).toMatch(
      /Connect\s+600 µs\s+Opening the connection\s+TLS handshake\s+6\.2 ms/,
    );
  });

  it('tells of a stream why its connection was given up, and that the request may be sent again', async () => {
    const rows = [call({ id: 1 })];
    await open(rows);
    await panel.page.click('#call-1');
    const said = { code: 11, name: 'ENHANCE_YOUR_CALM', text: '<b>too_many_pings</b>' };
    const goAway = { ...said, by: 'server', processed: false } as const;
    await answer(rows, { http2: { stream: 7, pushed: false, reset: null, goAway, blockedMs: null } });
    await panel.page.click('#tab-connection');
    const connection = await text('#tabpanel');
    expect(connection).toContain('ENHANCE_YOUR_CALM: <b>too_many_pings</b>');
    expect(connection).toContain(
      'GOAWAY sent by the server, which has not processed the request: it is safe to retry',
    );
    await panel.screenshot('dark-connection-given-up');
  });

  it('says of a connection without plaintext why, and shows no messages', async () => {
    const rows = tlsCalls();
    await open(rows);
    await panel.page.click('#call-3');
    await answer(rows);
    await panel.page.click('#tab-summary');
    const summary = await text('#tabpanel');
    expect(summary).toContain('Encrypted: rustls is not supported.');
    expect(summary).toMatch(/Server name\s+metrics\.example/);
    expect(summary).toMatch(/Sent\s+2\.4 KiB/);
    expect(await panel.page.isVisible('#tab-messages')).toBe(false);
    for (const tab of ['headers', 'request', 'response']) {
      await panel.page.click(`#tab-${tab}`);
      expect(await text('#tabpanel')).toBe('Not available: this connection was not decrypted.');
    }
    await panel.page.click('#tab-timing');
    expect(await text('#tabpanel')).not.toContain('Send');
  });

  it('shows how the name was found before the connection', async () => {
    const phases = examplePhases({ lookupMs: 12, connectMs: 0.4, sendMs: 0.1, waitMs: 3, receiveMs: 0.2 });
    const rows = [call({ id: 1, phases })];
    await open(rows);
    await panel.page.click('#call-1');
    await answer(rows, { lookup: LOOKUP });
    await panel.page.click('#tab-timing');
    const timing = await text('.timing');
    const found = 'Finding the address of the server by its name';
    expect(timing.split(/\s*\n\s*/).slice(0, 6)).toEqual([
      ...['DNS lookup', '12.0 ms', found],
      ...['Connect', '400 µs', 'Opening the connection'],
    ]);
    expect(timing).toContain('Total');
    expect(timing).not.toContain('after connecting');
    await panel.page.click('#tab-connection');
    const connection = await text('#tabpanel');
    expect(connection).toMatch(/Name\s+shop\.example\s*alias of edge\.example/);
    expect(connection).toMatch(/Also tried\s+shop\.example\.local/);
    expect(connection).toMatch(/Name server\s+127\.0\.0\.53:53/);
    // A call without one has no empty line for it.
    await answer(rows);
    await panel.page.click('#tab-timing');
    await panel.page.click('#tab-connection');
    expect(await text('#tabpanel')).not.toContain('Name server');
  });

  it('says of a name that was not found why, and that there was no call', async () => {
    const rows = [call({ id: 1 }), failedLookup({ id: 2, start: 30 })];
    await open(rows);
    expect(await text('#call-2')).toMatch(/DNS[\s\S]*api\.nowhere\.example/);
    await panel.page.click('#call-2');
    const { lookupMs } = rows[1]!.phases;
    const lookup = { ...LOOKUP, name: 'api.nowhere.example', addresses: [], alias: null, error: 'NXDOMAIN' };
    await answer(rows, { lookup });
    await panel.page.click('#tab-summary');
    const summary = await text('#tabpanel');
    expect(summary).toContain('Name lookup failed: the name does not exist (NXDOMAIN from 127.0.0.53:53).');
    expect(summary).toMatch(/Name\s+api\.nowhere\.example/);
    expect(summary).toMatch(/Answer\s+NXDOMAIN/);
    for (const tab of ['headers', 'request', 'response']) {
      await panel.page.click(`#tab-${tab}`);
      expect(await text('#tabpanel')).toBe('Not available: no call was made.');
    }
    await panel.page.click('#tab-timing');
    expect(lookupMs).toBe(12);
    expect((await text('#tabpanel')).split(/\s*\n\s*/)).toEqual([
      ...['DNS lookup', '12.0 ms', 'Finding the address of the server by its name'],
      ...['Total', '12.0 ms', 'First query to the end of the lookup'],
    ]);
    await panel.page.click('#tab-connection');
    expect(await text('#tabpanel')).toBe('There was no connection.');
  });

  it('says why a handshake failed, and what that usually means', async () => {
    const rows = tlsCalls();
    await open(rows);
    await panel.page.click('#call-5');
    await answer(rows);
    await panel.page.click('#tab-summary');
    const summary = await text('#tabpanel');
    expect(summary).toContain('TLS handshake failed: unknown_ca (alert 48) sent by the client.');
    expect(summary).toContain('does not trust the authority');
    await panel.page.click('#tab-connection');
    expect(await text('#tabpanel')).toMatch(/Alert\s+unknown_ca \(48\), sent by the client/);
  });
});

describe('overview', () => {
  it('chooses a time range by dragging, which can be moved, and all of it by a double click', async () => {
    const rows = calls(400, { running: 0 });
    await open(rows);
    const box = await panel.page.locator('.overview').boundingBox();
    if (box === null) throw new Error('no overview');
    const at = (share: number) => [box.x + box.width * share, box.y + 20] as const;
    await panel.page.mouse.move(...at(0.25));
    await panel.page.mouse.down();
    await panel.page.mouse.move(...at(0.5), { steps: 8 });
    await panel.page.mouse.up();
    await panel.settled();
    const end = Math.max(...rows.map((row) => row.start + (row.duration ?? 0))) * 1.01;
    const within = (from: number, to: number) =>
      rows.filter((row) => row.start <= to * end && row.start + (row.duration ?? 0) >= from * end).length;
    const listed = async () => Number((await text('.count-calls')).split(' ')[0]);
    expect(Math.abs((await listed()) - within(0.25, 0.5))).toBeLessThan(5);
    expect(await panel.page.getAttribute('.overview', 'aria-valuetext')).toMatch(/ to /);

    await panel.page.mouse.move(...at(0.4));
    await panel.page.mouse.down();
    await panel.page.mouse.move(...at(0.6), { steps: 8 });
    await panel.page.mouse.up();
    await panel.settled();
    expect(Math.abs((await listed()) - within(0.45, 0.7))).toBeLessThan(5);

    await panel.page.mouse.dblclick(...at(0.9));
    await panel.settled();
    expect(await text('.count-calls')).toBe('400 calls');
    expect(await panel.page.isVisible('.brush')).toBe(false);
  });

  it('dims what the filter leaves out', async () => {
    await open(calls(40, { running: 0 }));
    const ink = () =>
      panel.page.locator('.overview canvas').evaluate((canvas: HTMLCanvasElement) => {
        const { width, height } = canvas;
        const copy = Object.assign(document.createElement('canvas'), { width, height });
        const context = copy.getContext('2d', { willReadFrequently: true })!;
        context.drawImage(canvas, 0, 0);
        // Below the ruler.
        const { data } = context.getImageData(0, height / 2, width, height / 2);
        return data.reduce((sum, value, at) => (at % 4 === 3 ? sum + value : sum), 0);
      });
    const all = await ink();
    await panel.page.fill('input', 'nothing-is-called-like-this');
    await expect.poll(ink).toBeLessThan(all * 0.8);
    expect(await ink()).toBeGreaterThan(all * 0.05);
    await panel.page.fill('input', '');
    await expect.poll(ink).toBeGreaterThan(all * 0.9);
  });

  it('can be used by keyboard', async () => {
    await open(calls(400, { running: 0 }));
    await panel.page.focus('.overview');
    await panel.page.keyboard.press('ArrowRight');
    await panel.settled();
    expect(await text('.count-calls')).toMatch(/^\d+ of 400 calls$/);
    await panel.page.keyboard.press('Escape');
    await panel.settled();
    expect(await text('.count-calls')).toBe('400 calls');
  });
});

describe('details', () => {
  it('stay closed for the menu, which is that of the call under the mouse', async () => {
    await open([call({ id: 4 }), call({ id: 5 })]);
    await panel.page.click('#call-5', { button: 'right' });
    expect(await panel.page.getAttribute('#call-5', 'aria-selected')).toBe('true');
    expect(await panel.page.locator('.details').isVisible()).toBe(false);
    const context = await panel.page.getAttribute('#call-5', 'data-vscode-context');
    expect(JSON.parse(context ?? '')).toEqual({
      webviewSection: 'call',
      callId: 5,
      callPinned: false,
      callSource: false,
      preventDefaultContextMenuItems: true,
    });
  });

  it('open by a click, change with the arrows and keep the tab', async () => {
    const rows = calls(40, { running: 0 });
    await open(rows);
    await panel.page.click('#call-30');
    await panel.settled();
    expect(await selected()).toEqual([30]);
    expect(await panel.lastSent('details')).toEqual({ type: 'details', id: 30, reveal: false });
    await answer(rows);
    expect(await text('.details h2')).toContain(rows[29]?.path);
    await panel.page.click('#tab-headers');
    expect(await text('#tabpanel')).toMatch(/Request headers/);
    await panel.page.focus('.grid');
    await panel.page.keyboard.press('ArrowDown');
    await panel.page.keyboard.press('ArrowDown');
    await expect.poll(async () => (await panel.lastSent('details'))?.id).toBe(32);
    await answer(rows);
    expect(await selected()).toEqual([32]);
    expect(await panel.page.getAttribute('.grid', 'aria-activedescendant')).toBe('call-32');
    expect(await panel.page.getAttribute('#tab-headers', 'aria-selected')).toBe('true');
    expect(await text('#tabpanel')).toMatch(/Request headers/);
    await panel.page.keyboard.press('Escape');
    expect(await panel.page.isVisible('.details')).toBe(false);
    expect(await panel.lastSent('details')).toEqual({ type: 'details', id: null, reveal: false });
    await panel.page.keyboard.press('Enter');
    expect(await panel.page.isVisible('.details')).toBe(true);
  });

  it('ask once when a key is held down', async () => {
    const rows = calls(60, { running: 0 });
    await open(rows);
    await panel.page.click('#call-50');
    const before = (await panel.sent()).filter(({ type }) => type === 'details').length;
    // In the page: the browser driver takes longer for a key than a key that is held down on a busy machine.
    await panel.page.$eval('.grid', (grid) => {
      for (let i = 0; i < 20; i++)
        grid.dispatchEvent(
          new KeyboardEvent('keydown', { key: 'ArrowUp', bubbles: true, cancelable: true, repeat: i > 0 }),
        );
    });
    await expect.poll(async () => (await panel.lastSent('details'))?.id).toBe(30);
    const asked = (await panel.sent()).filter(({ type }) => type === 'details').length - before;
    expect(asked).toBe(1);
  });

  it('have tabs that are tabs', async () => {
    const rows = calls(5, { running: 0 });
    await open(rows);
    await panel.page.click('#call-2');
    await answer(rows);
    await panel.page.focus('#tab-summary');
    // A call without messages has no tab for them, nor has a request that is only a head.
    for (const tab of ['headers', 'response', 'timing', 'connection', 'summary']) {
      await panel.page.keyboard.press('ArrowRight');
      expect(await panel.page.evaluate(() => document.activeElement?.id)).toBe(`tab-${tab}`);
      expect(await panel.page.getAttribute('#tabpanel', 'aria-labelledby')).toBe(`tab-${tab}`);
    }
    expect(await panel.page.locator('[role="tab"][tabindex="0"]').count()).toBe(1);
    await panel.page.keyboard.press('ArrowDown');
    await expect.poll(async () => (await panel.lastSent('details'))?.id).toBe(3);
  });

  it('show bodies as JSON, raw, as a form and as bytes, and open them in an editor', async () => {
    const rows = [call({ method: 'POST', requestSize: 51 })];
    await open(rows);
    await panel.page.click('#call-1');
    await answer(rows);
    await panel.page.click('#tab-response');
    await expect.poll(() => text('.content')).toBe(JSON.stringify(JSON.parse(JSON_BODY), null, 2));
    await panel.page.click('text=Raw');
    await expect.poll(() => text('.content')).toBe(JSON_BODY);
    await panel.page.click('text=Pretty');
    await panel.page.click('text=Open in Editor');
    expect(await panel.lastSent('openBody')).toEqual({ type: 'openBody', id: 1, part: 'response' });
    await panel.page.click('[aria-label="Copy body"]');
    expect(await panel.lastSent('copy')).toEqual({ type: 'copy', text: JSON_BODY });

    await panel.page.click('#tab-request');
    expect(
      await panel.page.$$eval('.fields tr', (trs) =>
        trs.map((tr) => [...tr.children].map((c) => c.textContent)),
      ),
    ).toEqual([
      ['order', 'a7f3'],
      ['amount', '12.50'],
      ['note', 'two words!'],
      ['card', MASK],
    ]);

    const png = message({
      headers: [['Content-Type', 'image/png']],
      bodySize: 8,
      bodyCaptured: 8,
      body: { base64: 'iVBORw0KGgo=' },
      bodyNote: 'Only the beginning was captured.',
    });
    await panel.post({ type: 'details', id: 1, exchange: exchangeOf(call({}), { response: png }) });
    await panel.page.click('#tab-response');
    await expect.poll(() => text('#tabpanel')).toContain('89 50 4e 47 0d 0a 1a 0a');
    expect(await text('.note >> nth=0')).toBe('Only the beginning was captured.');
  });

  it('draw images, lay out XML, and take a multipart body to its parts', async () => {
    const rows = [
      call({ method: 'POST', path: '/graphql', operation: 'mutation Upload\u202e' }),
      call({ id: 2, path: '/two' }),
    ];
    await open(rows);
    expect(await text('#call-1 .operation')).toBe('mutation Upload\\u202e');
    expect(await panel.page.isVisible('#call-2 .operation')).toBe(false);
    await panel.page.fill('.filter input', 'operation:upload');
    await expect.poll(shown).toEqual([1]);
    await panel.page.fill('.filter input', '');
    await panel.page.click('#call-1');
    await panel.page.click('#tab-response');
    const show = async (
      type: string,
      body: { text: string } | { base64: string },
      note: string | null = null,
    ) => {
      const response = message({
        headers: [['Content-Type', type]],
        bodySize: 9,
        bodyCaptured: 9,
        body,
        bodyNote: note,
      });
      await panel.post({ type: 'details', id: 1, exchange: exchangeOf(call({}), { response }) });
    };
    const png =
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
    await show('image/png', { base64: png });
    const drawn = () =>
      panel.page.$$eval('figure img', (images) =>
        images.map((image) => (image as HTMLImageElement).naturalWidth),
      );
    await expect.poll(drawn).toEqual([1]);
    expect(await text('figure')).toContain('1 × 1 pixels');
    await panel.page.click('text=Raw');
    await expect.poll(() => text('.content')).toContain('89 50 4e 47');
    await panel.page.click('text=Pretty');
    // A claim of 65,535 × 65,535 pixels is not believed, and half an image is not shown.
    const huge = Buffer.from(png, 'base64');
    huge.writeUInt32BE(65_535, 16);
    huge.writeUInt32BE(65_535, 20);
    await show('image/png', { base64: huge.toString('base64') });
    await expect.poll(() => text('.content')).toContain('This image cannot be displayed here.');
    await show('image/png', { base64: png }, 'Only the beginning was captured.');
    await expect.poll(() => text('.content')).toContain('This image is incomplete and cannot be displayed.');
    await show('image/svg+xml', { text: '<svg onload="alert(1)"><script>alert(2)</script></svg>' });
    await expect
      .poll(() => text('.content'))
      .toBe('<svg onload="alert(1)">\n  <script>alert(2)</script>\n</svg>');
    expect(await panel.page.locator('.content svg, .content script, .content img').count()).toBe(0);

    const multipart = Buffer.concat([
      Buffer.from(
        '--b\r\nContent-Disposition: form-data; name="meta"\r\nContent-Type: application/json\r\n\r\n{"a":1}\r\n',
      ),
      Buffer.from(
        '--b\r\nContent-Disposition: form-data; name="<img src=x>"; filename="cat.png"\r\nContent-Type: image/png\r\n\r\n',
      ),
      Buffer.from(png, 'base64'),
      Buffer.from(
        '\r\n--b\r\nContent-Disposition: form-data; name="blob"\r\n\r\n\xff\xfe\0\r\n--b--\r\n',
        'latin1',
      ),
    ]);
    await show('multipart/form-data; boundary=b', { base64: multipart.toString('base64') });
    await expect.poll(() => panel.page.locator('.part').count()).toBe(3);
    const titles = await panel.page.$$eval('.part h4', (all) =>
      all.map((h) => [...h.childNodes].map((n) => n.textContent)),
    );
    expect(titles).toEqual([
      ['meta', 'application/json · 7 B'],
      ['<img src=x>', 'cat.png', 'image/png · 70 B'],
      ['blob', '3 B'],
    ]);
    expect(await text('.part >> nth=0')).toContain('"a": 1');
    await expect.poll(drawn).toEqual([1]);
    expect(await text('.part >> nth=2')).toContain('ff fe 00');
  });

  it('bound what is rendered of a large body', async () => {
    const rows = [call({})];
    await open(rows);
    await panel.page.click('#call-1');
    await panel.page.click('#tab-response');
    const body = (text: string) =>
      message({
        headers: [['content-type', 'text/plain']],
        body: { text },
        bodySize: text.length,
        bodyCaptured: text.length,
      });
    await panel.post({
      type: 'details',
      id: 1,
      exchange: exchangeOf(call({}), { response: body('x'.repeat(1_000_000)) }),
    });
    expect(await text('#tabpanel')).toContain('Only the first 256 KiB are shown.');
    expect((await text('pre')).length).toBeLessThan(300_000);
    const deep = body(`${'['.repeat(500_000)}`);
    await panel.post({ type: 'details', id: 1, exchange: exchangeOf(call({}), { response: deep }) });
    await panel.settled();
  });

  it('show secrets only when asked, for this call only', async () => {
    const rows = calls(10, { running: 0 });
    await open(rows);
    await panel.page.click('#call-4');
    await answer(rows);
    await panel.page.click('[aria-label="Show Secrets of This Call"]');
    expect(await panel.lastSent('details')).toEqual({ type: 'details', id: 4, reveal: true });
    await panel.page.focus('.grid');
    await panel.page.keyboard.press('ArrowDown');
    await expect.poll(() => panel.lastSent('details')).toEqual({ type: 'details', id: 5, reveal: false });
    await answer(rows);
    expect(await panel.page.isVisible('[aria-label="Show Secrets of This Call"]')).toBe(true);
    // Nothing to show, no button.
    await answer(rows, { request: message(), response: null });
    expect(await panel.page.isVisible('[aria-label="Show Secrets of This Call"]')).toBe(false);
  });

  it('say in words what is not whole', async () => {
    const row = call({ completeness: ['response-gap', 'joined-late'], violations: 1, status: 200 });
    await open([row]);
    expect(await text('.badge')).toBe('gap +2');
    await panel.page.click('#call-1');
    await answer([row], {
      violations: [
        {
          rule: 'RFC 9112 section 6.3',
          message: 'Two lengths that differ; the first was used.',
          in: 'response',
        },
      ],
    });
    const summary = await text('#tabpanel');
    expect(summary).toContain('Some bytes of the response could not be captured.');
    expect(summary).toContain('The connection was open before the trace started');
    expect(summary).toContain('Two lengths that differ; the first was used.');
    expect(summary).toContain('RFC 9112 section 6.3, in the response');
  });

  it('stay where one reads while a running call is sent again', async () => {
    const row = call({ state: 'running', duration: null });
    await open([row]);
    await panel.page.click('#call-1');
    const long = Array.from({ length: 200 }, (_, i) => `line ${i}`).join('\n');
    const response = message({
      headers: [],
      body: { text: long },
      bodySize: null,
      bodyCaptured: long.length,
    });
    await panel.page.click('#tab-response');
    await panel.post({ type: 'details', id: 1, exchange: exchangeOf(row, { response }) });
    await panel.page.locator('#tabpanel').evaluate((element) => element.scrollTo(0, 800));
    await panel.post({
      type: 'details',
      id: 1,
      exchange: exchangeOf(row, { response: { ...response, bodyCaptured: 9 } }),
    });
    expect(await panel.page.locator('#tabpanel').evaluate((element) => element.scrollTop)).toBe(800);
  });

  it('say that a call is no longer available', async () => {
    await open(calls(3, { running: 0 }));
    await panel.page.click('#call-2');
    await panel.post({ type: 'details', id: 2, exchange: null });
    expect(await text('#tabpanel')).toBe('This call is no longer available: newer calls took its place.');
  });

  it('lie below the list where it is narrow, with a splitter for mouse and keyboard', async () => {
    const rows = calls(40, { running: 0 });
    await open(rows, { width: 500, height: 600 });
    await panel.page.click('#call-38');
    await answer(rows);
    const boxOf = async (selector: string) => {
      const box = await panel.page.locator(selector).boundingBox();
      if (box === null) throw new Error(`${selector} is not shown`);
      return box;
    };
    const list = await boxOf('.list');
    const details = await boxOf('.details');
    expect(details.y).toBeGreaterThan(list.y + list.height - 1);
    expect(await shown()).toContain(38);
    const sash = await boxOf('.sash');
    await panel.page.mouse.move(sash.x + 200, sash.y);
    await panel.page.mouse.down();
    await panel.page.mouse.move(sash.x + 200, sash.y - 80, { steps: 5 });
    await panel.page.mouse.up();
    await panel.settled();
    expect((await boxOf('.details')).height).toBeCloseTo(details.height + 80, -1);
    await panel.page.focus('.sash');
    await panel.page.keyboard.press('ArrowDown');
    await panel.settled();
    expect((await boxOf('.details')).height).toBeLessThan(details.height + 75);
    await panel.page.setViewportSize({ width: 1200, height: 600 });
    await panel.settled();
    expect((await boxOf('.details')).x).toBeGreaterThan((await boxOf('.list')).x + 300);
    // A low panel, as in a window of 1024 × 640: below the list they would have three lines.
    await panel.page.setViewportSize({ width: 668, height: 290 });
    await panel.settled();
    expect((await boxOf('.details')).height).toBeGreaterThan(180);
    expect((await boxOf('.list')).width).toBeGreaterThan(240);
    await panel.screenshot('low-details');
    await panel.page.setViewportSize({ width: 668, height: 560 });
    await panel.settled();
    expect((await boxOf('.details')).y).toBeGreaterThan((await boxOf('.list')).y);
  });
});

describe('host', () => {
  it('gets commands from the buttons', async () => {
    await open([]);
    await panel.post({ type: 'status', status: IDLE_STATUS });
    await panel.page.click('[aria-label="Start"]');
    expect(await panel.lastSent('command')).toEqual({ type: 'command', command: 'start' });
    await panel.page.click('text=Choose a Process…');
    expect(await panel.lastSent('command')).toEqual({ type: 'command', command: 'pickProcess' });
    await panel.post({ type: 'status', status: statusOf([]) });
    await panel.page.click('text=Why Is Nothing Shown?');
    expect(await panel.lastSent('command')).toEqual({ type: 'command', command: 'whyNothing' });
    const rows = calls(3);
    await panel.fill(rows, statusOf(rows));
    await panel.page.click('[aria-label="Stop"]');
    expect(await panel.lastSent('command')).toEqual({ type: 'command', command: 'stop' });
    await panel.page.click('[aria-label="Clear"]');
    expect(await panel.lastSent('command')).toEqual({ type: 'command', command: 'clear' });
  });

  it('is told which call is selected, and whether the panel has the keyboard', async () => {
    await open(calls(20));
    await panel.page.click('#call-12');
    expect(await panel.lastSent('selected')).toEqual({ type: 'selected', id: 12 });
    await panel.page.keyboard.press('ArrowUp');
    expect(await panel.lastSent('selected')).toEqual({ type: 'selected', id: 11 });
    await panel.page.keyboard.press('Escape');
    await panel.page.keyboard.press('Escape');
    expect(await panel.lastSent('selected')).toEqual({ type: 'selected', id: null });
    await panel.page.evaluate(() => window.dispatchEvent(new Event('blur')));
    expect(await panel.lastSent('focus')).toEqual({ type: 'focus', focused: false });
  });

  it('has the filter on Ctrl+F, as editors have', async () => {
    await open(calls(20));
    await panel.page.click('#call-12');
    await panel.page.keyboard.press('Control+f');
    expect(await panel.page.evaluate(() => document.activeElement?.tagName)).toBe('INPUT');
  });

  it('gets the URL of the chosen call to copy', async () => {
    await open([call({ id: 1, host: '[::1]:8080', path: '/a?b=c' })]);
    await panel.page.click('#call-1');
    await panel.page.keyboard.press('Control+c');
    expect(await panel.lastSent('copy')).toEqual({ type: 'copy', text: 'http://[::1]:8080/a?b=c' });
  });

  it('reveals a call even if the filter hides it or it comes later', async () => {
    const rows = calls(500, { running: 0 });
    await open(rows.slice(0, 400));
    await panel.page.fill('.filter input', 'nowhere');
    await expect.poll(() => panel.page.isVisible('.empty')).toBe(true);
    await panel.post({ type: 'reveal', id: 123 });
    expect(await selected()).toEqual([123]);
    expect(await shown()).toContain(123);
    expect(await panel.page.inputValue('.filter input')).toBe('');
    expect(await panel.page.isVisible('.details')).toBe(true);
    expect((await panel.lastSent('details'))?.id).toBe(123);
    await panel.post({ type: 'reveal', id: 450 });
    expect(await selected()).toEqual([123]);
    await panel.post({ type: 'rows', rows: rows.slice(400), removed: [] });
    expect(await selected()).toEqual([450]);
    await panel.post({ type: 'focusFilter' });
    expect(await panel.page.evaluate(() => document.activeElement?.tagName)).toBe('INPUT');
  });

  it('finds the panel as it was after it was hidden, but for no other trace', async () => {
    const rows = calls(60, { running: 0 });
    await open(rows);
    await panel.page.click('#call-50');
    await panel.page.click('#tab-timing');
    await panel.page.fill('.filter input', 'api');
    await expect.poll(() => panel.state()).toMatchObject({ filter: 'api' });
    const state = await panel.state();
    expect(JSON.stringify(state)).not.toContain('shop');
    await panel.close();

    await open(rows, { state });
    await panel.settled();
    expect(await selected()).toEqual([50]);
    expect(await panel.page.isVisible('.details')).toBe(true);
    expect(await panel.page.getAttribute('#tab-timing', 'aria-selected')).toBe('true');
    expect(await panel.page.inputValue('.filter input')).toBe('api');
    expect((await panel.lastSent('details'))?.id).toBe(50);
    await panel.close();

    panel = await openPanel({ state });
    await panel.fill(rows, statusOf(rows, { startedAt: 1 }));
    expect(await selected()).toEqual([]);
    await panel.close();

    panel = await openPanel({
      state: { sort: { column: 'nonsense' }, widths: 7, tab: 9, filter: {}, chip: [] },
    });
    await panel.fill(rows, statusOf(rows));
    expect((await shown()).at(-1)).toBe(60);
  });

  it('may take everything back', async () => {
    await open(calls(60));
    await panel.page.click('#call-50');
    await panel.post({ type: 'reset' });
    expect(await panel.page.locator('.row').count()).toBe(0);
    expect(await panel.page.isVisible('.details')).toBe(false);
    expect(await panel.page.isVisible('.empty')).toBe(true);
  });
});

describe('Restricted Mode', () => {
  it('offers what leads out of it, and nothing that cannot be', async () => {
    panel = await openPanel({ restricted: true });
    await panel.post({ type: 'status', status: IDLE_STATUS });
    expect(await text('.empty .sentence')).toContain('Restricted Mode');
    expect(await panel.page.isDisabled('[aria-label="Start"]')).toBe(true);
    await panel.page.click('.empty button');
    expect(await panel.lastSent('command')).toEqual({ type: 'command', command: 'manageTrust' });
  });
});

describe('narrow details', () => {
  it('show the tabs that have room, and the others in a menu', async () => {
    const rows = calls(20);
    await open(rows, { width: 760, height: 470 });
    await panel.page.click('#call-12');
    await panel.page.evaluate(() =>
      document.querySelector<HTMLElement>('.details')?.style.setProperty('width', '260px'),
    );
    await panel.page.evaluate(() =>
      document.querySelector<HTMLElement>('.details')?.style.setProperty('flex', 'none'),
    );
    await expect.poll(() => panel.page.isVisible('[aria-label="More Tabs"]')).toBe(true);
    expect(await panel.page.isVisible('#tab-summary')).toBe(true);
    expect(await panel.page.isVisible('#tab-connection')).toBe(false);
    await panel.page.click('[aria-label="More Tabs"]');
    await panel.page.click('.popup-menu:visible [role=menuitem]:has-text("Connection")');
    expect(await panel.page.isVisible('.popup-menu:visible')).toBe(false);
    expect(await panel.page.getAttribute('#tab-connection', 'aria-selected')).toBe('true');
    expect(await panel.page.isVisible('#tab-connection')).toBe(true);
    const ends = await panel.page.evaluate(() => {
      const list = document.querySelector('.tabs');
      return list === null ? null : list.scrollWidth <= list.clientWidth;
    });
    expect(ends).toBe(true);
  });
});

describe('what is selected and copied', () => {
  it('of laid out JSON has its indentation; Ctrl+A takes the tab alone', async () => {
    const rows = calls(20);
    await open(rows);
    await panel.page.click('#call-12');
    await panel.page.click('#tab-response');
    await answer(rows, {
      response: message({
        headers: [['Content-Type', 'application/json']],
        bodySize: 13,
        bodyCaptured: 13,
        body: { text: '{"a":{"b":1}}' },
      }),
    });
    await panel.page.keyboard.press('Control+a');
    const copied = await panel.page.evaluate(() => getSelection()?.toString() ?? '');
    expect(copied).toContain('{\n  "a": {\n    "b": 1\n  }\n}');
    expect(copied).not.toContain('Errors');
  });
});

describe('Clear', () => {
  it('leaves nothing of what was: counts, selection, open details, remembered calls', async () => {
    const rows = calls(60, { running: 0 });
    await open(rows);
    await panel.page.click('#call-50');
    await expect.poll(() => panel.state()).toMatchObject({ held: { calls: 60 } });
    const nothing = { list: 1, calls: 0, errors: 0, bytesSeen: 0, now: 0, runningCalls: 0 };
    await panel.post({ type: 'reset' }, { type: 'status', status: statusOf([], nothing) });
    expect(await panel.page.isVisible('.details')).toBe(false);
    expect(await text('.counters')).toBe(['0 calls', '0 errors', '0 B'].join(''));
    expect(await panel.page.isDisabled('[aria-label="Clear"]')).toBe(true);
    const fresh = calls(60, { running: 0 });
    await panel.post(
      { type: 'status', status: statusOf(fresh, { list: 1 }) },
      { type: 'rows', rows: fresh, removed: [] },
    );
    expect(await selected()).toEqual([]);
    expect(await panel.page.isVisible('.details')).toBe(false);
  });

  it('is possible when there are only bytes, or rows that are no calls', async () => {
    panel = await openPanel();
    await panel.post({ type: 'status', status: statusOf([], { bytesSeen: 10 }) });
    expect(await panel.page.isDisabled('[aria-label="Clear"]')).toBe(false);
  });
});

describe('a window that was loaded again', () => {
  it('says what was dropped, once, and does not count what is not there', async () => {
    const rows = calls(60, { running: 0 });
    await open(rows);
    await panel.page.fill('.filter input', 'api');
    await expect.poll(() => panel.state()).toMatchObject({ filter: 'api', held: { calls: 60 } });
    const state = await panel.state();
    await panel.close();

    panel = await openPanel({ state });
    await panel.post({ type: 'status', status: IDLE_STATUS });
    expect(await text('.empty .detail')).toContain('its 60 calls were not kept');
    expect(await text('.count-calls')).toBe('0 calls');
    await panel.close();

    // The same trace is still there: the panel was only hidden.
    panel = await openPanel({ state });
    await panel.fill(rows, statusOf(rows));
    await panel.post({ type: 'reset' }, { type: 'status', status: IDLE_STATUS });
    expect(await text('.empty .detail')).toBe('No proxy, no certificate, no code changes.');
  });
});

describe('empty states', () => {
  const sentences: [Partial<ReturnType<typeof statusOf>>, RegExp, number][] = [
    [IDLE_STATUS, /^Start a trace to see every HTTP call/, 3],
    [{ phase: 'starting' }, /^Starting…$/, 0],
    [
      { phase: 'running', targets: [{ pid: 1234, name: 'node', ended: false, parent: null, tls: null }] },
      /^Waiting for node \(1234\) to make or answer a call$/,
      1,
    ],
    [
      {
        phase: 'running',
        targets: [1, 2, 3, 4, 5].map((pid) => ({
          pid,
          name: pid === 2 ? null : 'node',
          ended: pid === 1,
          parent: null,
          tls: null,
        })),
      },
      /^Waiting for process 2, node \(3\), node \(4\) and 1 more to make or answer a call$/,
      1,
    ],
    [{ phase: 'running', calls: 2_079 }, /^Loading 2,079 calls…$/, 0],
    [{ phase: 'stopping' }, /^Stopping…$/, 0],
    [{ phase: 'stopped' }, /^No calls\. Start a trace, then repeat the action\.$/, 3],
    [{ phase: 'failed', problem: 'No permission. Run it as root.' }, /^No permission\. Run it as root\.$/, 3],
  ];
  for (const [status, sentence, buttons] of sentences) {
    it(`${status.phase} with ${status.targets?.length ?? 0} targets`, async () => {
      panel = await openPanel();
      await panel.post({ type: 'status', status: statusOf([], status) });
      expect(await text('.empty .sentence')).toMatch(sentence);
      expect(await panel.page.locator('.empty button').count()).toBe(buttons);
      // Files can be opened wherever something can be started; who waits can ask why.
      const named = (name: string) => panel.page.getByRole('button', { name, exact: true }).count();
      expect(await named('Open Trace…')).toBe(buttons === 3 ? 1 : 0);
      expect(await named('Why Is Nothing Shown?')).toBe(buttons === 1 ? 1 : 0);
      expect(await panel.page.isVisible('.split')).toBe(false);
    });
  }

  it('a problem does not hide the calls', async () => {
    await open(calls(5));
    await panel.post({
      type: 'status',
      status: statusOf(calls(5), { phase: 'failed', problem: 'The helper ended.' }),
    });
    expect(await text('.problem')).toBe('The helper ended.');
    expect((await shown()).length).toBe(5);
  });
});

describe('accessibility', () => {
  it('has names and roles for everything that can be used', async () => {
    const rows = calls(20, { running: 1 });
    await open(rows);
    await panel.page.click('#call-18');
    await answer(rows);
    const tree = await panel.page.locator('body').ariaSnapshot();
    expect(tree).toContain('grid "HTTP calls"');
    expect(tree).toContain('columnheader "Number"');
    expect(tree).toContain('combobox "Filter calls"');
    expect(tree).toContain('tablist "Details"');
    expect(tree).toContain('tab "Summary" [selected]');
    expect(tree).toContain('tabpanel "Summary"');
    expect(tree).toContain('separator "Size of the details"');
    expect(tree).toMatch(/gridcell "client node"/);
    const nameless = await panel.page.$$eval('button', (all) =>
      all.filter((b) => b.offsetParent !== null && !b.textContent && !b.ariaLabel).map((b) => b.outerHTML),
    );
    expect(nameless).toEqual([]);
  });

  it('comes along by Tab, with a ring that can be seen', async () => {
    await open(calls(20));
    const stops: string[] = [];
    for (let i = 0; i < 12; i++) {
      await panel.page.keyboard.press('Tab');
      stops.push(
        await panel.page.evaluate(() => {
          const element = document.activeElement;
          return element?.getAttribute('aria-label') ?? element?.textContent ?? '';
        }),
      );
    }
    expect(stops).toEqual(
      expect.arrayContaining([
        'Stop',
        'Clear',
        'Filter calls',
        'Errors',
        'Time range',
        'HTTP calls',
        'Number',
      ]),
    );
    await panel.page.focus('.toolbar button');
    await panel.page.keyboard.press('Tab');
    const outline = await panel.page.evaluate(() =>
      document.activeElement === null ? '' : getComputedStyle(document.activeElement).outlineStyle,
    );
    expect(outline).toBe('solid');
  });

  it('respects that someone wants little motion', async () => {
    panel = await openPanel({ reducedMotion: 'reduce' });
    await panel.post({ type: 'status', status: statusOf([]) });
    const animation = await panel.page.evaluate(
      () => getComputedStyle(document.querySelector('.progress') ?? document.body, '::before').animationName,
    );
    expect(animation).toBe('none');
  });
});
