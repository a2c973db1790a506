// What can be done with a call: each command by the palette, a menu or a key, and its effect.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './harness.mjs';
import { Menu } from './menu.mjs';

/** What a copy of the order contains, and how it is asked for. */
const COPIES = [
  ['HTTP Trace: Copy as fetch', 'palette', /^fetch\("http:\/\/127\.0\.0\.1:\d+\/orders", \{/],
  ['HTTP Trace: Copy as HTTP', 'palette', /^POST http:\/\/127\.0\.0\.1:\d+\/orders HTTP\/1\.1\r?\n/],
  ['Copy as Python requests', 'menu', /^import requests\n/],
  ['Copy as HTTPie', 'menu', /^http \\\n {2}--ignore-stdin \\\n/],
  ['Copy Response', 'menu', /^\{[\s\S]*"with a bow — danke"/],
  ['Copy as cURL', 'menu', /^curl http:\/\/127\.0\.0\.1:\d+\/orders \\\n/],
];

/** What each item of the menu "Filter" makes of the empty filter. */
const FILTERS = [
  ['Show Only This Host', /^host:=127\.0\.0\.1:\d+$/],
  ['Show Only This Path', /^path:=\/orders$/],
  ['Show Only This Process', /^process:/],
  ['Hide This Host', /^-host:=127\.0\.0\.1:\d+$/],
  ['Hide This Path', /^-path:=\/orders$/],
  ['Hide This Process', /^-process:/],
];

/** @param workbench with calls of the sample, which still runs, and no trace. */
export async function actions(steps, workbench, { workspace }) {
  const { page, rows, tree, panel, details } = workbench;
  const menu = new Menu(page);
  const orders = rows.filter({ hasText: '/orders' }).filter({ hasText: '201' });
  const filterLine = panel.getByRole('combobox', { name: 'Filter calls' });
  const tab = (name) => page.locator('.tab', { hasText: name });
  const breaks = page.getByRole('tree', { name: /Break on Calls/ }).locator('[role="treeitem"]');
  const closeEditors = () => workbench.command('View: Close All Editors');
  /** From the menu of the first order, or of another one. */
  const choose = async (title, inside = null, row = orders.first()) => {
    await row.click({ button: 'right' });
    if (inside !== null) await menu.open(inside, title);
    await menu.choose(title);
  };
  const clipboard = () => page.evaluate(() => navigator.clipboard.readText());

  await steps.step('a call is copied in every form, and the copied curl command works', async () => {
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await workbench.command('HTTP Trace: Focus on HTTP Trace View');
    await orders.first().click();
    await page.keyboard.press('Control+c');
    await eventually(async () => /^http:\/\/127\.0\.0\.1:\d+\/orders$/.test(await clipboard()), 'its URL');
    for (const [title, how, expected] of COPIES) {
      if (how === 'palette') await workbench.command(title);
      else await choose(title, title.startsWith('Copy as') ? 'Copy as' : null);
      await eventually(async () => expected.test(await clipboard()), title);
    }
    const answer = execFileSync('bash', ['-c', `${(await clipboard()).trimEnd()} --silent --show-error`], {
      encoding: 'utf8',
    });
    assert.equal(JSON.parse(answer).note, 'with a bow — danke');
  });

  await steps.step('its body is opened, and saved', async () => {
    await workbench.command('HTTP Trace: Open Body');
    const responseBody = workbench.picks.filter({ hasText: 'Response body' });
    await responseBody.waitFor();
    // On a busy machine, VS Code gives the focus back to the panel only now.
    await filterLine.focus();
    await responseBody.click();
    await tab('POST orders 201.json').waitFor();
    await page.locator('.view-lines', { hasText: 'with a bow' }).first().waitFor();
    await closeEditors();
    await choose('Save Body…');
    await workbench.picks.filter({ hasText: 'Response body' }).click();
    const path = join(workspace, 'POST orders 201.json');
    await eventually(async () => (await workbench.input.inputValue()) === path, 'a name is offered');
    await page.keyboard.press('Enter');
    await eventually(() => {
      try {
        return JSON.parse(readFileSync(path, 'utf8')).note === 'with a bow — danke';
      } catch {
        return false;
      }
    }, 'the file is written');
    await choose('Open as .http');
    await tab('POST orders.http').waitFor();
    await closeEditors();
  });

  await steps.step('it is pinned and unpinned', async () => {
    await choose('Pin');
    await workbench.filter('is:pinned');
    await eventually(async () => (await rows.count()) === 1, 'one call is pinned');
    await rows.first().click();
    await workbench.command('HTTP Trace: Unpin');
    await panel.getByText('No call matches the filter.').waitFor();
  });

  await steps.step('the filter shows only what is like it, or hides it; two keys lead there', async () => {
    for (const [title, expected] of FILTERS) {
      await workbench.filter('/orders');
      const row = orders.first();
      await row.waitFor();
      await workbench.filter('');
      await choose(title, 'Filter');
      await eventually(async () => expected.test(await filterLine.inputValue()), title);
    }
    await workbench.filter('/orders');
    const focused = () => filterLine.evaluate((element) => element === document.activeElement);
    await orders.first().click();
    assert.equal(await focused(), false);
    await page.keyboard.press('Control+f');
    await eventually(focused, 'Ctrl+F leads to the filter');
    await orders.first().click();
    await workbench.command('HTTP Trace: Filter Calls');
    await eventually(focused, 'so does the palette');
  });

  await steps.step('two calls are compared, chosen one after the other or from a list', async () => {
    const hint = page.locator('.statusbar-item', { hasText: 'choose “Compare with Selected”' });
    await choose('Select for Compare');
    await hint.waitFor();
    await choose('Compare with Selected', null, orders.nth(1));
    await tab('POST orders 201 ↔ POST orders 201').waitFor();
    await page.locator('.monaco-diff-editor .view-lines').first().waitFor();
    await hint.waitFor({ state: 'detached' });
    await workbench.picture('compared-dark');
    await closeEditors();
    await orders.first().click();
    await workbench.command('HTTP Trace: Compare with…');
    await workbench.answer('chairs');
    await workbench.picks.filter({ hasText: '/chairs' }).first().click();
    await tab('POST orders 201 ↔ GET chairs 404').waitFor();
    await closeEditors();
  });

  await steps.step('it is found in the tree, and from there in the list', async () => {
    // The tree shows the newest ones of a route.
    await orders.first().click();
    await page.keyboard.press('End');
    const newest = rows.and(panel.locator('[aria-selected="true"]'));
    await choose('Reveal in Tree', null, newest);
    const inTree = tree.and(page.locator('[aria-selected="true"]')).filter({ hasText: 'POST 201' });
    await inTree.waitFor();
    const first = await inTree.getAttribute('aria-label');
    await inTree.click({ button: 'right' });
    await menu.choose('Go to the Other End');
    await eventually(async () => {
      const label = await inTree.getAttribute('aria-label').catch(() => null);
      return label !== null && label !== first;
    }, 'the other end is selected');
    await details.getByRole('button', { name: /^Close Details/ }).click();
    await details.waitFor({ state: 'hidden' });
    await inTree.click({ button: 'right' });
    await menu.choose('Reveal in Timeline');
    await details.getByText('/orders').first().waitFor();
  });

  await steps.step('a break on calls like it is set, changed and removed', async () => {
    await choose('Break When This Is Called Again');
    const set = breaks.filter({ hasText: /method:POST .*\/orders/ });
    await set.waitFor();
    await set.click({ button: 'right' });
    await menu.choose('Edit Condition…');
    await workbench.answer('path:/nothing-calls-this');
    await page.keyboard.press('Enter');
    const changed = breaks.filter({ hasText: '/nothing-calls-this' });
    await changed.waitFor();
    await changed.click({ button: 'right' });
    await menu.choose('Remove Break');
    await changed.waitFor({ state: 'detached' });
    await workbench.command('HTTP Trace: Break When This Is Called Again');
    await set.waitFor();
    await workbench.command('HTTP Trace: Remove All Breaks');
    await set.waitFor({ state: 'detached' });
  });
}
