/** What the details of a call show, and where they lead. */
import { afterEach, describe, expect, it } from 'vitest';
import type { ExchangeJson } from '../../extension/engine/exchangeJson.ts';
import type { ExchangeRow } from '../../extension/engine/row.ts';
import type { TabId } from '../../extension/webview/details/tabs.ts';
import { call, exchangeOf, message, statusOf } from './harness/calls.ts';
import { openPanel, type PanelPage } from './harness/panelPage.ts';

let panel: PanelPage;

afterEach(async () => {
  expect(panel.problems).toEqual([]);
  await panel.close();
});

async function open(
  rows: readonly ExchangeRow[],
  id: number,
  tab: TabId,
  change: Partial<ExchangeJson> = {},
) {
  panel = await openPanel({ width: 1500 });
  await panel.fill(rows, statusOf(rows));
  await panel.page.click(`#call-${id}`);
  const row = rows.find((one) => one.id === id) as ExchangeRow;
  await expect.poll(async () => (await panel.lastSent('details'))?.id).toBe(id);
  await panel.post({ type: 'details', id, exchange: exchangeOf(row, change) });
  await panel.page.click(`#tab-${tab}`);
}

const tabpanel = () => panel.page.locator('#tabpanel');

it('a remark that has no room beside its value begins below it', async () => {
  await open([call({ id: 1 })], 1, 'connection', {});
  const places = () =>
    tabpanel()
      .locator('dd:has(.remark)')
      .first()
      .evaluate((dd) => {
        const [value, remark] = [...dd.querySelectorAll('.value, .remark')].map((one) =>
          one.getBoundingClientRect(),
        );
        return { value, remark };
      });
  const wide = await places();
  expect(wide.remark!.top).toBeLessThan(wide.value!.bottom);
  await tabpanel().evaluate((element) => {
    element.style.width = '190px';
  });
  const narrow = await places();
  expect(narrow.remark!.top).toBeGreaterThan(narrow.value!.top);
  expect(narrow.remark!.left).toBe(narrow.value!.left);
});

describe('a body that is laid out', () => {
  const text = '{"list":[{"id":1,"tags":["a","b"]},{"id":2}],"total":2}';
  const lines = () =>
    tabpanel()
      .locator('.laid-out:not([hidden])')
      .evaluateAll((all) =>
        all.map((line) => line.textContent + ((line as HTMLElement).dataset['hidden'] ?? '')),
      );

  it('folds at a line, and all of it by a button; what is hidden is counted', async () => {
    await open([call({ id: 1 })], 1, 'response', {
      response: message({ headers: [['Content-Type', 'application/json']], body: { text } }),
    });
    const all = JSON.stringify(JSON.parse(text), null, 2).split('\n');
    expect(await lines()).toEqual(all);
    const line = tabpanel().locator('.laid-out', { hasText: '"tags"' });
    await line.locator('.fold').click();
    expect(await lines()).toEqual([...all.slice(0, 4), '      "tags": [2 lines', ...all.slice(7)]);
    await tabpanel().locator('.laid-out', { hasText: '"list"' }).locator('.fold').click();
    expect(await lines()).toEqual(['{', '  "list": [10 lines', '  ],', '  "total": 2', '}']);
    // What was folded inside is so still.
    await tabpanel().locator('.laid-out', { hasText: '"list"' }).locator('.fold').click();
    expect(await lines()).toContain('      "tags": [2 lines');
    const button = (name: string) => tabpanel().getByRole('button', { name, exact: true });
    await button('Unfold').click();
    expect(await lines()).toEqual(all);
    await button('Fold').press('Enter');
    expect(await lines()).toEqual(['{', '  "list": [10 lines', '  ],', '  "total": 2', '}']);
    await button('Unfold').press('Enter');
    expect(await lines()).toEqual(all);
  });

  it('has nothing to fold where it is flat', async () => {
    await open([call({ id: 1 })], 1, 'response', {
      response: message({ headers: [['Content-Type', 'application/json']], body: { text: '{"a":1}' } }),
    });
    expect(await tabpanel().getByRole('button', { name: 'Fold' }).count()).toBe(0);
  });
});

describe('header fields', () => {
  const request = message({
    headers: [
      ['x-B', '2'],
      ['Accept', '*/*'],
      ['X-a', '1'],
    ],
  });

  it('are as they were sent, by name, or text', async () => {
    await open([call({ id: 1 })], 1, 'headers', { request });
    const names = () => tabpanel().locator('table').first().locator('th').allInnerTexts();
    expect(await names()).toEqual(['x-B', 'Accept', 'X-a']);
    await panel.page.getByRole('button', { name: 'By name' }).click();
    expect(await names()).toEqual(['Accept', 'X-a', 'x-B']);
    await panel.page.getByRole('button', { name: 'As text' }).click();
    expect(await tabpanel().locator('pre').first().textContent()).toBe('x-B: 2\nAccept: */*\nX-a: 1');
    await panel.page.getByRole('button', { name: 'As sent' }).click();
    expect(await names()).toEqual(['x-B', 'Accept', 'X-a']);
  });

  it('have cookies, with what is wrong with them', async () => {
    await open([call({ id: 1 })], 1, 'headers', {
      url: 'http://shop.test/',
      request: message({ headers: [['Cookie', 'a=1; theme=dark']] }),
      response: message({ headers: [['Set-Cookie', 'id=<b>7</b>; Secure; SameSite=None; Max-Age=0']] }),
    });
    const content = await tabpanel().textContent();
    expect(content).toContain('Cookies senta1themedark');
    expect(content).toContain('Cookies setid<b>7</b>SecureSent over HTTPS only.');
    expect(content).toContain('It expires at once: it deletes the cookie.');
    expect(content).toContain('Secure, but set over http: browsers reject it.');
  });
});

it('parameters of the URL are a table, decoded', async () => {
  await open([call({ id: 1 })], 1, 'request', { url: 'http://shop.test/a?q=a%20b&q=%E2%82%AC&x=<i>' });
  const cells = await tabpanel().locator('table').first().locator('th, td').allInnerTexts();
  expect(cells).toEqual(['q', 'a b', 'q', '€', 'x', '<i>']);
});

it('a body beyond the limit leads to the setting', async () => {
  await open([call({ id: 1 })], 1, 'response', {
    response: message({
      headers: [['Content-Type', 'image/png']],
      bodySize: 157_000,
      bodyCaptured: 65_536,
      body: { base64: 'iVBORw0KGgo=' },
      bodyNote: 'Only the first 65536 of 157000 bytes of the body were captured.',
    }),
  });
  const note = tabpanel().locator('.note').first();
  expect(await note.textContent()).toContain('set httpTrace.bodyLimit to 157000 or more');
  await panel.page.getByRole('button', { name: 'Change the limit…' }).click();
  await expect.poll(() => panel.lastSent('openBodyLimit')).toEqual({ type: 'openBodyLimit' });
});

it('each phase is explained', async () => {
  await open([call({ id: 1 })], 1, 'timing');
  const content = await tabpanel().textContent();
  expect(content).toContain('Last byte of the request to first byte of the response');
  expect(content).toMatch(/Total/);
});

it('the total includes the lookup, the connect and TLS', async () => {
  const timings = {
    lookupMs: 1,
    connectMs: 5,
    tlsMs: 7,
    sendMs: 1,
    waitMs: 8,
    receiveMs: 1,
    overlapMs: null,
    pausedMs: null,
  };
  await open([call({ id: 1 })], 1, 'timing', { durationMs: 10, timings });
  expect(await tabpanel().textContent()).toMatch(/Total.*23\.0 ms/);
});

it('a redirect leads to where it went, by keyboard as well', async () => {
  const rows = [
    call({ id: 1, status: 302, start: 0, duration: 5, host: 'shop.test', path: '/a' }),
    call({ id: 2, status: 200, start: 10, duration: 5, host: 'shop.test', path: '/b' }),
  ];
  await open(rows, 1, 'summary', {
    url: 'http://shop.test/a',
    response: message({ headers: [['Location', '/b']] }),
  });
  const link = panel.page.getByRole('button', { name: /#2 GET .*\/b 200/ });
  await link.focus();
  await panel.page.keyboard.press('Enter');
  await expect.poll(async () => (await panel.lastSent('details'))?.id).toBe(2);
});

it('a remark in a narrow panel goes to the next line before its word is broken', async () => {
  await open([call({ id: 1 })], 1, 'summary');
  await panel.page.setViewportSize({ width: 280, height: 700 });
  // In the menu of tabs there; the tab that is open keeps its place.
  await panel.page.getByRole('button', { name: 'More Tabs' }).click();
  await panel.page.getByRole('menuitem', { name: 'Connection' }).click();
  const remark = tabpanel().locator('.remark', { hasText: 'traced' });
  const [lines, lineHeight] = await remark.evaluate((element) => [
    element.getBoundingClientRect().height,
    Number.parseFloat(getComputedStyle(element).lineHeight),
  ]);
  expect(lines / lineHeight).toBeLessThan(1.5);
});
