/** A panel with the calls of a file: while its rows arrive, and at a width of 1024 pixels. */
import { expect, it } from 'vitest';
import { calls, statusOf } from './harness/calls.ts';
import { openPanel } from './harness/panelPage.ts';

it.each(['idle', 'starting', 'running', 'stopping', 'stopped', 'failed'] as const)(
  'calls whose rows are on their way are said to be loading: %s',
  async (phase) => {
    const panel = await openPanel();
    const rows = calls(60);
    // As when the panel is moved, or opened beside a large file.
    await panel.fill([], statusOf(rows, { phase }));
    expect(await panel.page.textContent('.empty .sentence')).toMatch(/^Loading \d+ calls…$/);
    expect(await panel.page.$$('.empty button')).toEqual([]);
    await panel.post({ type: 'rows', rows, removed: [] });
    expect(await panel.page.isVisible('.empty')).toBe(false);
    expect(panel.problems).toEqual([]);
    await panel.close();
  },
);

it('no bytes are claimed of files, of which none moved', async () => {
  const panel = await openPanel();
  const rows = calls(3);
  await panel.fill(rows, statusOf(rows, { phase: 'idle', bytesSeen: 0 }));
  expect(await panel.page.textContent('.toolbar')).toContain('3 calls');
  expect(await panel.page.isVisible('.toolbar .count-bytes')).toBe(false);
  await panel.post({ type: 'status', status: statusOf(rows, { bytesSeen: 2_048 }) });
  expect(await panel.page.textContent('.toolbar .count-bytes')).toBe('2.0 KiB');
  await panel.close();
});

it('method, status and URL are there in the narrowest list that a window of 1024 pixels has', async () => {
  const panel = await openPanel({ width: 265, height: 250 });
  const rows = calls(30);
  await panel.fill(rows, statusOf(rows));
  const cells = await panel.page.$$eval('.header .cell', (all) =>
    all.map((cell) => cell.textContent?.trim()),
  );
  expect(cells.slice(0, 3)).toEqual(['Method', 'Status', 'Call']);
  await panel.close();
});
