// Working with calls, from the start of a trace to its end, without a mouse: every step is keys, and visible text shows
// where the focus is. The list itself is tested in listKeys.mjs.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './harness.mjs';
import { Keys } from './keys.mjs';
import { listKeys } from './listKeys.mjs';

/** More than the list has room for. */
const CALLS = 30;

export async function keyboard(steps, workbench, { url, workspace }) {
  const { page, panel, rows, details, statusItem } = workbench;
  page.setDefaultTimeout(120_000);
  const keys = new Keys(workbench);
  const filterLine = panel.getByRole('combobox', { name: 'Filter calls' });
  const grid = panel.getByRole('treegrid', { name: 'HTTP calls' });
  const selected = rows.and(panel.locator('[aria-selected="true"]'));
  const chip = (name) => panel.getByRole('button', { name, exact: true });
  const tab = (name) => page.locator('.tab', { hasText: name });
  const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
  const counted = async () =>
    Number.parseInt((await panel.locator('.count-calls').textContent()).replaceAll(',', ''), 10);
  /** The palette gives the focus to the editors, whatever had it before. */
  const toList = async () => {
    await keys.command('HTTP Trace: Focus on HTTP Trace View');
    await keys.focused(grid, 'the list');
  };
  /** Writes into the filter line, instead of what is there, and goes to the list. */
  const filter = async (text) => {
    await keys.press('/');
    await keys.focused(filterLine, 'the filter');
    // Ctrl+A in a webview selects once more when VS Code has seen the key, which may be after the first letter.
    await keys.press('End', 'Shift+Home');
    await keys.type(text);
    await eventually(async () => (await filterLine.inputValue()) === text, 'the filter is written');
    await keys.press('Enter');
    await keys.focused(grid, 'the list');
  };

  await steps.step(
    'a trace is started by a key, and calls come into a panel that has the keyboard',
    async () => {
      await workbench.open(url, workspace);
      await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
      await workbench.startDebugging();
      await workbench.startByKey();
      await rows.first().waitFor();
      await keys.command('HTTP Trace: Focus on HTTP Trace View');
      await keys.focused(grid, 'the list');
      // While calls come, the selected one stays, and the waterfall obeys.
      await keys.press('Home');
      await selected.waitFor();
      const id = await selected.getAttribute('id');
      const ruler = await panel.locator('.ruler').innerHTML();
      await keys.press('w');
      await eventually(async () => (await panel.locator('.ruler').innerHTML()) !== ruler, 'W zooms in');
      await keys.press('f');
      await eventually(async () => (await counted()) > CALLS, 'some calls');
      assert.equal(await selected.getAttribute('id'), id);
    },
  );

  await steps.step('it is stopped by the same key', async () => {
    await workbench.stopByKey();
    await keys.focused(grid, 'the list');
  });

  await listKeys(steps, workbench);

  await steps.step('the chips and the time range are reached by Tab', async () => {
    const all = await counted();
    await keys.press('/');
    await keys.focused(filterLine, 'the filter');
    await keys.comesTo('Tab', chip('Errors'), 'the chip Errors');
    await keys.press('Space');
    await eventually(async () => (await counted()) < all, 'only errors');
    assert.equal(await chip('Errors').getAttribute('aria-pressed'), 'true');
    await keys.comesTo('Shift+Tab', chip('All'), 'the chip All');
    await keys.press('Enter');
    await eventually(async () => (await counted()) === all, 'all calls');
    const range = panel.getByLabel('Time range');
    await keys.comesTo('Tab', range, 'the time range');
    await keys.press('ArrowRight');
    await eventually(async () => (await counted()) < all, 'those of a stretch of time');
    const some = await range.getAttribute('aria-valuetext');
    await keys.press('Shift+ArrowRight');
    await eventually(async () => (await range.getAttribute('aria-valuetext')) !== some, 'a longer one');
    await keys.press('Escape');
    await eventually(async () => (await counted()) === all, 'all of the time');
    await keys.comesTo('Tab', grid, 'the list');
  });

  await steps.step('the columns are chosen and moved by keys', async () => {
    const cells = () =>
      panel
        .locator('.header .cell')
        .evaluateAll((all) => all.map((cell) => /c-(\w+)/.exec(cell.className)[1]));
    const before = await cells();
    await keys.comesTo('Tab', panel.locator('.header [tabindex="0"]'), 'the header');
    await keys.press('Shift+F10');
    const menu = panel.getByRole('menu', { name: 'Columns' });
    await menu.waitFor();
    await workbench.picture('columns-menu-dark');
    // The first is the number of the call.
    await keys.press('Enter');
    await eventually(async () => !(await cells()).includes('id'), 'the column is gone');
    await keys.press('End', 'Enter');
    await eventually(async () => String(await cells()) === String(before), 'the columns are as they were');
    await keys.press('Control+Shift+ArrowRight');
    // The second has the keyboard since the first was hidden.
    await eventually(async () => (await cells())[2] === before[1], 'the column is behind the next');
    await keys.press('Control+Shift+ArrowLeft');
    await eventually(async () => String(await cells()) === String(before), 'and back');
    await keys.comesTo('Shift+Tab', grid, 'the list');
  });

  await steps.step(
    'a failing call is found, copied as cURL, and the command gets the same answer',
    async () => {
      await filter('5xx');
      await eventually(async () => (await rows.count()) > 0, 'calls that failed');
      await keys.press('Home', 'Enter');
      await details.getByText('/cash-register').first().waitFor();
      await keys.comesTo('Tab', details.getByRole('tab', { selected: true }), 'the tabs');
      await keys.press('End');
      await eventually(async () => {
        await keys.press('ArrowLeft');
        return (await details.getByRole('tab', { name: 'Response', selected: true }).count()) === 1;
      }, 'the tab Response');
      await details.getByText('The till is broken').first().waitFor();
      await keys.press('Escape');
      await keys.command('HTTP Trace: Copy as cURL');
      await eventually(async () => /^curl http:\S+\/cash-register/.test(await clipboard()), 'a curl command');
      const command = `${(await clipboard()).trimEnd()} --silent --show-error --write-out '%{stderr}%{http_code}'`;
      const answer = execFileSync('bash', ['-c', command], { encoding: 'utf8', stdio: 'pipe' });
      assert.deepEqual(JSON.parse(answer), { title: 'The till is broken', detail: 'out of coins' });
    },
  );

  await steps.step('two calls are compared, chosen in their menus', async () => {
    await toList();
    await keys.choose('Shift+F10', 'Select for Compare');
    await page.locator('.statusbar-item', { hasText: 'choose “Compare with Selected”' }).waitFor();
    // VS Code gives the focus back after the menu has been hidden.
    await keys.focused(grid, 'the list');
    await filter('/orders status:201');
    await keys.press('Home');
    await eventually(async () => /\/orders/.test(await selected.textContent()), 'an order is selected');
    await keys.choose('Shift+F10', 'Compare with Selected');
    await tab('DELETE cash-register 500 ↔ POST orders 201').waitFor();
    await page.locator('.monaco-diff-editor .view-lines').first().waitFor();
    await keys.command('View: Close All Editors');
    await keys.command('HTTP Trace: Compare with…');
    await keys.pick('/chairs');
    await tab('POST orders 201 ↔ GET chairs 404').waitFor();
    await keys.command('View: Close All Editors');
  });

  await steps.step('an HTTP Archive is exported and opened again', async () => {
    const path = join(workspace, 'by-keyboard.har');
    rmSync(path, { force: true });
    await keys.command('HTTP Trace: Export HAR…');
    await keys.pick('This call');
    await keys.pick('Secrets masked');
    await eventually(async () => (await workbench.input.inputValue()).endsWith('.har'), 'a name is offered');
    await keys.press('Control+a');
    await keys.type(path);
    await keys.press('Enter');
    await workbench.untilAccepted();
    await page.locator('.notification-list-item-message', { hasText: 'Exported 1 call' }).waitFor();
    assert.equal(JSON.parse(readFileSync(path, 'utf8')).log.entries.length, 1);
    await keys.command('Notifications: Clear All Notifications');
  });

  await steps.step('the tree is reached from the list, and the list from the tree', async () => {
    await toList();
    await filter('/orders status:201');
    // The tree shows the newest ones of a route.
    await keys.press('End');
    await keys.choose('Shift+F10', 'Reveal in Tree');
    const inTree = workbench.tree.and(page.locator('[aria-selected="true"]'));
    await inTree.filter({ hasText: 'POST 201' }).waitFor();
    await keys.choose('ContextMenu', 'Copy URL');
    await eventually(async () => /^http:\S+\/orders$/.test(await clipboard()), 'its URL');
    await keys.press('Enter');
    await details.getByText('/orders').first().waitFor();
    await keys.focused(grid, 'the list');
    await keys.press('Escape');
    await details.waitFor({ state: 'hidden' });
  });

  await steps.step('a filter that is saved is a setting, and is offered again', async () => {
    const text = 'duration:>1ms -chairs';
    await filter(text);
    await keys.press('/');
    await keys.focused(filterLine, 'the filter');
    await keys.comesTo('Tab', panel.getByRole('button', { name: 'Saved Filters' }), 'the star');
    await keys.press('Enter');
    await panel.getByRole('menuitem', { name: `Save “${text}”` }).waitFor();
    await keys.press('Enter');
    await keys.command('Preferences: Open User Settings (JSON)');
    await page.locator('.view-lines', { hasText: 'httpTrace.savedFilters' }).waitFor();
    await keys.command('View: Close All Editors');
    await toList();
    await keys.press('/');
    await keys.focused(filterLine, 'the filter');
    await keys.press('End', 'Shift+Home', 'Delete');
    await keys.comesTo('Tab', panel.getByRole('button', { name: 'Saved Filters' }), 'the star');
    await keys.press('Enter');
    await panel.getByRole('menuitem', { name: text }).waitFor();
    await keys.press('Enter');
    await eventually(async () => (await filterLine.inputValue()) === text, 'it is used');
  });

  await steps.step('Clear and the end of the session are commands', async () => {
    await keys.command('HTTP Trace: Clear Calls');
    const start = panel.locator('.empty button.primary');
    await start.waitFor();
    await keys.command('HTTP Trace: Focus on HTTP Trace View');
    // What an empty panel offers is reached as well.
    await keys.comesTo('Tab', start, 'the button Start');
    await keys.press('Enter');
    await rows.first().waitFor();
    await keys.press('Shift+F5');
    await statusItem.locator('.codicon-debug-stop').waitFor();
  });
}
