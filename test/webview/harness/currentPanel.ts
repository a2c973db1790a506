/** One panel at a time, as tests open, read and use it. Each file ends a test with `afterEach(closePanel)`. */
import { expect } from 'vitest';
import type { ExchangeRow } from '../../../extension/engine/row.ts';
import { exchangeOf, statusOf } from './calls.ts';
import { openPanel, type PanelOptions, type PanelPage } from './panelPage.ts';

/** The one that is open. */
export let panel: PanelPage;

/** Opens one that has received nothing yet. */
export async function openEmpty(options: PanelOptions = {}): Promise<void> {
  panel = await openPanel(options);
}

export async function open(rows: readonly ExchangeRow[], options: PanelOptions = {}): Promise<void> {
  await openEmpty(options);
  await panel.fill(rows, statusOf(rows));
}

/** Fails if the page reported an error. */
export async function closePanel(): Promise<void> {
  expect(panel.problems).toEqual([]);
  await panel.close();
}

/** Numbers of the rows that lie within the visible part of the list, top down. */
export async function shown(): Promise<number[]> {
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
export const text = (selector: string): Promise<string> => panel.page.locator(selector).innerText();
export const selected = (): Promise<number[]> =>
  panel.page.$$eval('.row[aria-selected="true"]', (rows) =>
    rows.map((row) => Number(row.id.replace('call-', ''))),
  );

/** Does something while the pointer moves about in a row, however slow the machine is. */
export async function aiming(
  { x, y, height }: { x: number; y: number; height: number },
  work: () => Promise<void>,
) {
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
export async function answer(rows: readonly ExchangeRow[], change: Parameters<typeof exchangeOf>[1] = {}) {
  await expect.poll(async () => (await panel.lastSent('details'))?.id).not.toBeNull();
  const id = (await panel.lastSent('details'))?.id ?? 0;
  const row = rows.find((r) => r.id === id);
  await panel.post({ type: 'details', id, exchange: row === undefined ? null : exchangeOf(row, change) });
}
