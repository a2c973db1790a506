/**
 * Calls are nested beneath their cause: three services in a row are one waterfall. By mouse, keyboard and the switch.
 */
import { afterEach, expect, it } from 'vitest';
import type { ExchangeRow } from '../../extension/engine/row.ts';
import { variants } from '../kit/tier.mjs';
import { call, exchangeOf, gatewayCalls, statusOf } from './harness/calls.ts';
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

/** Numbers of the rows with their levels, top down. */
async function listed(): Promise<string> {
  const rows = await panel.page.$$eval('.row', (elements) =>
    elements
      .map((row) => ({
        text: `${row.id.replace('call-', '')}@${row.getAttribute('aria-level')}`,
        top: row.getBoundingClientRect().top,
      }))
      .sort((a, b) => a.top - b.top)
      .map(({ text }) => text),
  );
  return rows.join(' ');
}

const row = (id: number) => panel.page.locator(`#call-${id}`);
const filter = async (text: string): Promise<void> => {
  await panel.page.fill('.filter input', text);
  await panel.settled();
};

it('stands beneath it, further in, with a bar below the bar of it', async () => {
  await open([...gatewayCalls(2), call({ id: 40, start: 300, path: '/alone' })]);
  expect(await listed()).toBe('1@1 3@2 5@3 7@2 9@1 11@2 13@3 15@2 40@1');
  const left = (id: number): Promise<number> =>
    row(id)
      .locator('.path')
      .evaluate((path) => path.getBoundingClientRect().left);
  const text = (id: number): Promise<number> =>
    row(id)
      .locator('.call')
      .evaluate((path) => path.getBoundingClientRect().left);
  expect((await text(3)) - (await text(1))).toBeGreaterThan(8);
  expect((await text(5)) - (await text(3))).toBeGreaterThan(8);
  expect(await left(40)).toBeGreaterThan(0);
  const bar = (id: number) =>
    row(id)
      .locator('.bar')
      .evaluate((one) => {
        const { left: from, right } = one.getBoundingClientRect();
        return { from, right };
      });
  const [outer, inner] = [await bar(1), await bar(3)];
  expect(inner.from).toBeGreaterThan(outer.from);
  expect(inner.right).toBeLessThan(outer.right);
  // What is only probable says so.
  expect(await row(7).getAttribute('class')).toContain('doubtful');
  expect(await row(7).locator('.c-call').getAttribute('title')).toContain('probably, by time');
  expect(await row(3).locator('.c-call').getAttribute('title')).toContain('(by traceparent)');
});

it('folds and unfolds by its arrow, and by the keys of a tree', async () => {
  await open(gatewayCalls(1));
  await row(1).locator('.twistie').click();
  await panel.settled();
  expect(await listed()).toBe('1@1');
  expect(await row(1).getAttribute('aria-expanded')).toBe('false');
  const { keyboard } = panel.page;
  await panel.page.focus('.grid');
  await keyboard.press('Home');
  await keyboard.press('ArrowRight');
  await panel.settled();
  expect(await listed()).toBe('1@1 3@2 5@3 7@2');
  await keyboard.press('ArrowRight');
  expect(await row(3).getAttribute('aria-selected')).toBe('true');
  await keyboard.press('ArrowLeft');
  await panel.settled();
  expect(await listed()).toBe('1@1 3@2 7@2');
  await keyboard.press('ArrowLeft');
  expect(await row(1).getAttribute('aria-selected')).toBe('true');
  // What is selected and folded away leaves the selection to what it is beneath.
  await keyboard.press('End');
  await row(1).locator('.twistie').click();
  await panel.settled();
  expect(await row(1).getAttribute('aria-selected')).toBe('true');
});

it('shows what a match stands beneath, dimmed, and counts only matches', async () => {
  await open(gatewayCalls(2));
  await filter('path:/stock/1');
  await expect.poll(listed).toBe('9@1 11@2 13@3');
  expect(await panel.page.locator('.count-calls').textContent()).toBe('1 of 8 calls');
  expect(await row(9).getAttribute('class')).toContain('dimmed');
  expect(await row(13).getAttribute('class')).not.toContain('dimmed');
  await filter('path:/checkout/*');
  await expect.poll(listed).toBe('1@1 9@1');
  expect(await row(1).locator('.twistie').isVisible()).toBe(true);
  await filter('');
  await panel.page.locator('.header .c-time').click();
  await panel.settled();
  // Each level by itself.
  expect(await listed()).toBe('1@1 7@2 3@2 5@3 9@1 15@2 11@2 13@3');
});

it('is apart where the switch says so, which the host is asked for', async () => {
  await open(gatewayCalls(1));
  const button = panel.page.getByRole('button', { name: 'Nest Calls Beneath the Call That Caused Them' });
  expect(await button.getAttribute('aria-pressed')).toBe('true');
  await button.click();
  expect(await panel.lastSent('nestCalls')).toEqual({ type: 'nestCalls', nests: false });
  await panel.post({ type: 'nestCalls', nests: false });
  await panel.settled();
  expect(await listed()).toBe('1@1 3@1 5@1 7@1');
  await panel.post({ type: 'nestCalls', nests: true }, { type: 'joinBothEnds', joins: false });
  await panel.settled();
  expect(await listed()).toBe('1@1 2@2 3@3 4@4 5@5 6@6 7@3 8@4');
});

it('comes live: a call is beneath what caused it as soon as that is known, and on top of the list if that goes', async () => {
  const rows = gatewayCalls(1);
  await open(rows.slice(4));
  expect(await listed()).toBe('5@1 7@1');
  await panel.post({ type: 'rows', rows: rows.slice(0, 4), removed: [] });
  await panel.settled();
  expect(await listed()).toBe('1@1 3@2 5@3 7@2');
  await panel.post({ type: 'rows', rows: [], removed: [1, 2] });
  await panel.settled();
  expect(await listed()).toBe('3@1 5@2 7@1');
});

it('is linked in the details, from either side; a link unfolds what it leads to', async () => {
  const rows = gatewayCalls(1);
  await open(rows);
  await row(3).locator('.twistie').click();
  await row(1).click();
  const details = async (id: number): Promise<void> => {
    const [one, other] = [rows[id - 1], rows[id % 2 === 1 ? id : id - 2]] as [ExchangeRow, ExchangeRow];
    await panel.post({ type: 'details', id, exchange: exchangeOf(one), peer: exchangeOf(other) });
    await panel.settled();
  };
  await details(1);
  const related = panel.page.locator('.details .related li');
  expect(await related.allTextContents()).toEqual([
    expect.stringMatching(/^caused #3 GET http:\/\/orders\.test\/orders\/0 200 \(by traceparent\)$/),
    expect.stringMatching(/^caused #7 .* \(probably, by time: the process was answering several calls/),
  ]);
  await row(3).click();
  await details(3);
  expect(await related.first().textContent()).toMatch(/^caused by #2 .* \(by traceparent\)$/);
  await related.nth(1).getByRole('button').click();
  await panel.settled();
  expect(await listed()).toContain('5@3');
  expect(await row(5).getAttribute('aria-selected')).toBe('true');
});

it.each(
  variants(
    [
      ['dark', 1440],
      ['light', 1440],
      ['high-contrast', 1440],
      ['dark', 640],
      ['light', 380],
    ] as const,
    2,
    2,
  ),
)('looks well: %s, %d wide', async (theme, width) => {
  await open([...gatewayCalls(3), call({ id: 90, start: 460, path: '/alone', pid: 31 })], {
    theme: theme as ThemeName,
    width,
    height: 420,
  });
  await row(3).click();
  await panel.page.keyboard.press('Escape');
  await panel.screenshot(`nested-${theme}-${width}`);
  // Nothing is drawn over something else: the text of a row is inside its cell.
  const outside = await panel.page.$$eval(
    '.row .c-call',
    (cells) =>
      cells.filter((cell) => {
        const [own, text] = [
          cell.getBoundingClientRect(),
          cell.querySelector('.call')?.getBoundingClientRect(),
        ];
        return text !== undefined && (text.left < own.left || text.right > own.right + 1);
      }).length,
  );
  expect(outside).toBe(0);
});
