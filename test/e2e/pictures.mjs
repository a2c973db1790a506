// Pictures for README and walkthrough, from the real window into media/. Run by name only: `node test/e2e/run.mjs pictures`.
import { join } from 'node:path';
import { root } from '../vscode/bundle.mjs';
import { Menu } from './menu.mjs';

/** VS Code's themes, and what the pictures' names end in; the first is the one that the window has. */
const KINDS = [
  ['Dark Modern', 'dark'],
  ['Light Modern', 'light'],
];

/** Pixels of the picture of a menu: as wide as it has to be to be read, and higher than the panel. */
const MENU_WIDTH = 800;
const ABOVE = 200;

export async function pictures(steps, workbench, { url, workspace }) {
  const { page, rows, details } = workbench;
  const menu = new Menu(page);
  const part = page.locator('.part.panel');
  const take = async (name, place) => {
    await workbench.settle();
    const clip = await place.boundingBox();
    await page.screenshot({ path: join(root, 'media', `${name}.png`), clip });
  };

  /** While no trace runs. */
  const takePalette = async (name) => {
    await page.keyboard.press('F1');
    await workbench.input.fill('>Start HTTP Trace');
    await workbench.picks.filter({ hasText: 'Start HTTP Trace for Process' }).waitFor();
    await take(name, page.locator('.quick-input-widget'));
    await page.keyboard.press('Escape');
  };

  await steps.step('the sample is traced beside its source', async () => {
    await workbench.open(url, workspace);
    await page.locator('.explorer-folders-view .monaco-list-row', { hasText: 'shop.js' }).dblclick();
    await workbench.startDebugging();
    await takePalette('start-dark');
    await workbench.command('Start HTTP Trace');
    await rows.filter({ hasText: '/orders' }).nth(1).waitFor();
    await workbench.command('Run and Debug: Focus on HTTP Calls View');
    await workbench.leaveOnly('HTTP Calls');
    await workbench.quiet();
  });

  for (const [theme, kind] of KINDS) {
    await steps.step(`pictures in ${theme}`, async () => {
      if (kind !== 'dark') await workbench.theme(theme);
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
      const { x, y, height } = await part.boundingBox();
      const clip = { x, y: y - ABOVE, width: MENU_WIDTH, height: height + ABOVE };
      await page.screenshot({ path: join(root, 'media', `menu-${kind}.png`), clip });
      await menu.close();
      await details.getByRole('button', { name: /^Close Details/ }).click();
      await workbench.filter('');
    });
  }
  await steps.step('a picture of the palette in the other theme', async () => {
    await workbench.command('Stop HTTP Trace');
    await takePalette('start-light');
  });
}
