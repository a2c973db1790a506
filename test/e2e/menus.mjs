// The menu of a call, in the list and in the tree.
import assert from 'node:assert/strict';
import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { actions } from './actions.mjs';
import { eventually } from './harness.mjs';
import { Menu } from './menu.mjs';

export async function menus(steps, workbench, { url, workspace }) {
  const { page, rows, tree } = workbench;
  const menu = new Menu(page);
  const order = () => rows.filter({ hasText: '/orders' }).filter({ hasText: '201' }).first();

  await steps.step('calls are shown', async () => {
    await workbench.open(url, workspace);
    await workbench.startDebugging();
    await workbench.command('Start HTTP Trace');
    await workbench.filter('/orders');
    // Two, to compare them.
    await rows.filter({ hasText: '/orders' }).filter({ hasText: '201' }).nth(1).waitFor();
    await workbench.command('Stop HTTP Trace');
    await order().waitFor();
    await workbench.quiet();
  });

  await steps.step('the menu of a row says what can be done with its call', async () => {
    await order().click({ button: 'right' });
    assert.deepEqual(await menu.labels(), [
      'Reveal in Tree',
      'Open Body',
      'Save Body…',
      'Copy URL',
      'Copy as',
      'Copy Response',
      'Resend',
      'Edit and Resend…',
      'Open as .http',
      'Filter',
      'Pin',
      'Break When This Is Called Again',
      'Select for Compare',
      'Compare with…',
      'Export HAR…',
    ]);
    // Rows may still have come: which one is the first is not said.
    await workbench.panel.locator('[role="row"][aria-selected="true"]', { hasText: '/orders' }).waitFor();
    await menu.open('Copy as', 'cURL');
    await workbench.picture('menu-dark');
    await menu.close();
  });

  await steps.step(
    'Export HAR asks what and whether with secrets, and writes for its owner only',
    async () => {
      const path = join(workspace, 'calls.har');
      // That of another scenario: VS Code would ask.
      rmSync(path, { force: true });
      await order().click({ button: 'right' });
      await menu.choose('Export HAR…');
      await workbench.picks.filter({ hasText: 'All calls in the list' }).waitFor();
      await workbench.picture('export-har-dark');
      await workbench.picks.filter({ hasText: 'This call' }).click();
      await workbench.picks.filter({ hasText: 'Secrets masked' }).click();
      await eventually(async () => (await workbench.input.inputValue()) === path, 'a name is offered');
      await page.keyboard.press('Enter');
      await page.locator('.notification-list-item-message', { hasText: 'Exported 1 call' }).waitFor();
      const { log } = JSON.parse(readFileSync(path, 'utf8'));
      assert.equal(log.entries.length, 1);
      assert.match(log.entries[0].request.url, /\/orders$/);
      assert.equal(statSync(path).mode & 0o777, 0o600);
      await workbench.quiet();
    },
  );

  await steps.step('the menu of a call in the tree has the same', async () => {
    await workbench.command('Run and Debug: Focus on HTTP Calls View');
    await workbench.leaveOnly('HTTP Calls');
    await tree.filter({ hasText: '/orders' }).first().click();
    const call = tree.filter({ hasText: 'POST 201' }).first();
    await call.waitFor();
    await call.click({ button: 'right' });
    assert.deepEqual(await menu.labels(), [
      'Reveal in Timeline',
      'Open Body',
      'Save Body…',
      'Go to the Other End',
      'Copy URL',
      'Copy as',
      'Copy Response',
      'Resend',
      'Edit and Resend…',
      'Open as .http',
      'Filter',
      'Pin',
      'Break When This Is Called Again',
      'Select for Compare',
      'Compare with…',
      'Export HAR…',
    ]);
    await menu.open('Copy as', 'cURL');
    await workbench.picture('menu-tree-dark');
    await menu.close();
  });

  await actions(steps, workbench, { workspace });
}
