// Pictures for README and walkthrough, from the real window into media/. Run by name only: `node test/e2e/run.mjs pictures`.
import { join } from 'node:path';
import { root } from '../vscode/bundle.mjs';
import { Menu } from './menu.mjs';

/** VS Code's themes, and what the pictures' names end in. */
const KINDS = [
  ['Light Modern', 'light'],
  ['Dark Modern', 'dark'],
];

export async function pictures(steps, workbench, { url, workspace }) {
  const { page, rows, details } = workbench;
  const menu = new Menu(page);
  const part = page.locator('.part.panel');
  /** @param height of the upper part that is shown, in pixels; all of it when left out. */
  const take = async (name, place, height = null) => {
    await workbench.settle();
    const box = await place.boundingBox();
    const clip = height === null ? box : { ...box, height };
    await page.screenshot({ path: join(root, 'media', `${name}.png`), clip });
  };

  await steps.step('the sample is traced beside its source', async () => {
    await workbench.open(url, workspace);
    await page.locator('.explorer-folders-view .monaco-list-row', { hasText: 'shop.js' }).dblclick();
    await workbench.startDebugging();
    await workbench.command('Start HTTP Trace');
    await rows.filter({ hasText: '/orders' }).nth(1).waitFor();
    await workbench.command('Run and Debug: Focus on HTTP Calls View');
    await workbench.leaveOnly('HTTP Calls');
    await workbench.quiet();
  });

  for (const [theme, kind] of KINDS) {
    await steps.step(`pictures in ${theme}`, async () => {
      await workbench.theme(theme);
      await page.keyboard.press('F1');
      await workbench.input.fill('>HTTP Trace');
      await workbench.picks.filter({ hasText: 'Stop HTTP Trace' }).waitFor();
      await take(`start-${kind}`, page.locator('.quick-input-widget'), 220);
      await page.keyboard.press('Escape');
      await take(`calls-${kind}`, part);
      await workbench.filter('/orders status:201');
      const order = rows.filter({ hasText: '201' }).first();
      await order.click();
      await workbench.tab('Response');
      await details.getByText('with a bow').first().waitFor();
      await take(`details-${kind}`, part);
      if (kind === 'dark') await page.screenshot({ path: join(root, 'media', 'panel.png') });
      await order.click({ button: 'right' });
      await menu.open('Copy as', 'cURL');
      await take(`menu-${kind}`, part);
      await menu.close();
      await workbench.page.keyboard.press('Escape');
      await workbench.filter('');
    });
  }
}
