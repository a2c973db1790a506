// The menu of a call, in the list and in the tree.
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './harness.mjs';
import { THEMES } from './workbench.mjs';

export async function menus(steps, workbench, { url, workspace }) {
  const { page, rows, tree } = workbench;
  const items = page.getByRole('menuitem');
  const labels = async () => {
    await items.first().waitFor();
    // Without the keys that stand beside them.
    const texts = await items.locator('.action-label').allTextContents();
    return texts.map((text) => text.trim()).filter((text) => text !== '');
  };
  /** A click on a menu that has just opened is ignored: it may be the rest of the one that opened it. */
  const choose = async (text) => {
    const item = items.filter({ hasText: text });
    for (let attempt = 1; ; attempt++) {
      await item.click();
      try {
        await item.waitFor({ state: 'hidden', timeout: 2_000 });
        return;
      } catch (error) {
        if (attempt === 5) throw error;
      }
    }
  };
  const close = () =>
    eventually(async () => {
      await page.keyboard.press('Escape');
      return (await items.filter({ hasText: 'Open Body' }).count()) === 0;
    }, 'the menu is closed');
  const order = () => rows.filter({ hasText: '/orders' }).filter({ hasText: '201' }).first();

  await steps.step('calls are shown', async () => {
    await workbench.open(url, workspace);
    await workbench.startDebugging();
    await workbench.command('Start HTTP Trace');
    await rows.filter({ hasText: '/orders' }).first().waitFor();
    await workbench.command('Stop HTTP Trace');
    await workbench.filter('/orders');
    await order().waitFor();
    await workbench.quiet();
  });

  await steps.step('the menu of a row says what can be done with its call', async () => {
    await order().click({ button: 'right' });
    assert.deepEqual(await labels(), [
      'Reveal in Tree',
      'Open Body',
      'Save Body…',
      'Copy URL',
      'Copy as',
      'Copy Response',
      'Export HAR…',
    ]);
    assert.equal(await order().getAttribute('aria-selected'), 'true');
    await items.filter({ hasText: 'Copy as' }).hover();
    await items.filter({ hasText: 'cURL' }).waitFor();
    await workbench.picture('menu-dark');
    await close();
  });

  await steps.step('in every theme', async () => {
    for (const [theme, name] of THEMES) {
      await workbench.theme(theme);
      await order().click({ button: 'right' });
      await items.filter({ hasText: 'Copy as' }).hover();
      await items.filter({ hasText: 'cURL' }).waitFor();
      await workbench.picture(`menu-${name}`);
      await close();
    }
  });

  await steps.step('it copies', async () => {
    await order().click({ button: 'right' });
    await items.filter({ hasText: 'Copy as' }).hover();
    await choose('cURL');
    await page.locator('.statusbar-item', { hasText: 'Copied as cURL' }).waitFor();
  });

  await steps.step(
    'Export HAR asks what and whether with secrets, and writes for its owner only',
    async () => {
      await order().click({ button: 'right' });
      await choose('Export HAR…');
      await workbench.picks.filter({ hasText: 'All calls in the list' }).waitFor();
      await workbench.picture('export-har-dark');
      await workbench.picks.filter({ hasText: 'This call' }).click();
      await workbench.picks.filter({ hasText: 'Secrets masked' }).click();
      const path = join(workspace, 'calls.har');
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
    assert.deepEqual(await labels(), [
      'Reveal in Timeline',
      'Open Body',
      'Save Body…',
      'Copy URL',
      'Copy as',
      'Copy Response',
      'Export HAR…',
    ]);
    await items.filter({ hasText: 'Copy as' }).hover();
    await items.filter({ hasText: 'cURL' }).waitFor();
    await workbench.picture('menu-tree-dark');
    await close();
  });
}
