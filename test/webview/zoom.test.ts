/** The waterfall by keyboard: W and S zoom, A and D move, F fits; the ruler has the times of each zoom. */
import { afterEach, expect, it } from 'vitest';
import { call, statusOf } from './harness/calls.ts';
import { openPanel, type PanelPage } from './harness/panelPage.ts';

let panel: PanelPage;

afterEach(async () => {
  expect(panel.problems).toEqual([]);
  await panel.close();
});

const bar = () =>
  panel.page.evaluate(() => {
    const { left, width } = document.querySelector('#call-2 .bar')?.getBoundingClientRect() ?? new DOMRect();
    return { left, width };
  });
const ticks = () => panel.page.locator('.header .tick').allInnerTexts();

it('W and S zoom, A and D move, F fits', async () => {
  // One in the middle of the other's time, as that is where the keys zoom.
  const rows = [call({ id: 1, start: 0, duration: 100 }), call({ id: 2, start: 45, duration: 10 })];
  panel = await openPanel();
  await panel.fill(rows, statusOf(rows));
  await panel.page.focus('.grid');
  const before = await bar();
  const rulers = [await ticks()];
  expect(rulers[0]?.length).toBeGreaterThan(1);

  await panel.page.keyboard.press('w');
  await panel.page.keyboard.press('w');
  await expect.poll(async () => (await bar()).width).toBeGreaterThan(before.width);
  rulers.push(await ticks());
  const zoomed = await bar();
  await panel.page.keyboard.press('d');
  await expect.poll(async () => (await bar()).left).toBeLessThan(zoomed.left);
  rulers.push(await ticks());
  await panel.page.keyboard.press('a');
  await expect.poll(async () => (await bar()).left).toBeCloseTo(zoomed.left, 0);
  await panel.page.keyboard.press('s');
  await expect.poll(async () => (await bar()).width).toBeLessThan(zoomed.width);
  await panel.page.keyboard.press('f');
  await expect.poll(async () => (await bar()).width).toBeCloseTo(before.width, 0);
  for (const ruler of rulers) expect(ruler.length).toBeGreaterThan(0);
  expect(rulers[1]).not.toEqual(rulers[0]);

  // The sheet names each of these keys.
  await panel.page.keyboard.press('?');
  const keys = (await panel.page.locator('dialog.help kbd').allInnerTexts()).join(' ');
  for (const key of ['W', 'S', 'A', 'D', 'F', '/', 'Ctrl+F', '?']) expect(keys.split(/\s+/)).toContain(key);
});
