/** axe finds nothing serious, in any theme, and at 200 % nothing is out of reach. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults, RunOptions } from 'axe-core';
import { describe, expect, it } from 'vitest';
import { TABS } from '../../extension/webview/details/tabs.ts';
import { variants } from '../kit/tier.mjs';
import { calls, exchangeOf, statusOf } from './harness/calls.ts';
import { openPanel, type PanelPage, type ThemeName } from './harness/panelPage.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const THEMES = ['dark', 'light', 'high-contrast', 'high-contrast-light'] satisfies ThemeName[];

/** Themes differ in nothing but colours: all rules are applied in the first one. */
const COLOURS: RunOptions = { runOnly: { type: 'rule', values: ['color-contrast', 'link-in-text-block'] } };

/** What is serious or worse in a part of the page: rule, and the elements that break it. */
async function violations(panel: PanelPage, theme: ThemeName, part = 'body'): Promise<string[]> {
  // Evaluated, not added: the page's Content-Security-Policy lets in no other script.
  if (!(await panel.page.evaluate(() => 'axe' in window))) await panel.page.evaluate(AXE);
  const results = await panel.page.evaluate(
    async ([within, options]) => {
      const { axe } = window as unknown as {
        axe: { run: (within: string, options: RunOptions) => Promise<AxeResults> };
      };
      // The grid, which has the focus, scrolls the rows by arrows, Page Up and Page Down.
      const { violations: found } = await axe.run(within, { resultTypes: ['violations'], ...options });
      return found.map(({ id, impact, nodes }) => ({
        id,
        impact,
        nodes: nodes
          .filter(
            ({ html }) => id !== 'scrollable-region-focusable' || !html.startsWith('<div class="scroller"'),
          )
          .slice(0, 5)
          .map(({ html, failureSummary }) => `${html.slice(0, 160)} ${failureSummary}`),
      }));
    },
    [part, theme === THEMES[0] ? {} : COLOURS] as const,
  );
  return results
    .filter(({ impact, nodes }) => nodes.length > 0 && (impact === 'serious' || impact === 'critical'))
    .map(({ id, nodes }) => `${id}: ${nodes.join('\n')}`);
}

describe.each(variants(THEMES, 0, 2))('%s', (theme) => {
  it('without calls', async () => {
    const panel = await openPanel({ theme });
    await panel.fill([], statusOf([]));
    expect(await violations(panel, theme)).toEqual([]);
    await panel.close();
  });

  it('the list, every tab of the details, and the sheet of keys', async () => {
    const panel = await openPanel({ theme, width: 1500, height: 700 });
    const rows = calls(60);
    await panel.fill(rows, statusOf(rows));
    expect(await violations(panel, theme)).toEqual([]);
    const failed = rows.findLast((row) => row.status === 502) ?? rows[0]!;
    // Whatever part axe is asked about, it reads the whole page first: of the list, what the details refer to is left.
    const related = rows.filter(({ connection }) => connection === failed.connection);
    await panel.fill(related, statusOf(rows));
    await panel.post({ type: 'reveal', id: failed.id });
    await panel.post({ type: 'details', id: failed.id, exchange: exchangeOf(failed) });
    for (const { id } of TABS) {
      const tab = panel.page.locator(`#tab-${id}`);
      if (!(await tab.isVisible())) continue;
      await tab.click();
      await panel.settled();
      expect(await violations(panel, theme, '.details'), id).toEqual([]);
    }
    await panel.page.focus('.grid');
    await panel.page.keyboard.press('?');
    expect(await violations(panel, theme, 'dialog'), 'help').toEqual([]);
    await panel.close();
  });
});

it('at 200 % a narrow panel shows rows, and the details can be opened, read and closed', async () => {
  // As the window's zoom does: half as many CSS pixels.
  const panel = await openPanel({ width: 512, height: 320 });
  const rows = calls(40);
  await panel.fill(rows, statusOf(rows));
  await panel.page.locator('.row').first().click();
  const details = panel.page.locator('.details');
  await expect.poll(() => details.isVisible()).toBe(true);
  const box = await details.boundingBox();
  expect(box!.x + box!.width).toBeLessThanOrEqual(512);
  expect(box!.y + box!.height).toBeLessThanOrEqual(320);
  expect(box!.height).toBeGreaterThan(80);
  expect(
    await panel.page.evaluate(
      () => document.documentElement.scrollWidth <= document.documentElement.clientWidth,
    ),
  ).toBe(true);
  await panel.page.keyboard.press('Escape');
  await expect.poll(() => details.isVisible()).toBe(false);
  await panel.screenshot('zoom-200');
  await panel.close();
});
