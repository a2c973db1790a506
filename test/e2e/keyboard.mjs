// The main things one does with a call, without a mouse: every step is keys, and what can be read says where one is.
import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './harness.mjs';

export async function keyboard(steps, workbench, { url, workspace }) {
  const { page, panel, rows, details } = workbench;
  const filterLine = panel.getByRole('combobox', { name: 'Filter calls' });
  const selected = rows.and(panel.locator('[aria-selected="true"]'));
  const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
  const focused = (locator) =>
    eventually(
      () => locator.evaluate((element) => element === element.ownerDocument.activeElement).catch(() => false),
      'it has the keyboard',
    );
  /** Presses a key until it has the keyboard; a slow window takes its time to move it. */
  const comesTo = (key, locator, what) =>
    eventually(async () => {
      await page.keyboard.press(key);
      await page.waitForTimeout(500);
      return locator.evaluate((element) => element === element.ownerDocument.activeElement);
    }, what);
  /** From the palette; what is offered first is what was typed. */
  const command = async (title) => {
    const first = workbench.picks.first().locator('.label-name').first();
    // A view that takes the focus as it opens closes the palette, or gets what is typed.
    for (let attempt = 1; ; attempt++) {
      await page.keyboard.press('F1');
      try {
        await workbench.input.waitFor({ timeout: 5_000 });
        await page.keyboard.type(title);
        await eventually(
          async () => (await first.textContent({ timeout: 2_000 }).catch(() => null)) === title,
          title,
          8_000,
        );
        break;
      } catch (error) {
        if (attempt === 5) throw error;
        await page.keyboard.press('Escape');
      }
    }
    await page.keyboard.press('Enter');
  };
  /** One of a list to choose from. */
  const pick = async (text) => {
    const wanted = workbench.picks.filter({ hasText: text }).first();
    await wanted.waitFor();
    await page.keyboard.type(text);
    await eventually(async () => (await workbench.picks.first().textContent()).includes(text), text);
    await page.keyboard.press('Enter');
  };

  await steps.step('keys lead from the palette to the details of a call', async () => {
    await workbench.open(url, workspace);
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await workbench.startDebugging();
    await command('Start HTTP Trace');
    // Three rounds of the sample's customer: more than the list has room for.
    await eventually(
      async () => Number.parseInt(await panel.locator('.count-calls').textContent(), 10) > 30,
      'some calls',
      60_000,
    );
    await command('Stop HTTP Trace');
    await page.locator('.statusbar-item[id*="httpTrace"] .codicon-debug-stop').waitFor();
    await command('HTTP Trace: Filter Calls');
    await focused(filterLine);
    await page.keyboard.type('/orders status:201');
    await panel.locator('.count-calls').filter({ hasText: ' of ' }).waitFor();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Home');
    await selected.waitFor();
    await page.keyboard.press('Enter');
    await details.getByText('/orders').first().waitFor();
    // Past the edge between list and details, to the tabs.
    const tab = details.getByRole('tab', { selected: true });
    await comesTo('Tab', tab, 'Tab comes to the tabs');
    await page.keyboard.press('ArrowRight');
    await details.getByRole('tab', { name: 'Headers', selected: true }).waitFor();
    await page.keyboard.press('Escape');
    await details.waitFor({ state: 'hidden' });
    await selected.waitFor();
  });

  await steps.step('the columns are chosen and moved by keys', async () => {
    const cells = () =>
      panel
        .locator('.header .cell')
        .evaluateAll((all) => all.map((cell) => /c-(\w+)/.exec(cell.className)[1]));
    const before = await cells();
    const first = panel.locator('.header [tabindex="0"]');
    await comesTo('Shift+Tab', first, 'Shift+Tab comes to the header');
    await page.keyboard.press('Shift+F10');
    const menu = panel.getByRole('menu', { name: 'Columns' });
    await menu.waitFor();
    await workbench.picture('columns-menu-dark');
    // The first is the number of the call.
    await page.keyboard.press('Enter');
    await eventually(async () => !(await cells()).includes('id'), 'the column is gone');
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    await eventually(async () => String(await cells()) === String(before), 'the columns are as they were');
    await page.keyboard.press('Control+Shift+ArrowRight');
    // The second has the keyboard since the first was hidden.
    await eventually(async () => (await cells())[2] === before[1], 'the column is behind the next');
    await page.keyboard.press('Control+Shift+ArrowLeft');
    await eventually(async () => String(await cells()) === String(before), 'and back');
    await page.keyboard.press('Tab');
  });

  await steps.step('a call is copied as cURL, compared with another one and exported by keys', async () => {
    await command('HTTP Trace: Copy as cURL');
    await eventually(async () => /^curl http:\/\/127\.0\.0\.1:\d+\/orders/.test(await clipboard()), 'cURL');
    await command('HTTP Trace: Compare with…');
    await pick('/chairs');
    await page.locator('.tab', { hasText: 'POST orders 201 ↔ GET chairs 404' }).waitFor();
    await command('View: Close All Editors');
    const path = join(workspace, 'calls.har');
    rmSync(path, { force: true });
    await command('HTTP Trace: Export HAR…');
    await pick('This call');
    await pick('Secrets masked');
    await eventually(async () => (await workbench.input.inputValue()) === path, 'a name is offered');
    await page.keyboard.press('Enter');
    await page.locator('.notification-list-item-message', { hasText: 'Exported 1 call' }).waitFor();
    assert.equal(JSON.parse(readFileSync(path, 'utf8')).log.entries.length, 1);
  });

  await steps.step('a filter that is saved is a setting, and is offered again', async () => {
    await command('HTTP Trace: Filter Calls');
    await focused(filterLine);
    await page.keyboard.type('duration:>1ms -chairs');
    const star = panel.getByRole('button', { name: 'Saved Filters' });
    await page.keyboard.press('Escape');
    await filterLine.fill('duration:>1ms -chairs');
    await comesTo('Tab', star, 'Tab comes to the star');
    await page.keyboard.press('Enter');
    await panel.getByRole('menuitem', { name: 'Save “duration:>1ms -chairs”' }).waitFor();
    await page.keyboard.press('Enter');
    await command('HTTP Trace: Focus on HTTP Trace View');
    await workbench.filter('');
    await command('Preferences: Open User Settings (JSON)');
    await page.locator('.view-lines', { hasText: 'httpTrace.savedFilters' }).waitFor();
    await workbench.command('View: Close All Editors');
    await star.click();
    await panel.getByRole('menuitem', { name: 'duration:>1ms -chairs' }).click();
    await eventually(async () => (await filterLine.inputValue()) === 'duration:>1ms -chairs', 'it is used');
  });
}
