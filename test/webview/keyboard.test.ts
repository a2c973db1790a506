/** The panel by keyboard alone, and with reduced motion. */
import { afterEach, describe, expect, it } from 'vitest';
import { calls, statusOf } from './harness/calls.ts';
import { answer, closePanel, open, openEmpty, panel } from './harness/currentPanel.ts';

afterEach(closePanel);

describe('accessibility', () => {
  it('has names and roles for everything that can be used', async () => {
    const rows = calls(20, { running: 1 });
    await open(rows);
    await panel.page.click('#call-18');
    await answer(rows);
    const tree = await panel.page.locator('body').ariaSnapshot();
    expect(tree).toContain('grid "HTTP calls"');
    expect(tree).toContain('columnheader "Number"');
    expect(tree).toContain('combobox "Filter calls"');
    expect(tree).toContain('tablist "Details"');
    expect(tree).toContain('tab "Summary" [selected]');
    expect(tree).toContain('tabpanel "Summary"');
    expect(tree).toContain('separator "Size of the details"');
    expect(tree).toMatch(/gridcell "client node"/);
    const nameless = await panel.page.$$eval('button', (all) =>
      all.filter((b) => b.offsetParent !== null && !b.textContent && !b.ariaLabel).map((b) => b.outerHTML),
    );
    expect(nameless).toEqual([]);
  });

  it('comes along by Tab, with a ring that can be seen', async () => {
    await open(calls(20));
    const stops: string[] = [];
    for (let i = 0; i < 12; i++) {
      await panel.page.keyboard.press('Tab');
      stops.push(
        await panel.page.evaluate(() => {
          const element = document.activeElement;
          return element?.getAttribute('aria-label') ?? element?.textContent ?? '';
        }),
      );
    }
    expect(stops).toEqual(
      expect.arrayContaining([
        'Stop',
        'Clear',
        'Filter calls',
        'Errors',
        'Time range',
        'HTTP calls',
        'Number',
      ]),
    );
    await panel.page.focus('.toolbar button');
    await panel.page.keyboard.press('Tab');
    const outline = await panel.page.evaluate(() =>
      document.activeElement === null ? '' : getComputedStyle(document.activeElement).outlineStyle,
    );
    expect(outline).toBe('solid');
  });

  it('respects that someone wants little motion', async () => {
    await openEmpty({ reducedMotion: 'reduce' });
    await panel.post({ type: 'status', status: statusOf([]) });
    const animation = await panel.page.evaluate(
      () => getComputedStyle(document.querySelector('.progress') ?? document.body, '::before').animationName,
    );
    expect(animation).toBe('none');
  });
});
