/** Which rows the filter line leaves in the list, and what it says about them. */
import { afterEach, describe, expect, it } from 'vitest';
import { calls } from './harness/calls.ts';
import { closePanel, open, panel, shown, text } from './harness/currentPanel.ts';

afterEach(closePanel);

describe('filter', () => {
  it('lists what matches, says how many, and is cleared with Escape', async () => {
    const rows = calls(300);
    await open(rows);
    await panel.page.keyboard.press('/');
    await panel.page.keyboard.type('payments status:5xx');
    const expected = rows.filter((row) => row.path?.includes('payments') && row.status === 502).length;
    expect(expected).toBeGreaterThan(0);
    await expect.poll(() => text('.count-calls')).toBe(`${expected} of 300 calls`);
    for (const status of await panel.page.$$eval('.row .c-status', (c) =>
      c.map((cell) => cell.textContent),
    )) {
      expect(status).toBe('502');
    }
    expect(await panel.page.$$eval('.painted span', (parts) => parts.map((p) => p.className))).toEqual([
      'part-word',
      'part-property',
      'part-value',
    ]);
    await panel.page.keyboard.press('Escape');
    await expect.poll(() => text('.count-calls')).toBe('300 calls');
    await panel.page.keyboard.press('Escape');
    expect(await panel.page.evaluate(() => document.activeElement?.className)).toBe('grid');
  });

  it('underlines what it does not understand and says why, and does not hide everything', async () => {
    await open(calls(20));
    await panel.page.fill('.filter input', 'metod:GET');
    await expect.poll(() => panel.page.isVisible('.filter-message')).toBe(true);
    expect(await text('.filter-message')).toBe(
      'Unknown filter “metod:”. Did you mean “method:”? Put text with a colon in quotes.',
    );
    expect(await text('.part-error')).toBe('metod:');
    expect((await shown()).length).toBeGreaterThan(10);
    expect(await panel.page.getAttribute('.filter input', 'aria-invalid')).toBe('true');
    await panel.page.fill('.filter input', 'method:GET');
    await expect.poll(() => panel.page.isVisible('.filter-message')).toBe(false);
  });

  it('says that nothing matches, and offers the way back', async () => {
    await open(calls(20));
    await panel.page.fill('.filter input', 'nowhere');
    await expect.poll(() => panel.page.isVisible('.empty')).toBe(true);
    expect(await text('.empty .sentence')).toBe('No call matches the filter.');
    await panel.page.click('.empty button');
    await panel.settled();
    expect(await panel.page.isVisible('.empty')).toBe(false);
    expect((await shown()).at(-1)).toBe(20);
  });

  it('has chips for errors and for what is running', async () => {
    const rows = calls(200);
    await open(rows);
    await panel.page.click('.chip:text("Errors")');
    const errors = rows.filter((r) => (r.status ?? 0) >= 400 || r.completeness.includes('aborted')).length;
    expect(await text('.count-calls')).toBe(`${errors} of 200 calls`);
    expect(await panel.page.getAttribute('.chip:text("Errors")', 'aria-pressed')).toBe('true');
    await panel.page.click('.chip:text("Running")');
    expect(await shown()).toEqual(rows.filter((r) => r.state === 'running').map((r) => r.id));
    await panel.page.click('.chip:text("All")');
    expect(await text('.count-calls')).toBe('200 calls');
  });
});
