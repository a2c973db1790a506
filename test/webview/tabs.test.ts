/** Panels follow each other in one tab of the browser (harness/panelPage.ts): no state is left for the next one. */
import { expect, it } from 'vitest';
import { calls, statusOf } from './harness/calls.ts';
import { openPanel } from './harness/panelPage.ts';

it('reports what its own page reports, from the first script on', async () => {
  const first = await openPanel();
  await first.page.evaluate(() => console.error('late'));
  await expect.poll(() => first.problems).toEqual(['late']);
  const early = await first.page.addInitScript(() => console.error('early'));
  await first.close();
  const second = await openPanel();
  expect(second.page).toBe(first.page);
  await expect.poll(() => second.problems).toEqual(['early']);
  await early.dispose();
  await second.close();
  const third = await openPanel();
  expect(third.problems).toEqual([]);
  await third.close();
});

it('has no mouse, state, theme or size of the one before', async () => {
  const first = await openPanel({ theme: 'light', width: 700, state: { filter: 'api' } });
  const rows = calls(20);
  await first.fill(rows, statusOf(rows));
  await first.page.click('#call-3');
  const hovered = () => document.querySelectorAll(':hover').length;
  expect(await first.page.evaluate(hovered)).toBeGreaterThan(0);
  expect(await first.page.getAttribute('body', 'class')).toContain('vscode-light');
  await first.close();
  const second = await openPanel();
  await second.fill(rows, statusOf(rows));
  expect(await second.page.evaluate(hovered)).toBe(0);
  expect(await second.page.getAttribute('body', 'class')).toContain('vscode-dark');
  expect(await second.page.inputValue('.filter input')).toBe('');
  expect(await second.page.evaluate(() => window.innerWidth)).toBe(1500);
  expect(await second.sent()).not.toContainEqual(expect.objectContaining({ type: 'details' }));
  await second.close();
});

it('is another tab while the first is open', async () => {
  const [first, second] = [await openPanel(), await openPanel()];
  expect(second.page).not.toBe(first.page);
  await first.close();
  await second.close();
});
