/**
 * Pictures of the panel in every theme, size and state, kept in test-output/webview for people to look at. What
 * is asserted is that nothing is reported: no error, nothing that the Content-Security-Policy had to forbid.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TABS, type TabId } from '../../extension/webview/details/tabs.ts';
import { calls, exchangeOf, statusOf } from './harness/calls.ts';
import { PanelBrowser, type PanelPage, type ThemeName } from './harness/panelPage.ts';

let browser: PanelBrowser;

beforeAll(async () => {
  browser = await PanelBrowser.start();
});

afterAll(async () => {
  await browser.close();
});

const SIZES = [
  [1500, 470],
  [700, 470],
  [400, 600],
] as const;

async function openCall(panel: PanelPage, id: number, rows: ReturnType<typeof calls>): Promise<void> {
  const row = rows.find((r) => r.id === id);
  if (row === undefined) throw new Error(`no call ${id}`);
  await panel.post({ type: 'reveal', id });
  await panel.post({ type: 'details', id, exchange: exchangeOf(row) });
}

for (const theme of ['dark', 'light', 'high-contrast', 'high-contrast-light'] satisfies ThemeName[]) {
  for (const [width, height] of SIZES) {
    // Many calls look alike in every theme but for the colours.
    const counts = theme === 'dark' || width === 1500 ? [0, 5, 50_000] : [0, 5];
    for (const count of counts) {
      it(`${theme} ${width}×${height} with ${count} calls`, async () => {
        const panel = await browser.open({ theme, width, height });
        const rows = calls(count);
        await panel.fill(rows, statusOf(rows));
        await panel.page.waitForTimeout(300);
        await panel.screenshot(`${theme}-${width}x${height}-${count}`);
        expect(panel.problems).toEqual([]);
        await panel.close();
      });
    }

    it(`${theme} ${width}×${height} with details`, async () => {
      const panel = await browser.open({ theme, width, height });
      const rows = calls(1_284);
      const failed = rows.findLast((row) => row.status === 502 && row.phases.connectMs !== null);
      await panel.fill(rows, statusOf(rows));
      await openCall(panel, failed?.id ?? 1, rows);
      for (const { id } of TABS) {
        await panel.page.click(`#tab-${id satisfies TabId}`);
        await panel.settled();
        await panel.page.waitForTimeout(300);
        await panel.screenshot(`${theme}-${width}x${height}-${id}`);
      }
      expect(panel.problems).toEqual([]);
      await panel.close();
    });
  }
}
