// The list of calls by keyboard: navigation, details, menu, waterfall, list of keys. Part of the short run.
import assert from 'node:assert/strict';
import { eventually } from './harness.mjs';
import { Keys } from './keys.mjs';

/** @param workbench with more calls of the sample than the panel has room for, and no trace that brings others. */
export async function listKeys(steps, workbench) {
  const { page, panel, rows, details } = workbench;
  const keys = new Keys(workbench);
  const grid = panel.getByRole('treegrid', { name: 'HTTP calls' });
  const selected = rows.and(panel.locator('[aria-selected="true"]'));
  const at = async () => Number(await selected.getAttribute('aria-rowindex'));

  await steps.step('keys move through the list, open a call and close it', async () => {
    await keys.command('HTTP Trace: Focus on HTTP Trace View');
    await keys.focused(grid, 'the list');
    await keys.press('Home');
    await selected.waitFor();
    const first = await at();
    await keys.press('ArrowDown', 'ArrowDown', 'ArrowUp');
    await eventually(async () => (await at()) === first + 1, 'the second row');
    await keys.press('PageDown');
    await eventually(async () => (await at()) > first + 1, 'a page further');
    await keys.press('End');
    await eventually(async () => (await selected.count()) === 1 && (await at()) > first + 1, 'the last row');
    await keys.press('Home');
    await eventually(async () => (await at()) === first, 'the first row');
    await keys.press('Enter');
    await details.waitFor();
    // Up and down select other calls while the details are open.
    const title = details.locator('.title').first();
    const before = await title.textContent();
    // Not only to the next one: two calls may be alike.
    await keys.press('ArrowDown', 'ArrowDown', 'ArrowDown');
    await eventually(async () => (await at()) === first + 3, 'the third row from there');
    await eventually(async () => (await title.textContent()) !== before, 'the details of another call');
    // Past the edge between list and details, to the tabs.
    await keys.comesTo('Tab', details.getByRole('tab', { selected: true }), 'the tabs');
    // Details keep the tab that was looked at last.
    await keys.press('Home', 'ArrowRight');
    await details.getByRole('tab', { name: 'Headers', selected: true }).waitFor();
    await keys.press('Escape');
    await details.waitFor({ state: 'hidden' });
    await keys.focused(grid, 'the list');
    await selected.waitFor();
  });

  await steps.step('W, S, A, D and F zoom and move the waterfall', async () => {
    const shown = () => panel.locator('.ruler').innerHTML();
    // Without the details, the list gets its full width with the next frame.
    await grid.evaluate(
      () => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))),
    );
    await keys.press('f');
    const fitted = await shown();
    for (const [key, back] of [
      ['w', 's'],
      ['d', 'a'],
    ]) {
      await keys.press(key);
      await eventually(async () => (await shown()) !== fitted, `${key} changes the waterfall`);
      const changed = await shown();
      await keys.press(back);
      await eventually(async () => (await shown()) !== changed, `${back} changes it back`);
    }
    await keys.press('w', 'd', 'f');
    await eventually(async () => (await shown()) === fitted, 'F fits it again');
  });

  await steps.step('? shows the keys, and Escape leads back to the list', async () => {
    await keys.press('?');
    const sheet = panel.getByRole('dialog', { name: 'Filter and keys' });
    await sheet.waitFor();
    await workbench.picture('keys-dark');
    await keys.press('Escape');
    await sheet.waitFor({ state: 'hidden' });
    await keys.focused(grid, 'the list');
  });

  await steps.step('the menu of a call opens by keyboard, and copies it', async () => {
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    // A call that was under way when the trace started has no method, and cannot be repeated.
    await eventually(async () => {
      if (/GET/.test(await selected.textContent())) return true;
      await keys.press('ArrowDown');
      return false;
    }, 'a whole call');
    const url = await selected.textContent();
    await keys.choose('Shift+F10', 'Copy as', 'Copy as cURL');
    await eventually(
      async () =>
        /^curl '?http:\/\/127\.0\.0\.1:\d+\//.test(await page.evaluate(() => navigator.clipboard.readText())),
      'a curl command',
    );
    await keys.focused(grid, 'the list');
    assert.equal(await selected.textContent(), url);
  });
}
