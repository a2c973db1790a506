/** A sorted list while calls arrive: as in DevTools it stays at the end if it was there; else its position is kept. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { calls, statusOf } from './harness/calls.ts';
import { openPanel, type PanelPage } from './harness/panelPage.ts';

let panel: PanelPage;

/** Each takes longer than the one before. */
const rows = calls(400, { running: 0 }).map((row, i) => ({ ...row, duration: i + 1 }));

beforeEach(async () => {
  panel = await openPanel();
  await panel.fill(rows.slice(0, 200), statusOf(rows));
  await panel.page.click('.header .c-time .name');
  await panel.settled();
});

afterEach(async () => {
  expect(panel.problems).toEqual([]);
  await panel.close();
});

/** Ids of the rows that are wholly in view, top down. */
const shown = (): Promise<number[]> =>
  panel.page.evaluate(() => {
    const box = document.querySelector('.scroller')!.getBoundingClientRect();
    return [...document.querySelectorAll<HTMLElement>('.row')]
      .map((row) => ({ id: Number(row.id.replace('call-', '')), at: row.getBoundingClientRect() }))
      .filter(({ at }) => at.top >= box.top - 1 && at.bottom <= box.bottom + 1)
      .sort((a, b) => a.at.top - b.at.top)
      .map(({ id }) => id);
  });
const come = async (from: number, to: number): Promise<void> => {
  await panel.post({ type: 'rows', rows: rows.slice(from, to), removed: [] });
  await panel.settled();
};
const scrollTo = async (top: number): Promise<void> => {
  await panel.page.evaluate((y) => document.querySelector('.scroller')?.scrollTo(0, y), top);
  await panel.settled();
};

it('stays at the top while slower ones come below', async () => {
  expect((await shown())[0]).toBe(1);
  await come(200, 220);
  expect((await shown())[0]).toBe(1);
});

it('stays at the end, where the slowest are, until one scrolls away', async () => {
  await scrollTo(1e6);
  expect((await shown()).at(-1)).toBe(200);
  await come(200, 260);
  expect((await shown()).at(-1)).toBe(260);
  await come(260, 300);
  expect((await shown()).at(-1)).toBe(300);
  await scrollTo(1_000);
  const place = await shown();
  await come(300, 350);
  expect(await shown()).toEqual(place);
});

it('another order begins at its top, also from the end', async () => {
  await scrollTo(1e6);
  await panel.page.click('.header .c-time .name');
  await panel.settled();
  expect((await shown())[0]).toBe(200);
  await come(200, 210);
  expect((await shown())[0]).toBe(210);
});
