// Pictures for README and walkthrough, from the real window into media/, in English and German. Run by name only:
// `node test/e2e/run.mjs pictures`.
import { join } from 'node:path';
import { root } from '../vscode/bundle.mjs';
import { eventually } from './harness.mjs';
import { Menu } from './menu.mjs';

/** VS Code's themes, and what the pictures' names end in; the first is the one that the window has. */
const KINDS = [
  ['Dark Modern', 'dark'],
  ['Light Modern', 'light'],
];

/** Words of the interface, and pixels that they need: for both menus of a call, and for the palette's two commands that start a trace. */
const WORDS = {
  en: {
    start: 'Start HTTP Trace',
    startFor: 'Start HTTP Trace for Process…',
    stop: 'Stop HTTP Trace',
    tree: 'HTTP Calls',
    response: 'Response',
    copyAs: 'Copy as',
    suffix: '',
    menuWidth: 860,
    paletteHeight: 86,
  },
  de: {
    start: 'HTTP Trace starten',
    startFor: 'HTTP Trace starten für Prozess…',
    stop: 'HTTP Trace beenden',
    tree: 'HTTP-Aufrufe',
    response: 'Antwort',
    copyAs: 'Kopieren als',
    suffix: '-de',
    menuWidth: 930,
    paletteHeight: 132,
  },
};

/** Pixels. What the panel has in the beginning shows too few calls. */
const PANEL_HEIGHT = 400;
/** Higher than the panel: the menu of a call is. */
const ABOVE = 162;

export async function pictures(steps, workbench, { url, workspace, locale }) {
  const { page, panel } = workbench;
  page.setDefaultTimeout(120_000);
  const words = WORDS[locale ?? 'en'];
  const menu = new Menu(page);
  const part = page.locator('.part.panel');
  const rows = panel.locator('.rows [role="row"]');
  const details = panel.locator('.details');
  const take = async (name, clip) => {
    await workbench.settle();
    await page.screenshot({ path: join(root, 'media', `${name}.png`), clip });
  };

  /** On a busy machine the views come after each other: a picture is of a moment at which they agree, but for a few calls. */
  const caughtUp = () =>
    eventually(
      async () => {
        const first = async (locator, attribute) => {
          const text =
            attribute === undefined ? await locator.textContent() : await locator.getAttribute(attribute);
          return Number(/\d+/.exec(text.replace(/\(\d+\)/, '').replaceAll(/[,.]/g, ''))?.[0]);
        };
        const numbers = await Promise.all([
          first(panel.locator('.count-calls')),
          first(workbench.statusItem),
          first(page.locator('.sidebar [role="treeitem"][aria-level="1"]').first(), 'aria-label'),
        ]);
        return Math.max(...numbers) - Math.min(...numbers) <= 8;
      },
      'panel, status bar and tree agree',
      90_000,
    );

  /** While no trace runs. */
  const takePalette = async (kind) => {
    // A view that takes the focus as it opens closes the palette.
    await eventually(
      async () => {
        await page.keyboard.press('F1');
        return workbench.input.fill(`>${words.start}`, { timeout: 8_000 }).then(
          () => true,
          () => false,
        );
      },
      'the palette is open',
      120_000,
    );
    await workbench.picks.filter({ hasText: words.startFor }).waitFor();
    const box = await page.locator('.quick-input-widget').boundingBox();
    await take(`start-${kind}${words.suffix}`, { ...box, height: Math.min(box.height, words.paletteHeight) });
    await page.keyboard.press('Escape');
  };

  await steps.step('the sample is traced beside its source', async () => {
    await workbench.open(url, workspace);
    await page.locator('.explorer-folders-view .monaco-list-row', { hasText: 'shop.js' }).dblclick();
    await workbench.startDebugging();
    await takePalette('dark');
    await workbench.command(words.start);
    await rows.filter({ hasText: '/cash-register' }).first().waitFor();
    await workbench.command(`Run and Debug: Focus on ${words.tree} View`);
    await workbench.leaveOnly(words.tree);
    await workbench.quiet();
    await workbench.resizePanel(PANEL_HEIGHT);
    // Some rounds of its customer.
    await page.waitForTimeout(12_000);
  });

  for (const [theme, kind] of KINDS) {
    await steps.step(`pictures in ${theme}`, async () => {
      if (kind !== 'dark') await workbench.theme(theme);
      await caughtUp();
      await take(`calls-${kind}${words.suffix}`, await part.boundingBox());
      // A list that is scrolled away from its end does not follow the newest calls: its rows stay where they are.
      await rows.nth(3).hover();
      await page.mouse.wheel(0, -60);
      await workbench.settle();
      const failed = rows.filter({ hasText: '/cash-register' }).filter({ hasText: '500' }).last();
      await failed.click();
      await details.getByRole('tab', { name: words.response }).click();
      await details.getByText('The till is broken').first().waitFor();
      await take(`details-${kind}${words.suffix}`, await part.boundingBox());
      if (kind === 'dark' && locale === null) {
        await caughtUp();
        await take('panel');
      }
      await failed.click({ button: 'right' });
      await menu.open(words.copyAs, 'cURL');
      const { x, y, height } = await part.boundingBox();
      const clip = { x, y: y - ABOVE, width: words.menuWidth, height: height + ABOVE };
      await page.screenshot({ path: join(root, 'media', `menu-${kind}${words.suffix}.png`), clip });
      await page.keyboard.press('Escape');
      await page.keyboard.press('Escape');
      await details.locator('.title button').last().click();
    });
  }
  await steps.step('a picture of the palette in the other theme', async () => {
    await workbench.command(words.stop);
    await page.locator('.statusbar-item[id*="httpTrace"] .codicon-debug-stop').waitFor();
    await takePalette('light');
  });
}
