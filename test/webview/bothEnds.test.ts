/** A call that was seen at both ends is one row, which unfolds: by mouse, keyboard and the switch. */
import { afterEach, expect, it } from 'vitest';
import type { ExchangeRow } from '../../extension/engine/row.ts';
import { variants } from '../kit/tier.mjs';
import { bothEnds, call, exchangeOf, statusOf } from './harness/calls.ts';
import { openPanel, type PanelOptions, type PanelPage, type ThemeName } from './harness/panelPage.ts';

let panel: PanelPage;

afterEach(async () => {
  expect(panel.problems).toEqual([]);
  await panel.close();
});

async function open(rows: readonly ExchangeRow[], options: PanelOptions = {}) {
  panel = await openPanel(options);
  await panel.fill(rows, statusOf(rows));
}

/** Numbers of the rows, top down. */
async function listed(): Promise<number[]> {
  return panel.page.$$eval('.row', (rows) =>
    rows
      .map((row) => ({ id: Number(row.id.replace('call-', '')), top: row.getBoundingClientRect().top }))
      .sort((a, b) => a.top - b.top)
      .map(({ id }) => id),
  );
}

const row = (id: number) => panel.page.locator(`#call-${id}`);
const counter = (name: string): Promise<string | null> => panel.page.locator(`.count-${name}`).textContent();
const filter = async (text: string): Promise<void> => {
  await panel.page.fill('.filter input', text);
  await panel.settled();
};

it('is one row with both names, counted once, and says so', async () => {
  await open([...bothEnds(5), call({ id: 11, start: 400, path: '/alone' })]);
  expect(await listed()).toEqual([1, 3, 5, 7, 9, 11]);
  expect(await row(1).locator('.c-process').textContent()).toBe('shop.js → api.js');
  expect(await row(1).locator('.c-process').getAttribute('aria-label')).toBe(
    'both ends: client shop.js (11), server api.js (12)',
  );
  expect(await row(11).locator('.twistie').isVisible()).toBe(false);
  expect(await counter('calls')).toBe('6 calls');
  expect(await counter('errors')).toBe('1 error');
  expect(await panel.page.locator('.count-calls').getAttribute('title')).toBe(
    '5 of them were seen at both ends, and count once.',
  );
});

it('unfolds and folds by its arrow', async () => {
  await open(bothEnds(3));
  await row(3).locator('.twistie').click();
  await panel.settled();
  expect(await listed()).toEqual([1, 3, 4, 5]);
  expect(await counter('calls')).toBe('3 calls');
  expect(await row(3).getAttribute('aria-expanded')).toBe('true');
  expect(await row(4).getAttribute('aria-level')).toBe('2');
  expect(await row(4).locator('.c-process').textContent()).toContain('api.js');
  // The arrow opens no details.
  expect(await panel.page.isVisible('.details')).toBe(false);
  await row(3).locator('.twistie').click();
  await panel.settled();
  expect(await listed()).toEqual([1, 3, 5]);
  expect(await row(3).getAttribute('aria-expanded')).toBe('false');
});

it('unfolds and folds by the keys of a tree', async () => {
  await open(bothEnds(2));
  const { keyboard } = panel.page;
  await panel.page.focus('.grid');
  await keyboard.press('Home');
  await keyboard.press('ArrowRight');
  await panel.settled();
  expect(await listed()).toEqual([1, 2, 3]);
  await keyboard.press('ArrowDown');
  expect(await row(2).getAttribute('aria-selected')).toBe('true');
  // From the server's row to the client's, then closed.
  await keyboard.press('ArrowLeft');
  expect(await row(1).getAttribute('aria-selected')).toBe('true');
  await keyboard.press('ArrowLeft');
  await panel.settled();
  expect(await listed()).toEqual([1, 3]);
  // What is selected and folded away leaves the selection to its call.
  await keyboard.press('ArrowRight');
  await panel.settled();
  await keyboard.press('ArrowDown');
  await row(1).locator('.twistie').click();
  await panel.settled();
  expect(await listed()).toEqual([1, 3]);
  expect(await row(1).getAttribute('aria-selected')).toBe('true');
});

it('is two rows where the switch says so, which the host is asked for', async () => {
  await open(bothEnds(2));
  const button = panel.page.getByRole('button', { name: 'Both Ends of a Call in One Row' });
  expect(await button.getAttribute('aria-pressed')).toBe('true');
  await button.click();
  expect(await panel.lastSent('joinBothEnds')).toEqual({ type: 'joinBothEnds', joins: false });
  await panel.post({ type: 'joinBothEnds', joins: false });
  await panel.settled();
  expect(await listed()).toEqual([1, 2, 3, 4]);
  expect(await counter('calls')).toBe('4 calls');
  expect(await button.getAttribute('aria-pressed')).toBe('false');
  await panel.post({ type: 'joinBothEnds', joins: true });
  await panel.settled();
  expect(await listed()).toEqual([1, 3]);
});

it('has no switch where no call was seen at both ends', async () => {
  await open([call({ id: 1 })]);
  expect(await panel.page.isVisible('.switch')).toBe(false);
});

it('is listed where either side matches the filter, and stays where it was in every order', async () => {
  const rows = bothEnds(4).map((one) => (one.id === 6 ? { ...one, status: 500 } : one));
  await open(rows);
  for (const [text, found] of [
    ['status:500', [5]],
    ['side:server', [1, 3, 5, 7]],
    ['status:503', []],
    ['process:api.js', [1, 3, 5, 7]],
  ] as const) {
    await filter(text);
    await expect.poll(listed).toEqual(found);
    expect(await counter('calls')).toBe(`${found.length} of 4 calls`);
  }
  await filter('');
  await expect.poll(listed).toEqual([1, 3, 5, 7]);
  await row(5).locator('.twistie').click();
  await panel.page.locator('.header .c-time').click();
  await panel.settled();
  expect(await listed()).toEqual([1, 3, 5, 6, 7]);
});

it('becomes one row when the other side is found later: what is selected stays in view', async () => {
  const rows = bothEnds(2);
  const apart = rows.map((one) => ({ ...one, peer: null }));
  await open(apart);
  expect(await listed()).toEqual([1, 2, 3, 4]);
  await row(4).click();
  await panel.post({ type: 'rows', rows: rows.map((one) => ({ ...one, revision: 9 })), removed: [] });
  await panel.settled();
  // The one that is looked at is unfolded, the other one is folded.
  expect(await listed()).toEqual([1, 3, 4]);
  expect(await row(4).getAttribute('aria-selected')).toBe('true');
});

it("is the server's row alone when the client's is no longer held", async () => {
  await open(bothEnds(2));
  await panel.post({ type: 'rows', rows: [], removed: [1] });
  await panel.settled();
  expect(await listed()).toEqual([2, 3]);
});

it("unfolds when the server's row is asked for", async () => {
  await open(bothEnds(3));
  await panel.post({ type: 'reveal', id: 4 });
  await panel.settled();
  expect(await listed()).toEqual([1, 3, 4, 5]);
  expect(await row(4).getAttribute('aria-selected')).toBe('true');
});

it('shows what lies between both ends, and leads to the other one', async () => {
  const rows = bothEnds(3);
  await open(rows);
  const [client, server] = rows as [ExchangeRow, ExchangeRow];
  await panel.post({ type: 'reveal', id: 1 });
  await panel.post({ type: 'details', id: 1, exchange: exchangeOf(client), peer: exchangeOf(server) });
  await panel.page.click('#tab-timing');
  const table = panel.page.getByRole('table', { name: 'Timing at both ends' });
  expect(
    await table
      .locator('.timing-row')
      .evaluateAll((lines) =>
        lines.map((line) =>
          [...line.children].map(({ textContent }) => textContent).filter((text) => text !== ''),
        ),
      ),
  ).toEqual([
    ['Client, shop.js (11)', '45.0 ms'],
    ['Until the server read it', '3.0 ms'],
    ['Server, api.js (12)', '36.0 ms'],
    ['Until the client read it', '6.0 ms'],
  ]);
  await panel.page.click('#tab-summary');
  await panel.page.getByRole('button', { name: "Show the Server's Side" }).click();
  await panel.settled();
  expect(await listed()).toEqual([1, 2, 3, 5]);
  expect(await row(2).getAttribute('aria-selected')).toBe('true');
  expect(await panel.lastSent('details')).toEqual({ type: 'details', id: 2, reveal: false });
});

it('shows no other end where there is none', async () => {
  await open([call({ id: 1 })]);
  await panel.post({ type: 'reveal', id: 1 });
  await panel.post({ type: 'details', id: 1, exchange: exchangeOf(call({ id: 1 })) });
  await panel.page.click('#tab-timing');
  expect(await panel.page.locator('.timing').count()).toBe(1);
});

for (const [number, theme] of (['dark', 'light', 'high-contrast'] satisfies ThemeName[]).entries()) {
  it.each(variants([1500, 400], number))(`looks well in ${theme}, %d pixels wide`, async (width) => {
    const rows = [...bothEnds(6), call({ id: 13, start: 420, path: '/alone', processName: 'shop.js' })];
    await open(rows, { theme, width, height: 620 });
    await row(3).locator('.twistie').click();
    await panel.settled();
    await panel.screenshot(`both-ends-${theme}-${width}`);
    const [client, server] = rows as [ExchangeRow, ExchangeRow];
    await panel.post({ type: 'reveal', id: 1 });
    await panel.post({ type: 'details', id: 1, exchange: exchangeOf(client), peer: exchangeOf(server) });
    for (const tab of ['summary', 'timing']) {
      await panel.page.evaluate((name) => document.getElementById(`tab-${name}`)?.click(), tab);
      await panel.settled();
      await panel.screenshot(`both-ends-${theme}-${width}-${tab}`);
    }
  });
}
