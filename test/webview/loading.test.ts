/** While very many rows arrive, as when a file is opened. */
import { afterEach, expect, it } from 'vitest';
import { calls, statusOf } from './harness/calls.ts';
import { openPanel, type PanelPage } from './harness/panelPage.ts';

let panel: PanelPage;

afterEach(async () => {
  expect(panel.problems).toEqual([]);
  await panel.close();
});

it('says that they are being loaded, and does not take what is there for what the filter leaves', async () => {
  panel = await openPanel();
  const rows = calls(5_000, { running: 0 });
  const counted = () => panel.page.textContent('.count-calls');
  await panel.post({ type: 'reset' });
  await panel.post({ type: 'status', status: statusOf(rows) });
  await panel.page.locator('.filter input').fill('method:GET');
  await panel.post({ type: 'rows', rows: rows.slice(0, 2_000), removed: [], left: 3_000 });
  await expect.poll(counted).toBe('Loading, 3,000 to come…');
  await panel.post({ type: 'rows', rows: rows.slice(2_000, 4_000), removed: [], left: 1_000 });
  await expect.poll(counted).toBe('Loading, 1,000 to come…');
  // Also where the filter takes none of the last ones.
  const others = rows.slice(4_000).map((row) => ({ ...row, method: 'POST' }));
  await panel.post({ type: 'rows', rows: others, removed: [] });
  await expect.poll(counted).toMatch(/^[\d,]+ of 5,000 calls$/);
});

it('does not say so any more when the list is another one', async () => {
  panel = await openPanel();
  const rows = calls(4_500);
  await panel.post({ type: 'status', status: statusOf(rows) });
  await panel.post({ type: 'rows', rows: rows.slice(0, 2_000), removed: [], left: 2_500 });
  await expect.poll(() => panel.page.textContent('.count-calls')).toMatch(/^Loading/);
  await panel.fill(rows.slice(0, 3), statusOf(rows.slice(0, 3)));
  await expect.poll(() => panel.page.textContent('.count-calls')).toBe('3 calls');
});
